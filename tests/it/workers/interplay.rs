//! Where two misfortunes meet.

use super::slow_disk::{SlowDisk, SlowSync};
use super::support::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use timberline::storage::OperationKind;
use timberline::storage::simulated::SimulatedDisk;
use timberline::{
    Backoff, Batch, CloseError, CursorWorkerAction, CursorWorkerError, HandlerContext, RestartPolicy, Store,
};

const CHANGES: [OperationKind; 2] = [OperationKind::Write, OperationKind::Sync];

fn react(batch: &Batch, context: &mut HandlerContext) -> CursorWorkerAction {
    for event in batch {
        context.react_to(&event, echo(event.payload_as::<Step>().unwrap().0));
    }
    Continue
}

/// The writer panics once, at the first `kind` of the commit of a batch whose worker was told to stop meanwhile.
#[track_caller]
fn check_panic_during_checkpoint_during_stop(kind: OperationKind, answer: CursorWorkerAction) {
    let disk = SimulatedDisk::new();
    let store = open_on(&disk);
    append(&store, 1..=3);
    let armed = Arc::new(AtomicBool::new(false));
    let is_armed = Arc::clone(&armed);
    disk.set_hook(move |operation| {
        let fires = operation.kind == kind && is_armed.swap(false, Ordering::SeqCst);
        assert!(!fires, "planted");
        None
    });
    let (tell, seen) = seen();
    let (release, held) = super::support::seen::<()>();
    let arm = Arc::clone(&armed);
    let worker = store
        .cursor_worker(&steps(), one_by_one().checkpoint(id("walker")), move |batch, context| {
            tell.send(numbers(batch)[0]).unwrap();
            held.next();
            let _ = react(batch, context);
            arm.store(true, Ordering::SeqCst);
            answer
        })
        .unwrap();
    assert_eq!(seen.next(), 1);
    worker.stop();
    release.send(()).unwrap();
    joined(worker).unwrap();
    assert!(!armed.load(Ordering::SeqCst), "{kind}: the writer should have panicked");
    assert_eq!(echoes(&store), once_each([1]), "{kind} on {answer:?}");
    assert_eq!(next_of(&store, "walker"), 2, "{kind} on {answer:?}");
    assert!(store.verify().unwrap().is_intact());
}

/// Where two lines meet (a panic during a checkpoint during a stop), users expect both to hold.
#[test]
fn a_panic_of_the_writer_during_a_checkpoint_during_a_stop_commits_the_batch_once_and_stops() {
    for kind in CHANGES {
        check_panic_during_checkpoint_during_stop(kind, Continue);
        check_panic_during_checkpoint_during_stop(kind, Stop);
    }
}

/// The writer panics at its `n`-th change of the disk while a worker reacts.
#[track_caller]
fn check_writer_panics_at(n: u64) -> bool {
    let disk = SimulatedDisk::new();
    let store = open_on(&disk);
    append(&store, 1..=6);
    let changes = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&changes);
    disk.set_hook(move |operation| {
        let is_it = CHANGES.contains(&operation.kind) && count.fetch_add(1, Ordering::SeqCst) + 1 == n;
        assert!(!is_it, "planted");
        None
    });
    let (tell, seen) = seen();
    let worker = store
        .cursor_worker(
            &steps(),
            one_by_one().batch_size(2).checkpoint(id("walker")),
            move |batch, context| {
                tell.send(numbers(batch)).unwrap();
                let _ = react(batch, context);
                if numbers(batch).contains(&6) { Stop } else { Continue }
            },
        )
        .unwrap();
    joined(worker).unwrap_or_else(|error| panic!("panic at change {n}: {error}"));
    assert_eq!(
        seen.rest(),
        [[1, 2], [3, 4], [5, 6]],
        "panic at change {n}: a writer's panic redelivers nothing"
    );
    assert_eq!(echoes(&store), once_each(1..=6), "panic at change {n}");
    disk.heal();
    append(&store, [7]);
    assert!(store.verify().unwrap().is_intact());
    store.close().unwrap();
    changes.load(Ordering::SeqCst) >= n
}

#[test]
fn a_writer_that_panics_anywhere_while_workers_commit_loses_nothing_and_doubles_nothing() {
    let reached = (1..=12).filter(|n| check_writer_panics_at(*n)).count();
    assert!(reached >= 6, "the writer panicked at {reached} places");
}

#[test]
fn a_handler_that_panics_while_its_worker_is_told_to_stop_is_not_run_again_and_its_batch_stays_undone() {
    let (_dir, store) = store_with(2);
    let (tell, seen) = seen();
    let (release, held) = super::support::seen::<()>();
    let worker = store
        .cursor_worker(&steps(), one_by_one().checkpoint(id("walker")), move |batch, _| {
            tell.send(numbers(batch)[0]).unwrap();
            held.next();
            panic!("not now");
        })
        .unwrap();
    assert_eq!(seen.next(), 1);
    worker.stop();
    release.send(()).unwrap();
    let ended = joined(worker);
    assert!(
        ended.is_err_and(|error| error.to_string().contains("not now")),
        "the panic is not lost in the stop"
    );
    assert_eq!(seen.rest(), Vec::<u64>::new());
    assert_eq!(next_of(&store, "walker"), 1);
}

