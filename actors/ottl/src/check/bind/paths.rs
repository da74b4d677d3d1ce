//! Paths to fields.

use super::{Binder, Bound};
use crate::{
    check::{
        context::{Context, Functions},
        field::{FieldPath, Keys, Root},
        nearest::nearest,
    },
    problem::Finding,
    program::Target,
    syntax::tree::{self, Segment},
};

/// More keys lead nowhere.
const MAX_KEYS: usize = 32;

impl Binder {
    /// The field of a path.
    pub(in super::super) fn path(&mut self, path: &tree::Path) -> Bound<(Target, &'static FieldPath)> {
        let offset = path.place.0;
        let (root, prefix, segments) = self.root(path)?;
        let shown = path.to_string();
        let names: Vec<&str> = segments.iter().map(|segment| segment.name.as_str()).collect();
        let joined = names.join(".");
        let Some(field) = root.fields().iter().find(|field| field.path == joined) else {
            let finding = self.unknown_path(root, prefix, segments, offset);
            return Err(self.note(finding));
        };
        // The cache is of the context alone, not of what surrounds it.
        if field.path == "cache" && root != self.dialect.context.own_root() {
            let message =
                format!("the cache of another context cannot be used in the context {}", self.dialect.context);
            let own = format!("{}.cache", self.dialect.context);
            return Err(self.note(Finding::new(offset, message).suggest(Some(own))));
        }
        let (last, before) = segments.split_last().map_or((None, segments), |(last, before)| (Some(last), before));
        if let Some(keyed) = before.iter().find(|segment| !segment.keys.is_empty()) {
            let message = format!("`{}` has no keys here: they stand at the end of a path", keyed.name);
            return Err(self.note(Finding::new(keyed.place.0, message)));
        }
        let keys = last.map_or(&[][..], |last| &last.keys);
        self.fits(field, keys, offset)?;
        let keys = self.keys(keys)?;
        Ok((Target { root, field: field.field, keys, path: shown }, field))
    }

    fn fits(&mut self, field: &FieldPath, keys: &[tree::Key], offset: usize) -> Bound<()> {
        let message = match (field.keys, keys) {
            (_, []) => return Ok(()),
            (Keys::None, _) => format!("`{}` holds {} and has no keys", field.path, field.holds.words()),
            (Keys::One, [tree::Key::Text(_)]) => return Ok(()),
            (Keys::One, _) => format!("`{}` has one key, a text in quotes", field.path),
            (Keys::Any, keys) if keys.len() > MAX_KEYS => format!("a path has at most {MAX_KEYS} keys"),
            (Keys::Any, _) => return Ok(()),
        };
        Err(self.note(Finding::new(offset, message)))
    }

    /// What a path speaks of, the name that says so, and the rest of the path.
    fn root<'p>(&mut self, path: &'p tree::Path) -> Bound<(Root, Option<&'static str>, &'p [Segment])> {
        let context = self.dialect.context;
        let Some((first, rest)) = path.segments.split_first() else {
            return Ok((context.own_root(), None, &path.segments));
        };
        // The processors put `scope` in front of what is no context to the scope, as its older name is: only conditions
        // before the statements of a group are read as they stand.
        let is_guard = self.dialect.functions == Functions::Filter && !self.dialect.prefixed;
        if context == Context::Scope && !is_guard && first.name == "instrumentation_scope" {
            let message = "`instrumentation_scope` is another name of the context for all but the scope itself";
            let rest = path.to_string().replacen(&first.name, context.name(), 1);
            return Err(self.note(Finding::new(first.place.0, message).suggest(Some(rest))));
        }
        let known = context.roots().iter().find(|(name, _)| *name == first.name);
        match known {
            Some((name, root)) if !rest.is_empty() => {
                if !first.keys.is_empty() {
                    let message = format!("`{name}` is a context and has no keys");
                    return Err(self.note(Finding::new(first.place.0, message)));
                }
                Ok((*root, Some(name), rest))
            }
            Some((name, _)) => {
                let message = format!("`{name}` is a context: the field of it is missing, such as `{name}.attributes`");
                Err(self.note(Finding::new(first.place.0, message)))
            }
            None if self.dialect.prefixed => {
                let message = format!("the path `{path}` does not begin with a context, such as `{context}`");
                Err(self.note(Finding::new(first.place.0, message).suggest(Some(format!("{context}.{path}")))))
            }
            None => Ok((context.own_root(), None, &path.segments)),
        }
    }

    fn unknown_path(&self, root: Root, prefix: Option<&str>, segments: &[Segment], offset: usize) -> Finding {
        let context = self.dialect.context;
        let names: Vec<&str> = segments.iter().map(|segment| segment.name.as_str()).collect();
        let joined = names.join(".");
        let spoken = |path: &str| prefix.map_or_else(|| path.to_owned(), |prefix| format!("{prefix}.{path}"));
        // `attributes.http.route` is how other languages write `attributes["http.route"]`.
        if let [first, rest @ ..] = names.as_slice()
            && !rest.is_empty()
            && let Some(field) = root.fields().iter().find(|field| field.path == *first && field.keys == Keys::Any)
        {
            let message =
                format!("`{}` has no field `{}`: what is in a map is named by a key", spoken(first), rest.join("."));
            return Finding::new(offset, message).suggest(Some(format!(
                "{}[\"{}\"]",
                spoken(field.path),
                rest.join(".")
            )));
        }
        if let [first, _, ..] = names.as_slice()
            && prefix.is_none()
            && let Some(other) = Context::named(first)
        {
            return Finding::new(offset, format!("there is no {other} in the context {context}"));
        }
        // A field of what surrounds the record, without its context.
        let elsewhere = context.roots().iter().find(|(_, other)| {
            *other != root && prefix.is_none() && other.fields().iter().any(|field| field.path == joined)
        });
        if let Some((other, _)) = elsewhere {
            let message = format!("the context {context} has no field `{joined}`; there is one of `{other}`");
            return Finding::new(offset, message).suggest(Some(format!("{other}.{joined}")));
        }
        let of = prefix.unwrap_or(context.name());
        let near = nearest(&joined, root.fields().iter().map(|field| field.path)).map(spoken);
        Finding::new(offset, format!("`{of}` has no field `{joined}`")).suggest(near)
    }
}
