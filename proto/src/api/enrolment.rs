//! Enrolment: how a collector that nobody created by hand gets its own token.

use std::collections::BTreeMap;

use super::{
    collector::{Bootstrap, Runtime},
    documents,
};
use crate::{CollectorId, Timestamp, TokenId};

documents! {
    /// What a `POST /enrollment-tokens` holds.
    #[serde(deny_unknown_fields)]
    pub struct NewEnrollmentToken {
        /// Seconds until it ends; 900 when absent.
        #[serde(default)]
        pub ttl_s: Option<u64>,
        /// How often it may be redeemed; once when absent.
        #[serde(default)]
        pub uses: Option<u32>,
        /// Labels that every collector gets which redeems it.
        #[serde(default)]
        pub labels: BTreeMap<String, String>,
        /// The only runtime that may redeem it.
        #[serde(default)]
        pub runtime: Option<Runtime>,
    }

    /// An enrolment token just made; the token is shown this once.
    pub struct EnrollmentTokenCreated {
        /// Names the token.
        pub id: TokenId,
        /// The token, `lmet_...`.
        pub token: String,
        /// When it ends.
        pub expires_at: Timestamp,
    }

    /// An enrolment token in a list.
    pub struct EnrollmentToken {
        /// Names the token.
        pub id: TokenId,
        /// When it was made.
        pub created_at: Timestamp,
        /// Who made it.
        pub created_by: String,
        /// When it ends.
        pub expires_at: Timestamp,
        /// How often it may be redeemed.
        pub uses: u32,
        /// How often it was.
        pub used: u32,
        /// Labels that it gives.
        pub labels: BTreeMap<String, String>,
        /// The only runtime that may redeem it.
        pub runtime: Option<Runtime>,
    }

    /// What a `POST /enrol` holds.
    #[serde(deny_unknown_fields)]
    pub struct Enrol {
        /// The program.
        pub runtime: Runtime,
        /// The name shown to people.
        pub name: String,
        /// What the host knows of itself.
        #[serde(default)]
        pub attributes: BTreeMap<String, String>,
    }

    /// The answer to `POST /enrol`.
    pub struct Enrolled {
        /// The new collector.
        pub collector_id: CollectorId,
        /// Its token, `lmct_...`, shown this once.
        pub token: String,
        /// What to put on the host.
        pub bootstrap: Bootstrap,
    }
}
