//! Who is asking: sessions, service-account tokens, collectors' tokens.

pub mod token;
