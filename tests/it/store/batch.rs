//! Batches: all or none, for everyone who looks and whatever happens.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use timberline::storage::simulated::{Image, Seeded};
use timberline::{AppendError, CursorWorkerAction, CursorWorkerConfig, Denial, Expected, gate};

/// Events of one batch in these tests: notes with the batch's number, on entities of their own.
const BATCH: u64 = 3;

fn batch(n: u64) -> Vec<NewEvent> {
    (0..BATCH).map(|item| new_note(&format!("tree-{item}"), n)).collect()
}

/// Every batch is there whole or not at all.
#[track_caller]
fn check_whole_batches(numbers: &[u64]) {
    for chunk in numbers.chunks(BATCH as usize) {
        assert!(
            chunk.len() == BATCH as usize && chunk.iter().all(|n| *n == chunk[0]),
            "half a batch: {chunk:?}"
        );
    }
}

/// A batch is all or nothing, for readers, for workers, and after a crash at any byte.
#[test]
fn a_batch_is_all_or_nothing_for_readers() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let (done, started) = (AtomicBool::new(false), std::sync::Barrier::new(3));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                started.wait();
                let mut seen = 0;
                while !done.load(Ordering::Acquire) || seen < 200 * BATCH as usize {
                    let numbers = numbers(&store);
                    check_whole_batches(&numbers);
                    assert!(numbers.len() >= seen, "an event vanished");
                    seen = numbers.len();
                }
            });
        }
        started.wait();
        for n in 0..200 {
            store.append_batch(batch(n)).unwrap();
        }
        done.store(true, Ordering::Release);
    });
    check_whole(&store);
}

/// A batch is all or nothing, for readers, for workers, and after a crash at any byte.
#[test]
fn a_batch_is_all_or_nothing_for_workers() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let (sender, handed) = mpsc::channel();
    let config = CursorWorkerConfig::default().batch_size(CursorWorkerConfig::BATCH_EVENTS_MAX);
    let worker = store
        .cursor_worker(&Region::all(), config, move |batch, _| {
            sender
                .send(batch.iter().map(|event| event.payload_as::<Note>().unwrap().n).collect::<Vec<_>>())
                .unwrap();
            CursorWorkerAction::Continue
        })
        .unwrap();
    for n in 0..200 {
        store.append_batch(batch(n)).unwrap();
        let mut refused = batch(1_000 + n);
        refused.push(new_note("tree-0", 1_000 + n).expect(Expected::Empty));
        store.append_batch(refused).unwrap_err();
    }
    let mut seen = Vec::new();
    while seen.len() < 200 * BATCH as usize {
        let handed = handed.recv().unwrap();
        check_whole_batches(&handed);
        seen.extend(handed);
    }
    worker.stop_and_join().unwrap();
    assert_eq!(seen, numbers(&store), "the worker saw what readers see");
    assert!(seen.iter().all(|n| *n < 1_000), "no part of a refused batch was handed out");
}

/// A batch is all or nothing, for readers, for workers, and after a crash at any byte.
#[test]
fn a_batch_is_all_or_nothing_after_a_crash_at_any_byte() {
    let disk = SimulatedDisk::new();
    let store = on_disk(&disk).open().unwrap();
    store.append_batch(batch(0)).unwrap();
    let before = used(&disk.image());
    store.append_batch(batch(1)).unwrap();
    let image = disk.image();
    store.close().unwrap();
    let bytes = image.bytes(&segment(1)).unwrap();
    let after = used(&image);
    assert!(after > before + 64, "the second batch has bytes to cut");
    for cut in before..=after {
        for rest in [Rest::Missing, Rest::Zeros] {
            let torn = torn(&image, &bytes, cut, rest);
            let reopened = on_disk(&SimulatedDisk::from_image(torn)).open().unwrap();
            let numbers = numbers(&reopened);
            check_whole_batches(&numbers);
            assert_eq!(numbers.len() as u64 / BATCH, if cut == after { 2 } else { 1 }, "cut at byte {cut}");
            let receipts = reopened.append_batch(batch(2)).unwrap();
            assert!(
                receipts.iter().all(|receipt| receipt.version == reopened.last_version("tree-0").unwrap())
            );
            check_whole(&reopened);
        }
    }
}

