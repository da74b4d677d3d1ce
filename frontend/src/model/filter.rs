//! The filter of the collectors list: matchers, a text, states, an order; and its form in the address bar.

use std::fmt::Write as _;

/// What the list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Matchers, all of which hold.
    pub matchers: Vec<String>,
    /// A text that the name holds.
    pub text: String,
    /// A status, as the API spells it; empty for all but the deregistered.
    pub status: String,
    /// A runtime; empty for all.
    pub runtime: String,
    /// A state of the config; empty for all.
    pub config_state: String,
    /// A drift verdict; empty for all.
    pub drift: String,
    /// `true` for those that cannot be given what they should run; empty for all.
    pub withheld: String,
    /// The id of a pipeline that they should run; empty for all.
    pub pipeline: String,
    /// The order: a column, with `-` before it for the reverse.
    pub sort: String,
}

impl Filter {
    /// The filter that an address asks for.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut filter = Self::default();
        for (key, value) in pairs {
            match key.as_str() {
                "match" if !value.is_empty() => filter.matchers.push(value),
                "q" => filter.text = value,
                "status" => filter.status = value,
                "runtime" => filter.runtime = value,
                "config_state" => filter.config_state = value,
                "drift" => filter.drift = value,
                "withheld" => filter.withheld = value,
                "pipeline" => filter.pipeline = value,
                "sort" => filter.sort = value,
                _ => {}
            }
        }
        filter
    }

    /// The filter as a query string, without the question mark; empty when nothing is asked for.
    #[must_use]
    pub fn query(&self) -> String {
        let mut out = String::new();
        let matchers = self.matchers.iter().map(|matcher| ("match", matcher));
        let words = [
            ("q", &self.text),
            ("status", &self.status),
            ("runtime", &self.runtime),
            ("config_state", &self.config_state),
            ("drift", &self.drift),
            ("withheld", &self.withheld),
            ("pipeline", &self.pipeline),
            ("sort", &self.sort),
        ];
        for (key, value) in matchers.chain(words).filter(|(_, value)| !value.is_empty()) {
            let separator = if out.is_empty() { "" } else { "&" };
            // Writing into a string cannot fail.
            _ = write!(out, "{separator}{key}={}", encode(value));
        }
        out
    }

    /// Whether anything narrows the list.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        *self != Self { sort: self.sort.clone(), ..Self::default() }
    }

    /// Takes what was typed: a matcher becomes one of the matchers, anything else is the text.
    pub fn take(&mut self, typed: &str) -> Typed {
        let typed = typed.trim();
        if is_matcher(typed) {
            if !self.matchers.iter().any(|matcher| matcher == typed) {
                self.matchers.push(typed.to_owned());
            }
            self.text.clear();
            Typed::Matcher
        } else {
            typed.clone_into(&mut self.text);
            Typed::Text
        }
    }

    /// Orders by a column; by the same column again in reverse.
    pub fn order_by(&mut self, column: &str) {
        self.sort = if self.sort == column { format!("-{column}") } else { column.to_owned() };
    }

    /// How a column is ordered, in the words of `aria-sort`.
    #[must_use]
    pub fn order_of(&self, column: &str) -> Option<&'static str> {
        if self.sort == column {
            Some("ascending")
        } else if self.sort.strip_prefix('-') == Some(column) {
            Some("descending")
        } else {
            None
        }
    }
}

/// What a typed text was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// A matcher.
    Matcher,
    /// Part of a name.
    Text,
}

/// Whether a text is meant as a matcher (`name="value"`, with `=`, `!=`, `=~` or `!~`); whether it is a good one, with both
/// its quotes, is for the server to say.
#[must_use]
pub fn is_matcher(text: &str) -> bool {
    let Some(at) = text.find(['=', '!']) else { return false };
    let (name, rest) = text.split_at(at);
    let has_operator = ["=~", "!~", "!=", "="].iter().any(|operator| rest.starts_with(operator));
    let name = name.trim().trim_matches('"');
    has_operator && !name.is_empty() && !name.contains(char::is_whitespace)
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_survives_the_address_bar() {
        let filter = Filter {
            matchers: vec!["env=\"prod\"".to_owned(), "host.name=~\"web-.*\"".to_owned()],
            text: "a b&c".to_owned(),
            status: "degraded".to_owned(),
            pipeline: "web-logs".to_owned(),
            sort: "-last_seen".to_owned(),
            ..Filter::default()
        };
        assert_eq!(
            filter.query(),
            "match=env%3D%22prod%22&match=host.name%3D~%22web-.%2A%22&q=a%20b%26c&status=degraded&pipeline=web-logs&sort=-last_seen"
        );
        let pairs = [
            ("match", "env=\"prod\""),
            ("match", "host.name=~\"web-.*\""),
            ("q", "a b&c"),
            ("status", "degraded"),
            ("pipeline", "web-logs"),
            ("sort", "-last_seen"),
        ];
        assert_eq!(Filter::from_pairs(pairs.map(|(k, v)| (k.to_owned(), v.to_owned()))), filter);
    }

    #[test]
    fn typed_matchers_are_told_from_names() {
        let unfinished = ["env=prod", "env=\"prod", "env=\""];
        for text in ["env=\"prod\"", "host.name =~ \"web-.*\"", "a!=\"\"", "a!~\"x\""].into_iter().chain(unfinished) {
            assert!(is_matcher(text), "{text}");
        }
        for text in ["web-01", "=\"x\"", "a b=\"c\"", "really!"] {
            assert!(!is_matcher(text), "{text}");
        }
        let mut filter = Filter::default();
        assert_eq!(filter.take(" web "), Typed::Text);
        assert_eq!(filter.take("env=\"prod\""), Typed::Matcher);
        assert_eq!(filter.take("env=\"prod\""), Typed::Matcher);
        assert_eq!((filter.matchers.len(), filter.text.as_str()), (1, ""));
    }

    #[test]
    fn same_column_again_reverses_the_order() {
        let mut filter = Filter::default();
        filter.order_by("name");
        assert_eq!(filter.order_of("name"), Some("ascending"));
        filter.order_by("name");
        assert_eq!(filter.order_of("name"), Some("descending"));
        filter.order_by("status");
        assert_eq!((filter.order_of("name"), filter.sort.as_str()), (None, "status"));
        assert!(!filter.is_narrow());
    }
}
