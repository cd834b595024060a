//! The planted bugs: what each does, and what must find it.

use super::hunt::{Hunt, Suite};

/// One bug, one line of the shipped code.
#[derive(Clone, Copy, Debug)]
pub struct Bug {
    /// Its name, in the code and in `TIMBERLINE_PLANTED`.
    pub name: &'static str,
    /// What must find it.
    pub hunt: Hunt,
    /// What it does.
    pub does: &'static str,
    /// Whether it is planted with the tests, too.
    pub is_quick: bool,
}

const BROAD: Hunt = Hunt::Seeds("broad");

const fn bug(name: &'static str, hunt: Hunt, does: &'static str) -> Bug {
    Bug { name, hunt, does, is_quick: false }
}

/// One that is found in no time.
const fn quick(name: &'static str, hunt: Hunt, does: &'static str) -> Bug {
    Bug { name, hunt, does, is_quick: true }
}

/// All of them.
pub const TABLE: &[Bug] = &[
    // The journal.
    bug(
        "frame_checksum_unchecked",
        Hunt::Row("R1"),
        "a frame whose bytes are not those that were written counts",
    ),
    bug(
        "header_check_unchecked",
        Hunt::Tests(Suite::Store, "journal::"),
        "a header counts at a place that it was not written for",
    ),
    bug("record_checksum_unchecked", Hunt::Row("R3"), "a damaged record is handed out"),
    quick("journal_skips_sync", BROAD, "the disk is never asked to keep anything"),
    bug(
        "segment_name_unsynced",
        Hunt::Row("R2"),
        "a new segment is not in the directory for sure when the old one ends",
    ),
    bug("proof_ahead_of_sync", Hunt::Row("R2"), "a frame claims that what stands before it is on the disk"),
    bug(
        "refused_frame_kept",
        Hunt::Tests(Suite::Store, "journal::"),
        "what a full disk took of a frame may come back",
    ),
    bug(
        "poison_ignored",
        Hunt::Tests(Suite::Store, "journal::"),
        "after a failed sync commits are taken as before",
    ),
    quick("chain_not_continued", BROAD, "each frame begins a hash chain of its own"),
    // Recovery.
    bug("torn_tail_not_wiped", Hunt::Tests(Suite::Store, "journal::"), "what was cut may come back"),
    bug("gap_not_marked", Hunt::Row("R5"), "the positions of what was cut are used again"),
    bug("unproven_not_rewritten", BROAD, "what a failed sync has left is taken for durable"),
    bug("repair_unsynced", BROAD, "what recovery wrote is not brought to the disk"),
    bug(
        "proof_of_damage_ignored",
        Hunt::Tests(Suite::Store, "journal::"),
        "damage to durable frames is cut like a torn tail",
    ),
    bug(
        "successor_unchecked",
        Hunt::Tests(Suite::Store, "journal::"),
        "a last segment that is missing is not missed",
    ),
    // The plan of a commit.
    bug("idempotency_unchecked", BROAD, "a key that was used before stores again"),
    bug("key_twice_in_a_batch", BROAD, "a batch may use one key twice"),
    bug("key_not_noted", BROAD, "a key is not known before the index has it"),
    bug("version_off_by_one", BROAD, "versions lag by one"),
    quick("batch_versions_forgotten", BROAD, "the events of a batch share a version"),
    bug(
        "versions_not_taken_back",
        BROAD,
        "the versions of events that are refused are given out all the same",
    ),
    quick("expected_unchecked", BROAD, "an expected version may be any"),
    quick("condition_unchecked", BROAD, "conditions always hold"),
    bug("cause_unchecked", BROAD, "a cause may be an event of another store"),
    // The writer.
    bug("reply_before_sync", BROAD, "a durable append is answered before the disk has it"),
    quick("durable_too_early", BROAD, "what is written is told to be durable"),
    bug("weakest_durability", BROAD, "a batch is as durable as its weakest event asks"),
    bug("flush_not_scheduled", BROAD, "what is buffered stays so until someone else syncs"),
    bug("refusal_told_early", Hunt::Seeds("busy"), "a refusal is told before what it is owed to is stored"),
    bug("unapplied_forgotten_early", BROAD, "what the index does not know yet is forgotten"),
    // Checkpoints and reactions.
    bug("checkpoint_step_unchecked", BROAD, "a commit is taken from wherever its worker stands"),
    quick("checkpoint_not_staged", BROAD, "reactions are committed without their checkpoint"),
    quick("checkpoint_one_too_far", BROAD, "a checkpoint passes an event that nobody handled"),
    bug("first_checkpoint_stays", BROAD, "the index keeps the first checkpoint of a worker"),
    bug("state_not_sealed", BROAD, "checkpoints are forgotten with the segment they stand in"),
    bug(
        "checkpoint_region_unchecked",
        Hunt::Tests(Suite::Store, "cursor::"),
        "a checkpoint serves any region",
    ),
    bug("reactions_lost", BROAD, "a batch is done without its reactions"),
    bug("reaction_begins_correlation", BROAD, "a reaction does not share the correlation of its source"),
    // The cursor worker.
    bug("rollback_commits", BROAD, "a rollback commits its batch"),
    bug("lost_answer_taken_for_yes", BROAD, "a commit whose answer was lost counts as done"),
    bug("buffered_for_durable_worker", BROAD, "a durable worker is shown what may vanish"),
    bug("skips_one_too_far", BROAD, "a worker that finds nothing passes one event more"),
    bug("resume_forgets_progress", BROAD, "a worker without a checkpoint begins again where it was hired"),
    // Three of thirty thousand seeds find it.
    bug(
        "told_commit_forgotten",
        Hunt::Trace("worker_begins_before_the_index_has_its_checkpoint"),
        "a worker begins where the index is, whatever was told since",
    ),
    bug(
        "old_close_failure_told",
        Hunt::Trace("a_close_tells_what_an_earlier_writer_failed_at"),
        "a store closes well and says that it did not",
    ),
    // The indexer and the index.
    bug("shown_before_caught_up", BROAD, "later commits are shown before the missing ones"),
    bug(
        "dropped_commit_not_told",
        BROAD,
        "of what is stored and not shown any more callers hear that nothing is",
    ),
    bug("early_told_unseen", Hunt::Tests(Suite::Store, "indexer::"), "a commit is told that nobody can find"),
    bug("woken_too_early", BROAD, "a durable worker is woken before it may see its event, and not again"),
    bug("waiting_forgotten", BROAD, "what a worker may not see yet it is not woken for"),
    bug("wake_up_lost", BROAD, "workers are not woken for what is new"),
    bug("stale_index_file_accepted", Hunt::Row("R1"), "a file of the index may tell of what was cut"),
    quick(
        "part_taken_too_early",
        Hunt::Strike("index.freeze.prepared 4 1 bounded gone 7"),
        "a panic while a segment rolls hides its events from readers",
    ),
    bug("key_not_indexed", BROAD, "keys are not in the index"),
    bug("gap_not_indexed", BROAD, "gaps are not in the index"),
    bug(
        "effect_indexed_twice",
        Hunt::Tests(Suite::Store, "index::"),
        "an event that names a cause twice is two effects",
    ),
    bug(
        "piece_behind_a_gap_believed",
        Hunt::Tests(Suite::Store, "index::"),
        "what a lost file told of the growing segment is missing",
    ),
    bug("entity_counted_twice", BROAD, "entities are counted with every event"),
    bug(
        "scattered_told_whole",
        Hunt::Tests(Suite::Store, "index::"),
        "a merge tells of events before the window",
    ),
    bug("window_begins_too_early", BROAD, "a reader sees the event that it begins after"),
    // The gate.
    bug("gate_panic_admits", Hunt::Tests(Suite::Store, "gates::"), "a gate that panics admits"),
    bug(
        "only_first_event_judged",
        Hunt::Tests(Suite::Integration, "store::"),
        "gates judge the first event of a batch",
    ),
    // Supervision.
    bug("window_not_sliding", Hunt::Tests(Suite::Supervisors, "core::"), "restarts count for ever"),
    bug("window_forgets_all", BROAD, "restarts never count"),
    bug("one_restart_too_many", BROAD, "a budget allows one more"),
    bug(
        "stop_order_not_reversed",
        Hunt::Tests(Suite::Supervisors, "core::"),
        "a group is stopped in the order of its start",
    ),
    bug(
        "shutdown_in_start_order",
        Hunt::Tests(Suite::Supervisors, "core::"),
        "a shutdown goes in the order of the start",
    ),
    bug("rest_for_one_restarts_one", BROAD, "those that were started later are not restarted"),
    bug(
        "stale_exit_heard",
        Hunt::Tests(Suite::Supervisors, "core::"),
        "the exit of an older incarnation counts",
    ),
    bug(
        "escalation_swallowed",
        Hunt::Tests(Suite::Supervisors, "core::"),
        "what a restart cannot help is restarted",
    ),
    bug("temporary_child_revived", Hunt::Tests(Suite::Supervisors, "core::"), "a temporary child comes back"),
    bug(
        "transient_child_revived",
        Hunt::Tests(Suite::Supervisors, "core::"),
        "a transient child that was done comes back",
    ),
    bug("first_start_tried_again", BROAD, "a tree whose first start fails tries on"),
    bug("no_stop_deadline", Hunt::Tests(Suite::Supervisors, "core::"), "a stop waits for ever"),
    // Slots, mailboxes, timers.
    bug(
        "failed_turn_sends",
        Hunt::Tests(Suite::Supervisors, "slot::tests::a_failed_turn"),
        "a turn that failed sends all the same",
    ),
    bug("wake_me_lost", BROAD, "an actor that asked for another turn does not get it"),
    bug(
        "stale_stop_heard",
        Hunt::Tests(Suite::Supervisors, "slot::tests::endings"),
        "a stop of an older incarnation counts",
    ),
    bug(
        "last_turn_not_ended",
        Hunt::Tests(Suite::Supervisors, "slot::tests::endings"),
        "what was staged last is not committed by a stop",
    ),
    bug(
        "second_timer_lost",
        Hunt::Tests(Suite::Supervisors, "driver::simulated"),
        "only the first timer of an actor fires",
    ),
    bug(
        "mailbox_one_too_large",
        Hunt::Tests(Suite::Supervisors, "slot::tests::a_full_mailbox"),
        "a mailbox takes one more than it may",
    ),
];

