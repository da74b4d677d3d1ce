//! A text that a user gave, on its way into a rendered config.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Value, json};

use crate::domain::secret::REDACTED;

/// A text value. The writers of both languages quote it, so that it stays one value whatever it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// Meant as it stands; `$` has no meaning in it.
    Plain(String),
    /// Read from the collector's environment: `prefix` and the variable's value.
    Env {
        /// Empty, or an authentication scheme and a space: `Bearer `.
        prefix: String,
        /// The variable: `[A-Za-z_][A-Za-z0-9_]*`.
        name: String,
    },
    /// An opened secret.
    Secret(String),
    /// In the collector's own language already (`raw` components): `$` keeps its meaning.
    Verbatim(String),
}

impl Text {
    /// The form in which a resolved secret stands in settings.
    #[must_use]
    pub fn to_setting(&self) -> Value {
        match self {
            Self::Plain(text) | Self::Verbatim(text) => Value::String(text.clone()),
            Self::Env { prefix, name } => json!({ "prefix": prefix, "env": name }),
            Self::Secret(text) => json!({ "secret": text }),
        }
    }

    /// The text with `[sealed]` in the place of a secret.
    pub(super) fn shown(&self, hide: bool) -> Self {
        match self {
            Self::Secret(_) if hide => Self::Plain(REDACTED.to_owned()),
            other => other.clone(),
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let field = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        if let Some(text) = value.as_str() {
            return Ok(Self::Plain(text.to_owned()));
        }
        if let Some(name) = field("env") {
            return Ok(Self::Env { prefix: field("prefix").unwrap_or_default(), name });
        }
        field("secret").map(Self::Secret).ok_or_else(|| D::Error::custom("neither a text nor a resolved secret"))
    }
}
