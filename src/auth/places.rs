//! Where accounts were signed in to from: who guesses from elsewhere does not keep their owners out.
//!
//! In memory only: after a restart everybody comes from afar until the next sign-in.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;

/// How long a place is known after a sign-in.
const KNOWN: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many are known. When they do not suffice, those that have not been used the longest go.
const PLACES: usize = 10_000;

/// Accounts with addresses, each until a point of monotonic time.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<(String, String), Duration>>);

impl Places {
    /// Somebody signed in.
    pub(super) fn note(&self, account: &str, address: &str, now: Duration) {
        let mut places = self.0.lock();
        if places.len() >= PLACES {
            places.retain(|_, until| now < *until);
        }
        if places.len() >= PLACES
            && let Some(oldest) = places.iter().min_by_key(|(_, until)| **until).map(|(place, _)| place.clone())
        {
            places.remove(&oldest);
        }
        places.insert((account.to_owned(), address.to_owned()), now + KNOWN);
    }

    /// Whether the account was signed in to from there lately.
    pub(super) fn knows(&self, account: &str, address: &str, now: Duration) -> bool {
        self.0.lock().get(&(account.to_owned(), address.to_owned())).is_some_and(|until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_known_for_a_while_and_are_bounded() {
        let places = Places::default();
        let start = Duration::from_secs(1);
        places.note("ada@example.com", "192.0.2.1", start);
        assert!(places.knows("ada@example.com", "192.0.2.1", start));
        assert!(!places.knows("ada@example.com", "192.0.2.2", start));
        assert!(!places.knows("bob@example.com", "192.0.2.1", start));
        assert!(!places.knows("ada@example.com", "192.0.2.1", start + KNOWN));
        for n in 0..PLACES {
            places.note("bob@example.com", &format!("{n}"), start + Duration::from_secs(1));
        }
        assert_eq!(places.0.lock().len(), PLACES);
        assert!(!places.knows("ada@example.com", "192.0.2.1", start), "the oldest went");
        assert!(places.knows("bob@example.com", "0", start));
    }
}
