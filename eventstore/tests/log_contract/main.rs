//! One contract for all databases: what holds in memory holds in a file and on a server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]

mod appending;
mod at_once;
#[path = "../support/cluster.rs"]
mod cluster;
mod faults;
#[path = "../support/log.rs"]
mod fixture;
mod load;
mod reading;
mod segments;
mod sharing;
mod store;
mod tampering;
mod tree;
mod tree_faults;
mod witnessing;

/// Runs each case on each of the stores named.
macro_rules! on {
    ([$($store:ident),+] $cases:tt) => { $(on!(@ $store $cases);)+ };
    (@ $store:ident { $($module:ident :: $case:ident,)+ }) => {
        mod $store {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(crate::store::Store::$store()).await;
                }
            )+
        }
    };
}

on!([memory, sqlite, postgres] {
    appending::positions_have_no_holes,
    appending::a_stale_revision_is_refused_alone,
    appending::units_move_all_their_streams_or_none,
    appending::a_command_is_accepted_once,
    appending::entries_share_records,
    appending::a_unit_may_be_empty,
    appending::time_never_decreases,
    appending::data_keys_are_destroyed,
    appending::what_waits_at_closing_is_committed,
    appending::a_dropped_waiter_changes_nothing,
    at_once::what_is_as_expected_is_appended,
    at_once::what_is_not_as_expected_is_refused_whole,
    reading::a_page_is_bounded,
    reading::a_page_of_large_records_is_shorter,
    reading::a_stream_reads_in_order,
    reading::a_stream_reads_from_its_end,
    reading::late_readers_see_everything,
    reading::keys_are_unique,
    segments::pieces_and_position_move_together,
    segments::pieces_are_listed_by_time_and_place,
    segments::a_new_generation_takes_the_place_of_the_old,
    witnessing::witnesses_say_what_records_say,
    tree::leaves_say_what_records_say,
    tree::tiles_and_checkpoints_stay_as_they_are,
    tree::proofs_hold_at_any_size,
    tree::keepers_do_nothing_twice,
    load::many_writers_with_live_readers,
    load::a_full_queue_refuses_at_once,
    load::a_slow_reader_loses_nothing,
    faults::a_reader_at_the_end_reads_no_more,
    faults::a_failed_append_gives_back_its_revisions,
    faults::a_commit_that_arrived_is_found,
    faults::a_commit_that_did_not_arrive_is_abandoned,
    faults::an_outcome_found_late_is_still_fed,
});

mod tampered {
    on!([sqlite, postgres] {
        reading::a_reopened_log_goes_on,
        tampering::the_database_refuses_changes,
        tree::the_database_refuses_changes_of_the_tree,
        tree::proofs_hold_in_a_large_tree,
        tree_faults::a_keeper_that_dies_loses_nothing,
        tree_faults::a_proof_takes_few_reads,
        tampering::a_hole_is_named,
        tampering::a_cut_end_is_named,
        tampering::a_head_behind_the_log_is_refused,
        tampering::altered_columns_are_named,
    });
}

mod embedded {
    on!([sqlite] {
        tampering::destroyed_keys_leave_no_trace,
        reading::a_path_that_cannot_be_opened_is_named,
        witnessing::a_log_of_one_process_is_led_by_it,
    });
}

mod shared {
    on!([postgres] {
        at_once::what_was_given_up_never_arrives,
        sharing::two_servers_share_one_log,
        sharing::servers_migrate_together,
        sharing::a_server_serves_beside_a_later_version,
        sharing::a_wrong_address_is_told_from_a_server_that_is_down,
        sharing::cut_connections_lose_nothing,
        sharing::a_crashed_server_loses_nothing,
        witnessing::one_leads_until_its_lease_ends,
        witnessing::a_leader_cut_off_from_the_database_stops,
    });
}
