//! Events that a handler answers with: exactly once, with their source.

use super::support::*;
use std::sync::{Arc, Mutex};
use timberline::storage::OperationKind;
use timberline::storage::simulated::{Image, Seeded, SimulatedDisk};
use timberline::supervisors::Runtime;
use timberline::{
    Batch, CloseError, Config, CursorWorkerAction, CursorWorkerError, CursorWorkerHandle, Expected,
    HandlerContext, NewEvent, Payload, Receipt, Region, Store, StoredEvent,
};

/// Answers each step with an echo.
fn react_to_each(batch: &Batch, context: &mut HandlerContext) -> CursorWorkerAction {
    for event in batch {
        context.react_to(&event, echo(event.payload_as::<Step>().unwrap().0));
    }
    Continue
}

/// The reacting worker, until it has answered one more step, `last`.
#[track_caller]
fn react_to_all(store: &Store, last: u64) {
    append(store, [last]);
    let config = one_by_one().batch_size(2).checkpoint(id("echo"));
    let worker = store.cursor_worker(&steps(), config, move |batch, context| {
        let _ = react_to_each(batch, context);
        if numbers(batch).contains(&last) { Stop } else { Continue }
    });
    joined(worker.unwrap()).unwrap();
}

fn step_numbers(store: &Store) -> Vec<u64> {
    store.read(&steps()).map(|event| event.unwrap().payload_as::<Step>().unwrap().0).collect()
}

/// Recovers from this image and reacts to what is left; then every step has exactly one echo.
#[track_caller]
fn check_image(image: Image, case: &str) {
    let store = open_on(&SimulatedDisk::from_image(image));
    react_to_all(&store, 2_000);
    assert_eq!(echoes(&store), once_each(step_numbers(&store)), "{case}");
    assert!(store.verify().unwrap().is_intact(), "{case}");
    store.close().unwrap();
}

/// Reactions commit in the same frame as the checkpoint: kill the process anywhere and after recovery every source event has its reaction exactly once.
#[test]
fn reactions_commit_in_the_same_frame_as_the_checkpoint_kill_anywhere_and_every_source_has_its_reaction_exactly_once()
 {
    let disk = SimulatedDisk::new();
    disk.keep_images();
    let store = open_on(&disk);
    append(&store, 1..=5);
    react_to_all(&store, 1_000);
    store.close().unwrap();

    let changes = |kind| !matches!(kind, OperationKind::Read | OperationKind::List | OperationKind::Exists);
    let images: Vec<_> = disk.images().into_iter().zip(disk.operations()).collect();
    let moments = images.iter().filter(|(_, operation)| changes(operation.kind)).count();
    assert!(moments > 20, "{moments} moments to be killed at");
    for (image, operation) in images.into_iter().filter(|(_, operation)| changes(operation.kind)) {
        let number = operation.number;
        let mut seeded = Seeded::new(number);
        check_image(image.crash(&mut |count| seeded.choose(count)), &format!("power cut before {number}"));
        check_image(
            image.crash(&mut |count| count - 1),
            &format!("everything unsynced lost before {number}"),
        );
        check_image(image, &format!("killed before {number}"));
    }
}

/// The child: appends and reacts until it is killed.
#[test]
#[ignore = "the child process of another test"]
fn child_that_reacts_until_it_is_killed() {
    let Some(dir) = child_input() else { return };
    let store = Store::open(Config::new(dir)).unwrap();
    let config = one_by_one().batch_size(3).checkpoint(id("echo"));
    let _worker = store.cursor_worker(&steps(), config, react_to_each).unwrap();
    for number in (store.written().get() + 1) * 10_000.. {
        append(&store, [number]);
        tell_parent(number);
    }
}

/// Reactions commit in the same frame as the checkpoint: kill the process anywhere and after recovery every source event has its reaction exactly once.
#[test]
fn after_a_run_of_kill_9_every_source_event_has_its_reaction_exactly_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut moments = Seeded::new(7);
    let mut acknowledged = Vec::new();
    for _ in 0..6 {
        let mut child = Process::start(
            "workers::reactions::child_that_reacts_until_it_is_killed",
            dir.path().to_str().unwrap(),
        );
        acknowledged.extend((0..=moments.choose(40)).map(|_| child.told().parse::<u64>().unwrap()));
        child.kill();
    }
    let store = Store::open(Config::new(dir.path())).unwrap();
    react_to_all(&store, 1);
    let stored = step_numbers(&store);
    assert!(acknowledged.iter().all(|number| stored.contains(number)), "an acknowledged event is lost");
    assert_eq!(echoes(&store), once_each(stored));
}

