//! Operators of log receivers, which come back as their Go types hold them.
//!
//! An operator stands below `builder`, a list of outputs is a list where one was committed, and a reference to a field
//! (`attributes.time`, `body["a b"]`) is the list of its keys: whether they are of the body or of attributes is lost.

use serde_norway::Value;

/// An operator as it was written, of how it came back.
pub(super) fn operator(effective: &Value) -> &Value {
    effective.get("builder").filter(|builder| builder.is_mapping()).unwrap_or(effective)
}

/// Whether a committed text comes back as this list or mapping.
pub(super) fn is_same(committed: &str, effective: &Value) -> bool {
    match effective {
        Value::Sequence(outputs) => matches!(&**outputs, [only] if only.as_str() == Some(committed)),
        Value::Mapping(_) => keys(effective).is_some_and(|keys| {
            field(committed).is_some_and(|field| {
                field.len() == keys.len() && field.iter().zip(keys).all(|(part, key)| key.as_str() == Some(part))
            })
        }),
        _ => false,
    }
}

/// The keys of a field as it came back: `{fieldinterface: {keys: [..]}}`, in some places below `field`.
fn keys(value: &Value) -> Option<&Vec<Value>> {
    let value = value.get("field").unwrap_or(value);
    value.get("fieldinterface")?.get("keys")?.as_sequence()
}

/// The keys of a field as it was written, without its root; `None` when it is none.
fn field(text: &str) -> Option<Vec<&str>> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (root, mut rest) = text.split_at_checked(end)?;
    if !["body", "attributes", "resource"].contains(&root) {
        return None;
    }
    let mut keys = Vec::new();
    while !rest.is_empty() {
        if let Some(bracket) = rest.strip_prefix('[') {
            let quote = bracket.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (key, tail) = bracket.get(1..)?.split_once(quote)?;
            keys.push(key);
            rest = tail.strip_prefix(']')?;
        } else {
            let name = rest.strip_prefix('.')?;
            let (key, tail) = name.split_at_checked(name.find(['.', '[']).unwrap_or(name.len()))?;
            keys.push(key);
            rest = tail;
        }
    }
    Some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_their_keys() {
        let cases: [(&str, &[&str]); 6] = [
            ("body", &[]),
            ("attributes.time", &["time"]),
            (r#"attributes["a.b"].c"#, &["a.b", "c"]),
            ("resource['a]'][\"b\"]", &["a]", "b"]),
            ("body.ä.b", &["ä", "b"]),
            ("attributes", &[]),
        ];
        for (text, keys) in cases {
            assert_eq!(field(text).as_deref(), Some(keys), "{text}");
        }
        for bad in ["", "time", "bodyx", "body[", "body[\"a", "body[\"a\"", "body[a]", "body[\"a\"]x", "attributes[é]"]
        {
            assert_eq!(field(bad), None, "{bad}");
        }
    }
}
