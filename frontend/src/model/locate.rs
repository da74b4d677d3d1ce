//! Finds the line of a YAML text at which a path such as `exporters.otlphttp/central.endpoint` stands.

/// The number (from 0) of the line, or of the nearest line above it when the path is not there in full.
///
/// Reads block style with one key or item a line, which is how both the renderer and collectors write. Keys may hold
/// dots, so that at each level the longest key that begins the rest of the path is taken.
#[must_use]
pub fn line_of(text: &str, path: &str) -> Option<usize> {
    let lines: Vec<(usize, &str)> = text.lines().map(|line| (indent(line), line.trim())).collect();
    let mut rest = path;
    let mut from = 0;
    let mut end = lines.len();
    let mut found = None;
    while !rest.is_empty() && from < end {
        let level = lines.get(from..end)?.iter().filter(|(_, text)| is_content(text)).map(|(indent, _)| *indent).min();
        let Some(level) = level else { break };
        let Some((line, taken)) = step(&lines, from, end, level, rest) else { break };
        found = Some(line);
        rest = rest.get(taken..).unwrap_or_default();
        end = block_end(&lines, line, end, level);
        from = line + 1;
        if let Some((_, text)) = lines.get(line)
            && let Some(inline) = text.strip_prefix("- ")
            && rest.strip_prefix('.').is_some_and(|rest| key_length(inline, rest).is_some())
        {
            break;
        }
    }
    found
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn is_content(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('#')
}

/// The line of the next part of the path within a block, and how many bytes of the path it takes.
fn step(lines: &[(usize, &str)], from: usize, end: usize, level: usize, rest: &str) -> Option<(usize, usize)> {
    if let Some(number) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let index: usize = number.0.parse().ok()?;
        let line = items(lines, from, end, level).nth(index)?;
        return Some((line, number.0.len() + 2));
    }
    let skip = usize::from(rest.starts_with('.'));
    let rest = rest.get(skip..)?;
    (from..end)
        .filter_map(|line| {
            let (indent, text) = lines.get(line)?;
            let taken = (*indent == level && is_content(text)).then(|| key_length(text, rest)).flatten()?;
            Some((line, taken + skip))
        })
        .max_by_key(|(_, taken)| *taken)
}

fn items<'a>(lines: &'a [(usize, &'a str)], from: usize, end: usize, level: usize) -> impl Iterator<Item = usize> + 'a {
    (from..end)
        .filter(move |line| lines.get(*line).is_some_and(|(indent, text)| *indent == level && text.starts_with('-')))
}

/// How many bytes of the path the key of this line takes.
fn key_length(text: &str, rest: &str) -> Option<usize> {
    let key = match text.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => text.split(": ").next()?.trim_end_matches(':'),
    };
    let after = rest.strip_prefix(key)?;
    (!key.is_empty() && (after.is_empty() || after.starts_with(['.', '[']))).then_some(key.len())
}

fn block_end(lines: &[(usize, &str)], line: usize, end: usize, level: usize) -> usize {
    // The items of a list may stand as far left as the key that holds them; they end each other, not that key.
    let is_item = lines.get(line).is_some_and(|(_, text)| text.starts_with('-'));
    (line + 1..end)
        .find(|next| {
            lines.get(*next).is_some_and(|(indent, text)| {
                is_content(text) && (*indent < level || *indent == level && (is_item || !text.starts_with('-')))
            })
        })
        .unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
exporters:
  otlphttp/central:
    endpoint: \"https://a.example\"
    headers:
      x.org: \"1\"
  otlphttp:
    endpoint: b
processors:
  filter/web.logs:
    actions:
      - key: a
        value: b
      - key: c
service:
  pipelines:
    logs:
      exporters:
      - debug
      - otlphttp/central
";

    #[test]
    fn paths_lead_to_their_lines() {
        for (path, line) in [
            ("exporters.otlphttp/central.endpoint", "    endpoint: \"https://a.example\""),
            ("exporters.otlphttp.endpoint", "    endpoint: b"),
            ("exporters.otlphttp/central.headers.x.org", "      x.org: \"1\""),
            ("processors.filter/web.logs.actions", "    actions:"),
            ("processors.filter/web.logs.actions[1]", "      - key: c"),
            ("processors.filter/web.logs.actions[0].value", "        value: b"),
            ("processors.filter/web.logs.actions[0].key", "      - key: a"),
            ("service.pipelines.logs.exporters[1]", "      - otlphttp/central"),
        ] {
            assert_eq!(line_of(TEXT, path).and_then(|at| TEXT.lines().nth(at)), Some(line), "{path}");
        }
    }

    #[test]
    fn missing_place_leads_to_what_would_hold_it() {
        let at = line_of(TEXT, "exporters.otlphttp/central.retry.enabled");
        assert_eq!(at.and_then(|at| TEXT.lines().nth(at)), Some("  otlphttp/central:"));
        assert_eq!(line_of(TEXT, "receivers.otlp"), None);
    }
}
