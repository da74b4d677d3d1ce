//! The version of the file, and the way from each older one.

use redb::{Database, WriteTransaction};

use super::{database::Fault, tables::Table};

/// The schema that this program writes, and the newest that it reads.
///
/// It counts changes that named fields cannot carry: other keys, other tables for the same thing.
pub const SCHEMA_VERSION: u64 = 1;

/// `MIGRATIONS[n]` leads from version `n + 1` to `n + 2`. Each runs in a transaction of its own, together with the new
/// version number, so that a crash leaves the file at one version or the other.
const MIGRATIONS: &[Migration] = &[];

type Migration = fn(&WriteTransaction) -> Result<(), Fault>;

const VERSION_KEY: &[u8] = b"schema_version";

#[derive(Debug)]
pub(super) enum SchemaError {
    Newer { found: u64, supported: u64 },
    Fault(Fault),
    Malformed(Malformed),
}

#[derive(Debug, thiserror::Error)]
#[error("the schema version is not a number")]
pub(super) struct Malformed;

impl<E: Into<redb::Error>> From<E> for SchemaError {
    fn from(error: E) -> Self {
        Self::Fault(Fault::from(error))
    }
}

/// Brings a database to [`SCHEMA_VERSION`] and makes sure that every table is there.
pub(super) fn prepare(database: &Database) -> Result<(), SchemaError> {
    migrate(database, MIGRATIONS, SCHEMA_VERSION)
}

fn migrate(database: &Database, migrations: &[Migration], target: u64) -> Result<(), SchemaError> {
    match version(database)? {
        Some(found) if found > target => return Err(SchemaError::Newer { found, supported: target }),
        Some(found) if found == target => return Ok(()),
        Some(found) => {
            let first = usize::try_from(found.saturating_sub(1)).unwrap_or(usize::MAX);
            for (migration, to) in migrations.iter().skip(first).zip(found + 1..) {
                let transaction = database.begin_write()?;
                migration(&transaction).map_err(SchemaError::Fault)?;
                finish(transaction, to)?;
                tracing::info!(from = to - 1, to, "state store migrated");
            }
        }
        None => finish(database.begin_write()?, target)?,
    }
    Ok(())
}

/// The version that the file has; `None` for a new one.
fn version(database: &Database) -> Result<Option<u64>, SchemaError> {
    use redb::ReadableDatabase as _;
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(Table::Meta.definition()) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some(bytes) = table.get(VERSION_KEY)? else { return Ok(None) };
    let number = bytes.value().try_into().map(u64::from_be_bytes);
    number.map(Some).map_err(|_| SchemaError::Malformed(Malformed))
}

fn finish(transaction: WriteTransaction, version: u64) -> Result<(), SchemaError> {
    for table in Table::ALL {
        transaction.open_table(table.definition())?;
    }
    transaction.open_table(Table::Meta.definition())?.insert(VERSION_KEY, version.to_be_bytes().as_slice())?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use redb::{ReadableTable as _, backends::InMemoryBackend};

    use super::*;

    fn database() -> Database {
        Database::builder().create_with_backend(InMemoryBackend::new()).unwrap()
    }

    fn put(transaction: &WriteTransaction, key: &str) -> Result<(), Fault> {
        let mut table = transaction.open_table(Table::Users.definition())?;
        let seen = u8::try_from(redb::ReadableTableMetadata::len(&table)?).unwrap();
        table.insert(key.as_bytes(), [seen].as_slice())?;
        Ok(())
    }

    fn keys(database: &Database) -> Vec<(String, u8)> {
        use redb::ReadableDatabase as _;
        let table = database.begin_read().unwrap().open_table(Table::Users.definition()).unwrap();
        let entries = table.iter().unwrap().map(Result::unwrap);
        entries.map(|(key, value)| (String::from_utf8(key.value().to_vec()).unwrap(), value.value()[0])).collect()
    }

    const TO_2: Migration = |transaction| put(transaction, "second");
    const TO_3: Migration = |transaction| put(transaction, "first, of the third version");

    #[test]
    fn migrations_run_once_each_and_in_order() {
        let database = database();
        migrate(&database, &[], 1).unwrap();
        assert_eq!(keys(&database), []);
        migrate(&database, &[TO_2], 2).unwrap();
        assert_eq!(version(&database).unwrap(), Some(2));
        migrate(&database, &[TO_2, TO_3], 3).unwrap();
        migrate(&database, &[TO_2, TO_3], 3).unwrap();
        assert_eq!(version(&database).unwrap(), Some(3));
        assert_eq!(keys(&database), [("first, of the third version".to_owned(), 1), ("second".to_owned(), 0)]);
    }

    #[test]
    fn new_file_begins_at_the_newest_version() {
        let database = database();
        migrate(&database, &[TO_2, TO_3], 3).unwrap();
        assert_eq!(version(&database).unwrap(), Some(3));
        assert_eq!(keys(&database), []);
    }

    #[test]
    fn failed_migration_leaves_the_file_at_the_version_before() {
        let database = database();
        migrate(&database, &[], 1).unwrap();
        let fails: Migration = |transaction| {
            put(transaction, "half")?;
            Err(redb::StorageError::Corrupted("test".into()).into())
        };
        assert!(matches!(migrate(&database, &[fails], 2), Err(SchemaError::Fault(_))));
        assert_eq!(version(&database).unwrap(), Some(1));
        assert_eq!(keys(&database), []);
    }

    #[test]
    fn newer_file_is_refused() {
        let database = database();
        migrate(&database, &[TO_2], 2).unwrap();
        assert!(matches!(migrate(&database, &[], 1), Err(SchemaError::Newer { found: 2, supported: 1 })));
    }

    #[test]
    fn there_is_a_migration_for_every_older_version() {
        assert_eq!(MIGRATIONS.len() as u64 + 1, SCHEMA_VERSION);
    }
}
