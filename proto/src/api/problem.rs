//! Errors as `application/problem+json` (RFC 9457).

use super::documents;

documents! {
    /// Why a request was refused.
    pub struct Problem {
        /// A URI reference that names the kind of problem.
        #[serde(rename = "type")]
        pub kind: String,
        /// The kind of problem in a few words.
        pub title: String,
        /// The HTTP status.
        pub status: u16,
        /// What happened this time, for a person.
        pub detail: String,
        /// A stable code for programs, for example `stale_revision`.
        pub code: String,
        /// Finds the request in the server's log.
        pub request_id: String,
        /// What is wrong with the document, one entry a place.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub errors: Vec<FieldProblem>,
        /// With 412: the document as it is stored now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub current: Option<serde_json::Value>,
        /// With 412: the entity tag of `current`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub current_etag: Option<String>,
    }

    /// What is wrong at one place of a document. Also used for warnings.
    pub struct FieldProblem {
        /// Path of the field, for example `filters[0].settings.minimum`; empty for the document as a whole.
        pub field: String,
        /// A stable code, for example `unknown_value`.
        pub code: String,
        /// What is wrong and what would be right, for a person.
        pub message: String,
    }
}
