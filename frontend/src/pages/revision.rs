//! One commit: what it changed, and bringing it back.

use std::{collections::BTreeMap, rc::Rc};

use linkmesh_proto::{
    Revision,
    api::revision::{FileDiff, Restore, Restored, RevisionDiff, RevisionSummary},
};
use sycamore::prelude::*;

use crate::{
    app::App,
    components::{
        bits, code,
        dialog::confirm_in_words,
        loading::{self, Loader, Tasks, copy_button},
    },
    model::{
        diff,
        filter::encode,
        format,
        status::{Label, Tone},
        undo,
    },
    nav,
};

/// The page.
pub(super) fn view(app: App, sha: &str) -> View {
    let path = format!("/revisions/{}", encode(sha));
    let loader = {
        let path = path.clone();
        Loader::new(move || {
            let path = path.clone();
            async move {
                let commit = app.api.get::<RevisionSummary>(&path).await?;
                let diff = app.api.get::<RevisionDiff>(&format!("{path}/diff")).await?;
                Ok((commit, diff))
            }
        })
    };
    let content = loader.show(loading::card_skeleton, move |loaded| {
        let (commit, diff) = loaded.get_clone_untracked();
        page(app, &path, &commit, &diff)
    });
    view! { div(data-testid="revision") { (content) } }
}

