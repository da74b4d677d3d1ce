//! What runs may take, one after another.

use std::{fmt, sync::Arc};

use super::Limits;
use crate::{eval::Error, record::Telemetry};

/// Says whether work that is under way is to end: its time is up, or nobody waits for it any more.
///
/// A clock or a flag behind a function, so that nothing here knows of either.
#[derive(Clone, Default)]
pub struct IsOver(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl IsOver {
    /// It never is.
    pub const NEVER: Self = Self(None);

    /// By this function. It is asked often: between pieces of work that take no longer than a value of the largest size that
    /// may be does, some milliseconds.
    #[must_use]
    pub fn new(is_over: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_over)))
    }

    /// Whether it is.
    #[must_use]
    pub fn ask(&self) -> bool {
        self.0.as_ref().is_some_and(|is_over| is_over())
    }
}

impl fmt::Debug for IsOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IsOver").field(&self.0.is_some()).finish()
    }
}

/// Why a run was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// It took more steps than were granted.
    Work,
    /// The records would hold more than was granted.
    Memory,
    /// It is over: see [`IsOver`].
    Time,
}

/// What there is left of work and of memory, for one run or for several.
#[derive(Debug, Clone)]
pub struct Budget {
    work: usize,
    /// What the records may hold, and what they hold at most, in octets.
    memory: usize,
    held: usize,
    is_over: IsOver,
    /// The work since it was asked.
    unasked: usize,
    spent: Option<Spent>,
}

/// After so much work it is asked whether it is over.
const ASKED_EVERY: usize = 1 << 14;

impl Default for Budget {
    fn default() -> Self {
        Self::new(Limits::default(), IsOver::default())
    }
}

impl Budget {
    /// All of it.
    #[must_use]
    pub const fn new(limits: Limits, is_over: IsOver) -> Self {
        Self { work: limits.work, memory: limits.memory, held: 0, is_over, unasked: 0, spent: None }
    }

    /// Why there is nothing left; `None` as long as there is something.
    #[must_use]
    pub const fn spent(&self) -> Option<Spent> {
        self.spent
    }

    /// How much work is left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.work
    }

    /// Whether it is over, asked now.
    pub fn is_over(&mut self) -> bool {
        self.unasked = 0;
        if self.spent.is_none() && self.is_over.ask() {
            self.spent = Some(Spent::Time);
        }
        self.spent == Some(Spent::Time)
    }

    /// Counts work, before it is done.
    ///
    /// # Errors
    /// There is not so much, or it is over.
    pub fn spend(&mut self, work: usize) -> Result<(), Error> {
        self.work = self.work.saturating_sub(work);
        self.unasked = self.unasked.saturating_add(work);
        if self.work == 0 && self.spent.is_none() {
            self.spent = Some(Spent::Work);
        }
        if self.unasked >= ASKED_EVERY {
            self.is_over();
        }
        self.check()
    }

    /// Counts memory that the records take from now on, in octets, before it is taken.
    ///
    /// # Errors
    /// There is not so much, or nothing was left before.
    pub fn hold(&mut self, octets: usize) -> Result<(), Error> {
        self.held = self.held.saturating_add(octets);
        if self.held > self.memory && self.spent.is_none() {
            self.spent = Some(Spent::Memory);
        }
        self.check()
    }

    /// Counts memory that the records have given back.
    pub const fn release(&mut self, octets: usize) {
        self.held = self.held.saturating_sub(octets);
    }

    /// Counts anew what the records hold.
    ///
    /// # Errors
    /// It is more than they may, or nothing was left before.
    pub fn weigh(&mut self, telemetry: &Telemetry) -> Result<(), Error> {
        let size = telemetry.size();
        self.held = 0;
        self.hold(size)?;
        self.spend(size / 64)
    }

    /// What the records may hold beyond what they do, in octets.
    pub(crate) const fn room(&self) -> usize {
        self.memory.saturating_sub(self.held)
    }

    const fn check(&self) -> Result<(), Error> {
        match self.spent {
            None => Ok(()),
            Some(Spent::Memory) => Err(Error::Full(self.memory >> 20)),
            Some(Spent::Work | Spent::Time) => Err(Error::Exhausted),
        }
    }
}
