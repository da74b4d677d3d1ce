//! `URL`.
//!
//! Source: `parseutils/uri.go` of `internal/coreinternal`, and `net/url` of Go, which it reads with.

use std::collections::HashMap;

use crate::eval::{Arguments, Datum, Env, Error};

pub(crate) fn url(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let text = arguments.text(0, env)?;
    env.spend(text.len())?;
    if text.is_empty() {
        return Err(Error::value("the URL is empty"));
    }
    if let Some(query) = text.strip_prefix('?') {
        return query_alone(query);
    }
    let parts = parse(&text).map_err(|reason| Error::value(format!("`{text}` is no URL: {reason}")))?;
    let mut map = vec![
        ("url.original".to_owned(), Datum::Text(parts.written())),
        ("url.domain".to_owned(), Datum::Text(parts.host_name().to_owned())),
        ("url.scheme".to_owned(), Datum::Text(parts.scheme.clone())),
        ("url.path".to_owned(), Datum::Text(parts.path.clone())),
    ];
    let mut put = |key: &str, value: Datum| map.push((key.to_owned(), value));
    if let Some(port) = parts.port() {
        let port = port.parse().map_err(|_| Error::value(format!("`{port}` is no port")))?;
        put("url.port", Datum::Native(port));
    }
    if !parts.fragment.is_empty() {
        put("url.fragment", Datum::Text(parts.fragment.clone()));
    }
    if let Some((user, password)) = &parts.user {
        put("url.user_info", Datum::Text(parts.user_info()));
        if !user.is_empty() {
            put("url.username", Datum::Text(user.clone()));
        }
        if let Some(password) = password {
            put("url.password", Datum::Text(password.clone()));
        }
    }
    if let Some(query) = parts.query.as_ref().filter(|query| !query.is_empty()) {
        put("url.query", Datum::Text(query.clone()));
    }
    if let Some((_, extension)) = parts.path.rsplit_once('.')
        && !extension.is_empty()
    {
        put("url.extension", Datum::Text(extension.to_owned()));
    }
    Ok(Datum::Raw(map))
}

/// `?a=b`: a map of lists.
fn query_alone(query: &str) -> Result<Datum, Error> {
    let mut parameters: Vec<(String, Vec<Datum>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if pair.contains(';') {
            return Err(Error::value("`;` does not part the parameters of a query"));
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = |text: &str| unescaped(&text.replace('+', " ")).map_err(Error::value);
        let (key, value) = (decoded(key)?, Datum::Text(decoded(value)?));
        match places.get(&key).and_then(|place| parameters.get_mut(*place)) {
            Some((_, values)) => values.push(value),
            None => {
                places.insert(key.clone(), parameters.len());
                parameters.push((key, vec![value]));
            }
        }
    }
    if parameters.is_empty() {
        return Ok(Datum::Raw(Vec::new()));
    }
    let parameters = parameters.into_iter().map(|(key, values)| (key, Datum::Items(values))).collect();
    Ok(Datum::Raw(vec![("query".to_owned(), Datum::Raw(parameters))]))
}

#[derive(Debug, Default)]
struct Parts {
    scheme: String,
    user: Option<(String, Option<String>)>,
    host: String,
    has_authority: bool,
    /// What stands behind the scheme where no path can.
    opaque: String,
    path: String,
    /// The path as it stood, where it is not what the path would be written as.
    raw_path: String,
    query: Option<String>,
    fragment: String,
    raw_fragment: String,
}

fn parse(text: &str) -> Result<Parts, String> {
    if text.chars().any(|c| c.is_ascii_control()) {
        return Err("it has characters of control".to_owned());
    }
    let mut parts = Parts::default();
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    parts.fragment = unescaped(fragment)?;
    fragment.clone_into(&mut parts.raw_fragment);
    if rest == "*" {
        "*".clone_into(&mut parts.path);
        return Ok(parts);
    }
    let (scheme, rest) = split_scheme(rest)?;
    parts.scheme = scheme.to_ascii_lowercase();
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query.to_owned())),
        None => (rest, None),
    };
    parts.query = query;
    if !rest.starts_with('/') {
        if !parts.scheme.is_empty() {
            rest.clone_into(&mut parts.opaque);
            return Ok(parts);
        }
        if rest.split('/').next().is_some_and(|first| first.contains(':')) {
            return Err("the first part of its path has a `:`".to_owned());
        }
    }
    let authority = if !parts.scheme.is_empty() || !rest.starts_with("///") { rest.strip_prefix("//") } else { None };
    let path = match authority {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
            parts.has_authority = true;
            parts.authority(authority)?;
            path
        }
        None => rest,
    };
    parts.path = unescaped(path)?;
    path.clone_into(&mut parts.raw_path);
    Ok(parts)
}

fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    for (index, character) in text.char_indices() {
        match character {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if index > 0 => {}
            ':' if index == 0 => return Err("its scheme is missing".to_owned()),
            ':' => {
                return text.split_at_checked(index).map(|(scheme, rest)| (scheme, &rest[1..])).ok_or_else(String::new);
            }
            _ => return Ok(("", text)),
        }
    }
    Ok(("", text))
}

