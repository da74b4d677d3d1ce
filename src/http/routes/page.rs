//! Pages of lists by cursor.
//!
//! A cursor names the last row of a page by its sort key and identifier, not its number: rows that come and go between
//! two pages neither repeat nor hide others.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use linkmesh_proto::{Cursor, api::list::Page};
use serde::{Serialize, de::DeserializeOwned};

use super::extract::{Params, invalid};
use crate::error::Result;

const DEFAULT: usize = 50;
const MOST: usize = 500;

/// The page that a client asks for. `K` is what rows are ordered by, the identifier last.
#[derive(Debug)]
pub struct Paging<K> {
    /// Rows on the page.
    pub limit: usize,
    /// The key of the last row of the page before.
    pub after: Option<K>,
}

/// Reads `limit`.
///
/// # Errors
/// When it is out of bounds.
pub fn limit(params: &Params) -> Result<usize> {
    let limit = params.value::<usize>("limit")?.unwrap_or(DEFAULT);
    if (1..=MOST).contains(&limit) { Ok(limit) } else { Err(invalid("limit", format!("1 to {MOST}"))) }
}

impl<K: Serialize + DeserializeOwned> Paging<K> {
    /// Reads `limit` and `cursor`. `order` names how the list is ordered: a cursor of another order is refused.
    ///
    /// # Errors
    /// When the limit is out of bounds or the cursor was not given out for this order.
    pub fn of(params: &Params, order: &str) -> Result<Self> {
        let limit = limit(params)?;
        let after = params.text("cursor").map(|text| {
            let read = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            read.filter(|(given, _): &(String, K)| given == order)
                .map(|(_, key)| key)
                .ok_or_else(|| invalid("cursor", "it was not given out for this list in this order"))
        });
        Ok(Self { limit, after: after.transpose()? })
    }

    /// The cursor behind a row.
    #[must_use]
    pub fn cursor(order: &str, key: &K) -> Cursor {
        // Invariant: keys are strings, numbers and identifiers, which always serialise.
        let bytes = serde_json::to_vec(&(order, key)).unwrap_or_default();
        Cursor(URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// Cuts a page out of rows in memory. `key` gives each row's key; `descending` turns the order around.
pub fn paged<T, K>(
    mut rows: Vec<T>,
    paging: &Paging<K>,
    order: &str,
    descending: bool,
    key: impl Fn(&T) -> K,
) -> Page<T>
where
    K: Ord + Serialize + DeserializeOwned,
{
    let total = rows.len() as u64;
    let before = |a: &K, b: &K| if descending { a > b } else { a < b };
    if let Some(after) = &paging.after {
        rows.retain(|row| before(after, &key(row)));
    }
    let compare = |a: &T, b: &T| {
        let order = key(a).cmp(&key(b));
        if descending { order.reverse() } else { order }
    };
    let more = rows.len() > paging.limit;
    if more {
        // Only the page itself is worth sorting: a fleet has many rows, a page few.
        rows.select_nth_unstable_by(paging.limit, compare);
        rows.truncate(paging.limit);
    }
    rows.sort_by(compare);
    let next_cursor = rows.last().filter(|_| more).map(|row| Paging::cursor(order, &key(row)));
    Page { items: rows, next_cursor, total }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(rows: &[u32], limit: usize, descending: bool) -> Vec<Vec<u32>> {
        let mut pages = Vec::new();
        let mut query = format!("limit={limit}");
        loop {
            let paging = Paging::<u32>::of(&Params::parse(&query).unwrap(), "n").unwrap();
            let page = paged(rows.to_vec(), &paging, "n", descending, |row| *row);
            assert_eq!(page.total, rows.len() as u64);
            pages.push(page.items);
            match page.next_cursor {
                Some(cursor) => query = format!("limit={limit}&cursor={}", cursor.0),
                None => return pages,
            }
        }
    }

    #[test]
    fn pages_hold_every_row_once_in_order() {
        let rows = [5, 3, 1, 4, 2];
        assert_eq!(walk(&rows, 2, false), [vec![1, 2], vec![3, 4], vec![5]]);
        assert_eq!(walk(&rows, 2, true), [vec![5, 4], vec![3, 2], vec![1]]);
        assert_eq!(walk(&rows, 5, false), [vec![1, 2, 3, 4, 5]]);
        assert_eq!(walk(&[], 5, false), [Vec::<u32>::new()]);
    }

    #[test]
    fn wrong_limit_and_foreign_cursor_are_refused() {
        let cursor = Paging::cursor("name", &7_u32).0;
        for query in ["limit=0", "limit=501", "limit=x", "cursor=zzz", &format!("cursor={cursor}")] {
            assert!(Paging::<u32>::of(&Params::parse(query).unwrap(), "n").is_err(), "{query}");
        }
    }
}