/// What stands behind the byte at which a write was cut.
#[derive(Debug, Clone, Copy)]
enum Rest {
    Missing,
    Zeros,
}

fn torn(image: &Image, bytes: &[u8], cut: usize, rest: Rest) -> Image {
    let mut kept = bytes[..cut].to_vec();
    if let Rest::Zeros = rest {
        kept.resize(bytes.len(), 0);
    }
    let mut torn = image.clone();
    torn.delete(&segment(1));
    torn.put(&segment(1), &kept);
    torn
}

/// Where the written part of the first segment ends: behind it are only zeros that were written ahead.
fn used(image: &Image) -> usize {
    let bytes = image.bytes(&segment(1)).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// A batch is all or nothing, for readers, for workers, and after a crash at any byte.
#[test]
fn a_batch_is_all_or_nothing_after_a_power_cut_at_any_disk_operation() {
    let disk = SimulatedDisk::new();
    let store = on_disk(&disk).open().unwrap();
    disk.keep_images();
    let mut acknowledged = vec![0; 0];
    for n in 0..60 {
        store.append_batch(batch(n)).unwrap();
        acknowledged.push(disk.images().len());
    }
    let images = disk.images();
    drop(store);
    let mut choices = Seeded::new(20);
    for (operation, image) in images.iter().enumerate() {
        let promised = acknowledged.iter().filter(|by| **by <= operation + 1).count();
        let left = image.crash(&mut |count| choices.choose(count));
        let reopened = on_disk(&SimulatedDisk::from_image(left)).open().unwrap();
        let numbers = numbers(&reopened);
        check_whole_batches(&numbers);
        assert!(numbers.len() >= promised * BATCH as usize, "an acknowledged batch is lost");
        check_whole(&reopened);
    }
}

/// A conflict inside it names the item.
#[test]
fn a_conflict_inside_a_batch_names_the_item() {
    let dir = tempdir();
    let store = Store::builder(small(dir.path()))
        .gate(gate("even", |proposal| match proposal.payload_as::<Note>().unwrap().n {
            13 => Err(Denial::new("unlucky", "13")),
            _ => Ok(()),
        }))
        .open()
        .unwrap();
    store.append(&at("tree-2"), &note(0)).unwrap();
    for item in 0..5 {
        let at_item = |n: usize, event: NewEvent| {
            let mut events: Vec<_> = (0..5).map(|n| new_note(&format!("new-{n}"), n)).collect();
            events[n] = event;
            store.append_batch(events).unwrap_err()
        };
        let conflict = at_item(item, new_note("tree-2", 1).expect(Expected::Version(7)));
        let AppendError::Conflict { item: named, entity, actual, .. } = &conflict else {
            panic!("{conflict}")
        };
        assert_eq!((*named, entity.as_str(), *actual), (item, "tree-2", Version::new(1)));
        let condition = at_item(item, new_note("tree-3", 1).unless(Region::all(), Position::START));
        assert!(
            matches!(condition, AppendError::ConditionFailed { item: named, .. } if named == item),
            "{condition}"
        );
        let denied = at_item(item, new_note("tree-3", 13));
        assert!(matches!(denied, AppendError::Denied { item: named, .. } if named == item), "{denied}");
    }
    assert_eq!(numbers(&store), [0], "nothing of a refused batch is stored");
}

#[test]
fn expectations_inside_a_batch_see_the_earlier_events_of_the_batch() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let steps = [Expected::Empty, Expected::Version(1), Expected::Exists, Expected::Version(3)];
    let events = steps.iter().zip(1..).map(|(expected, n)| new_note("tree", n).expect(*expected)).collect();
    let receipts = store.append_batch(events).unwrap();
    assert_eq!(receipts.iter().map(|receipt| receipt.version.get()).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let twice =
        vec![new_note("bush", 5).expect(Expected::Empty), new_note("bush", 6).expect(Expected::Empty)];
    let refused = store.append_batch(twice).unwrap_err();
    assert!(
        matches!(refused, AppendError::Conflict { item: 1, actual, .. } if actual == Version::new(1)),
        "{refused}"
    );
    assert_eq!(numbers(&store), [1, 2, 3, 4]);
}
