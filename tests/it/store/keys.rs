//! Idempotency keys: however often an append is repeated, there is one event and one receipt.

use super::*;
use std::thread;
use std::time::Duration;
use timberline::storage::OperationKind;
use timberline::storage::simulated::{Operation, Seeded};
use timberline::{AppendError, Expected};

fn keyed(n: u64, key: &str) -> NewEvent {
    new_note("tree", n).idempotency_key(key)
}

/// The second receipt is the first, but for saying that it is.
#[track_caller]
fn check_same(first: &Receipt, again: &Receipt) {
    assert_eq!((again.id, again.position, again.version), (first.id, first.position, first.version));
    assert!(!first.duplicate && again.duplicate);
}

/// The same idempotency key gives the same receipt and one event, in one batch, across batches, after a reopen, and after a crash before the reply.
#[test]
fn the_same_idempotency_key_gives_the_same_receipt_and_one_event_in_one_batch() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let receipts =
        store.append_batch(vec![keyed(1, "k"), new_note("tree", 2), keyed(3, "k"), keyed(4, "l")]).unwrap();
    check_same(&receipts[0], &receipts[2]);
    assert_eq!(numbers(&store), [1, 2, 4]);
    assert_eq!(receipts[3].position, Position::new(3), "a repetition costs no position");
    check_whole(&store);
}

/// The same idempotency key gives the same receipt and one event, in one batch, across batches, after a reopen, and after a crash before the reply.
#[test]
fn the_same_idempotency_key_gives_the_same_receipt_and_one_event_across_batches() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let first = store.append_event(keyed(1, "k")).unwrap();
    let again = store.append_event(keyed(2, "k").expect(Expected::Empty)).unwrap();
    check_same(&first, &again);
    let receipts = store.append_batch(vec![new_note("tree", 3), keyed(4, "k")]).unwrap();
    check_same(&first, &receipts[1]);
    let tickets: Vec<_> = (5..100).map(|n| store.submit_event(keyed(n, "l")).unwrap()).collect();
    let receipts: Vec<_> = tickets.into_iter().map(|ticket| ticket.wait().unwrap()).collect();
    receipts[1..].iter().for_each(|again| check_same(&receipts[0], again));
    assert_eq!(numbers(&store), [1, 3, 5]);
}

#[test]
fn of_threads_that_race_with_one_key_all_get_the_receipt_of_one_event() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let append = |n| store.append_event(keyed(n, "k")).unwrap();
    let append = &append;
    let receipts: Vec<Receipt> = thread::scope(|scope| {
        let threads: Vec<_> = (0..32).map(|n| scope.spawn(move || append(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(receipts.iter().filter(|receipt| !receipt.duplicate).count(), 1);
    assert!(receipts.iter().all(|receipt| receipt.id == receipts[0].id));
    assert_eq!(numbers(&store).len(), 1);
}

/// The same idempotency key gives the same receipt and one event, in one batch, across batches, after a reopen, and after a crash before the reply.
#[test]
fn the_same_idempotency_key_gives_the_same_receipt_and_one_event_after_a_reopen() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let first: Vec<_> = (0..300).map(|n| store.append_event(keyed(n, &format!("k{n}"))).unwrap()).collect();
    assert!(store.stats().segments > 0);
    store.close().unwrap();
    let store = Store::open(small(dir.path())).unwrap();
    for (n, first) in (0..).zip(&first) {
        check_same(first, &store.append_event(keyed(1_000, &format!("k{n}"))).unwrap());
    }
    assert_eq!(numbers(&store), (0..300).collect::<Vec<_>>());
}

/// The same idempotency key gives the same receipt and one event, in one batch, across batches, after a reopen, and after a crash before the reply.
#[test]
fn the_same_idempotency_key_gives_the_same_receipt_and_one_event_after_a_crash_before_the_reply() {
    let disk = SimulatedDisk::new();
    let store = on_disk(&disk).open().unwrap();
    store.append(&at("tree"), &note(0)).unwrap();
    disk.keep_images();
    let first = store.append_event(keyed(1, "k")).unwrap();
    let images = disk.images();
    drop(store);
    let (mut kept, mut lost) = (0, 0);
    // Every moment between the call and its reply, each with several outcomes of the power cut.
    for (seed, image) in (0..8).flat_map(|seed| images.iter().map(move |image| (seed, image))) {
        let mut choices = Seeded::new(seed);
        let left = if seed == 0 { image.clone() } else { image.crash(&mut |count| choices.choose(count)) };
        let store = on_disk(&SimulatedDisk::from_image(left)).open().unwrap();
        let was_kept = numbers(&store).len() == 2;
        let again = store.append_event(keyed(1, "k")).unwrap();
        if was_kept {
            check_same(&first, &again);
            kept += 1;
        } else {
            assert!(!again.duplicate);
            lost += 1;
        }
        let third = store.append_event(keyed(1, "k")).unwrap();
        assert!(third.duplicate && third.id == again.id && third.version == again.version);
        assert_eq!(numbers(&store), [0, 1]);
    }
    assert!(kept > 0 && lost > 0, "both outcomes were met: {kept} kept, {lost} lost");
}

/// Whether a repetition is durable was settled the first time: it does not bring later buffered events to the disk.
#[test]
fn a_repetition_of_what_is_durable_waits_for_no_sync() {
    let disk = SimulatedDisk::new();
    let config = small("simulated").flush_interval(Duration::from_secs(60));
    let builder = Store::builder(config).simulated(Runtime::threads(), Arc::new(disk.clone()));
    let store = builder.open().unwrap();
    let first = store.append_event(keyed(1, "k")).unwrap();
    store.append_with(&at("tree"), &note(2), buffered()).unwrap();
    let before = disk.operations().len();
    check_same(&first, &store.append_event(keyed(1, "k")).unwrap());
    let operations = disk.operations();
    let is_sync = |operation: &&Operation| {
        operation.kind == OperationKind::Sync && operation.name.ends_with(".segment")
    };
    assert_eq!(operations[before..].iter().filter(is_sync).count(), 0);
}

#[test]
fn an_idempotency_key_has_a_length_of_1_to_256_bytes_and_may_be_any_bytes() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let append = |key: &[u8]| store.append_event(new_note("tree", 1).idempotency_key(key));
    assert!(matches!(append(b""), Err(AppendError::Empty { item: 0, what: "idempotency key" })));
    let longest = vec![0xff; AppendOptions::KEY_BYTES_MAX];
    assert!(!append(&longest).unwrap().duplicate);
    assert!(append(&longest).unwrap().duplicate);
    assert!(!append(&longest[1..]).unwrap().duplicate);
    let refused = append(&[0; AppendOptions::KEY_BYTES_MAX + 1]).unwrap_err();
    assert!(
        matches!(refused, AppendError::TooLarge { what: "idempotency key", bytes: 257, limit: 256, .. }),
        "{refused}"
    );
}
