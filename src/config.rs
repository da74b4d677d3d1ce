//! Configuration: defaults < TOML file < environment < flags.
