//! Appends: what a receipt says, numbering, expectations and conditions, tickets, durability.

use super::*;
use std::sync::Barrier;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use timberline::{AppendError, CheckpointId, CursorWorkerAction, CursorWorkerConfig, Expected, Retry, gate};

/// `append` returns a receipt whose event can be read at once by anyone: read your writes, in the same thread and in others.
#[test]
fn append_returns_a_receipt_whose_event_can_be_read_at_once_by_anyone_in_the_same_thread_and_in_others() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let (sender, receiver) = mpsc::sync_channel::<(u64, Receipt)>(0);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            for (n, receipt) in receiver {
                check_read(&store, n, &receipt);
            }
        });
        for writer in 0..4u64 {
            let (sender, store) = (sender.clone(), &store);
            scope.spawn(move || {
                for n in (0..100).map(|n| writer * 1_000 + n) {
                    let options = if n % 2 == 0 { buffered() } else { AppendOptions::new() };
                    let receipt =
                        store.append_with(&at(&format!("tree-{writer}")), &note(n), options).unwrap();
                    check_read(store, n, &receipt);
                    sender.send((n, receipt)).unwrap();
                }
            });
        }
        drop(sender);
        reader.join().unwrap();
    });
    assert_eq!(check_whole(&store).len(), 400);
}

/// By id, by region, by entity and by version: all see it.
#[track_caller]
fn check_read(store: &Store, n: u64, receipt: &Receipt) {
    let event = check_receipt(store, receipt);
    assert_eq!(number(&event), n);
    let before = receipt.position.previous();
    let next = store.read(&Region::all()).after(before).limit(1).next().unwrap().unwrap();
    assert_eq!(next.id(), receipt.id);
    assert!(store.entity(event.entity()).any(|event| event.unwrap().id() == receipt.id));
    assert!(store.last_version(event.entity()).unwrap() >= receipt.version);
    assert!(store.written() >= receipt.position);
    assert!(receipt.durability == Durability::Buffered || store.durable() >= receipt.position);
}

#[test]
fn positions_count_the_store_and_versions_the_entity() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let mut found = Vec::new();
    for (entity, scope) in [("a", "wood"), ("b", "wood"), ("a", "wood"), ("a", "field"), ("b", "wood")] {
        let receipt = store.append(&Coordinate::new(entity, scope).unwrap(), &note(0)).unwrap();
        found.push((entity, receipt.position.get(), receipt.version.get()));
    }
    assert_eq!(found, [("a", 1, 1), ("b", 2, 1), ("a", 3, 2), ("a", 4, 3), ("b", 5, 2)]);
    assert_eq!(
        (store.last_version("a").unwrap(), store.last_version("c").unwrap()),
        (Version::new(3), Version::NONE)
    );
    check_whole(&store);
}

/// `Expected::Empty` twice on one entity: the second is a `Conflict` that tells the actual version.
#[test]
fn expected_empty_twice_on_one_entity_the_second_is_a_conflict_that_tells_the_actual_version() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let empty = || AppendOptions::new().expect(Expected::Empty);
    store.append_with(&at("tree"), &note(1), empty()).unwrap();
    let refused = store.append_with(&at("tree"), &note(2), empty()).unwrap_err();
    assert_eq!(refused.retry(), Retry::Never);
    let AppendError::Conflict { item: 0, entity, expected: Expected::Empty, actual } = refused else {
        panic!("{refused}")
    };
    assert_eq!((entity.as_str(), actual), ("tree", Version::new(1)));
    assert_eq!(numbers(&store), [1]);
}

#[test]
fn an_expectation_is_held_against_the_version_the_entity_has() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let cases = [
        (Expected::Any, [true, true, true]),
        (Expected::Empty, [true, false, false]),
        (Expected::Exists, [false, true, true]),
        (Expected::Version(0), [true, false, false]),
        (Expected::Version(1), [false, true, false]),
        (Expected::Version(2), [false, false, true]),
        (Expected::Version(u64::MAX), [false, false, false]),
    ];
    for (case, (expected, taken)) in cases.into_iter().enumerate() {
        for (events, taken) in taken.into_iter().enumerate() {
            let entity = format!("tree-{case}-{events}");
            (0..events).for_each(|n| {
                store.append(&at(&entity), &note(n as u64)).unwrap();
            });
            let answer = store.append_with(&at(&entity), &note(9), AppendOptions::new().expect(expected));
            match answer {
                Ok(receipt) => assert!(taken && receipt.version.get() == events as u64 + 1),
                Err(AppendError::Conflict { actual, .. }) => assert!(!taken && actual.get() == events as u64),
                Err(other) => panic!("{expected:?} of {events}: {other}"),
            }
        }
    }
    check_whole(&store);
}

