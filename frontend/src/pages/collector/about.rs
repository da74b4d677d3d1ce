//! Who a collector is: its name, the labels that the operator and enrolment gave it, and what matchers see.

use std::{collections::BTreeMap, rc::Rc};

use linkmesh_proto::api::collector::{
    Collector, CollectorPatch, CollectorPreview, CollectorStatus, NamedPipeline, Runtime,
};
use serde::{Deserialize, Serialize};
use sycamore::prelude::*;

use crate::{
    See as _,
    api::{Tagged, When},
    app::App,
    components::{
        bits,
        field::{Form, fixed, new_id, problem},
        loading::{Loader, Tasks, insist},
        pairs,
        saving::{Document, Editor, Saved, Saving},
    },
    dom,
    model::{
        format,
        status::{Tone, program, stability_name},
    },
    nav,
};

/// What the operator says of a collector: its document in the config repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Own {
    name: String,
    labels: BTreeMap<String, String>,
}

impl Document for Own {
    type Shown = Collector;

    fn of(shown: Collector) -> Self {
        Self { name: shown.name, labels: shown.operator_labels }
    }
}

/// The editor of name and labels. It outlives the tab that shows it, and so does what was typed. `Copy`, so that closures
/// may hold it.
#[derive(Clone, Copy)]
pub(super) struct About {
    app: App,
    collector: ReadSignal<Collector>,
    editor: Editor<Own>,
}

impl About {
    pub(super) fn new(
        app: App,
        path: &str,
        collector: ReadSignal<Collector>,
        loader: Loader<Tagged<Collector>>,
    ) -> Self {
        let own = create_selector(move || collector.with(|collector| Own::of(collector.clone())));
        let etag = loader.data().with_untracked(|data| data.as_ref().and_then(|data| data.etag.clone()));
        let editor = Editor::new(own.get_clone_untracked(), etag, Rc::new(|document| document));
        nav::guard(editor.dirty());
        let (tasks, turns) = (Tasks::here(), create_signal(0_u32));
        let path = path.to_owned();
        create_effect(move || {
            // The feed brings the row and not its version, which the next save must name.
            if own.with(|own| editor.base.with_untracked(|base| own == base)) {
                return;
            }
            let path = path.clone();
            let turn = turns.get_untracked() + 1;
            turns.set_silent(turn);
            tasks.spawn(async move {
                let goes_on = move || turns.get_untracked() == turn;
                if let Some(Ok(now)) = insist(|| app.api.get_tagged::<Collector>(&path), goes_on).await
                    && goes_on()
                {
                    editor.arrived(Own::of(now.value), now.etag);
                }
            });
        });
        Self { app, collector, editor }
    }

    /// The dialogs of saving. They stand outside of the tab, which may be built anew while they are open.
    pub(super) fn dialogs(self, path: &str, loader: Loader<Tagged<Collector>>) -> View {
        let (app, path_of_preview) = (self.app, path);
        let path = path.to_owned();
        let how = move |document: Own, when: Option<When>| -> Saving<Own> {
            let path = path.clone();
            Box::pin(async move {
                let patch = patch(&document);
                let saved = app.api.patch::<Collector>(&path, &patch, when.unwrap_or(When::Always)).await?;
                loader.update(|known| *known = saved.clone());
                Ok(Saved {
                    document: Own::of(saved.value),
                    etag: saved.etag,
                    href: path,
                    revision: String::new(),
                    said: "Saved. Pipelines follow the labels.".to_owned(),
                    warnings: Vec::new(),
                })
            })
        };
        let editor = self.editor;
        let preview = format!("{path_of_preview}/preview");
        self.editor.dialogs(move || outlook(app, &preview, &editor.document.get_clone_untracked()), how, |_, _| {})
    }

    /// The tab.
    pub(super) fn view(self) -> View {
        let collector = self.collector;
        let attributes = create_selector(move || collector.with(|c| c.attributes.clone()));
        let rebuilt = self.editor.rebuilt;
        // Of an otelcol it says nothing.
        let level: View = if collector.with_untracked(|c| c.runtime == Runtime::Alloy) {
            view! { dt { "Stability level" } dd { (collector.with(|c| stability_name(c.stability))) } }
        } else {
            View::new()
        };
        view! {
            div(class="cols even card-body") {
                div(class="stack") {
                    dl(class="facts") {
                        dt { "Id" } dd(class="mono") { (collector.with(|c| c.id.to_string())) }
                        dt { "Program" } dd { (collector.with(|c| program(c.runtime, c.version.as_deref()))) }
                        dt { "Instance" } dd(class="mono") { (collector.with(|c| c.instance_uid.clone().unwrap_or_else(|| "not reported".to_owned()))) }
                        (level)
                        dt { "Address" } dd(class="mono") { (collector.with(|c| c.address.clone().unwrap_or_else(|| "unknown".to_owned()))) }
                    }
                    (self.enrolment())
                    (rebuilt.see(|_| self.form()))
                }
                div(class="scroll") {
                    table {
                        thead { tr { th { "Attribute" } th { "Value, as matchers see it" } } }
                        tbody {
                            (attributes.see(|attributes| attributes.iter().map(|(name, value)| {
                                let (name, value) = (name.clone(), value.clone());
                                view! { tr { td(class="wrap mono") { (name) } td(class="wrap mono") { (value) } } }
                            }).collect::<Vec<View>>()))
                        }
                    }
                }
            }
        }
    }

