//! Checkpoints that cannot be committed, that belong to another region, that someone else has, that have no name.

use super::support::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use timberline::storage::OperationKind;
use timberline::storage::simulated::{Fault, SimulatedDisk};
use timberline::{
    CheckpointId, CheckpointIdError, CursorWorkerAction, CursorWorkerError, Payload, Position, Region, Store,
};

/// The worker `walker` over steps 1 to 3; from when it has step 2 in hand the disk fails with `fault` at `kind`.
/// `answer` is what its handler says of step 2.
#[track_caller]
fn check_failed(kind: OperationKind, fault: Fault, answer: CursorWorkerAction, cause_tells: &str) {
    let case = format!("{fault:?} at {kind} on {answer:?}");
    let disk = SimulatedDisk::new();
    let store = open_on(&disk);
    append(&store, 1..=3);
    let reports = store.reports();
    let broken = Arc::new(AtomicBool::new(false));
    let is_broken = Arc::clone(&broken);
    disk.set_hook(move |operation| {
        (operation.kind == kind && is_broken.load(Ordering::SeqCst)).then_some(fault)
    });
    let (tell, seen) = seen();
    let worker = store
        .cursor_worker(&steps(), one_by_one().checkpoint(id("walker")), move |batch, context| {
            tell.send(numbers(batch)[0]).unwrap();
            context.react(echo(numbers(batch)[0]));
            broken.store(numbers(batch) == [2], Ordering::SeqCst);
            if numbers(batch) == [2] { answer } else { Continue }
        })
        .unwrap();

    match joined(worker) {
        Err(CursorWorkerError::CheckpointFailed { id, cause, .. }) => {
            assert_eq!(id, "walker", "{case}");
            assert!(cause.contains(cause_tells), "{case}: {cause}");
        }
        other => panic!("{case}: {other:?}"),
    }
    assert_eq!(seen.rest(), [1, 2], "{case}: nothing more is handed out");
    reported(&reports, &["/walker", "failed: checkpoint \"walker\" could not be committed", cause_tells]);

    // Not in memory either: whoever comes next gets the same batch. Only a power cut decides about a failed sync; as
    // long as the system runs, the frame is in its hands, and with the checkpoint there is the reaction.
    disk.heal();
    check_next(open_on(&disk.crash(&mut |count| count - 1)), false, &case);
    match store.append_event(step(4)) {
        Ok(_) => check_next(store, false, &case),
        Err(_) => {
            let _ = store.close();
            check_next(open_on(&disk), kind == OperationKind::Sync, &case);
        }
    }
}

/// Whoever comes next gets step 2, or, where it may have been committed, the next one.
#[track_caller]
fn check_next(store: Arc<Store>, may_be_committed: bool, case: &str) {
    let next = next_of(&store, "walker");
    assert!(next == 2 || may_be_committed && next == 3, "{case}: {next}");
    assert_eq!(echoes(&store), once_each(1..next), "{case}: the reaction and the checkpoint are one");
    let _ = store.close();
}

/// A checkpoint that cannot be committed: the batch is rolled back, the worker ends, the supervisor is sent `CheckpointFailed` with the id and the cause, and `join`
/// returns it. On `Stop` the same. Never a silent downgrade to in-memory.
#[test]
fn a_checkpoint_that_cannot_be_committed_rolls_the_batch_back_ends_the_worker_and_tells_the_supervisor_and_join()
 {
    for answer in [Continue, Stop] {
        check_failed(OperationKind::Write, Fault::NoSpace, answer, "space");
        check_failed(OperationKind::Write, Fault::Io, answer, "write");
        check_failed(OperationKind::Sync, Fault::Io, answer, "sync");
    }
}

#[test]
fn a_checkpoint_that_finds_no_room_can_be_committed_when_there_is_room_again() {
    let disk = SimulatedDisk::new();
    let store = open_on(&disk);
    append(&store, 1..=3);
    let full = Arc::new(AtomicBool::new(true));
    let is_full = Arc::clone(&full);
    disk.set_hook(move |operation| {
        (operation.kind == OperationKind::Write && is_full.load(Ordering::SeqCst)).then_some(Fault::NoSpace)
    });
    for _ in 0..3 {
        let worker =
            store.cursor_worker(&steps(), one_by_one().checkpoint(id("walker")), |_, _| Continue).unwrap();
        assert!(matches!(joined(worker), Err(CursorWorkerError::CheckpointFailed { .. })));
    }
    full.store(false, Ordering::SeqCst);
    assert_eq!(first_steps(&store, one_by_one().checkpoint(id("walker")), 3), [1, 2, 3]);
    assert!(store.close().unwrap().is_clean());
}