fn page(app: App, path: &str, commit: &RevisionSummary, diff: &RevisionDiff) -> View {
    super::set_title(&commit.message);
    let restoring = create_signal(None::<What>);
    let asking = create_signal(false);
    let tasks = Tasks::here();
    let restore = {
        let here = path.to_owned();
        move || {
            let Some(what) = restoring.get_clone_untracked() else { return };
            let (path, paths) = match what {
                What::Everything => (here.clone(), None),
                What::File(path) => (here.clone(), Some(vec![path])),
                What::Before(parent, paths) => (format!("/revisions/{parent}"), Some(paths)),
            };
            tasks.spawn(async move {
                match app.api.post::<Restored>(&format!("{path}/restore"), &Restore { paths }).await {
                    Ok(answer) => {
                        let restored = answer.value;
                        if restored.paths.is_empty() {
                            app.say("Nothing differs from what is in force: there is nothing to restore.");
                            return;
                        }
                        let files = format::counted(restored.paths.len() as u64, "file", "files");
                        let collectors = format::counted(restored.affected, "collector gets", "collectors get");
                        app.say(format!("Restored {files} with a new commit. {collectors} another config."));
                        nav::go(&format!("/history/{}", restored.revision));
                    }
                    Err(error) => app.complain(&error),
                }
            });
        }
    };
    let may = app.may("revisions:restore");
    let ask = move |what: What| {
        restoring.set(Some(what));
        asking.set(true);
    };
    let files: Vec<View> = diff.files.iter().map(|file| self::file(file, &commit.names, may, ask)).collect();
    let empty = files.is_empty();
    let more: View = if diff.more > 0 {
        let files = format::counted(diff.more, "more file", "more files");
        view! { p(class="dim") { (files) " changed and are not shown here." } }
    } else {
        View::new()
    };
    let (author, when, full) = (commit.author.clone(), bits::ago(Some(commit.at)), commit.sha.to_string());
    let copied = full.clone();
    let request: View = match &commit.request_id {
        Some(id) => {
            let id = id.to_string();
            view! { dt { "Request" } dd(class="mono") { (id) } }
        }
        None => View::new(),
    };
    let parent: View = match &commit.parent {
        Some(parent) => {
            let (href, parent) = (format!("/history/{parent}"), parent.to_string());
            view! { dt { "Before it" } dd(class="mono") { a(class="link", href=href) { (parent) } } }
        }
        None => View::new(),
    };
    let undo: View = match undo::of(commit, &diff.files).filter(|_| may && diff.more == 0) {
        Some((parent, paths)) => {
            view! { button(r#type="button", class="btn", data-testid="undo", on:click=move |_| ask(What::Before(parent, paths.clone()))) { "Undo this commit" } }
        }
        None => View::new(),
    };
    let action: View = if may {
        view! { (undo) button(r#type="button", class="btn", data-testid="restore", on:click=move |_| ask(What::Everything)) { "Restore everything as of here" } }
    } else {
        View::new()
    };
    let message = commit.message.clone();
    let head = bits::head(Some(("/history", "History")), view! { (message) }, view! { (author) " · " (when) }, action);
    let copy = copy_button("the commit", move || copied.clone());
    let (diffs, names) = (diff.files.clone(), commit.names.clone());
    let words = move || {
        let (paths, to_before) = match restoring.get_clone_untracked() {
            Some(What::Before(_, paths)) => (paths, true),
            Some(What::File(path)) => (vec![path], false),
            Some(What::Everything) | None => (Vec::new(), false),
        };
        let gone = undo::deletes(&diffs, &paths, to_before);
        let kept: Vec<String> = paths.iter().filter(|path| !gone.contains(path)).cloned().collect();
        let (side, word) = match (to_before, gone.is_empty()) {
            (true, true) => ("right before this commit. What was changed there since goes too", "Undo"),
            (true, false) => ("right before this commit. What was changed there since goes too", "Undo and delete"),
            (false, true) => ("right after this commit", "Restore"),
            (false, false) => ("right after this commit", "Delete"),
        };
        let deleted: View = if gone.is_empty() {
            View::new()
        } else {
            let called = |path: String| names.get(&path).map(|name| format!("{name} ({path})")).unwrap_or(path);
            let text = format!("{} deleted.", files_are(&gone.into_iter().map(called).collect::<Vec<_>>()));
            bits::note(
                Tone::Warn,
                view! { b { (text) } " " (if to_before { "This commit made it." } else { "This commit deleted it." }) },
            )
        };
        let text = if paths.is_empty() {
            "All pipelines and destinations are brought back to what they were right after this commit; those that were made later are deleted.".to_owned()
        } else if kept.is_empty() {
            String::new()
        } else {
            format!("{} brought back to what stood {side}.", files_are(&kept))
        };
        let view = view! { (deleted) p { (text) } p { "This makes a new commit: nothing is lost, and it can be undone the same way. Collectors get what comes of it at once." } };
        (view, word)
    };
    let sure = confirm_in_words(asking, "Restore?", Rc::new(words), Rc::new(restore));
    view! {
        (head)
        div(class="stack") {
            div(class="card") { div(class="card-body") { dl(class="facts") {
                dt { "Commit" } dd(class="mono") { (full) " " (copy) }
                (parent)
                (request)
            } } }
            (if empty {
                bits::state("empty", "history", view! { "No file changed" }, view! { "The commit changed nothing that LinkMesh shows." }, View::new())
            } else {
                View::new()
            })
            (files)
            (more)
        }
        (sure)
    }
}

/// What is to be brought back.
#[derive(Clone)]
enum What {
    /// Every pipeline and destination, to what it was right after the commit.
    Everything,
    /// One file, to the same.
    File(String),
    /// The commit's files, to what they were at the commit before it.
    Before(Revision, Vec<String>),
}

fn files_are(paths: &[String]) -> String {
    match paths {
        [one] => format!("{one} is"),
        paths if paths.len() <= 5 => format!("{} are", format::list(paths)),
        paths => format!("{} are", format::counted(paths.len() as u64, "file", "files")),
    }
}

fn file(file: &FileDiff, names: &BTreeMap<String, String>, may: bool, ask: impl Fn(What) + 'static) -> View {
    let (path, asked) = (file.path.clone(), file.path.clone());
    let label = match file.change.as_str() {
        "added" => Label { word: "added", tone: Tone::Ok },
        "deleted" => Label { word: "deleted", tone: Tone::Bad },
        _ => Label { word: "changed", tone: Tone::Busy },
    };
    let href = path
        .strip_suffix(".yaml")
        .filter(|path| {
            path.starts_with("pipelines/") || path.starts_with("destinations/") || path.starts_with("collectors/")
        })
        .map(|path| format!("/{path}"));
    let called = names.get(&path).cloned().unwrap_or_default();
    let name: View = match href {
        Some(href) if file.change != "deleted" => view! { a(class="link mono", href=href) { (path) } },
        _ => view! { span(class="mono") { (path) } },
    };
    let lines: View = match file.left_out.as_deref() {
        None => code::lines("Changes", &diff::patch(&file.patch)),
        Some(reason) => {
            let words = match reason {
                "no_document" => "This is no document of LinkMesh, which does not read it.",
                "too_large" => "It is larger than any document, so it is not read.",
                _ => "The files above are as much as is shown of one commit.",
            };
            view! { p(class="dim") { (words) } }
        }
    };
    let tag = bits::tag(label);
    let is_document = file.left_out.as_deref() != Some("no_document");
    let button: View = if may && is_document {
        view! { button(r#type="button", class="btn small", on:click=move |_| ask(What::File(asked.clone()))) { "Restore this file" } }
    } else {
        View::new()
    };
    view! {
        div(class="file", data-testid="file-diff") {
            div(class="file-head") { (name) span(class="grow") { (called) } (tag) (button) }
            (lines)
        }
    }
}
