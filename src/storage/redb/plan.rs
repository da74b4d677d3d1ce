//! What a write may see and do: it reads from a [`View`] and fills [`Changes`], which the writer applies when the plan
//! succeeded. So a plan that is refused midway has changed nothing.

use std::ops::{Bound, ControlFlow};

use linkmesh_actors::ports::StoreError;
use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    database::Fault,
    tables::{Bytes, Table},
    value,
};

/// Which end of a range comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
}

/// Is shown each entry of a range; says whether to go on.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>, StoreError>;

/// The tables at one moment.
pub(super) trait View {
    /// The value of a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Shows the entries of a range.
    fn scan(
        &self,
        table: Table,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError>;
}

impl dyn View + '_ {
    /// The record of a key.
    pub(super) fn record<T: DeserializeOwned>(&self, table: Table, key: &[u8]) -> Result<Option<T>, StoreError> {
        self.get(table, key)?.map(|bytes| value::decode(table, key, &bytes)).transpose()
    }

    /// Whether a key is there.
    pub(super) fn contains(&self, table: Table, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self.get(table, key)?.is_some())
    }

    /// All records of a table in the order of their keys.
    pub(super) fn records<T: DeserializeOwned>(&self, table: Table) -> Result<Vec<T>, StoreError> {
        let mut records = Vec::new();
        self.scan(table, (Bound::Unbounded, Bound::Unbounded), Order::Ascending, &mut |key, bytes| {
            records.push(value::decode(table, key, bytes)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(records)
    }

    /// All keys that begin with `prefix`, in order.
    pub(super) fn keys_below(&self, table: Table, prefix: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut keys = Vec::new();
        self.scan(table, (Bound::Included(prefix), Bound::Unbounded), Order::Ascending, &mut |key, _| {
            if !key.starts_with(prefix) {
                return Ok(ControlFlow::Break(()));
            }
            keys.push(key.to_vec());
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(keys)
    }

    /// The newest `limit` entries below `prefix` whose number, the eight bytes behind it, is less than `before`.
    pub(super) fn newest(
        &self,
        table: Table,
        prefix: &[u8],
        before: Option<u64>,
        limit: usize,
        mut visit: impl FnMut(u64, &[u8], &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let upper = [prefix, &before.unwrap_or(u64::MAX).to_be_bytes()].concat();
        let mut left = limit;
        if left == 0 {
            return Ok(());
        }
        self.scan(table, (Bound::Included(prefix), Bound::Excluded(&upper)), Order::Descending, &mut |key, bytes| {
            let number = key.strip_prefix(prefix).and_then(super::tables::trailing_number);
            visit(number.ok_or_else(|| value::malformed(table, key))?, key, bytes)?;
            left -= 1;
            Ok(if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
    }
}

/// What a plan wants changed.
#[derive(Debug, Default)]
pub(super) struct Changes(Vec<(Table, Vec<u8>, Option<Vec<u8>>)>);

impl Changes {
    /// Writes a record.
    pub(super) fn put(&mut self, table: Table, key: &[u8], record: &impl Serialize) -> Result<(), StoreError> {
        self.put_bytes(table, key, value::encode(table, record)?);
        Ok(())
    }

    /// Writes bytes as they are.
    pub(super) fn put_bytes(&mut self, table: Table, key: &[u8], bytes: Vec<u8>) {
        self.0.push((table, key.to_vec(), Some(bytes)));
    }

    /// Removes a key, if it is there.
    pub(super) fn delete(&mut self, table: Table, key: &[u8]) {
        self.0.push((table, key.to_vec(), None));
    }
}

type OpenTable<'txn> = redb::Table<'txn, Bytes, Bytes>;

/// All tables of a write transaction.
pub(super) struct WriteView<'txn> {
    tables: Vec<OpenTable<'txn>>,
}

impl<'txn> WriteView<'txn> {
    pub(super) fn new(transaction: &'txn WriteTransaction) -> Result<Self, Fault> {
        let open = |table: &Table| transaction.open_table(table.definition()).map_err(Fault::from);
        Ok(Self { tables: Table::ALL.iter().map(open).collect::<Result<_, _>>()? })
    }

    /// Does what a plan wants. A failure leaves the transaction unfit for a commit.
    pub(super) fn apply(&mut self, changes: Changes) -> Result<(), Fault> {
        for (table, key, bytes) in changes.0 {
            // Every table was opened, in the order of the enum.
            let Some(table) = self.tables.get_mut(table as usize) else { continue };
            match bytes {
                Some(bytes) => table.insert(key.as_slice(), bytes.as_slice()).map(drop)?,
                None => table.remove(key.as_slice()).map(drop)?,
            }
        }
        Ok(())
    }
}

impl View for WriteView<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.tables.get(table as usize).map_or(Ok(None), |open| get(open, key))
    }

    fn scan(
        &self,
        table: Table,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        self.tables.get(table as usize).map_or(Ok(()), |open| scan(open, range, order, visit))
    }
}

/// A snapshot. Tables are opened when they are asked for.
pub(super) struct ReadView {
    transaction: ReadTransaction,
}

impl ReadView {
    pub(super) const fn new(transaction: ReadTransaction) -> Self {
        Self { transaction }
    }
}

impl View for ReadView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        get(&self.transaction.open_table(table.definition()).map_err(Fault::from)?, key)
    }

    fn scan(
        &self,
        table: Table,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        scan(&self.transaction.open_table(table.definition()).map_err(Fault::from)?, range, order, visit)
    }
}

fn get(table: &impl ReadableTable<Bytes, Bytes>, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(table.get(key).map_err(Fault::from)?.map(|guard| guard.value().to_vec()))
}

fn scan(
    table: &impl ReadableTable<Bytes, Bytes>,
    range: (Bound<&[u8]>, Bound<&[u8]>),
    order: Order,
    visit: Visit<'_>,
) -> Result<(), StoreError> {
    let mut entries = table.range::<&[u8]>(range).map_err(Fault::from)?;
    loop {
        let next = match order {
            Order::Ascending => entries.next(),
            Order::Descending => entries.next_back(),
        };
        let Some(entry) = next else { return Ok(()) };
        let (key, bytes) = entry.map_err(Fault::from)?;
        if visit(key.value(), bytes.value())?.is_break() {
            return Ok(());
        }
    }
}
