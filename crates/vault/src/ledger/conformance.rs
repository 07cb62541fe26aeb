//! The guarantees of [`Ledger`] as tests. Every implementation runs [`all`].
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod demand;
mod documents;
mod galleries;
mod leases;
mod owing;
mod photos;
pub(super) mod samples;
mod stages;
mod turns;

use std::sync::Arc;

use async_trait::async_trait;

use super::Ledger;

/// Opens the ledgers that the suite runs against.
#[async_trait]
pub trait Opener: Sync {
    /// The ledger of this name: empty the first time, afterwards with what was written to it before, as another process
    /// would find it.
    async fn open(&self, name: &'static str) -> Arc<dyn Ledger>;
}

/// Every guarantee, one after another, each against a ledger of its own.
///
/// # Panics
/// If the ledger breaks one.
pub async fn all(opener: &dyn Opener) {
    macro_rules! run {
        ($($group:ident::$guarantee:ident),* $(,)?) => {
            $($group::$guarantee(opener.open(stringify!($guarantee)).await.as_ref()).await;)*
        };
    }
    run!(
        galleries::a_gallery_keeps_its_opening,
        galleries::galleries_are_listed_latest_first,
        galleries::an_unknown_gallery_takes_nothing,
        galleries::a_studio_lists_its_own_galleries_by_page,
        galleries::a_gallery_never_changes_its_studio,
        galleries::a_gallery_is_updated_as_expected_or_not_at_all,
        galleries::a_promise_counts_from_the_latest_photo,
        galleries::a_removed_gallery_leaves_nothing,
        galleries::a_condemned_original_is_nobody_s,
        galleries::refusals_are_replaced_and_cleared,
        photos::a_staged_photo_is_nobodys_until_it_is_stored,
        photos::a_photo_is_stored_once,
        photos::a_photo_that_is_finished_keeps_what_was_found,
        photos::embeddings_need_consent_and_are_erased,
        photos::photos_are_put_back_to_work,
        photos::photos_are_found_one_by_one_and_by_page,
        leases::a_lease_is_good_until_another_claims,
        leases::a_finished_job_is_finished_once,
        leases::a_retry_waits_for_its_time,
        leases::a_released_job_waits_again,
        leases::a_batch_is_completed_each_by_itself,
        leases::who_watches_sees_what_is_unfinished_and_who_has_it,
        owing::what_is_owed_is_claimed_by_one_at_a_time,
        owing::what_is_owed_is_paid_once,
        stages::a_job_is_passed_on_with_what_was_found,
        stages::a_stale_lease_passes_nothing_on,
        stages::a_specialist_gets_its_stages_alone,
        stages::what_is_furthest_along_comes_first,
        stages::each_stage_is_charged_once,
        stages::what_was_found_of_faces_is_erased_on_its_way,
        turns::jobs_come_by_priority_then_arrival,
        turns::a_claim_can_be_kept_to_one_gallery,
        turns::a_placed_gallery_is_its_cluster_s,
        turns::weights_share_the_work,
        turns::critical_galleries_come_first_up_to_their_share,
        turns::a_new_gallery_starts_at_the_minimum,
        demand::a_new_photo_arrives_once,
        demand::removed_galleries_stay_in_the_history,
        demand::what_another_system_knew_is_taken_over_once,
        documents::a_document_is_written_as_expected_or_not_at_all,
        documents::documents_are_written_together_or_not_at_all,
        documents::a_version_is_deleted_or_nothing,
        documents::documents_are_listed_by_owner_and_page,
        documents::due_documents_come_earliest_first,
        documents::an_owner_takes_its_documents_along,
        documents::names_have_their_limits,
    );
    leases::a_job_has_one_holder(opener).await;
    stages::specialists_finish_all_between_them(opener).await;
    photos::what_returned_is_durable(opener).await;
    documents::no_replacement_is_lost(opener).await;
    documents::no_limit_is_exceeded(opener).await;
}