const AN_HOUR: Duration = Duration::from_secs(3_600);

/// A worker that waits an hour before its restart.
fn backing_off(store: &Store) -> timberline::CursorWorkerHandle {
    let backoff = Backoff { initial: AN_HOUR, max: AN_HOUR, factor: 1.0, jitter: 0.0 };
    let policy = RestartPolicy::Bounded { max_restarts: 3, within: AN_HOUR * 24 };
    let config = one_by_one().checkpoint(id("walker")).restart(policy).backoff(backoff);
    let worker = store.cursor_worker(&steps(), config, |_, _| panic!("later perhaps")).unwrap();
    until("it waits", || worker.status().state == timberline::CursorWorkerState::Restarting);
    worker
}

#[test]
fn a_worker_that_waits_for_its_restart_is_stopped_at_once_and_its_id_is_free_again() {
    let (_dir, store) = store_with(1);
    let worker = backing_off(&store);
    assert!(worker.status().last_failure.is_some_and(|failure| failure.contains("later perhaps")));
    let second = store.cursor_worker(&steps(), one_by_one().checkpoint(id("walker")), |_, _| Continue);
    assert!(matches!(second, Err(CursorWorkerError::AlreadyRunning { .. })), "it still lives");
    let _ = joined_after_stop(worker);
    assert_eq!(next_of(&store, "walker"), 1);
}

#[test]
fn close_does_not_wait_for_a_worker_that_waits_for_its_restart() {
    let (_dir, store) = store_with(1);
    let worker = backing_off(&store);
    let closing = Arc::clone(&store);
    let _ = within("close", move || closing.close()).unwrap();
    let _ = joined(worker);
}

/// A store whose writer panics at every commit, with an idle worker and one that commits.
#[test]
fn when_the_pipeline_gives_up_every_worker_ends_with_the_reason_and_its_position_unmoved() {
    let disk = SimulatedDisk::new();
    let store = open_on(&disk);
    append(&store, 1..=2);
    let (tell, seen) = seen();
    let idle = store
        .cursor_worker(&steps(), one_by_one().batch_size(2).checkpoint(id("idle")), telling(tell))
        .unwrap();
    assert_eq!(seen.next(), [1, 2]);
    until("it is idle", || idle.status().position.get() == 2);

    let is_broken = |kind| matches!(kind, OperationKind::Write | OperationKind::Sync | OperationKind::Open);
    disk.set_hook(move |operation| {
        assert!(!is_broken(operation.kind), "planted");
        None
    });
    let busy = store.cursor_worker(&steps(), one_by_one().checkpoint(id("busy")), react).unwrap();
    match joined(busy) {
        Err(CursorWorkerError::CheckpointFailed { id, .. }) => assert_eq!(id, "busy"),
        Err(CursorWorkerError::Failed { reason }) => assert!(reason.contains("planted"), "{reason}"),
        other => panic!("{other:?}"),
    }
    match joined(idle) {
        Err(CursorWorkerError::Failed { reason }) => assert!(reason.contains("planted"), "{reason}"),
        other => panic!("a worker of a failed store ended with {other:?}"),
    }
    let refused = store.cursor_worker(&steps(), one_by_one(), |_, _| Continue);
    assert!(matches!(refused, Err(CursorWorkerError::Failed { .. })), "{refused:?}");
    match store.close() {
        Err(CloseError::Failed { reason, .. }) => assert!(reason.contains("planted"), "{reason}"),
        other => panic!("{other:?}"),
    }

    disk.heal();
    let healed = open_on(&disk);
    assert_eq!(next_of(&healed, "busy"), 1);
    append(&healed, [3]);
    assert_eq!(next_of(&healed, "idle"), 3);
    assert_eq!(echoes(&healed), once_each([]));
}

