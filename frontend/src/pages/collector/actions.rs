//! What can be done with a collector: restart, retry, another token, deregister.

use linkmesh_proto::api::collector::{Collector, CollectorStatus, ConfigState, NewToken, Runtime};
use sycamore::prelude::*;

use crate::{
    api::When,
    app::App,
    components::{
        bits, code,
        dialog::{confirm, dialog},
        loading::{Tasks, copy_button},
    },
    model::status::Tone,
};

pub(super) fn buttons(app: App, path: &str, collector: ReadSignal<Collector>) -> View {
    let tasks = Tasks::here();
    let (restarting, leaving, re_keying) = (create_signal(false), create_signal(false), create_signal(false));
    let token = create_signal(None::<String>);
    let has_token = create_signal(false);
    let gone = create_selector(move || collector.with(|c| c.status == CollectorStatus::Deregistered));
    let failed = create_selector(move || collector.with(|c| c.config_state == ConfigState::Failed));
    let can_restart = create_selector(move || collector.with(|c| c.can_restart));
    let runtime = collector.with_untracked(|c| c.runtime);
    let ask = {
        let path = path.to_owned();
        move |what: &'static str, said: &'static str| {
            let path = format!("{path}/{what}");
            tasks.spawn(async move {
                match app.api.ask(&path).await {
                    Ok(()) => app.say(said),
                    Err(error) => app.complain(&error),
                }
            });
        }
    };
    let (retry, restart) = (ask.clone(), ask);
    let new_token = {
        let path = format!("{path}/token");
        move || {
            let path = path.clone();
            tasks.spawn(async move {
                match app.api.post::<NewToken>(&path, &serde_json::json!({})).await {
                    Ok(answer) => {
                        token.set(Some(answer.value.token));
                        has_token.set(true);
                    }
                    Err(error) => app.complain(&error),
                }
            });
        }
    };
    let end_old = {
        let path = format!("{path}/token/previous");
        move || {
            let path = path.clone();
            tasks.spawn(async move {
                match app.api.delete(&path, When::Always).await {
                    Ok(()) => {
                        has_token.set(false);
                        app.say("The old token is dead.");
                    }
                    Err(error) => app.complain(&error),
                }
            });
        }
    };
    let deregister = {
        let path = path.to_owned();
        move || {
            let path = path.clone();
            tasks.spawn(async move {
                match app.api.delete(&path, When::Always).await {
                    Ok(()) => {
                        app.say("Deregistered.");
                        crate::nav::go("/collectors");
                    }
                    Err(error) => app.complain(&error),
                }
            });
        }
    };
    let confirm_restart = confirm(
        restarting,
        "Restart this collector?",
        || view! { p { "The supervisor stops the collector and starts it again. Records that it holds in memory may be lost." } },
        "Restart",
        move || restart("restart", "Asked to restart."),
    );
    let end_older = end_old.clone();
    let confirm_token = confirm(
        re_keying,
        "Issue a new token?",
        move || {
            let end_older = end_older.clone();
            view! {
                p { "The old token stays valid, so that nothing breaks while you write the new one to the host. It ends when you end it, or 7 days after a fresh process first used the new one." }
                p { "Is one still alive that an earlier token replaced?" }
                div {
                    button(r#type="button", class="btn small danger", on:click=move |_| {
                        re_keying.set(false);
                        end_older();
                    }) { "End the old token" }
                }
            }
        },
        "Issue",
        new_token,
    );
    let confirm_leave =
        confirm(leaving, "Deregister this collector?", move || deregister_text(runtime), "Deregister", deregister);
    let token_dialog = dialog(has_token, "", "New token", move || {
        let text = token.get_clone_untracked().unwrap_or_default();
        let shown = code::plain("new-token", "Token", &text);
        let copy = copy_button("the token", move || text.clone());
        let end_old = end_old.clone();
        let once = bits::note(
            Tone::Warn,
            view! { "It is shown this once. Write it to the host's token file, then restart the collector there." },
        );
        view! {
            div(class="dialog-head") { h2 { "The new token" } }
            div(class="dialog-body") {
                (once)
                div(class="file") { div(class="file-head") { span(class="grow") { "Token" } (copy) } (shown) }
            }
            div(class="dialog-foot") {
                button(r#type="button", class="btn danger", on:click=move |_| end_old()) { "End the old one now" }
                button(r#type="button", class="btn go", on:click=move |_| has_token.set(false)) { "Done" }
            }
        }
    });
    view! {
        (if gone.get() || !app.may("collectors:write") && !app.may("collectors:restart") {
            View::new()
        } else {
            let retry = retry.clone();
            view! {
                (if failed.get() {
                    let retry = retry.clone();
                    view! { button(r#type="button", class="btn go", title="Offer the same configuration once more", on:click=move |_| retry("retry", "Offered once more.")) { "Retry" } }
                } else {
                    View::new()
                })
                (if can_restart.get() { view! { button(r#type="button", class="btn", on:click=move |_| restarting.set(true)) { "Restart" } } } else { View::new() })
                (if app.may("collectors:write") {
                    view! {
                        button(r#type="button", class="btn", on:click=move |_| re_keying.set(true)) { "New token" }
                        button(r#type="button", class="btn danger", on:click=move |_| leaving.set(true)) { "Deregister" }
                    }
                } else {
                    View::new()
                })
            }
        })
        (confirm_restart)
        (confirm_token)
        (confirm_leave)
        (token_dialog)
    }
}

fn deregister_text(runtime: Runtime) -> View {
    let special: View = match runtime {
        Runtime::Alloy => view! {
            (bits::note(Tone::Warn, view! { "This Alloy will not start again, its local pipelines included, until the remotecfg block is removed from its file." }))
        },
        Runtime::Otelcol => View::new(),
    };
    view! {
        p { "Its token dies at once and its connection is closed. It keeps running its last configuration until it is stopped on its host." }
        (special)
        p { "It stays in the list of deregistered collectors for 30 days." }
    }
}
