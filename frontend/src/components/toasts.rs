//! Messages in the corner.

use sycamore::prelude::*;

use super::icons::icon;
use crate::app::{App, Toast};

/// The corner.
pub(crate) fn view(app: App) -> View {
    let one = move |toast: Toast| {
        let Toast { id, text, bad } = toast;
        let class = if bad { "toast bad" } else { "toast" };
        let close = move |_| app.toasts.update(|toasts| toasts.retain(|toast| toast.id != id));
        let sign = icon("x");
        view! {
            div(class=class, data-testid="toast") {
                span(class="grow") { (text) }
                button(r#type="button", class="btn icon small bare", aria-label="Dismiss", on:click=close) { (sign) }
            }
        }
    };
    view! {
        div(class="toasts", role="status", aria-live="polite") {
            Keyed(list=app.toasts, view=one, key=|toast| toast.id)
        }
    }
}
