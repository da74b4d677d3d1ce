//! The conformance suite of the state store: what every implementation must do, said once.
//!
//! An implementation names the suite in a test module and gives it something that makes an empty store:
//!
//! ```text
//! linkmesh_actors::store_conformance_tests!(async { MemoryStore::default() });
//! ```
//!
//! Each check becomes a test of its own. A store that lasts (a file, a server) is also held to
//! [`samples::fill`] and [`samples::check`] across a restart, and to its own crash tests.

#![allow(clippy::unwrap_used, reason = "this is test code, compiled into other crates' tests")]

pub mod collectors;
pub mod records;
pub mod samples;
pub mod tokens;
pub mod users;

/// Makes one test of each check of the suite. The expression is a future that ends in an empty store; what must live
/// as long as the store (a temporary directory) is held by the store itself.
#[macro_export]
macro_rules! store_conformance_tests {
    ($empty:expr) => {
        $crate::store_conformance_tests! { @tests ($empty)
            collectors [
                collectors_are_read_back_with_their_presence,
                collector_written_again_is_replaced,
                agents_and_records_are_written_together,
                deregistered_collector_stays_so_whatever_its_actor_still_writes,
                effective_config_is_kept_byte_for_byte_and_replaced,
                components_are_kept_once,
                removed_components_are_gone,
                removed_collector_leaves_nothing_behind,
            ]
            tokens [
                tokens_of_a_collector_are_replaced_together,
                enrolment_is_redeemed_once,
                process_that_redeems_again_is_the_collector_that_it_was,
                redemption_without_a_token_creates_the_collector_alone,
                enrolment_is_redeemed_as_often_as_it_may_be,
                redemption_gives_labels_that_lose_against_the_collectors_own,
                refused_redemption_writes_nothing,
                two_who_redeem_at_once_do_not_both_get_in,
                deleted_enrolment_is_kept_while_somebody_came_in_by_it,
                ended_enrolments_are_pruned_unless_a_collector_comes_back_with_them,
            ]
            users [
                only_the_first_user_is_created_without_asking,
                email_belongs_to_one_user,
                changed_email_is_free_for_another,
                sessions_end_by_hand_and_by_time,
                service_account_has_a_unique_name_and_its_token_finds_it,
            ]
            records [
                events_are_listed_newest_first_and_by_page,
                only_the_newest_events_are_kept,
                events_of_collectors_are_kept_apart,
                audit_log_is_a_chain_and_listed_newest_first,
                audit_log_knows_the_commits_in_it,
                concurrent_audit_entries_make_one_chain,
            ]
            samples [
                samples_are_read_back_as_they_were_written,
            ]
        }
    };
    (@tests ($empty:expr) $($module:ident [$($check:ident,)+])+) => {
        $($(
            #[tokio::test]
            async fn $check() {
                let store = $empty.await;
                $crate::testing::store_suite::$module::$check(&store).await;
            }
        )+)+
    };
}