#[test]
fn workers_that_panic_roll_back_stop_and_close_all_at_once_leave_every_checkpoint_at_a_committed_place() {
    for round in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(timberline::Config::new(dir.path())).unwrap());
        append(&store, 1..=20);
        let counts: Vec<Counts> = (0..4).map(|_| Counts::default()).collect();
        let workers: Vec<_> = counts
            .iter()
            .enumerate()
            .map(|(number, counts)| {
                let counts = counts.clone();
                let config = one_by_one().checkpoint(id(&format!("w{number}"))).restart(RestartPolicy::Once);
                let handler = move |batch: &Batch, context: &mut HandlerContext| {
                    let step = numbers(batch)[0];
                    let is_trouble = step == 3 + number as u64 + round % 3;
                    match number {
                        0 => assert!(!is_trouble, "always"),
                        1 => assert!(!is_trouble || context.attempt() > 1, "once"),
                        2 if is_trouble => return StopWithRollback,
                        _ => {}
                    }
                    counts.count(step);
                    Continue
                };
                store.cursor_worker(&steps(), config, handler).unwrap()
            })
            .collect();
        let closing = Arc::clone(&store);
        let closer = std::thread::spawn(move || closing.close());
        workers.iter().rev().for_each(|worker| worker.stop());
        workers.into_iter().for_each(|worker| drop(joined(worker)));
        within("close", || closer.join().unwrap()).unwrap();
        drop(store);

        let store = Store::open(timberline::Config::new(dir.path())).unwrap();
        append(&store, [21]);
        for (number, counts) in counts.iter().enumerate() {
            // Everything before was handled, and only the batch in hand at the end may be handled again.
            let next = next_of(&store, &format!("w{number}"));
            let handled = counts.all();
            assert!((1..next).all(|step| handled.contains_key(&step)), "w{number}: {next} after {handled:?}");
            assert!(handled.keys().all(|step| *step <= next), "w{number}: {next} after {handled:?}");
        }
    }
}

fn on_a_slow_disk(config: timberline::Config) -> (Arc<Store>, SlowSync) {
    let slow = SlowSync::default();
    let storage = Arc::new(SlowDisk { disk: SimulatedDisk::new(), slow: slow.clone() });
    let store = Store::builder(config).simulated(timberline::supervisors::Runtime::threads(), storage);
    (Arc::new(store.open().unwrap()), slow)
}

/// The writer fails when the commit is in the journal and nobody was told. With a checkpoint the worker may ask again,
/// for what is done is refused; without one the same reactions would be stored again.
#[test]
fn a_commit_that_was_done_and_never_answered_is_asked_for_again_only_where_that_cannot_do_it_twice() {
    for (has_checkpoint, config) in [(true, one_by_one().checkpoint(id("walker"))), (false, one_by_one())] {
        let (store, slow) = on_a_slow_disk(timberline::Config::new("simulated"));
        append(&store, [1]);
        let worker = store.cursor_worker(&steps(), config, move |batch, context| {
            let _ = react(batch, context);
            slow.strike();
            Stop
        });
        match joined(worker.unwrap()) {
            Ok(()) => assert!(has_checkpoint),
            Err(CursorWorkerError::CheckpointFailed { id, .. }) => assert!(!has_checkpoint && id.is_empty()),
            other => panic!("{other:?}"),
        }
        append(&store, [2]);
        assert_eq!(echoes(&store), once_each([1]), "with a checkpoint: {has_checkpoint}");
    }
}

/// A commit whose worker gave up waiting may still be done, under the eyes of the next worker with its id.
#[test]
fn a_commit_that_comes_late_lets_nobody_skip_what_it_did_not_commit() {
    let config = timberline::Config::new("simulated").call_deadline(Duration::from_millis(50));
    let (store, slow) = on_a_slow_disk(config);
    append(&store, 1..=5);

    // Someone else's append keeps the writer busy.
    slow.hold();
    let appending = Arc::clone(&store);
    let appender = std::thread::spawn(move || drop(appending.append_event(echo(0))));
    until("the writer syncs", || slow.holds_one());
    let config = || one_by_one().checkpoint(id("walker"));
    let first = store.cursor_worker(&steps(), config().batch_size(2), react).unwrap();
    assert!(
        matches!(joined(first), Err(CursorWorkerError::CheckpointFailed { .. })),
        "it does not wait for ever"
    );

    // The next one has more in hand than what the first one still commits.
    let (tell, seen) = seen();
    let (go_on, held) = super::support::seen::<()>();
    let second = store.cursor_worker(&steps(), config().batch_size(5), move |batch, context| {
        tell.send(numbers(batch)).unwrap();
        held.next();
        let _ = react(batch, context);
        Stop
    });
    assert_eq!(seen.next(), [1, 2, 3, 4, 5]);
    slow.release();
    until("the late commit is done", || echoes(&store).len() == 3);
    go_on.send(()).unwrap();
    let second = joined(second.unwrap());
    assert!(
        matches!(second, Err(CursorWorkerError::CheckpointFailed { .. })),
        "its commit was refused: {second:?}"
    );
    appender.join().unwrap();

    append(&store, [6]);
    let third = store.cursor_worker(&steps(), config(), |batch, context| {
        let _ = react(batch, context);
        if numbers(batch) == [6] { Stop } else { Continue }
    });
    joined(third.unwrap()).unwrap();
    assert_eq!(echoes(&store), once_each(0..=6));
}