#[test]
fn a_batch_with_reactions_costs_one_write_and_one_sync() {
    let disk = SimulatedDisk::new();
    let store =
        Store::builder(Config::new("simulated")).simulated(Runtime::threads(), Arc::new(disk.clone())).open();
    let store = store.unwrap();
    append(&store, 1..=3);
    let (tell, seen) = seen();
    let watched = disk.clone();
    let worker = store
        .cursor_worker(&steps(), one_by_one().checkpoint(id("echo")), move |batch, context| {
            tell.send(watched.operations().len()).unwrap();
            react_to_each(batch, context)
        })
        .unwrap();
    let calls = seen.take(3);
    joined_after_stop(worker).unwrap();
    let between = &disk.operations()[calls[0]..calls[2]];
    let count = |kind| between.iter().filter(|operation| operation.kind == kind).count();
    assert_eq!((count(OperationKind::Write), count(OperationKind::Sync)), (2, 2), "for two batches");
}

/// Appends a cause and a step that it led to, lets `react` answer, and gives the answer.
fn reaction_to(
    react: impl Fn(&Batch, &mut HandlerContext, &Receipt) + Send + 'static,
) -> (Receipt, Receipt, StoredEvent) {
    let (_dir, store) = store_with(0);
    let cause = store.append_event(echo(0)).unwrap();
    store.append_event(step(7)).unwrap();
    let source = store.append_event(step(8).correlated(cause.id).caused_by([cause.id])).unwrap();
    let worker = store
        .cursor_worker(&steps(), one_by_one().batch_size(9).checkpoint(id("echo")), move |batch, context| {
            react(batch, context, &cause);
            Stop
        })
        .unwrap();
    joined(worker).unwrap();
    let reaction = store.read(&Region::kind(Echo::KIND)).nth(1).unwrap().unwrap();
    (cause, source, reaction)
}

/// A reaction carries its source's correlation id, and its source as cause, unless the handler says otherwise.
#[test]
fn a_reaction_carries_its_sources_correlation_id_and_its_source_as_cause_unless_the_handler_says_otherwise() {
    let (cause, source, reaction) = reaction_to(|_, context, _| context.react(echo(8)));
    assert_eq!(
        (reaction.correlation(), reaction.causes()),
        (cause.id, vec![source.id]),
        "the newest is the source"
    );

    let (_, _, reaction) = reaction_to(|batch, context, _| context.react_to(&batch.get(0).unwrap(), echo(7)));
    let first = reaction.causes()[0];
    assert_eq!(
        (reaction.correlation(), first.position().get()),
        (first, 2),
        "a source that began its own correlation"
    );

    let (cause, source, reaction) =
        reaction_to(|_, context, cause| context.react(echo(8).caused_by([cause.id])));
    assert_eq!((reaction.correlation(), reaction.causes()), (cause.id, vec![cause.id]), "its own cause");
    assert_ne!(cause.id, source.id);

    let (_, source, reaction) = reaction_to(|batch, context, _| {
        let other = batch.get(0).unwrap().id;
        context.react(echo(8).correlated(other));
    });
    assert_eq!(reaction.correlation().position().get(), 2, "its own correlation");
    assert_eq!(reaction.causes(), [source.id]);
}

#[test]
fn a_reaction_may_name_an_earlier_reaction_of_its_batch_as_cause() {
    let (_dir, store) = store_with(1);
    let worker = store
        .cursor_worker(&steps(), one_by_one().checkpoint(id("echo")), |_, context| {
            context.react(echo(1));
            context.react(echo(2).caused_by_item(0));
            Stop
        })
        .unwrap();
    joined(worker).unwrap();
    let echoes: Vec<_> = store.read(&Region::kind(Echo::KIND)).map(Result::unwrap).collect();
    assert_eq!(echoes[1].causes(), [echoes[0].id()]);
    assert_eq!(echoes[1].correlation(), echoes[0].correlation());
    let graph = store.effects(store.read(&steps()).next().unwrap().unwrap().id(), 10).unwrap();
    assert_eq!(graph.nodes.len(), 3, "step, echo, echo's echo");
}

#[test]
fn a_batch_that_is_rolled_back_or_panics_leaves_no_reaction() {
    let (_dir, store) = store_with(2);
    let rolling_back =
        store.cursor_worker(&steps(), one_by_one().checkpoint(id("echo")), |batch, context| {
            let _ = react_to_each(batch, context);
            StopWithRollback
        });
    joined(rolling_back.unwrap()).unwrap_err();
    let panicking = store.cursor_worker(&steps(), one_by_one().checkpoint(id("echo")), |batch, context| {
        let _ = react_to_each(batch, context);
        assert!(context.attempt() > 1, "the reaction of this attempt is dropped");
        if numbers(batch) == [2] { Stop } else { Continue }
    });
    joined(panicking.unwrap()).unwrap();
    assert_eq!(echoes(&store), once_each([1, 2]));
}

