//! Pages of a list.

use serde::{Deserialize, Serialize};

use crate::Cursor;

/// One page of a list; ask for the next with `?cursor=`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "{T}Page"))]
pub struct Page<T> {
    /// The rows, in the order asked for.
    pub items: Vec<T>,
    /// Where the next page begins; `null` on the last page.
    pub next_cursor: Option<Cursor>,
    /// How many rows match in all.
    pub total: u64,
}
