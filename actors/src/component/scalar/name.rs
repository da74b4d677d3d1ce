//! Checks of names and patterns that sources have: labels, units, channels, layouts of times.

use std::collections::BTreeSet;

use linkmesh_ottl::regex::Pattern;

/// The check of this name, done; `None` when there is none.
#[must_use]
pub fn check(name: &str, given: &str) -> Option<Result<(), String>> {
    Some(match name {
        "free_label" => free_label(given),
        "url_path" => url_path(given),
        "unit_name" => of_letters(given, is_unit, "a systemd unit such as ssh.service"),
        "word" => of_letters(given, |c| !c.is_whitespace() && !c.is_control(), "one word, without space"),
        "name_pattern" => of_letters(given, |c| is_name(c) || c == '*', "a name, with * for any part of it"),
        "kubernetes_pattern" => {
            of_letters(given, is_kubernetes, "lower case letters, digits and -, with * for any part")
        }
        "kubernetes_name" => of_letters(given, |c| c != '*' && is_kubernetes(c), "lower case letters, digits and -"),
        "label_key" => label_key(given),
        "label_value" => label_value(given),
        "docker_host" => docker_host(given),
        "channel" => of_letters(given, is_channel, "the name of an event log such as Application"),
        "time_layout" => time_layout(given),
        _ => return None,
    })
}

/// The names of the groups of a regular expression; `None` when it is beyond what can be looked into here.
#[must_use]
pub fn groups(pattern: &str) -> Option<BTreeSet<String>> {
    let shape = Pattern::check(pattern).ok()?;
    Some(shape.names.iter().filter(|name| !name.is_empty()).cloned().collect())
}

/// A label that is not one of Prometheus' own.
fn free_label(text: &str) -> Result<(), String> {
    super::target::label_name(text)?;
    if text.starts_with("__") { Err("labels that begin with `__` are Prometheus' own".to_owned()) } else { Ok(()) }
}

fn url_path(text: &str) -> Result<(), String> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '#' | '?' | '"' | '<' | '>' | '\\');
    if !text.starts_with('/') || text.contains(odd) {
        return Err("must be a path such as /metrics".to_owned());
    }
    Ok(())
}

/// Of Kubernetes: a name, and a domain and `/` before it.
fn label_key(text: &str) -> Result<(), String> {
    let (domain, name) = text.split_once('/').map_or((None, text), |(domain, name)| (Some(domain), name));
    let is_domain =
        domain.is_none_or(|domain| !domain.is_empty() && domain.chars().all(|c| c != '*' && is_kubernetes(c)));
    if is_domain && !name.is_empty() && name.len() <= 63 && name.chars().all(is_name) {
        Ok(())
    } else {
        Err("must be the key of a label such as app or app.kubernetes.io/name".to_owned())
    }
}

/// Of Kubernetes.
fn label_value(text: &str) -> Result<(), String> {
    let ends = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    if text.chars().all(is_name) && ends(text.chars().next()) && ends(text.chars().next_back()) {
        Ok(())
    } else {
        Err("must be the value of a label: letters, digits, `-`, `_` and `.`, neither of the last three at an end"
            .to_owned())
    }
}

fn docker_host(text: &str) -> Result<(), String> {
    let known = ["unix://", "npipe://", "tcp://", "http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    if !known || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("must be an address such as unix:///var/run/docker.sock or tcp://127.0.0.1:2375".to_owned());
    }
    if text.contains('@') { Err("must not hold a user or password".to_owned()) } else { Ok(()) }
}

fn of_letters(text: &str, known: impl Fn(char) -> bool, what: &str) -> Result<(), String> {
    if text.chars().all(known) { Ok(()) } else { Err(format!("must be {what}")) }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

fn is_kubernetes(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '*')
}

fn is_unit(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '.' | '@' | '-' | '\\')
}

fn is_channel(c: char) -> bool {
    !c.is_control() && !matches!(c, '"' | '\'' | '<' | '>' | '&' | '\\')
}

/// Directives of a layout: `ctimefmt` of the collector.
const DIRECTIVES: &str = "YymoqbhBdegaAHlIpPMSLfsZzwijkDxFTXrRnt%c";

