//! What is linked has a licence of `.deny.toml` and none of its bans. The same file feeds cargo-deny (`make deny`); this
//! says so in an ordinary test run.

use std::collections::BTreeSet;

use super::{array, metadata, root, text};

/// `.deny.toml`.
fn deny() -> toml::Table {
    toml::from_str(&std::fs::read_to_string(root().join(".deny.toml")).expect(".deny.toml")).expect("TOML")
}

/// Evaluates an SPDX expression (`OR`, `AND`, `WITH`, parentheses, the old `/` for `OR`).
struct Expression<'a> {
    tokens: Vec<&'a str>,
    at: usize,
    allowed: &'a BTreeSet<String>,
}

impl<'a> Expression<'a> {
    fn holds(text: &'a str, allowed: &'a BTreeSet<String>) -> bool {
        let mut tokens = Vec::new();
        for word in text.split_whitespace() {
            let mut rest = word;
            while let Some(place) = rest.find(['(', ')', '/']) {
                tokens.push(&rest[..place]);
                tokens.push(&rest[place..=place]);
                rest = &rest[place + 1..];
            }
            tokens.push(rest);
        }
        tokens.retain(|token| !token.is_empty());
        let mut expression = Self { tokens, at: 0, allowed };
        let verdict = expression.any();
        assert_eq!(expression.at, expression.tokens.len(), "not understood to its end: {text}");
        verdict
    }

    fn take(&mut self, wanted: &[&str]) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|token| wanted.contains(token));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> bool {
        let mut verdict = self.all();
        while self.take(&["OR", "/"]) {
            verdict |= self.all();
        }
        verdict
    }

    fn all(&mut self) -> bool {
        let mut verdict = self.one();
        while self.take(&["AND"]) {
            verdict &= self.one();
        }
        verdict
    }

    fn one(&mut self) -> bool {
        if self.take(&["("]) {
            let verdict = self.any();
            assert!(self.take(&[")"]), "unclosed parenthesis");
            return verdict;
        }
        let mut name = self.tokens[self.at].to_owned();
        self.at += 1;
        if self.take(&["WITH"]) {
            name = format!("{name} WITH {}", self.tokens[self.at]);
            self.at += 1;
        }
        self.allowed.contains(&name)
    }
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    let allowed: BTreeSet<String> = ["MIT", "Apache-2.0", "Unicode-3.0"].map(str::to_owned).into();
    for (expression, holds) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("MIT/Apache-2.0", true),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND GPL-3.0", false),
        ("Apache-2.0 WITH LLVM-exception", false),
    ] {
        assert_eq!(Expression::holds(expression, &allowed), holds, "{expression}");
    }
}

#[test]
fn everything_linked_has_an_allowed_licence() {
    let deny = deny();
    let allowed: BTreeSet<String> = deny["licenses"]["allow"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|licence| licence.as_str().map(str::to_owned))
        .collect();
    let refused: Vec<String> = array(metadata(), "packages")
        .iter()
        .filter(|package| !Expression::holds(text(package, "license"), &allowed))
        .map(|package| format!("{} ({})", text(package, "name"), text(package, "license")))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn nothing_banned_is_linked_and_everything_comes_from_the_registry() {
    let deny = deny();
    let banned: BTreeSet<&str> =
        deny["bans"]["deny"].as_array().expect("a list").iter().filter_map(|ban| ban["crate"].as_str()).collect();
    assert!(banned.contains("aws-lc-rs"), "one TLS provider");
    for package in array(metadata(), "packages") {
        let name = text(package, "name");
        assert!(!banned.contains(name), "{name} is banned");
        let source = text(package, "source");
        assert!(source.is_empty() || source.starts_with("registry+"), "{name} comes from {source}");
    }
}
