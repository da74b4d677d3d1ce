//! Something that is done again soon, once for all who ask for it meanwhile.

/// When it is done next. Times are in milliseconds, by any one clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Soon(Option<i64>);

impl Soon {
    /// Asks for it; `true` when a timer has to be set, which then asks [`is_due`](Self::is_due). Nothing is to be set while
    /// it will be done as soon.
    pub fn ask(&mut self, due_ms: i64) -> bool {
        let is_sooner = self.0.is_none_or(|known| due_ms < known);
        if is_sooner {
            self.0 = Some(due_ms);
        }
        is_sooner
    }

    /// Whether the timer that was set for this moment does it; one that a sooner one overtook does not.
    pub fn is_due(&mut self, due_ms: i64) -> bool {
        let is_due = self.0 == Some(due_ms);
        if is_due {
            self.0 = None;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_who_ask_get_it_once() {
        let mut soon = Soon::default();
        assert!(soon.ask(500));
        assert!(!soon.ask(500));
        assert!(!soon.ask(900));
        assert!(soon.is_due(500));
        assert!(!soon.is_due(500));
        assert!(soon.ask(900), "and whoever asks after that again");
    }

    #[test]
    fn who_cannot_wait_as_long_does_not() {
        let mut soon = Soon::default();
        assert!(soon.ask(5000));
        assert!(soon.ask(200));
        assert!(soon.is_due(200));
        assert!(!soon.is_due(5000), "it was done before");
    }
}