/// Leaves a checkpoint `walker` over `stored` after step 1, then asks for it with `requested`.
#[track_caller]
fn check_region(stored: &Region, requested: &Region, is_same: bool) {
    let (_dir, store) = store_with(3);
    store.append_event(timberline::NewEvent::new(&at("*"), &Step(4)).unwrap()).unwrap();
    let config = || one_by_one().checkpoint(id("walker"));
    let first = store.cursor_worker(stored, config(), |_, _| Stop).unwrap();
    joined(first).unwrap();
    let handed = Arc::new(AtomicBool::new(false));
    let (is_handed, bytes) = (Arc::clone(&handed), store.stats().bytes);
    let second = store.cursor_worker(requested, config(), move |_, _| {
        is_handed.store(true, Ordering::SeqCst);
        Stop
    });
    match second {
        Ok(worker) => {
            joined(worker).unwrap();
            assert!(is_same, "{requested} was taken for {stored}");
        }
        Err(CursorWorkerError::CheckpointRegionMismatch { id, stored: told, requested: asked, .. }) => {
            assert!(!is_same, "{requested} is {stored} in other words");
            assert_eq!((id.as_str(), &*told, &*asked), ("walker", stored, requested));
            assert!(!handed.load(Ordering::SeqCst), "a batch was handed out first");
            assert_eq!(store.stats().bytes, bytes, "something was written");
            untouched(&store, stored);
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// The checkpoint goes on with its own region, after its first event.
#[track_caller]
fn untouched(store: &Store, stored: &Region) {
    let second = store.read(stored).nth(1).unwrap().unwrap().position();
    let (tell, seen) = seen();
    let worker = store.cursor_worker(stored, one_by_one().checkpoint(id("walker")), move |batch, _| {
        tell.send(batch.first_position()).unwrap();
        Stop
    });
    joined(worker.unwrap()).unwrap();
    assert_eq!(seen.rest(), [Some(second)]);
}

/// The same checkpoint id with another region: `CheckpointRegionMismatch` with both regions, before the first batch; the stored checkpoint is untouched.
#[test]
fn the_same_checkpoint_id_with_another_region_is_a_region_mismatch_before_the_first_batch_and_changes_nothing()
 {
    check_region(&steps(), &Region::all(), false);
    check_region(&Region::all(), &steps(), false);
    check_region(&Region::all(), &Region::nothing(), false);
    check_region(&steps(), &steps().or(Region::kind("Other")), false);
    check_region(&steps(), &steps().and(Region::entity("walk")), false);
    check_region(&Region::entity("walk"), &Region::entity_prefix("walk"), false);
}

/// Regions that differ only in spelling of the same predicate are the same region; `all()` and an entity named `*` are not.
#[test]
fn regions_that_differ_only_in_spelling_of_the_same_predicate_are_the_same_region_all_and_an_entity_named_star_are_not()
 {
    let (walk, tests, step) = (Region::entity("walk"), Region::scope("tests"), Region::kind(Step::KIND));
    check_region(&walk.clone().or(step.clone()), &step.clone().or(walk.clone()).or(step.clone()), true);
    check_region(&walk.clone().and(tests.clone()), &tests.clone().and(walk.clone()), true);
    check_region(&Region::all(), &Region::entity_prefix("").or(tests.clone()), true);
    check_region(
        &walk.clone().or(tests.clone()).and(step.clone()),
        &step.clone().and(tests).or(walk.clone().and(step)),
        true,
    );
    check_region(&Region::all(), &Region::entity("*"), false);
    check_region(&Region::all(), &Region::entity_prefix("*"), false);
    check_region(&walk, &Region::scope("walk"), false);
}

#[test]
fn a_checkpoint_stays_bound_to_its_region_after_a_reopen() {
    let dir = tempfile::tempdir().unwrap();
    for life in 0..3 {
        let store = Store::open(timberline::Config::new(dir.path())).unwrap();
        append(&store, [life + 1]);
        assert_eq!(next_of(&store, "walker"), life + 1);
        let other =
            store.cursor_worker(&Region::all(), one_by_one().checkpoint(id("walker")), |_, _| Continue);
        assert!(matches!(other, Err(CursorWorkerError::CheckpointRegionMismatch { .. })), "{other:?}");
        store.close().unwrap();
    }
}

/// A second live worker with the same id is refused; after the first has ended it may start.
#[test]
fn a_second_live_worker_with_the_same_id_is_refused_after_the_first_has_ended_it_may_start() {
    let (_dir, store) = store_with(2);
    let config = || one_by_one().checkpoint(id("walker"));
    for round in 0..4 {
        let (tell, seen) = seen();
        let first = store
            .cursor_worker(&steps(), config(), move |_, _| {
                tell.send(()).unwrap();
                match round {
                    0 => Stop,
                    1 => StopWithRollback,
                    2 => panic!("it ends"),
                    _ => Continue,
                }
            })
            .unwrap();
        // While it lives, be it idle, busy or between two lives.
        if round == 3 {
            seen.next();
            let second = store.cursor_worker(&steps(), config(), |_, _| Continue);
            assert!(
                matches!(&second, Err(CursorWorkerError::AlreadyRunning { id }) if id.as_str() == "walker")
            );
            joined_after_stop(first).unwrap();
        } else {
            let _ = joined(first);
        }
        append(&store, [round + 3]);
    }
    assert!(next_of(&store, "walker") > 2, "the first round committed step 1, the last one at least step 2");
}

#[test]
fn of_many_threads_that_start_a_worker_with_one_id_exactly_one_succeeds() {
    let (_dir, store) = store_with(1);
    let starters: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            std::thread::spawn(move || {
                store.cursor_worker(&steps(), one_by_one().checkpoint(id("one")), |_, _| Continue)
            })
        })
        .collect();
    let started: Vec<_> = starters.into_iter().map(|thread| thread.join().unwrap()).collect();
    let refused = |result: &&Result<_, CursorWorkerError>| {
        matches!(result, Err(CursorWorkerError::AlreadyRunning { .. }))
    };
    assert_eq!(started.iter().filter(refused).count(), 7);
    let alive: Vec<_> = started.into_iter().filter_map(Result::ok).collect();
    assert_eq!(alive.len(), 1);
}

/// Checkpoint ids: empty, over-long, with control characters or separators are refused with a typed error when they are made, not at the first commit.
#[test]
fn checkpoint_ids_empty_over_long_with_control_characters_or_separators_are_refused_when_they_are_made() {
    assert_eq!(CheckpointId::new(""), Err(CheckpointIdError::Empty));
    let (limit, long) = (CheckpointId::BYTES_MAX, "x".repeat(CheckpointId::BYTES_MAX + 1));
    assert_eq!(CheckpointId::new(&long), Err(CheckpointIdError::TooLong { bytes: limit + 1, limit }));
    let umlauts = "ü".repeat(limit / 2 + 1);
    assert!(
        matches!(CheckpointId::new(umlauts), Err(CheckpointIdError::TooLong { .. })),
        "bytes are counted"
    );
    for character in ['\0', '\n', '\r', '\t', '\u{7f}', '\u{85}', ' ', '\u{2028}', '/', '\\', ':'] {
        let refused = CheckpointId::new(format!("ab{character}c"));
        assert_eq!(refused, Err(CheckpointIdError::Character { character, offset: 2 }));
    }
    assert!(serde_json::from_str::<CheckpointId>("\"a/b\"").is_err(), "serde is no way around");

    // What is taken can be committed, too.
    let (_dir, store) = store_with(1);
    for name in ["a", "ünïcode-日本", "..", "*", "x".repeat(limit).as_str()] {
        assert_eq!(first_steps(&store, one_by_one().checkpoint(id(name)), 1), [1], "{name}");
    }
    assert_eq!(store.written(), Position::new(1), "a checkpoint costs no position");
}
