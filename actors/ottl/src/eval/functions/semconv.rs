//! `set_semconv_span_name`: names of spans by the semantic conventions.
//!
//! Source: `transformprocessor/internal/traces` of contrib 0.158.0.

use crate::{
    eval::{Arguments, Datum, Env, Error, Subject, text},
    record::{Attributes, Held as _, Span, Value, entry},
};

const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;

pub(crate) fn valid_version(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    let version = arguments.literal_text(0).unwrap_or_default();
    match numbers(version) {
        None => return Err((0, format!("`{version}` is no version"))),
        Some((numbers, is_before)) => {
            let too_old = numbers < [1, 37, 0] || numbers == [1, 37, 0] && is_before;
            if too_old || numbers > [1, 40, 0] {
                return Err((0, format!("the version {version} is not between 1.37.0 and 1.40.0")));
            }
        }
    }
    if arguments.literal_text(1) == Some("") {
        return Err((1, "the name of the attribute is empty".to_owned()));
    }
    Ok(())
}

/// The numbers of a version, those that are left out as 0, and whether it comes before the one of these numbers.
fn numbers(version: &str) -> Option<([u64; 3], bool)> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let version = version.split_once('+').map_or(version, |(version, _)| version);
    let (version, is_before) = version.split_once('-').map_or((version, false), |(version, _)| (version, true));
    let mut numbers = [0; 3];
    let mut parts = version.split('.');
    let mut places = numbers.iter_mut();
    loop {
        match (parts.next(), places.next()) {
            (Some(part), Some(place)) if part.bytes().all(|digit| digit.is_ascii_digit()) => {
                *place = part.parse().ok()?;
            }
            (None, _) => return Some((numbers, is_before)),
            _ => return None,
        }
    }
}

pub(crate) fn set_span_name(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let Subject::Span(span) = &mut env.record else {
        return Err(Error::value("there is no span here"));
    };
    // Some ten attributes are looked for.
    env.run.spend(span.attributes.len().saturating_mul(4))?;
    if let Some(name) = name(span).filter(|name| *name != span.name) {
        let key = arguments.literal_text(1);
        let octets = name.held() + key.map_or(0, entry);
        env.run.spend(octets)?;
        env.run.budget().hold(octets)?;
        let original = std::mem::replace(&mut span.name, name);
        if let Some(key) = key {
            span.attributes.insert(key, Value::Str(original));
        }
    }
    Ok(Datum::Nil)
}

fn name(span: &Span) -> Option<String> {
    let of = Named(&span.attributes);
    let found = match span.kind {
        SERVER => of.http("http.route").or_else(|| of.rpc()).or_else(|| of.messaging()),
        CLIENT => of.http("url.template").or_else(|| of.rpc()).or_else(|| of.database()).or_else(|| of.messaging()),
        PRODUCER | CONSUMER => of.messaging(),
        _ => None,
    };
    found.filter(|name| !name.is_empty())
}

/// The attributes of a span, and the names that they make; one that is empty is none.
struct Named<'s>(&'s Attributes);

impl Named<'_> {
    /// The attribute of the first of these keys that is there, as a text.
    fn get(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.0.get(key)).map(text::value)
    }

    fn http(&self, subject: &str) -> Option<String> {
        let method = self.get(&["http.request.method", "http.method"])?;
        filled(match self.get(&[subject]) {
            Some(subject) => format!("{method} {subject}"),
            None => method,
        })
    }

    fn rpc(&self) -> Option<String> {
        let system = self.get(&["rpc.system.name", "rpc.system"])?;
        let method = self.get(&["rpc.method", "rpc.grpc.method"]);
        let service = self.get(&["rpc.service", "rpc.grpc.service"]);
        filled(match (service, method) {
            (Some(service), Some(method)) => format!("{service}/{method}"),
            (None, Some(method)) => method,
            (Some(service), None) => format!("{service}/*"),
            (None, None) => system,
        })
    }

    fn database(&self) -> Option<String> {
        let system = self.get(&["db.system.name", "db.system"])?;
        if let Some(summary) = self.get(&["db.query.summary"]) {
            return filled(summary);
        }
        let operation = self.get(&["db.operation.name", "db.operation"]).and_then(filled);
        filled(match (operation, self.database_target().and_then(filled)) {
            (Some(operation), Some(target)) => format!("{operation} {target}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => system,
        })
    }

    fn database_target(&self) -> Option<String> {
        let namespace = self.get(&["db.namespace", "db.name"]).and_then(filled);
        let part = self.get(&["db.collection.name"]).or_else(|| self.get(&["db.stored_procedure.name"]));
        match (namespace, part) {
            (Some(namespace), Some(part)) => Some(format!("{namespace}.{part}")),
            (Some(one), None) | (None, Some(one)) => Some(one),
            (None, None) => self.server(),
        }
    }

    fn server(&self) -> Option<String> {
        let address = self.get(&["server.address"])?;
        Some(match self.get(&["server.port"]) {
            Some(port) => format!("{address}:{port}"),
            None => address,
        })
    }

    fn messaging(&self) -> Option<String> {
        let system = self.get(&["messaging.system"])?;
        let operation = self.get(&["messaging.operation.name", "messaging.operation"]);
        filled(match (operation, self.destination().and_then(filled)) {
            (Some(operation), Some(destination)) => format!("{operation} {destination}"),
            (None, Some(destination)) => destination,
            (Some(operation), None) => operation,
            (None, None) => system,
        })
    }

    fn destination(&self) -> Option<String> {
        let is = |key: &str| self.0.get(key) == Some(&Value::Bool(true));
        if is("messaging.destination.temporary") {
            return Some("(temporary)".to_owned());
        }
        if is("messaging.destination.anonymous") {
            return Some("(anonymous)".to_owned());
        }
        self.get(&["messaging.destination.template"])
            .or_else(|| self.get(&["messaging.destination.name", "messaging.destination"]))
            .or_else(|| self.server())
    }
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
