//! The JSON documents of the REST interface (`/api/v1`), shared by server, page, tests and load harness.
//!
//! Fields are `snake_case`, times RFC 3339. Unknown fields are refused on what clients send.

pub mod catalogue;
pub mod collector;
pub mod destination;
pub mod enrolment;
pub mod event;
pub mod fleet;
pub mod list;
pub mod pipeline;
pub mod problem;
pub mod revision;
pub mod session;

/// Declares a document: the derives that every one has.
macro_rules! documents {
    ($($(#[$meta:meta])* pub $kind:ident $name:ident $body:tt)*) => {
        $(
            #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
            #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
            $(#[$meta])*
            pub $kind $name $body
        )*
    };
}
pub(crate) use documents;