impl Parts {
    fn authority(&mut self, authority: &str) -> Result<(), String> {
        let host = match authority.rsplit_once('@') {
            Some((user, host)) => {
                let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
                if !user.chars().all(allowed) {
                    return Err("who is named before its host has characters that are not allowed".to_owned());
                }
                self.user = Some(match user.split_once(':') {
                    Some((user, password)) => (unescaped(user)?, Some(unescaped(password)?)),
                    None => (unescaped(user)?, None),
                });
                host
            }
            None => authority,
        };
        let port = match host.strip_prefix('[') {
            Some(inner) => inner.rsplit_once(']').ok_or("a `[` of its host is not closed")?.1,
            None => host.rfind(':').and_then(|colon| host.get(colon..)).unwrap_or_default(),
        };
        let digits = port.strip_prefix(':').unwrap_or(port);
        if !port.is_empty() && (digits.len() == port.len() || !digits.bytes().all(|octet| octet.is_ascii_digit())) {
            return Err(format!("`{port}` is no port"));
        }
        let odd = |c: char| c == ' ' || "\"<>\\^`{|}".contains(c) && !host.starts_with('[');
        if host.chars().any(odd) {
            return Err("its host has a character that is not allowed".to_owned());
        }
        self.host = unescaped(host)?;
        Ok(())
    }

    /// The host without its port and without the brackets of an address.
    fn host_name(&self) -> &str {
        let host = match self.port_at() {
            Some(colon) => self.host.get(..colon).unwrap_or_default(),
            None => &self.host,
        };
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    fn port_at(&self) -> Option<usize> {
        let colon = self.host.rfind(':')?;
        let digits = self.host.get(colon + 1..)?;
        digits.bytes().all(|octet| octet.is_ascii_digit()).then_some(colon)
    }

    fn port(&self) -> Option<&str> {
        self.port_at().and_then(|colon| self.host.get(colon + 1..)).filter(|port| !port.is_empty())
    }

    fn user_info(&self) -> String {
        let Some((user, password)) = &self.user else { return String::new() };
        let written = |text: &str| escaped(text, |c| "-_.~$&+,;=".contains(c));
        match password {
            Some(password) => format!("{}:{}", written(user), written(password)),
            None => written(user),
        }
    }

    /// The URL as Go writes it again.
    fn written(&self) -> String {
        let mut text = String::new();
        if !self.scheme.is_empty() {
            text.push_str(&self.scheme);
            text.push(':');
        }
        if self.opaque.is_empty() {
            if !self.scheme.is_empty() && self.has_authority || !self.host.is_empty() || self.user.is_some() {
                if self.has_authority && (!self.host.is_empty() || !self.path.is_empty() || self.user.is_some()) {
                    text.push_str("//");
                }
                if self.user.is_some() {
                    text.push_str(&self.user_info());
                    text.push('@');
                }
                text.push_str(&escaped(&self.host, |c| "-_.~!$&'()*+,;=:[]<>\"".contains(c)));
            }
            // What can be read as the path is kept as it stood.
            let default = escaped(&self.path, |c| "-_.~$&+,/:;=@!'()*[]".contains(c));
            let default = if default.contains(['!', '\'', '(', ')', '*', '[', ']']) && self.raw_path != self.path {
                escaped(&self.path, |c| "-_.~$&+,/:;=@".contains(c))
            } else {
                default
            };
            let valid = |c: char| c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:@[]/%".contains(c);
            let path = if self.raw_path.chars().all(valid) { &self.raw_path } else { &default };
            text.push_str(path);
        } else {
            text.push_str(&self.opaque);
        }
        if let Some(query) = &self.query {
            text.push('?');
            text.push_str(query);
        }
        if !self.fragment.is_empty() {
            text.push('#');
            let valid = |c: char| c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:@[]/%?".contains(c);
            if self.raw_fragment.chars().all(valid) {
                text.push_str(&self.raw_fragment);
            } else {
                text.push_str(&escaped(&self.fragment, |c| "-_.~$&+,/:;=@?!()*".contains(c)));
            }
        }
        text
    }
}

/// `%41` as `A`.
fn unescaped(text: &str) -> Result<String, String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            octets.push(*first);
            rest = after;
            continue;
        }
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let octet = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .ok_or_else(|| "a `%` is not followed by two hexadecimal digits".to_owned())?;
        octets.push(octet);
        rest = after.get(2..).unwrap_or_default();
    }
    String::from_utf8(octets).map_err(|_| "what it says is no text in UTF-8".to_owned())
}

fn escaped(text: &str, plain: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || plain(character) {
            escaped.push(character);
        } else {
            for octet in character.encode_utf8(&mut [0; 4]).bytes() {
                escaped.push_str(&format!("%{octet:02X}"));
            }
        }
    }
    escaped
}
