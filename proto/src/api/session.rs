//! Setup, sign-in and who is asking.

use super::documents;
use crate::UserId;

documents! {
    /// What a `POST /setup` holds.
    #[serde(deny_unknown_fields)]
    pub struct Setup {
        /// The token of the setup link.
        pub setup_token: String,
        /// E-mail address of the first administrator.
        pub email: String,
        /// Name of the first administrator.
        pub name: String,
        /// Password of the first administrator, 12 characters or more.
        pub password: String,
    }

    /// What a `POST /session` holds.
    #[serde(deny_unknown_fields)]
    pub struct SignIn {
        /// E-mail address.
        pub email: String,
        /// Password.
        pub password: String,
    }

    /// Who is asking, and what they may do.
    pub struct Session {
        /// The user or service account.
        pub user: User,
        /// Permissions, each `resource:verb`.
        pub permissions: Vec<String>,
        /// Goes into `X-CSRF-Token` on writes by cookie; `null` for a bearer token.
        pub csrf_token: Option<String>,
    }

    /// A person or a service account.
    pub struct User {
        /// The identifier.
        pub id: UserId,
        /// E-mail address; empty for a service account.
        pub email: String,
        /// The name shown to people.
        pub name: String,
        /// The name of the role.
        pub role: String,
    }
}
