//! Who is asking: sessions, service-account tokens, collectors' tokens.
