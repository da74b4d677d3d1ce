//! Kinds of components as one chooses among them: by what they do, with what limits them, `raw` at the end.

use linkmesh_proto::api::{
    catalogue::{CatalogueEntry, Role, RuntimeSupport},
    collector::{Runtime, Stability},
};

use super::status::runtime_name;

/// Something to choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Names it to who chose it.
    pub key: String,
    /// What people call it.
    pub title: String,
    /// What it does.
    pub text: String,
    /// What limits it, each in a few words.
    pub tags: Vec<String>,
}

/// What people call a kind. `raw` says what it is in whatever role.
#[must_use]
pub fn title(entry: &CatalogueEntry) -> String {
    if is_raw(entry) { "Raw: upstream text".to_owned() } else { entry.title.clone() }
}

fn is_raw(entry: &CatalogueEntry) -> bool {
    entry.kind == "raw"
}

/// What limits a kind: that one runtime alone can run it, and a stability level that a collector has to be started with.
#[must_use]
pub fn limits(entry: &CatalogueEntry) -> Vec<String> {
    let only = match entry.runtimes.as_slice() {
        [one] => Some(format!("{} only", runtime_name(one.runtime))),
        _ => None,
    };
    let level = |support: &RuntimeSupport| {
        let word = match support.stability {
            Stability::GenerallyAvailable => return None,
            Stability::PublicPreview => "public preview",
            Stability::Experimental => "experimental",
        };
        Some(format!("{}: {word}", runtime_name(support.runtime)))
    };
    only.into_iter().chain(entry.runtimes.iter().filter_map(level)).collect()
}

/// What a kind does, and from which versions on the runtimes can do it.
#[must_use]
pub fn about(entry: &CatalogueEntry) -> String {
    let since = |runtime: Runtime| {
        let support = entry.runtimes.iter().find(|support| support.runtime == runtime)?;
        Some(format!("{} {}", runtime_name(runtime), support.least_version.as_deref()?))
    };
    let versions: Vec<String> = [Runtime::Otelcol, Runtime::Alloy].into_iter().filter_map(since).collect();
    match versions.as_slice() {
        [] => entry.description.clone(),
        versions => format!("{} From {} on.", entry.description, versions.join(" and ")),
    }
}

/// The kinds of a role, in the catalogue's order, `raw` behind all others.
#[must_use]
pub fn choices(catalogue: &[CatalogueEntry], role: Role) -> Vec<Choice> {
    let mut kinds: Vec<&CatalogueEntry> = catalogue.iter().filter(|entry| entry.role == role).collect();
    kinds.sort_by_key(|entry| is_raw(entry));
    let choice = |entry: &CatalogueEntry| Choice {
        key: entry.kind.clone(),
        title: title(entry),
        text: about(entry),
        tags: limits(entry),
    };
    kinds.into_iter().map(choice).collect()
}

/// What a text finds: every word of it somewhere in a choice. What is called so stands before what is only described so.
#[must_use]
pub fn find(choices: &[Choice], text: &str) -> Vec<Choice> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let mut found: Vec<(usize, &Choice)> =
        choices.iter().filter_map(|choice| Some((rank(choice, &words)?, choice))).collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, choice)| choice.clone()).collect()
}

/// How far a choice is from what is looked for; `None` when it is something else.
fn rank(choice: &Choice, words: &[String]) -> Option<usize> {
    let title = choice.title.to_lowercase();
    let rest = format!("{} {} {}", choice.key.replace('_', " "), choice.text, choice.tags.join(" ")).to_lowercase();
    let one = |word: &String| match title.find(word.as_str()) {
        Some(0) => Some(0),
        Some(_) => Some(1),
        None => rest.contains(word.as_str()).then_some(2),
    };
    words.iter().map(one).try_fold(0, |worst, rank| Some(worst.max(rank?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(kind: &str, title: &str, runtimes: &[(Runtime, Stability)]) -> CatalogueEntry {
        CatalogueEntry {
            kind: kind.to_owned(),
            role: Role::Source,
            title: title.to_owned(),
            description: format!("Brings {kind} in."),
            signals: Vec::new(),
            runtimes: runtimes
                .iter()
                .map(|&(runtime, stability)| RuntimeSupport { runtime, stability, least_version: None })
                .collect(),
            schema: json!({}),
            examples: Vec::new(),
        }
    }

    fn titles(choices: &[Choice]) -> Vec<&str> {
        choices.iter().map(|choice| choice.title.as_str()).collect()
    }

    #[test]
    fn raw_stands_last_under_a_name_that_says_what_it_is() {
        let mut filter = entry("severity", "Severity", &[]);
        filter.role = Role::Filter;
        let all =
            [entry("raw", "Other source", &[]), entry("otlp", "OTLP", &[]), filter, entry("journald", "Journal", &[])];
        assert_eq!(titles(&choices(&all, Role::Source)), ["OTLP", "Journal", "Raw: upstream text"]);
    }

    #[test]
    fn limits_are_one_runtime_and_levels_above_stable() {
        use Stability::{Experimental, GenerallyAvailable, PublicPreview};
        let (alloy, otelcol) = (Runtime::Alloy, Runtime::Otelcol);
        for (runtimes, said) in [
            (vec![(otelcol, GenerallyAvailable), (alloy, GenerallyAvailable)], vec![]),
            (vec![(otelcol, GenerallyAvailable)], vec!["otelcol only"]),
            (vec![(otelcol, GenerallyAvailable), (alloy, PublicPreview)], vec!["Alloy: public preview"]),
            (vec![(alloy, Experimental)], vec!["Alloy only", "Alloy: experimental"]),
        ] {
            assert_eq!(limits(&entry("x", "X", &runtimes)), said);
        }
    }

    #[test]
    fn least_versions_are_said_where_they_are_known() {
        let level = Stability::GenerallyAvailable;
        let mut sampled = entry("sample", "Sample", &[(Runtime::Alloy, level), (Runtime::Otelcol, level)]);
        assert_eq!(about(&sampled), "Brings sample in.");
        sampled.runtimes[1].least_version = Some("0.103".to_owned());
        assert_eq!(about(&sampled), "Brings sample in. From otelcol 0.103 on.");
        sampled.runtimes[0].least_version = Some("1.3".to_owned());
        assert_eq!(about(&sampled), "Brings sample in. From otelcol 0.103 and Alloy 1.3 on.");
        assert_eq!(choices(&[sampled], Role::Source)[0].text, "Brings sample in. From otelcol 0.103 and Alloy 1.3 on.");
    }

    #[test]
    fn names_are_found_before_descriptions_and_all_words_count() {
        let all = choices(
            &[
                entry("kafka", "Kafka", &[(Runtime::Otelcol, Stability::GenerallyAvailable)]),
                entry("file_log", "Log files", &[]),
                entry("kubernetes_logs", "Pod logs", &[]),
                entry("raw", "", &[]),
            ],
            Role::Source,
        );
        assert_eq!(titles(&find(&all, "LOG")), ["Log files", "Pod logs"]);
        assert_eq!(titles(&find(&all, "pod log")), ["Pod logs"]);
        assert_eq!(titles(&find(&all, "otelcol only")), ["Kafka"]);
        assert_eq!(titles(&find(&all, "file_log in")), ["Log files"], "by its name in documents too");
        assert!(find(&all, "kafka logs").is_empty());
        assert_eq!(find(&all, " "), all);
    }
}