/// The committed traces, each with the bug that it has found.
pub const TRACES: &[(&str, &str)] = &[
    ("shown_before_caught_up", "indexer_shows_later_commits_before_it_caught_up"),
    ("told_commit_forgotten", "worker_begins_before_the_index_has_its_checkpoint"),
    ("refusal_told_early", "a_conflict_is_told_of_what_is_never_stored"),
    ("old_close_failure_told", "a_close_tells_what_an_earlier_writer_failed_at"),
    ("dropped_commit_not_told", "a_closed_store_says_closed_of_what_is_stored"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// The names in the code.
    fn planted(dir: &Path, names: &mut Vec<String>) {
        for path in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                planted(&path, names);
            } else if !path.ends_with("supervisors/src/planted.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let calls = text.split("planted(\"").skip(1);
                names.extend(calls.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_trace_is_of_a_bug_of_the_table() {
        let files = std::fs::read_dir(crate::simulation::traces()).unwrap();
        let name = |path: std::path::PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let files: BTreeSet<String> = files.map(|entry| name(entry.unwrap().path())).collect();
        assert_eq!(files, TRACES.iter().map(|(_, trace)| (*trace).to_owned()).collect());
        assert!(TRACES.iter().all(|(of, _)| TABLE.iter().any(|bug| bug.name == *of)));
    }

    #[test]
    fn every_bug_of_the_table_is_in_the_code_once_and_every_one_in_the_code_is_in_the_table() {
        let (root, mut names) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), Vec::new());
        ["src", "supervisors/src"].iter().for_each(|room| planted(&root.join(room), &mut names));
        let code: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(code.len(), names.len(), "a name stands twice in the code");
        let table: BTreeSet<&str> = TABLE.iter().map(|bug| bug.name).collect();
        assert_eq!((table.len(), &table), (TABLE.len(), &code));
        assert!(TABLE.len() >= 40, "{} bugs", TABLE.len());
    }
}