/// Reactions that the store must refuse: their batch is rolled back, and the worker ends with the cause.
#[test]
fn a_reaction_that_is_refused_fails_the_checkpoint_and_leaves_nothing_behind() {
    let unknown = timberline::EventId::from_u128(77);
    let large = NewEvent::raw(at("echo"), Echo::KIND, 1, vec![0; 2 << 20]);
    let nameless = NewEvent::raw(at("echo"), "", 1, Vec::new());
    for (tells, refused) in [
        ("version 2", NewEvent::new(&at("walk"), &Echo(1)).unwrap().expect(Expected::Empty)),
        ("no event of this store", echo(1).caused_by([unknown])),
        ("over the limit", large),
        ("may not be empty", nameless),
    ] {
        for checkpoint in [Some("echo"), None] {
            let (_dir, store) = store_with(2);
            let config = checkpoint.map_or(one_by_one(), |name| one_by_one().checkpoint(id(name)));
            let refused = refused.clone();
            let worker = store.cursor_worker(&steps(), config, move |_, context| {
                context.react(echo(1));
                context.react(refused.clone());
                Continue
            });
            match joined(worker.unwrap()) {
                Err(CursorWorkerError::CheckpointFailed { id, cause, .. }) => {
                    assert_eq!(id, checkpoint.unwrap_or_default());
                    assert!(cause.contains(tells), "{cause}");
                }
                other => panic!("{tells}: {other:?}"),
            }
            assert_eq!(echoes(&store), once_each([]), "{tells}: all or none");
            assert_eq!(next_of(&store, "echo"), 1, "{tells}");
        }
    }
}

#[test]
fn a_worker_without_a_checkpoint_reacts_too_and_reactions_are_delivered_like_any_event() {
    let (_dir, store) = store_with(3);
    let (tell, seen) = seen();
    let listener = store.cursor_worker(
        &Region::kind(Echo::KIND),
        one_by_one().checkpoint(id("ear")),
        move |batch, _| {
            tell.send(batch.get(0).unwrap().payload_as::<Echo>().unwrap().0).unwrap();
            Continue
        },
    );
    let listener = listener.unwrap();
    let worker = store.cursor_worker(&steps(), one_by_one(), react_to_each).unwrap();
    assert_eq!(seen.take(3), [1, 2, 3]);
    joined_after_stop(worker).unwrap();
    joined_after_stop(listener).unwrap();
}

/// As many reactions as a batch may have events, then one more.
#[test]
fn more_reactions_than_a_batch_may_have_events_fail_the_checkpoint_and_not_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(Config::new(dir.path()).batch_events_max(16)).unwrap();
    append(&store, [1]);
    for (count, is_taken) in [(16, true), (17, false), (100_000, false)] {
        let config = one_by_one().checkpoint(id(&format!("w{count}")));
        let worker = store.cursor_worker(&steps(), config, move |_, context| {
            (0..count).for_each(|number| context.react(echo(number)));
            Stop
        });
        match joined(worker.unwrap()) {
            Ok(()) => assert!(is_taken, "{count}"),
            Err(CursorWorkerError::CheckpointFailed { cause, .. }) => {
                assert!(!is_taken && cause.contains("outside 1 to 16"), "{count}: {cause}");
            }
            other => panic!("{count}: {other:?}"),
        }
    }
    assert_eq!(echoes(&store), once_each(0..16));
    assert!(store.close().unwrap().is_clean());
}

/// A handler may append through the store and may not wait for its own worker; that is refused with an error, not a deadlock.
#[test]
fn a_handler_may_append_through_the_store_and_may_not_wait_for_its_own_worker_that_is_refused_not_a_deadlock()
{
    let (_dir, store) = store_with(3);
    let own: Arc<Mutex<Option<CursorWorkerHandle>>> = Arc::default();
    let (inner, handle) = (Arc::clone(&store), Arc::clone(&own));
    let (tell, seen) = seen();
    let (release, held) = super::support::seen::<()>();
    let worker = store
        .cursor_worker(&steps(), one_by_one().checkpoint(id("walker")), move |batch, _| {
            if numbers(batch) == [1] {
                held.next();
            }
            inner.append_event(echo(numbers(batch)[0])).unwrap();
            assert!(matches!(inner.close(), Err(CloseError::WouldDeadlock)));
            if numbers(batch) == [3] {
                let own = handle.lock().unwrap().take().expect("the handle is here");
                tell.send(own.join()).unwrap();
                return Stop;
            }
            Continue
        })
        .unwrap();
    *own.lock().unwrap() = Some(worker);
    release.send(()).unwrap();
    assert!(matches!(seen.next(), Err(CursorWorkerError::WouldDeadlock)));
    let closing = Arc::clone(&store);
    until("three echoes", || echoes(&store) == once_each([1, 2, 3]));
    assert!(within("close", move || closing.close()).unwrap().is_clean());
}

#[test]
fn a_handler_may_start_a_worker_and_wait_for_that_one() {
    let (_dir, store) = store_with(2);
    let inner = Arc::clone(&store);
    let worker = store
        .cursor_worker(&steps(), one_by_one().checkpoint(id("outer")), move |_, _| {
            let counts = Counts::default();
            let counted = counts.clone();
            let helper = inner.cursor_worker(&steps(), one_by_one(), move |batch, _| {
                counted.count(numbers(batch)[0]);
                if numbers(batch) == [2] { Stop } else { Continue }
            });
            helper.unwrap().join().unwrap();
            assert_eq!(counts.all(), once_each([1, 2]));
            Stop
        })
        .unwrap();
    joined(worker).unwrap();
}
