//! Composition: everything is started here, in the one order that is safe.