/// Under 64 threads with the same expectation exactly one wins.
#[test]
fn under_64_threads_with_the_same_expectation_exactly_one_wins() {
    const THREADS: usize = 64;
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let start = Barrier::new(THREADS);
    for version in 0..10u64 {
        let expected = if version == 0 { Expected::Empty } else { Expected::Version(version) };
        let wins = race(THREADS, |n| {
            start.wait();
            match store.append_with(&at("tree"), &note(n), AppendOptions::new().expect(expected)) {
                Ok(receipt) => {
                    assert_eq!(receipt.version.get(), version + 1);
                    true
                }
                Err(AppendError::Conflict { actual, .. }) => {
                    assert_eq!(actual.get(), version + 1);
                    false
                }
                Err(other) => panic!("{other}"),
            }
        });
        assert_eq!(wins, 1);
    }
    assert_eq!(check_whole(&store).len(), 10);
}

/// Lets so many threads try; gives how many won.
fn race(threads: usize, attempt: impl Fn(u64) -> bool + Sync) -> usize {
    let attempt = &attempt;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads as u64).map(|n| scope.spawn(move || attempt(n))).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap().then_some(())).count()
    })
}

#[test]
fn a_condition_refuses_while_an_event_of_its_region_stands_after_its_position() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let seen = store.append(&at("seat-1"), &note(1)).unwrap().position;
    let taken = store.append(&at("seat-2"), &note(2)).unwrap().position;
    let unless = |region, after| {
        store.append_with(&at("seat-3"), &note(3), AppendOptions::new().unless(region, after))
    };
    let seats = || Region::entity_prefix("seat-");
    let AppendError::ConditionFailed { item: 0, position } = unless(seats(), seen).unwrap_err() else {
        panic!()
    };
    assert_eq!(position, taken);
    unless(Region::entity("seat-9"), Position::START).unwrap();
    unless(seats().and(Region::scope("field")), Position::START).unwrap();
    let last = store.written();
    unless(seats(), last).unwrap();
    assert_eq!(check_whole(&store).len(), 5);
}

#[test]
fn under_64_threads_with_the_same_condition_exactly_one_wins() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let start = Barrier::new(64);
    let wins = race(64, |n| {
        let options = AppendOptions::new().unless(Region::entity_prefix("seat-"), Position::START);
        start.wait();
        match store.append_with(&at(&format!("seat-{n}")), &note(n), options) {
            Ok(_) => true,
            Err(AppendError::ConditionFailed { position, .. }) if position == Position::new(1) => false,
            Err(other) => panic!("{other}"),
        }
    });
    assert_eq!((wins, numbers(&store).len()), (1, 1));
}

#[test]
fn a_receipt_names_the_durability_it_reached_and_flush_reaches_the_disk() {
    let dir = tempdir();
    let store = Store::open(small(dir.path()).flush_interval(Duration::from_secs(3_600))).unwrap();
    let soft = store.append_with(&at("tree"), &note(1), buffered()).unwrap();
    assert_eq!(
        (soft.durability, store.written(), store.durable()),
        (Durability::Buffered, soft.position, Position::START)
    );
    assert_eq!(store.read(&Region::all()).durable_only().count(), 0);
    assert_eq!(store.flush().unwrap(), soft.position);
    assert_eq!((store.durable(), store.read(&Region::all()).durable_only().count()), (soft.position, 1));
    let hard = store.append(&at("tree"), &note(2)).unwrap();
    assert_eq!((hard.durability, store.durable()), (Durability::Durable, hard.position));
    assert_eq!(store.flush().unwrap(), hard.position, "a flush with nothing to do answers");
}

#[test]
fn the_config_decides_the_durability_unless_the_options_do_and_a_batch_is_as_durable_as_its_strongest_event()
{
    let dir = tempdir();
    let config =
        small(dir.path()).flush_interval(Duration::from_secs(3_600)).durability(Durability::Buffered);
    let store = Store::open(config).unwrap();
    assert_eq!(store.append(&at("tree"), &note(1)).unwrap().durability, Durability::Buffered);
    let durable = new_note("tree", 3).durability(Durability::Durable);
    let receipts = store.append_batch(vec![new_note("tree", 2), durable]).unwrap();
    assert!(receipts.iter().all(|receipt| receipt.durability == Durability::Durable));
    assert_eq!(store.durable(), Position::new(3));
}

#[test]
fn a_buffered_event_reaches_the_disk_by_itself_after_the_flush_interval() {
    let dir = tempdir();
    let store = Store::open(small(dir.path()).flush_interval(Duration::from_millis(5))).unwrap();
    // A worker with a checkpoint is handed durable events only: that it gets one is the event to wait for.
    let config = CursorWorkerConfig::default().checkpoint(CheckpointId::new("witness").unwrap());
    let worker = store.cursor_worker(&Region::all(), config, |_, _| CursorWorkerAction::Stop).unwrap();
    let receipt = store.append_with(&at("tree"), &note(1), buffered()).unwrap();
    worker.join().unwrap();
    assert!(store.durable() >= receipt.position);
}

