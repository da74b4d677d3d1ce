//! Rates over time as a small line.

use sycamore::{prelude::*, web::tags};

/// A line over its ground, from the oldest value to the newest; says so where there is none.
pub(crate) fn spark(values: &[f64], class: &'static str, label: String) -> View {
    // One value held for as long as it is known: a level line.
    let values = match values {
        [] => return view! { span(class="dim") { "no data" } },
        [only] => &[*only, *only],
        values => values,
    };
    let (width, height) = (84.0, 22.0);
    let top = values.iter().copied().fold(0.0_f64, f64::max).max(f64::MIN_POSITIVE);
    let step = width / (values.len() - 1) as f64;
    let mut line = format!("M0 {height}");
    for (index, value) in values.iter().enumerate() {
        line.push_str(&format!("L{:.1} {:.1}", index as f64 * step, height - 1.0 - value / top * (height - 3.0)));
    }
    line.push_str(&format!("L{width} {height}z"));
    tags::svg()
        .attr("class", class)
        .attr("viewBox", "0 0 84 22")
        .attr("preserveAspectRatio", "none")
        .attr("role", "img")
        .attr("aria-label", label)
        .children(View::from(tags::path().attr("d", line).attr("vector-effect", "non-scaling-stroke")))
        .into()
}

/// Parts of a whole as one bar; the legend beside it carries the words.
pub(crate) fn split(parts: &[(&'static str, u64)]) -> View {
    let total: u64 = parts.iter().map(|(_, count)| count).sum();
    let mut at = 0.0;
    let bars: Vec<View> = parts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(class, count)| {
            let width = *count as f64 / total.max(1) as f64 * 100.0;
            let bar = tags::rect()
                .attr("class", *class)
                .attr("x", format!("{at:.2}"))
                .attr("width", format!("{width:.2}"))
                .attr("height", "8");
            at += width;
            bar.into()
        })
        .collect();
    tags::svg()
        .attr("class", "split")
        .attr("viewBox", "0 0 100 8")
        .attr("preserveAspectRatio", "none")
        .attr("aria-hidden", "true")
        .children(View::from(bars))
        .into()
}
