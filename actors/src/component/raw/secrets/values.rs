//! Texts that are secrets by their form, whatever the setting is called.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use regex::Regex;

use super::{HIDDEN, hide::UNREADABLE};
use crate::domain::secret::gives_away;

/// What the issuers of tokens have them begin with, and URLs that are a password by their path.
const TOKENS: &str = r"(?x)
    \b (?:
      gh[opusr]_[A-Za-z0-9]{30,} | github_pat_[A-Za-z0-9_]{22,} | glpat-[A-Za-z0-9_-]{20,}
    | xox[abeoprs]-[A-Za-z0-9-]{10,} | sk_live_[A-Za-z0-9]{16,} | sk-[A-Za-z0-9_-]{32,} | AIza[A-Za-z0-9_-]{35}
    | NRAK-[A-Z0-9]{20,} | hvs\.[A-Za-z0-9_-]{20,} | glc_[A-Za-z0-9+/=]{30,} | glsa_[A-Za-z0-9_]{30,}
    | dt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{60,} | npm_[A-Za-z0-9]{36} | dop_v1_[a-f0-9]{60,}
    | lm(?:ct|et|sat)_[A-Za-z0-9_-]{43}
    | eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{8,}
    )
    | ://hooks\.slack\.com/(?:services|workflows)/[^/\s] | ://[a-z0-9.-]+/receiver/v1/http/[^/\s]
    | ://(?:[a-z]+\.)?discord(?:app)?\.com/api/webhooks/[0-9]+/. | ://[a-z0-9.-]+\.webhook\.office\.com/.";

/// A name and what is assigned to it within a text: `password=...`, `"password": "..."`. What begins as an expression or
/// a reference does is a pattern or a template of one; the value is caught to look at it.
const ASSIGNED: &str = r#"(?ix)
    (?: \b | _ )
    (?: password | passwd | pwd | passphrase | (?:client)?_?secret | api[_-]?key | access[_-]?key | auth[_-]?token
      | access[_-]?token | bearer[_-]?token | token | SharedAccessKey | SharedAccessSignature | AccountKey )
    (?: = | \\?["'] \s* [:=] \s* \\?["'] )
    ["']? ([A-Za-z0-9+/_\-!@%~][^\s"';&,]*)"#;

/// `Bearer ...` and the like, and nothing more.
const SCHEME: &str = r"^['`\x22]?(Bearer|Basic|Token|ApiKey|Splunk)\s+([A-Za-z0-9+/=_.~\-]+)['`\x22]?$";

/// A user of a web address without a password: a token.
const USER: &str = r"(?i)https?://([^/?#@\s:]+)@";

macro_rules! pattern {
    ($name:ident, $text:expr) => {
        #[allow(clippy::expect_used)] // A literal pattern that tests compile.
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($text).expect("a valid pattern"));
    };
}

pattern!(IS_TOKEN, TOKENS);
pattern!(IS_ASSIGNED, ASSIGNED);
pattern!(IS_SCHEME, SCHEME);
pattern!(IS_USER, USER);

/// What a text holds in the clear that nobody should read, in words; as [`gives_away`], and what settings of unknown
/// components may hold beside.
pub(super) fn holds(text: &str) -> Option<&'static str> {
    gives_away(text).or_else(|| {
        let is = [
            // Shown to a person, and sent back: it would be stored in the place of what was there.
            (text.trim_matches(['"', '`']) == HIDDEN || text == UNREADABLE, "what stands for a hidden text"),
            (IS_TOKEN.is_match(text), "a token"),
            (IS_USER.captures_iter(text).any(|found| is_clear(part(&found, 1))), "a user, which may be a token,"),
            (IS_ASSIGNED.captures_iter(text).any(|found| is_clear(part(&found, 1))), "a secret"),
            (
                IS_SCHEME.captures(text).is_some_and(|found| is_credential(part(&found, 1), part(&found, 2))),
                "a credential",
            ),
        ];
        is.into_iter().find_map(|(is, what)| is.then_some(what))
    })
}

fn part<'t>(found: &regex::Captures<'t>, number: usize) -> &'t str {
    found.get(number).map_or("", |part| part.as_str())
}

/// Not a reference, and not what stands in the place of a secret.
fn is_clear(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let is_mask = ["redacted", "hidden", "masked", "removed", "sealed", "xxx"].iter().any(|word| lower.contains(word));
    !value.starts_with('$') && !is_mask
}

/// A word of a sentence is none: `Basic auth`.
fn is_credential(scheme: &str, value: &str) -> bool {
    match scheme {
        "Basic" => STANDARD.decode(value).is_ok_and(|bytes| bytes.contains(&b':')),
        "Bearer" => !["token", "tokens", "auth", "authentication"].contains(&value.to_ascii_lowercase().as_str()),
        _ => value.len() >= 16,
    }
}
