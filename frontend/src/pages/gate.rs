//! Before the page: setting up the first administrator, signing in, and signing in again.

use linkmesh_proto::api::session::{Session, Setup, SignIn};
use sycamore::prelude::*;

use crate::{
    api::ApiError,
    app::App,
    components::{bits, dialog::dialog, field::new_id, icons::brand, loading::Tasks},
    dom,
    model::status::Tone,
    nav,
};

/// The least number of characters of a password.
const PASSWORD_LENGTH: usize = 12;

fn line(
    label: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
    value: Signal<String>,
    help: &'static str,
) -> View {
    let id = new_id();
    let label_for = id.clone();
    let help: View = if help.is_empty() {
        View::new()
    } else {
        view! { small { (help) } }
    };
    view! {
        div(class="field") {
            label(r#for=label_for) { (label) }
            input(id=id, r#type=kind, autocomplete=autocomplete, required=true, on:input=move |event: web_sys::Event| value.set(dom::value(&event)))
            (help)
        }
    }
}

fn refused(error: Signal<Option<ApiError>>) -> View {
    view! {
        (match error.get_clone() {
            Some(error) => {
                // A wrong password is no call to sign in: what is wrong is in the detail.
                let (title, detail) = (error.title(), error.detail_beside_fields());
                let title = if error.status() == 401 { View::new() } else { view! { b { (title) } } };
                let fields: Vec<View> = error.fields().into_iter().map(|problem| view! { div { (problem.message.clone()) } }).collect();
                bits::note(Tone::Bad, view! { (title) div { (detail) } (fields) })
            }
            None => View::new(),
        })
    }
}

fn card(id: &'static str, title: &'static str, sub: &'static str, content: View) -> View {
    let brand = brand();
    view! {
        main(class="gate", id="main", tabindex="-1") {
            div(class="card gate-card", data-testid=id) {
                (brand)
                h1 { (title) }
                p(class="sub") { (sub) }
                (content)
            }
        }
    }
}

fn submit(busy: Signal<bool>, word: &'static str) -> View {
    view! { button(r#type="submit", class="btn go", disabled=busy.get()) { (if busy.get() { "Working …" } else { word }) } }
}

/// The first administrator, by the link that the server prints.
pub(super) fn setup(app: App) -> View {
    let token =
        dom::query_pairs().into_iter().find(|(key, _)| key == "token").map(|(_, token)| token).unwrap_or_default();
    let (name, email, password) =
        (create_signal(String::new()), create_signal(String::new()), create_signal(String::new()));
    let (busy, error, short) = (create_signal(false), create_signal(None::<ApiError>), create_signal(false));
    let tasks = Tasks::here();
    if token.is_empty() {
        let text = view! {
            p { "The link to this page holds a token, which this address lacks. Open the link that the server printed when it started; a restart prints a new one." }
        };
        return card("setup", "Set up LinkMesh", "", bits::note(Tone::Warn, text));
    }
    let done = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let long_enough = password.with_untracked(|password| password.chars().count() >= PASSWORD_LENGTH);
        short.set(!long_enough);
        error.set(None);
        if !long_enough || busy.replace(true) {
            return;
        }
        let body = Setup {
            setup_token: token.clone(),
            email: email.get_clone_untracked().trim().to_owned(),
            name: name.get_clone_untracked().trim().to_owned(),
            password: password.get_clone_untracked(),
        };
        tasks.spawn(async move {
            match app.api.post::<Session>("/setup", &body).await {
                Ok(session) => {
                    app.welcome(session.value);
                    nav::replace("/");
                }
                Err(refused) => {
                    error.set(Some(refused));
                    busy.set(false);
                }
            }
        });
    };
    let name = line("Name", "text", "name", name, "");
    let email = line("E-mail", "email", "username", email, "");
    let password = line("Password", "password", "new-password", password, "12 characters or more.");
    let (refused, submit) = (refused(error), submit(busy, "Create the administrator"));
    let content = view! {
        form(on:submit=done) {
            (name) (email) (password)
            (if short.get() { bits::note(Tone::Bad, view! { "The password needs 12 characters or more." }) } else { View::new() })
            (refused)
            (if error.with(|error| error.as_ref().is_some_and(|error| error.status() == 410)) {
                view! { a(class="btn", href="/") { "Sign in" } }
            } else {
                View::new()
            })
            (submit)
        }
    };
    card(
        "setup",
        "Set up LinkMesh",
        "Create the administrator. No other people can be added yet; programs get tokens by linkmesh admin token.",
        content,
    )
}

/// A form that signs in and hands the session over.
fn sign_in_form(app: App) -> View {
    let (email, password) = (create_signal(String::new()), create_signal(String::new()));
    let (busy, error) = (create_signal(false), create_signal(None::<ApiError>));
    let tasks = Tasks::here();
    let done = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if busy.replace(true) {
            return;
        }
        error.set(None);
        let body =
            SignIn { email: email.get_clone_untracked().trim().to_owned(), password: password.get_clone_untracked() };
        tasks.spawn(async move {
            let result = app.api.post::<Session>("/session", &body).await;
            busy.set(false);
            match result {
                Ok(session) => app.welcome(session.value),
                Err(refused) => error.set(Some(refused)),
            }
        });
    };
    // Over a page that is kept there may be other forms.
    on_mount(|| dom::focus("[data-testid=sign-in] input"));
    let email = line("E-mail", "email", "username", email, "");
    let password = line("Password", "password", "current-password", password, "");
    let (refused, submit) = (refused(error), submit(busy, "Sign in"));
    view! {
        form(on:submit=done) {
            (email) (password) (refused) (submit)
        }
    }
}

/// Signing in.
pub(super) fn sign_in(app: App) -> View {
    let form = sign_in_form(app);
    card("sign-in", "Sign in", "First start? Open the setup link that the server printed.", form)
}

/// Signing in again over a page that is kept as it is.
pub(super) fn expired(app: App) -> View {
    dialog(app.api.expired, "", "Sign in again", move || {
        let form = sign_in_form(app);
        view! {
            div(class="dialog-head") { h2 { "Your session has ended" } }
            div(class="dialog-body") { p { "Sign in again; what you were doing is kept." } }
            div(data-testid="sign-in") { (form) }
        }
    })
}