#[test]
fn much_that_is_buffered_reaches_the_disk_before_the_flush_interval() {
    let dir = tempdir();
    let config = small(dir.path()).flush_interval(Duration::from_secs(3_600)).flush_bytes(4 << 10);
    let store = Store::open(config).unwrap();
    let witness = CursorWorkerConfig::default().checkpoint(CheckpointId::new("witness").unwrap());
    let worker = store.cursor_worker(&Region::all(), witness, |_, _| CursorWorkerAction::Stop).unwrap();
    let little = store.append_with(&at("tree"), &note(1), buffered()).unwrap();
    assert_eq!(store.durable(), Position::START, "what is little waits");
    for n in 2..200 {
        store.append_with(&at("tree"), &note(n), buffered()).unwrap();
    }
    worker.join().unwrap();
    assert!(store.durable() > little.position);
}

#[test]
fn tickets_are_answered_in_order_and_a_dropped_ticket_does_not_take_its_event_back() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let mut tickets: Vec<_> = (1..=500).map(|n| store.submit(&at("tree"), &note(n)).unwrap()).collect();
    drop(tickets.swap_remove(0));
    let last = tickets.remove(0); // `swap_remove` brought the newest to the front
    for (n, ticket) in (2..).zip(tickets) {
        let receipt = ticket.wait().unwrap();
        assert_eq!((receipt.position, receipt.version), (Position::new(n), Version::new(n)));
        check_receipt(&store, &receipt);
    }
    assert_eq!(last.wait().unwrap().position, Position::new(500));
    assert_eq!(numbers(&store), (1..=500).collect::<Vec<_>>());
}

#[test]
fn a_ticket_of_a_batch_gives_one_receipt_for_each_event() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let ticket = store.submit_batch(vec![new_note("a", 1), new_note("b", 2), new_note("a", 3)]).unwrap();
    let receipts = ticket.wait().unwrap();
    assert_eq!(receipts.iter().map(|receipt| receipt.version.get()).collect::<Vec<_>>(), [1, 1, 2]);
    let refused =
        store.submit_batch(vec![new_note("a", 4), new_note("b", 5).expect(Expected::Empty)]).unwrap();
    assert!(matches!(refused.wait(), Err(AppendError::Conflict { item: 1, .. })));
    assert_eq!(numbers(&store), [1, 2, 3]);
}

#[test]
fn try_submit_never_waits_and_says_when_the_mailbox_is_full() {
    let dir = tempdir();
    let (enter, entered) = mpsc::channel();
    let (open, opened) = mpsc::channel::<()>();
    let store = Store::builder(small(dir.path()).mailbox_messages(4))
        .gate(gate("turnstile", move |_| {
            enter.send(()).unwrap();
            opened.recv().ok();
            Ok(())
        }))
        .open()
        .unwrap();
    let first = store.submit(&at("tree"), &note(0)).unwrap();
    entered.recv().unwrap();
    let mut tickets = Vec::new();
    let refused = loop {
        match store.try_submit(&at("tree"), &note(tickets.len() as u64 + 1)) {
            Ok(ticket) => tickets.push(ticket),
            Err(refused) => break refused,
        }
        assert!(tickets.len() <= 16, "a mailbox of 4 messages took {}", tickets.len());
    };
    assert!(matches!(refused, AppendError::Full), "{refused}");
    assert_eq!(refused.retry(), Retry::Again);
    assert!(!tickets.is_empty() && tickets.iter().all(|ticket| !ticket.is_ready()));
    drop(open); // from now on everyone passes
    let taken = tickets.len() as u64;
    first.wait().unwrap();
    tickets.into_iter().for_each(|ticket| {
        ticket.wait().unwrap();
    });
    assert_eq!(numbers(&store), (0..=taken).collect::<Vec<_>>());
}

#[test]
fn a_call_whose_answer_does_not_come_by_the_deadline_is_told_that_the_outcome_is_unknown() {
    let dir = tempdir();
    let (open, opened) = mpsc::channel::<()>();
    let store = Store::builder(small(dir.path()).call_deadline(Duration::from_millis(20)))
        .gate(gate("turnstile", move |_| {
            opened.recv().ok();
            Ok(())
        }))
        .open()
        .unwrap();
    let ticket = store.submit(&at("tree"), &note(1)).unwrap();
    let unknown = ticket.wait().unwrap_err();
    assert!(matches!(unknown, AppendError::Indeterminate { .. }), "{unknown}");
    assert_eq!(unknown.retry(), Retry::Unknown);
    // It may still be stored, and here it is: the worker waits for it.
    let worker =
        store.cursor_worker(&Region::all(), CursorWorkerConfig::default(), |_, _| CursorWorkerAction::Stop);
    drop(open);
    worker.unwrap().join().unwrap();
    assert_eq!(numbers(&store), [1]);
}