    /// What the enrolment token brought and no label of the operator's hides.
    fn enrolment(self) -> View {
        let collector = self.collector;
        let given = create_selector(move || {
            collector.with(|c| {
                let is_enrolments = |(name, _): &(&String, &String)| !c.operator_labels.contains_key(*name);
                c.labels
                    .iter()
                    .filter(is_enrolments)
                    .map(|(name, value)| format!("{name} = {value}"))
                    .collect::<Vec<_>>()
            })
        });
        view! {
            (given.see(|given| {
                if given.is_empty() {
                    return View::new();
                }
                let labels: Vec<View> = given.iter().cloned().map(|label| view! { span(class="tag off mono") { (label) } }).collect();
                view! {
                    div(class="field", data-testid="enrolment-labels") {
                        span(class="label") { "Labels by enrolment" }
                        div(class="checks") { (labels) }
                        small { "They came with the enrolment token and stay. A label of the same name below wins over one." }
                    }
                }
            }))
        }
    }

    fn form(self) -> View {
        let is_gone = self.collector.with_untracked(|c| c.status == CollectorStatus::Deregistered);
        if is_gone || !self.app.may("collectors:write") {
            return View::new();
        }
        let editor = self.editor;
        let Own { name, labels } = editor.document.get_clone_untracked();
        let form = Form { problems: *editor.problems, locked: false };
        let rows = pairs::labels(&labels, move |labels| editor.document.update(|own| own.labels = labels));
        let id = new_id();
        let label_for = id.clone();
        let actions = editor.actions(View::new(), || false, move || editor.review());
        let meanwhile = editor.meanwhile("this collector", None);
        let [at_name, at_labels] = ["name", "labels"].map(|path| problem(form, fixed(path), true));
        view! {
            div(class="form") {
                (meanwhile)
                div(class="field") {
                    label(r#for=label_for) { "Name" }
                    input(id=id, r#type="text", value=name, on:input=move |event: web_sys::Event| {
                        let text = dom::value(&event);
                        editor.document.update(|own| own.name = text);
                    })
                    (at_name)
                }
                div(class="field", role="group", aria-label="Labels") {
                    span(class="label") { "Labels" }
                    (rows)
                    small { "Labels win over what the collector reports; collector.* is the server's. Matchers see both." }
                    (at_labels)
                }
                div(class="wait") { (actions) }
            }
        }
    }
}

fn patch(Own { name, labels }: &Own) -> CollectorPatch {
    CollectorPatch { name: Some(name.trim().to_owned()), labels: Some(labels.clone()) }
}

/// Which pipelines come and go by the change, before it is saved.
fn outlook(app: App, path: &str, own: &Own) -> View {
    let (path, patch) = (path.to_owned(), patch(own));
    let loader = Loader::new(move || {
        let (path, patch) = (path.clone(), patch.clone());
        async move { app.api.post::<CollectorPreview>(&path, &patch).await.map(|answer| answer.value) }
    });
    let content = loader.show(
        || view! { p(class="sub", role="status") { "Looking which pipelines come and go …" } },
        |preview| {
            view! { (preview.see(|CollectorPreview { gains, loses, withheld }| {
                if gains.is_empty() && loses.is_empty() {
                    return bits::note(Tone::Busy, view! { "It keeps its pipelines: none comes or goes by this." });
                }
                let (gained, lost) = (named("It gains ", gains), named("It loses ", loses));
                let tone = if loses.is_empty() && withheld.is_none() { Tone::Busy } else { Tone::Warn };
                let why = withheld.clone().map(|why| format!("Its configuration would be withheld: {why}.")).unwrap_or_default();
                bits::note(tone, view! { (gained) (lost) b { (why) } })
            })) }
        },
    );
    view! { div(data-testid="outlook") { (content) } }
}

fn named(word: &'static str, pipelines: &[NamedPipeline]) -> View {
    if pipelines.is_empty() {
        return View::new();
    }
    let ids = pipelines.iter().map(|pipeline| pipeline.id.to_string()).collect::<Vec<_>>().join(", ");
    let names = format::list(&pipelines.iter().map(|pipeline| pipeline.name.clone()).collect::<Vec<_>>());
    view! { div { (word) b(title=ids) { (names) } "." } }
}
