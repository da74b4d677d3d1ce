//! History of the config repository.
