//! Checks of names and patterns: regular expressions, hosts with ports, labels, units, topics, layouts of times.

use std::collections::BTreeSet;

use regex_syntax::hir::{Hir, HirKind};

/// The check of this name, done; `None` when there is none.
#[must_use]
pub fn check(name: &str, given: &str) -> Option<Result<(), String>> {
    Some(match name {
        "regex" => regex(given).map(|_| ()),
        "host_port" => host_port(given),
        "label_name" => label_name(given),
        "url_path" => url_path(given),
        "unit_name" => of_letters(given, is_unit, "a systemd unit such as ssh.service"),
        "word" => of_letters(given, |c| !c.is_whitespace() && !c.is_control(), "one word, without space"),
        "topic" => of_letters(given, is_name, "a topic: letters, digits, `.`, `_` and `-`"),
        "name_pattern" => of_letters(given, |c| is_name(c) || c == '*', "a name, with * for any part of it"),
        "kubernetes_pattern" => {
            of_letters(given, is_kubernetes, "lower case letters, digits and -, with * for any part")
        }
        "kubernetes_name" => of_letters(given, |c| c != '*' && is_kubernetes(c), "lower case letters, digits and -"),
        "label_key" => label_key(given),
        "label_value" => label_value(given),
        "version" => of_letters(given, |c| c.is_ascii_digit() || c == '.', "a version such as 2.1.0"),
        "docker_host" => docker_host(given),
        "channel" => of_letters(given, is_channel, "the name of an event log such as Application"),
        "time_layout" => time_layout(given),
        _ => return None,
    })
}

/// Reads a regular expression of RE2, which both runtimes use: the names of its groups.
///
/// # Errors
/// What is wrong, for a person.
pub fn regex(pattern: &str) -> Result<BTreeSet<String>, String> {
    // RE2 knows these, our parser does not: the collector's own has the last word.
    let beyond = ["\\Q", "\\C", "\\p", "\\P"].iter().any(|escape| pattern.contains(escape));
    match regex_syntax::Parser::new().parse(pattern) {
        Ok(hir) => {
            let mut names = BTreeSet::new();
            group_names(&hir, &mut names);
            Ok(names)
        }
        Err(_) if beyond => Ok(literal_names(pattern)),
        Err(error) => {
            let what = match error {
                regex_syntax::Error::Parse(error) => error.kind().to_string(),
                regex_syntax::Error::Translate(error) => error.kind().to_string(),
                _ => "it cannot be read".to_owned(),
            };
            Err(format!("is not a regular expression of RE2: {what}"))
        }
    }
}

/// The parser has a limit on nesting, so that this ends.
fn group_names(hir: &Hir, names: &mut BTreeSet<String>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            names.extend(capture.name.as_deref().map(str::to_owned));
            group_names(&capture.sub, names);
        }
        HirKind::Repetition(repetition) => group_names(&repetition.sub, names),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().for_each(|part| group_names(part, names)),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

/// What stands in `(?P<...>`, of a pattern that our parser does not know.
fn literal_names(pattern: &str) -> BTreeSet<String> {
    let groups = pattern.split("(?P<").skip(1).chain(pattern.split("(?<").skip(1));
    groups.filter_map(|rest| Some(rest.split_once('>')?.0.to_owned())).collect()
}

/// Checks `host:port` of something to connect to.
///
/// # Errors
/// What is wrong, for a person.
pub fn host_port(text: &str) -> Result<(), String> {
    let (host, _) = super::listen_address(text).map_err(|reason| {
        reason.replace("an address and a port such as 0.0.0.0:4317", "a host and a port: db1:9104")
    })?;
    if host.is_empty() { Err("needs a host".to_owned()) } else { Ok(()) }
}

fn label_name(text: &str) -> Result<(), String> {
    let word = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !word || text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("must be a label: letters, digits and `_`, no digit first".to_owned());
    }
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
        let names = regex(r"^(?P<a>x(?P<b>y)?)|(?:(?<c>z))+ (d)$").unwrap();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(regex(r"\Q(\E(?P<q>x)").unwrap().into_iter().collect::<Vec<_>>(), ["q"]);
        for bad in ["(", "a(?=b)", r"(a)\1", "[", "(?P<a>x)(?P<a>y)"] {
            assert!(regex(bad).is_err(), "{bad}");
        }
        assert!(regex(&"(".repeat(10_000)).is_err());
    }

    #[test]
    fn targets_have_host_and_port() {
        all("host_port", &["db1:9104", "10.0.0.1:80", "[::1]:9100"], &["db1", ":9104", "http://h:1", "h:0", "h:p", ""]);
    }

    #[test]
    fn names_hold_what_their_system_allows() {
        all("label_name", &["env", "_a1"], &["1a", "a-b", "__address__", "a b", "ä"]);
        all("url_path", &["/metrics", "/a/b"], &["metrics", "/a b", "/a?x=1", "/a#b"]);
        all(
            "unit_name",
            &["ssh.service", "user@1000.service", r"dev-disk-by\x2duuid.swap"],
            &["a b", "ä.service", "a;b"],
        );
        all("topic", &["otlp_logs", "a.b-c"], &["a/b", "a b", "*"]);
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
        all("version", &["2.1.0"], &["v2", "2 1"]);
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
