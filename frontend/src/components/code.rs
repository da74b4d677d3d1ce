//! Texts of configuration: plain, with marked lines, compared.

use sycamore::prelude::*;

use wasm_bindgen::JsCast as _;

use crate::{
    dom,
    model::{
        beside::Row,
        diff::{self, Line},
    },
};

/// A text with numbered lines.
pub(crate) fn text(id: &'static str, label: &'static str, body: &str) -> View {
    let lines: Vec<View> = body
        .lines()
        .map(|line| {
            let content = coloured(line);
            view! { span { (content) } }
        })
        .collect();
    view! { div(class="code lines", data-testid=id, tabindex="0", role="region", aria-label=label) { (lines) } }
}

/// A short text for the terminal, whole.
pub(crate) fn plain(id: &'static str, label: &'static str, body: &str) -> View {
    let lines: Vec<View> = body
        .lines()
        .map(|line| {
            let line = if line.is_empty() { " ".to_owned() } else { line.to_owned() };
            view! { span { (line) } }
        })
        .collect();
    view! { div(class="code", data-testid=id, tabindex="0", role="region", aria-label=label) { (lines) } }
}

/// Lines of a comparison in one column.
pub(crate) fn lines(label: &'static str, lines: &[Line]) -> View {
    let lines: Vec<View> = lines
        .iter()
        .map(|line| {
            let class = line.mark.class();
            let text = line.text.clone();
            view! { span(class=class) { (text) } }
        })
        .collect();
    view! { div(class="code", tabindex="0", role="region", aria-label=label) { (lines) } }
}

/// What changed between two texts.
pub(crate) fn changes(label: &'static str, old: &str, new: &str) -> View {
    lines(label, &diff::signed(diff::unified(old, new, 3)))
}

/// What a collector should run beside what it runs, each under its head. They scroll as one, and a line that is too long goes
/// on below itself on its side alone: what belongs together stands at one height.
pub(crate) fn beside(rows: &[Row], (desired_head, effective_head): (View, View)) -> View {
    let node = create_node_ref();
    // The rows that both sides share: the heads, and the lines.
    let shared = rows.len() + 1;
    on_mount(move || {
        if let Some(pair) = node.try_get().and_then(|node| node.dyn_into::<web_sys::HtmlElement>().ok()) {
            dom::set_style(&pair, "--rows", &shared.to_string());
            // What is marked is what one came for. In one column each side scrolls by itself.
            dom::reveal(&pair, ".m");
            dom::each(&pair, ".code", |side| dom::reveal(side, ".m"));
        }
    });
    let desired = side("desired", "What it should run", rows, |row| &row.desired);
    let effective = side("effective", "What it runs", rows, |row| &row.effective);
    view! {
        div(r#ref=node, class="pair rows", data-testid="beside") {
            div { div(class="pair-head") { (desired_head) } (desired) }
            div { div(class="pair-head") { (effective_head) } (effective) }
        }
    }
}

/// One side of a comparison. `of` is its line of a row.
fn side(id: &'static str, label: &'static str, rows: &[Row], of: fn(&Row) -> &Option<String>) -> View {
    let lines: Vec<View> = rows
        .iter()
        .map(|row| {
            let class = match (of(row), row.is_marked) {
                (Some(_), false) => "",
                (Some(_), true) => "m",
                (None, false) => "e",
                (None, true) => "e m",
            };
            let content = coloured(of(row).as_deref().unwrap_or_default());
            view! { span(class=class) { (content) } }
        })
        .collect();
    view! { div(class="code", data-testid=id, tabindex="0", role="region", aria-label=label) { (lines) } }
}

/// A line with its key, or its comment, in another colour; right for YAML and Alloy alike.
fn coloured(line: &str) -> View {
    let trimmed = line.trim_start();
    if line.is_empty() {
        return view! { " " };
    }
    if trimmed.starts_with('#') || trimmed.starts_with("//") {
        let line = line.to_owned();
        return view! { i { (line) } };
    }
    let start = line.len() - trimmed.len() + if trimmed.starts_with("- ") { 2 } else { 0 };
    let is_key = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let rest = line.get(start..).unwrap_or_default();
    let length = rest.find(|c| !is_key(c)).unwrap_or(rest.len());
    let after = rest.get(length..).unwrap_or_default();
    if length > 0 && (after.starts_with(':') || after.trim_start().starts_with(['=', '{']) || after.starts_with(" \""))
    {
        let (before, key, after) = (
            line.get(..start).unwrap_or_default().to_owned(),
            rest.get(..length).unwrap_or_default().to_owned(),
            after.to_owned(),
        );
        return view! { (before) b { (key) } (after) };
    }
    let line = line.to_owned();
    view! { (line) }
}
