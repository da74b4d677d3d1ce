//! Icons: 16 by 16, one stroke, coloured as the text around them.

use sycamore::{prelude::*, web::tags};

/// The path of an icon; a small ring for names that do not exist.
const fn path(name: &str) -> &'static str {
    match name.as_bytes() {
        b"overview" => "M2 9h4V2H2zM10 14h4V7h-4zM2 14h4v-2H2zM10 4h4V2h-4z",
        b"collectors" => "M2 2.5h12V7H2zM2 9h12v4.5H2zM4.5 4.8h.1M4.5 11.2h.1",
        b"pipelines" => "M1.5 8h3l2-4 3 8 2-4h3",
        b"destinations" => "M3 8h9M9 5l3 3-3 3",
        b"history" => "M8 2.5a5.5 5.5 0 1 1-5 3.2M3 2.5v3.2h3.2M8 5v3.2l2 1.4",
        b"menu" => "M2 4h12M2 8h12M2 12h12",
        b"moon" => "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z",
        b"sun" => {
            "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1"
        }
        b"leave" => "M6 2.5H2.5v11H6M6.5 8H14M11 5l3 3-3 3",
        b"warn" => "M8 2 1.5 13.5h13zM8 6.5v3M8 11.6v.1",
        b"ok" => "M2.5 8.5 6 12l7.5-8",
        b"x" => "M3.5 3.5l9 9M12.5 3.5l-9 9",
        b"up" => "M8 13V3M4 7l4-4 4 4",
        b"down" => "M8 3v10M4 9l4 4 4-4",
        b"copy" => "M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1",
        b"lock" => "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
        b"info" => "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8 7.5v3M8 5.3v.1",
        b"plus" => "M8 3v10M3 8h10",
        _ => "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
    }
}

/// An icon; read out by nobody, since a word stands beside it.
pub(crate) fn icon(name: &'static str) -> View {
    tags::svg()
        .attr("class", "ic")
        .attr("viewBox", "0 0 16 16")
        .attr("aria-hidden", "true")
        .children(View::from(tags::path().attr("d", path(name))))
        .into()
}

/// The sign of LinkMesh with its name.
pub(crate) fn brand() -> View {
    let sign = tags::svg().attr("viewBox", "0 0 24 24").attr("aria-hidden", "true").children(View::from(
        tags::path().attr("d", "M2.5 6a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0zM2.5 18a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0zM16.5 12a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0zM7.4 7 16.6 11M7.4 17l9.2-4"),
    ));
    let sign: View = sign.into();
    view! { a(class="brand", href="/") { (sign) "LinkMesh" } }
}