/// Layouts that are numbers since 1970: word and power of ten of the unit in nanoseconds.
pub const EPOCHS: &[(&str, u32)] = &[("epoch_s", 9), ("epoch_ms", 6), ("epoch_us", 3), ("epoch_ns", 0)];

/// Checks the layout of a time, as the collector's own check does: a layout that it refuses stops it from starting.
fn time_layout(layout: &str) -> Result<(), String> {
    if EPOCHS.iter().any(|(word, _)| *word == layout) {
        return Ok(());
    }
    if layout.contains(|c: char| c.is_ascii_digit()) {
        return Err("must not hold digits: a layout such as %Y-%m-%dT%H:%M:%S.%L%z".to_owned());
    }
    if layout.contains(char::is_control) {
        return Err("holds an invisible character".to_owned());
    }
    let mut before = None;
    let mut directives = 0;
    let mut chars = layout.chars();
    while let Some(c) = chars.next() {
        if c == '%' {
            let directive = chars.next().filter(|c| DIRECTIVES.contains(*c));
            let directive = directive.ok_or("holds a `%` that stands for no part of a time")?;
            if matches!(directive, 'L' | 'f' | 's') && !matches!(before, None | Some('.' | ',')) {
                return Err(format!("`%{directive}` is a fraction: a `.` or `,` must stand before it"));
            }
            directives += 1;
            before = Some(directive);
        } else {
            before = Some(c);
        }
    }
    if directives == 0 {
        return Err(
            "must be a layout such as %Y-%m-%dT%H:%M:%S.%L%z, or epoch_s, epoch_ms, epoch_us, epoch_ns".to_owned()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(name: &str, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(check(name, text), Some(Ok(())), "{name}: {text}");
        }
        for text in bad {
            assert!(check(name, text).is_some_and(|found| found.is_err()), "{name}: {text}");
        }
    }

    #[test]
    fn names_of_groups_are_read() {
        let names = |pattern: &str| groups(pattern).unwrap().into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(names(r"^(?P<a>x(?P<b>y)?)|(?:(?<c>z))+ (d)$"), "a b c");
        assert_eq!(names(r"\Q(\E(?P<q>x)"), "q");
        assert_eq!(names("(x)"), "");
        assert_eq!(groups("(?=x)"), None, "what is no pattern is found by its own check");
    }

    #[test]
    fn names_hold_what_their_system_allows() {
        all("free_label", &["env", "_a1"], &["1a", "a-b", "__address__", "a b", "ä"]);
        all("url_path", &["/metrics", "/a/b"], &["metrics", "/a b", "/a?x=1", "/a#b"]);
        all(
            "unit_name",
            &["ssh.service", "user@1000.service", r"dev-disk-by\x2duuid.swap"],
            &["a b", "ä.service", "a;b"],
        );
        all("name_pattern", &["web-*", "*"], &["a b", "(a)"]);
        all("kubernetes_pattern", &["shop-*", "a.b"], &["Shop", "a_b", "a/b"]);
        all("kubernetes_name", &["shop"], &["shop-*", "Shop"]);
        all("label_key", &["app", "app.kubernetes.io/name", "a_b"], &["a/b/c", "/a", "a/", "a b", "*/a"]);
        all("label_value", &["", "shop", "a.b_c"], &["-a", "a-", "a b", "a/b"]);
        all(
            "docker_host",
            &["unix:///var/run/docker.sock", "tcp://h:2375"],
            &["/var/run/docker.sock", "tcp://u@h", "unix:// a"],
        );
        all("word", &["/usr/sbin/cron", "sshd"], &["a b", "a\n"]);
        all(
            "channel",
            &["Application", "Microsoft-Windows-Sysmon/Operational", "Key Management Service"],
            &["a<b", "\"", "a\nb"],
        );
    }

    #[test]
    fn layouts_are_those_of_the_collector() {
        all(
            "time_layout",
            &["%Y-%m-%dT%H:%M:%S.%L%z", "%d/%b/%Y:%H:%M:%S %z", "%F %T,%f", "epoch_ms", "%s"],
            &["", "2006-01-02", "%Y %Q", "%", "%S%L", "time", "%Y\n"],
        );
    }
}
