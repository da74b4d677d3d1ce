//! The page's colours keep to WCAG AA: every ink on every ground, by day and at night.

use std::collections::BTreeMap;

const TOKENS: &str = include_str!("../../assets/00-tokens.css");
const INKS: [&str; 9] = ["ink", "ink-2", "ink-3", "accent-ink", "meter", "ok", "warn", "bad", "off"];
const GROUNDS: [&str; 13] = [
    "ground",
    "surface",
    "raised",
    "sunken",
    "code",
    "accent-soft",
    "meter-soft",
    "ok-soft",
    "warn-soft",
    "bad-soft",
    "off-soft",
    "add",
    "del",
];

/// The colours of a theme: those of the day, and over them those of the night.
fn theme(texts: &[&str]) -> BTreeMap<String, [u8; 3]> {
    let mut colours = BTreeMap::new();
    for declaration in texts.iter().flat_map(|text| text.split(';')) {
        let Some((name, value)) = declaration.split_once(": #") else { continue };
        let name = name.rsplit("--").next().expect("a name");
        let channel = |at: usize| u8::from_str_radix(&value[at..at + 2], 16).expect("a colour of six digits");
        colours.insert(name.to_owned(), [channel(0), channel(2), channel(4)]);
    }
    colours
}

fn luminance(colour: [u8; 3]) -> f64 {
    let [red, green, blue] = colour.map(|channel| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn every_ink_can_be_read_on_every_ground() {
    let (day, night) = TOKENS.split_once("[data-theme=\"dark\"]").expect("two themes");
    for (name, colours) in [("day", theme(&[day])), ("night", theme(&[day, night]))] {
        let mut pairs: Vec<(&str, &str)> = INKS.iter().flat_map(|ink| GROUNDS.map(|ground| (*ink, ground))).collect();
        // Buttons.
        pairs.extend([("on-accent", "accent"), ("surface", "bad")]);
        for (ink, ground) in pairs {
            let contrast = contrast(colours[ink], colours[ground]);
            assert!(contrast >= 4.5, "{ink} on {ground} by {name}: {contrast:.2}");
        }
    }
}
