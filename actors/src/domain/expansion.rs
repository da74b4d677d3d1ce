//! Whether a YAML text means about as much as it says, and takes about as long to read.
//!
//! For each token the parser looks at every bracket that is open: 60 KB of brackets keep it busy for ten seconds. So it
//! is found out beforehand how many will be open ([`scan`]), and what could not be read anyway is not begun.
//!
//! An alias stands for everything below its anchor, and may itself stand below one: 60 KB can mean thousands of millions
//! of values. The parser bounds how often an alias is followed, not how much that makes. So before a text that has
//! aliases is made into values, it is walked once without keeping anything, and the walk ends when it has seen more than
//! a text of that length could say without them.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

pub(crate) use self::scan::Piece;
use self::scan::Work;

mod scan;
#[cfg(test)]
mod tests;

/// What a text may mean beside twice its length: small files may repeat themselves.
const FREE: usize = 64 << 10;

/// How many collections may stand in one another: the reader takes no more either.
const MAX_DEPTH: usize = 128;

/// How much the parser may clear on its way, in bytes. A tenth of a second.
const MOST_CLEARED: u64 = 1 << 30;

/// How many directives a text may have, each of which the parser compares with all.
const MOST_DIRECTIVES: usize = 128;

/// Refuses a text whose aliases make too much of it, one that cannot be walked to its end, and one that would keep the
/// parser busy for longer than its size is worth.
///
/// Only the first document is looked at.
///
/// # Errors
/// The parser's, or one of the same type that says so.
pub(crate) fn check(text: &str) -> Result<(), serde_norway::Error> {
    let Work { depth, cleared, directives } = scan::work(text);
    if depth > MAX_DEPTH {
        return Err(Error::custom(format_args!("brackets are open within {MAX_DEPTH} others; more cannot be read")));
    }
    if directives > MOST_DIRECTIVES {
        return Err(Error::custom("too many directives (`%TAG`)"));
    }
    if cleared > MOST_CLEARED {
        return Err(Error::custom("too many gaps in texts that have very long ones; put fewer blanks there"));
    }
    // Without both, nothing stands for anything else: nearly all texts end here.
    if !(text.contains('&') && text.contains('*')) {
        return Ok(());
    }
    let Some(first) = serde_norway::Deserializer::from_str(text).next() else { return Ok(()) };
    // A value takes at least a character and what parts it from the next, or is empty behind a key; escapes in quotes
    // make three bytes of two at most.
    let mut left = text.len().saturating_mul(2).saturating_add(FREE);
    Counter { left: &mut left }.deserialize(first)
}

/// What a text is made of beside its structure, in order: tags and scalars as they are written. The text has to be one that
/// the parser reads.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    scan::pieces(text)
}

/// Takes every value off what is left.
struct Counter<'a> {
    left: &'a mut usize,
}

impl Counter<'_> {
    fn take<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        match self.left.checked_sub(bytes.saturating_add(1)) {
            Some(left) => {
                *self.left = left;
                Ok(())
            }
            None => Err(E::custom("aliases (`*name`) make far more of the text than it says; write it out")),
        }
    }

    fn again(&mut self) -> Counter<'_> {
        Counter { left: self.left }
    }
}

impl<'de> DeserializeSeed<'de> for Counter<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counter<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(mut self) -> Result<(), E> {
        self.take(0)
    }

    fn visit_none<E: Error>(mut self) -> Result<(), E> {
        self.take(0)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(mut self, _: bool) -> Result<(), E> {
        self.take(0)
    }

    fn visit_i64<E: Error>(mut self, _: i64) -> Result<(), E> {
        self.take(0)
    }

    fn visit_i128<E: Error>(mut self, _: i128) -> Result<(), E> {
        self.take(0)
    }

    fn visit_u64<E: Error>(mut self, _: u64) -> Result<(), E> {
        self.take(0)
    }

    fn visit_u128<E: Error>(mut self, _: u128) -> Result<(), E> {
        self.take(0)
    }

    fn visit_f64<E: Error>(mut self, _: f64) -> Result<(), E> {
        self.take(0)
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        self.take(text.len())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.take(0)?;
        while items.next_element_seed(self.again())?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        self.take(0)?;
        while entries.next_key_seed(self.again())?.is_some() {
            entries.next_value_seed(self.again())?;
        }
        Ok(())
    }

    /// A value with a tag.
    fn visit_enum<A: EnumAccess<'de>>(mut self, tagged: A) -> Result<(), A::Error> {
        use serde::de::VariantAccess as _;
        let (Tag(tag), value) = tagged.variant::<Tag>()?;
        self.take(tag.len())?;
        value.newtype_variant_seed(self)
    }
}

struct Tag(String);

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// Texts of some ten kilobytes that mean gigabytes: for the tests of every place that reads YAML of others.
#[cfg(test)]
pub(crate) mod bombs {
    /// A list of many values, named many times: 120 million values.
    pub(crate) fn wide() -> String {
        format!("a: &a [{}]\nb: [{}]\n", "0,".repeat(20_000), "*a,".repeat(6_000))
    }

    /// Lists of lists of lists: ten thousand million values.
    pub(crate) fn deep() -> String {
        let mut text = String::from("l0: &l0 [0,0,0,0,0,0,0,0,0,0]\n");
        for level in 1..10 {
            let below = format!("*l{},", level - 1);
            text.push_str(&format!("l{level}: &l{level} [{}]\n", below.repeat(10)));
        }
        // The parser follows an alias a hundred times for each part of the text: more text, more of that.
        text.push_str(&format!("rest: [{}]\n", "0,".repeat(20_000)));
        text
    }

    /// One long text, named many times: two gigabytes.
    pub(crate) fn long() -> String {
        format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a,".repeat(20_000))
    }
}
