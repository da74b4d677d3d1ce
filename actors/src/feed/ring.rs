//! The events of the last while, in order.

use std::{collections::VecDeque, fmt, str::FromStr, sync::Arc};

use linkmesh_proto::{Cursor, api::event::Event};

use super::FeedItem;

/// Events that are kept.
const CAPACITY: usize = 10_000;

/// The place of an event: which epoch (a start of the feed), and which event of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) epoch: u64,
    pub(crate) number: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch, self.number)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, number) = text.split_once('-').ok_or(())?;
        let epoch = u64::from_str_radix(epoch, 16).map_err(drop)?;
        Ok(Self { epoch, number: number.parse().map_err(drop)? })
    }
}

impl From<Place> for Cursor {
    fn from(place: Place) -> Self {
        Self(place.to_string())
    }
}

/// The ring.
pub(crate) struct Ring {
    epoch: u64,
    /// The number of the event that comes next; the first is 1.
    next: u64,
    items: VecDeque<FeedItem>,
}

impl Ring {
    pub(crate) fn new(epoch: u64) -> Self {
        Self { epoch, next: 1, items: VecDeque::new() }
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Adds an event and answers its place.
    pub(crate) fn push(&mut self, item: FeedItem) -> Place {
        if self.items.len() == CAPACITY {
            self.items.pop_front();
        }
        self.items.push_back(item);
        self.next += 1;
        Place { epoch: self.epoch, number: self.next - 1 }
    }

    /// What a reader missed that saw everything up to `after`. One that saw nothing begins now; one whose place is not
    /// in the ring any more gets a reset and begins now.
    pub(crate) fn behind(&self, after: Option<Place>) -> Vec<(Place, FeedItem)> {
        let now = Place { epoch: self.epoch, number: self.next - 1 };
        let Some(after) = after else { return Vec::new() };
        // Invariant: never more items than numbers given out.
        let oldest = self.next - self.items.len() as u64;
        if after.epoch != self.epoch || after.number > now.number || after.number + 1 < oldest {
            return vec![(now, FeedItem::Event(Arc::new(Event::Reset {})))];
        }
        let skipped = usize::try_from(after.number + 1 - oldest).unwrap_or(usize::MAX);
        let place = |number| Place { epoch: self.epoch, number };
        (after.number + 1..).map(place).zip(self.items.iter().skip(skipped).cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use linkmesh_proto::CollectorId;

    use super::*;

    fn item(n: u8) -> FeedItem {
        FeedItem::Collector(CollectorId::from_bytes([n; 16]))
    }

    fn is_reset(events: &[(Place, FeedItem)]) -> bool {
        matches!(events, [(_, FeedItem::Event(event))] if **event == Event::Reset {})
    }

    #[test]
    fn a_reader_goes_on_where_it_stopped() {
        let mut ring = Ring::new(7);
        let places: Vec<_> = (1..=3).map(|n| ring.push(item(n))).collect();
        assert_eq!(ring.behind(Some(places[0])), [(places[1], item(2)), (places[2], item(3))]);
        assert_eq!(ring.behind(Some(places[2])), []);
        assert_eq!(ring.behind(None), []);
        assert_eq!(places[1].to_string().parse(), Ok(places[1]));
    }

    #[test]
    fn a_place_that_is_gone_begins_with_a_reset() {
        let mut ring = Ring::new(7);
        let first = ring.push(item(1));
        for _ in 0..CAPACITY {
            ring.push(item(2));
        }
        assert_eq!(ring.behind(Some(first)).len(), CAPACITY, "everything behind it is still there");
        ring.push(item(3));
        assert!(is_reset(&ring.behind(Some(first))));
        assert!(is_reset(&ring.behind(Some(Place { epoch: 6, number: 1 }))));
        assert!(is_reset(&ring.behind(Some(Place { epoch: 7, number: 1 << 40 }))), "a place not given out yet");
    }
}
