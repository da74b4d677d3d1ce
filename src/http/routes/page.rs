//! Pages of lists by cursor.
//!
//! A cursor names the last row of a page by its sort key and identifier, not its number: rows that come and go between
//! two pages neither repeat nor hide others.

use actix_web::{HttpResponse, http::header::ContentType};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use linkmesh_proto::{Cursor, api::list::Page};
use serde::{Serialize, de::DeserializeOwned};

use super::extract::{Params, invalid};
use crate::error::{Error, Result};

const DEFAULT: usize = 50;
const MOST: usize = 500;
/// How much JSON is enough of a page, in bytes: the row that comes to this is its last.
const PAGE_BYTES: usize = 4 << 20;

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

/// Writes a page, row after row, so that no more than one of them is held beside what is written. It ends before its limit
/// when it is large. `cursor` gives the cursor behind a row, `shown` what the API shows of it.
///
/// # Errors
/// Never for what the API shows.
pub fn written<T, V: Serialize>(
    page: Page<T>,
    cursor: impl Fn(&T) -> Cursor,
    shown: impl Fn(T) -> V,
) -> Result<HttpResponse> {
    let Page { items, mut next_cursor, total } = page;
    let mut text = br#"{"items":["#.to_vec();
    let mut rows = items.into_iter();
    while let Some(row) = rows.next() {
        let behind = cursor(&row);
        serde_json::to_writer(&mut text, &shown(row)).map_err(Error::internal)?;
        if rows.len() == 0 {
            break;
        }
        if text.len() >= PAGE_BYTES {
            next_cursor = Some(behind);
            break;
        }
        text.push(b',');
    }
    text.extend_from_slice(br#"],"next_cursor":"#);
    serde_json::to_writer(&mut text, &next_cursor).map_err(Error::internal)?;
    text.extend_from_slice(format!(r#","total":{total}}}"#).as_bytes());
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(text))
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[actix_web::test]
    async fn page_is_written_as_it_is_and_ends_when_it_is_large() {
        let page = |rows: &[u32], next: Option<u32>| Page {
            items: rows.to_vec(),
            next_cursor: next.map(|row| Paging::cursor("n", &row)),
            total: 9,
        };
        let text_of = async |page, size: usize| {
            let shown = |row: u32| format!("{row}{}", "x".repeat(size));
            let response = written(page, |row| Paging::cursor("n", row), shown).unwrap();
            String::from_utf8(to_bytes(response.into_body()).await.unwrap().to_vec()).unwrap()
        };
        for (rows, next) in [(&[][..], None), (&[1], None), (&[1, 2, 3], Some(3))] {
            let page = page(rows, next);
            let texts: Vec<_> = rows.iter().map(ToString::to_string).collect();
            let expected = Page { items: texts, next_cursor: page.next_cursor.clone(), total: 9 };
            assert_eq!(text_of(page, 0).await, serde_json::to_string(&expected).unwrap());
        }
        for (size, kept) in [(PAGE_BYTES, 1), (PAGE_BYTES / 2, 2), (PAGE_BYTES / 3, 3)] {
            let read: Page<String> = serde_json::from_str(&text_of(page(&[1, 2, 3, 4], Some(4)), size).await).unwrap();
            assert_eq!(read.items.len(), kept);
            let last = u32::try_from(kept).unwrap();
            assert_eq!(read.next_cursor, Some(Paging::cursor("n", &last)));
        }
        let whole: Page<String> = serde_json::from_str(&text_of(page(&[1], None), 2 * PAGE_BYTES).await).unwrap();
        assert_eq!(whole.next_cursor, None, "one row is a page, however large it is");
    }

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
