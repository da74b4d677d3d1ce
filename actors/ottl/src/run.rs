//! Filters and transformations of whole requests, as the two processors of upstream do them with `error_mode: ignore`.
//!
//! Source: `filterprocessor` and `transformprocessor` of contrib 0.158.0.

mod budget;
mod filter;
#[cfg(test)]
mod tests;
mod transform;
mod visit;

pub use self::{
    budget::{Budget, IsOver, Spent},
    filter::filter,
    transform::{Statements, transform},
};
use crate::eval::{Error, Time};

/// What functions see beyond the record: what makes a run the same each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// What `Now` gives, in nanoseconds since 1970.
    pub now_unix_nano: i64,
    /// What chance begins with.
    pub seed: u64,
}

/// What a run may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Steps, of about the work that an octet makes.
    pub work: usize,
    /// What the records may hold, in octets.
    pub memory: usize,
    /// How many errors are kept.
    pub errors: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { work: 1 << 28, memory: 64 << 20, errors: 20 }
    }
}

/// An error that was ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The statement or the condition.
    pub text: String,
    /// Why it could not be worked out.
    pub error: Error,
}

/// A run over records: what it may still take, and what it has met.
#[derive(Debug)]
pub struct Run {
    now: i64,
    chance: u64,
    budget: Budget,
    most_errors: usize,
    errors: Vec<Ignored>,
    ignored: usize,
}

impl Run {
    /// A run that has done nothing yet, and may take this.
    #[must_use]
    pub const fn new(surroundings: Surroundings, limits: Limits) -> Self {
        Self::within(surroundings, limits.errors, Budget::new(limits, IsOver::NEVER))
    }

    /// A run that takes what others left, and keeps so many errors.
    #[must_use]
    pub const fn within(surroundings: Surroundings, errors: usize, budget: Budget) -> Self {
        Self {
            now: surroundings.now_unix_nano,
            chance: surroundings.seed,
            budget,
            most_errors: errors,
            errors: Vec::new(),
            ignored: 0,
        }
    }

    /// What is left for others.
    #[must_use]
    pub fn into_budget(self) -> Budget {
        self.budget
    }

    /// The first errors that were ignored, each text and error once.
    #[must_use]
    pub fn errors(&self) -> &[Ignored] {
        &self.errors
    }

    /// How many errors were ignored in all.
    #[must_use]
    pub const fn ignored(&self) -> usize {
        self.ignored
    }

    /// Whether the run was given up because it took too much. Records that it did not come to are as they were.
    #[must_use]
    pub const fn is_exhausted(&self) -> bool {
        self.budget.spent().is_some()
    }

    pub(crate) fn now(&self) -> Time {
        Time::utc(self.now.into())
    }

    /// A number by chance (`SplitMix64`).
    pub(crate) const fn chance(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.chance ^ self.chance >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn spend(&mut self, work: usize) -> Result<(), Error> {
        self.budget.spend(work)
    }

    /// What it may take.
    pub(crate) const fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }

    /// Keeps an error of a text.
    fn ignore(&mut self, text: &str, error: Error) {
        self.ignored += 1;
        let known = self.errors.iter().any(|known| known.text == text && known.error == error);
        if !known && self.errors.len() < self.most_errors {
            self.errors.push(Ignored { text: text.to_owned(), error });
        }
    }
}
