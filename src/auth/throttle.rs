//! Slows down who guesses: attempts by account and by address.
//!
//! Each key has a bucket of attempts that fills again with time. An attempt takes one out before the password is looked
//! at, so that many at once cannot get past it; a right password puts it back. There are three of them:
//!
//! * by account and address: what one guesser has on one account. A guesser empties only their own, so that they keep
//!   nobody else out;
//! * by address: stops guessing over many accounts;
//! * by account: stops guessing from many addresses. It is wide, and an address from which the account's owner signed in
//!   lately is let past it: whoever commands hundreds of addresses keeps the owner out of a new place at most.

use std::{borrow::Cow, collections::HashMap, net::IpAddr, time::Duration};

use parking_lot::Mutex;

/// Keys kept of each sort. When they do not suffice, those that have been quiet the longest go.
const KEYS: usize = 10_000;

/// How many attempts, and how fast they come back.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Attempts at once.
    pub burst: u32,
    /// Time in which one comes back.
    pub refill: Duration,
}

/// Attempts on one account from one address.
pub const BY_ACCOUNT_AND_ADDRESS: Allowance = Allowance { burst: 5, refill: Duration::from_secs(20) };
/// Attempts on one account from everywhere but where its owner signs in: 17,000 a day, against passwords of 12
/// characters.
pub const BY_ACCOUNT: Allowance = Allowance { burst: 100, refill: Duration::from_secs(5) };
/// Attempts from one address, whatever the account.
pub const BY_ADDRESS: Allowance = Allowance { burst: 20, refill: Duration::from_secs(5) };
/// Wrong tokens of collectors and of enrolment from one address. A valid token is never held up by others' failures: many
/// collectors share an address behind a gateway.
pub const FAILED_TOKENS: Allowance = Allowance { burst: 20, refill: Duration::from_secs(2) };

/// What counts as one address: one host has a whole /64 of IPv6.
#[must_use]
pub fn network(address: &str) -> Cow<'_, str> {
    match address.parse() {
        Ok(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = v6.segments();
            Cow::Owned(format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"))
        }
        _ => Cow::Borrowed(address),
    }
}

/// Counts attempts by a key.
#[derive(Debug)]
pub struct Throttle {
    allowance: Allowance,
    /// By key, the point at which the bucket is full again. In the past: it is full.
    full_at: Mutex<HashMap<String, Duration>>,
}

impl Throttle {
    /// With this allowance for each key.
    #[must_use]
    pub fn new(allowance: Allowance) -> Self {
        Self { allowance, full_at: Mutex::new(HashMap::new()) }
    }

    /// Takes one attempt; `now` is monotonic time.
    ///
    /// # Errors
    /// The time until there is one again.
    pub fn take(&self, key: &str, now: Duration) -> Result<(), Duration> {
        let mut keys = self.full_at.lock();
        if !keys.contains_key(key) && keys.len() >= KEYS {
            make_room(&mut keys, now);
        }
        let full_at = keys.entry(key.to_owned()).or_insert(now);
        let next = (*full_at).max(now) + self.allowance.refill;
        let latest = now + self.allowance.refill * self.allowance.burst;
        if next > latest {
            return Err(next - latest);
        }
        *full_at = next;
        Ok(())
    }

    /// Puts one attempt back: it was a right one.
    pub fn give_back(&self, key: &str) {
        let mut keys = self.full_at.lock();
        if let Some(full_at) = keys.get_mut(key) {
            *full_at = full_at.saturating_sub(self.allowance.refill);
        }
    }
}

fn make_room(keys: &mut HashMap<String, Duration>, now: Duration) {
    keys.retain(|_, full_at| *full_at > now);
    if keys.len() >= KEYS {
        let mut times: Vec<_> = keys.values().copied().collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        keys.retain(|_, full_at| *full_at > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn throttle() -> Throttle {
        Throttle::new(Allowance { burst: 3, refill: SECOND * 10 })
    }

    #[test]
    fn attempts_end_and_come_back_with_time() {
        let throttle = throttle();
        let now = SECOND * 1000;
        for _ in 0..3 {
            assert_eq!(throttle.take("ada", now), Ok(()));
        }
        assert_eq!(throttle.take("ada", now), Err(SECOND * 10));
        assert_eq!(throttle.take("bob", now), Ok(()), "another key has its own");
        assert_eq!(throttle.take("ada", now + SECOND * 4), Err(SECOND * 6));
        assert_eq!(throttle.take("ada", now + SECOND * 10), Ok(()));
        assert!(throttle.take("ada", now + SECOND * 10).is_err());
    }

    #[test]
    fn host_of_ipv6_counts_once_however_many_addresses_it_takes() {
        assert_eq!(network("2001:db8:0:7::1"), network("2001:db8:0:7:ffff::2"));
        assert_ne!(network("2001:db8:0:7::1"), network("2001:db8:0:8::1"));
        for as_it_is in ["192.0.2.1", "::ffff:192.0.2.1", "unknown", ""] {
            assert_eq!(network(as_it_is), as_it_is);
        }
    }

    #[test]
    fn right_password_costs_nothing() {
        let throttle = throttle();
        for _ in 0..10 {
            assert_eq!(throttle.take("ada", SECOND), Ok(()));
            throttle.give_back("ada");
        }
    }

    #[test]
    fn strangers_do_not_fill_the_memory() {
        let throttle = throttle();
        for stranger in 0..30_000 {
            assert_eq!(throttle.take(&format!("{stranger}@example.com"), SECOND), Ok(()));
        }
        assert!(throttle.full_at.lock().len() <= KEYS);
    }
}
