//! Periodic tidying: expired tokens, old records, dirty rows.
