//! How far apart the polls of an Alloy are. Its `poll_frequency` is the host's own setting and never told, so it is
//! learnt from the polls, on whatever thread takes them: most wake no actor.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

/// What comes closer than this behind a poll is a report of a load or a start: `poll_frequency` is 10 s or more.
const SHORTEST_MS: u64 = 5_000;
/// Longest time between polls that is believed; a longer silence is an absence.
const LONGEST_MS: u64 = 30 * 60 * 1_000;

/// When an Alloy was last heard, and the time between its polls. Written by many threads without a lock: polls of one
/// Alloy follow one another, and one that is lost to a race is made up for by the next.
#[derive(Debug, Default)]
pub struct Rhythm {
    /// Milliseconds of the monotonic clock, plus one; 0 is never.
    heard: AtomicU64,
    /// The newest time between two polls; 0 when none is known.
    gap_ms: AtomicU32,
    /// What two such times agreed on; 0 when none did.
    poll_ms: AtomicU32,
}

/// What a [`Rhythm`] says at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pulse {
    /// When it was last heard, on the monotonic clock; `None` when not at all, or when it said goodbye since.
    pub heard_at: Option<Duration>,
    /// The time between its polls, as two of them in a row agreed.
    pub poll: Option<Duration>,
    /// The newest time between two polls. One that was missed, or taken out of turn, shows here and goes.
    pub gap: Option<Duration>,
}

impl Rhythm {
    /// A poll came. `true`: the time between polls is another than was known.
    pub fn beat(&self, at: Duration) -> bool {
        let now = millis(at);
        let before = self.heard.fetch_max(now, Ordering::AcqRel);
        let gap = now.saturating_sub(before);
        if before == 0 || gap < SHORTEST_MS {
            return false;
        }
        let Some(gap) = u32::try_from(gap).ok().filter(|gap| u64::from(*gap) <= LONGEST_MS) else {
            self.gap_ms.store(0, Ordering::Relaxed);
            return false;
        };
        let last = self.gap_ms.swap(gap, Ordering::Relaxed);
        // One time that is out of the row says nothing: a poll was missed, or the host's configuration reloaded.
        let is_news = agree(last, gap) && !agree(self.poll_ms.load(Ordering::Relaxed), gap);
        if is_news {
            self.poll_ms.store(gap, Ordering::Relaxed);
        }
        is_news
    }

    /// A process starts: what was before it is no time between two of its polls.
    pub fn restart(&self, at: Duration) {
        self.gap_ms.store(0, Ordering::Relaxed);
        self.heard.fetch_max(millis(at), Ordering::AcqRel);
    }

    /// It said goodbye.
    pub fn stop(&self) {
        self.gap_ms.store(0, Ordering::Relaxed);
        self.heard.store(0, Ordering::Release);
    }

    /// What is known now.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        let span = |millis: &AtomicU32| match millis.load(Ordering::Relaxed) {
            0 => None,
            millis => Some(Duration::from_millis(millis.into())),
        };
        let heard_at = self.heard.load(Ordering::Acquire).checked_sub(1).map(Duration::from_millis);
        Pulse { heard_at, poll: span(&self.poll_ms), gap: span(&self.gap_ms) }
    }
}

fn millis(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// Whether two times are the same but for delays: Alloy itself is off by a tenth of a second at most.
const fn agree(one: u32, other: u32) -> bool {
    one.abs_diff(other) <= one / 5
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(rhythm: &Rhythm, seconds: impl IntoIterator<Item = u64>) {
        for at in seconds {
            rhythm.beat(Duration::from_secs(at));
        }
    }

    fn learnt(rhythm: &Rhythm) -> Option<u64> {
        rhythm.pulse().poll.map(|poll| poll.as_secs())
    }

    #[test]
    fn time_between_polls_is_learnt_upwards_and_downwards() {
        let rhythm = Rhythm::default();
        assert_eq!(rhythm.pulse(), Pulse::default());
        beat(&rhythm, [100, 115]);
        assert_eq!(learnt(&rhythm), None, "one time may be any");
        beat(&rhythm, [130]);
        assert_eq!(learnt(&rhythm), Some(15));
        beat(&rhythm, [430, 730]);
        assert_eq!(learnt(&rhythm), Some(300));
        beat(&rhythm, [745, 760]);
        assert_eq!(learnt(&rhythm), Some(15));
    }

    #[test]
    fn reports_missed_polls_and_reloads_change_nothing() {
        let rhythm = Rhythm::default();
        // Each poll is followed by a report.
        for poll in 0..5 {
            rhythm.beat(Duration::from_secs(100 + poll * 60));
            rhythm.beat(Duration::from_secs(100 + poll * 60) + Duration::from_millis(3));
        }
        assert_eq!(learnt(&rhythm), Some(60 - 1), "to the millisecond, from the report on");
        // One missed, one out of turn.
        beat(&rhythm, [340 + 120, 340 + 180, 340 + 187, 340 + 247]);
        assert_eq!(learnt(&rhythm), Some(59));
        // An hour of silence.
        beat(&rhythm, [10_000]);
        assert_eq!((learnt(&rhythm), rhythm.pulse().gap), (Some(59), None));
    }

    #[test]
    fn start_and_goodbye_are_no_polls() {
        let rhythm = Rhythm::default();
        beat(&rhythm, [100, 115, 130]);
        rhythm.restart(Duration::from_secs(200));
        assert_eq!(rhythm.pulse().gap, None);
        beat(&rhythm, [200, 215]);
        assert_eq!((learnt(&rhythm), rhythm.pulse().heard_at), (Some(15), Some(Duration::from_secs(215))));
        rhythm.stop();
        assert_eq!((learnt(&rhythm), rhythm.pulse().heard_at), (Some(15), None));
        beat(&rhythm, [900]);
        assert_eq!(rhythm.pulse().gap, None, "it was not polling in between");
    }
}
