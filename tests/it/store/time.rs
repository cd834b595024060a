//! Time: what a store says of when never goes back.

use super::*;
use std::time::{SystemTime, UNIX_EPOCH};
use timberline::journal::{Journal, JournalOptions, Numbers, StoreId};
use timberline::storage::Storage;

fn wall_micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64
}

/// Leaves one event on the disk that was committed at this time, as a store whose wall clock was there would have.
fn written_at(disk: &SimulatedDisk, micros: u64) {
    let lock = Arc::new(disk.lock().unwrap());
    let options = JournalOptions { segment_bytes: 64 << 10, ..JournalOptions::default() };
    let (mut journal, _) =
        Journal::open(Arc::new(disk.clone()), lock, options, micros, StoreId::new([7; 16])).unwrap();
    journal.begin(micros);
    journal
        .stage_event(&new_note("tree", 0), &Numbers { version: Version::new(1), ..Numbers::default() })
        .unwrap();
    journal.commit().unwrap();
    journal.close().unwrap();
}

/// Times never go back within a store, whatever the wall clock does.
#[test]
fn times_never_go_back_within_a_store_whatever_the_wall_clock_does() {
    const HOUR: u64 = 3_600_000_000;
    let disk = SimulatedDisk::new();
    let ahead = wall_micros() + HOUR;
    written_at(&disk, ahead);
    // To this store the wall clock has gone back by an hour.
    for crashes in [false, true, false] {
        let store = on_disk(&disk).open().unwrap();
        for n in 1..=5 {
            let receipt = store.append(&at("tree"), &note(n)).unwrap();
            let event = check_receipt(&store, &receipt);
            assert!(event.time_micros() >= ahead && event.time_micros() < ahead + HOUR);
            assert_eq!(event.id().time_millis(), event.time_micros() / 1_000);
        }
        check_whole(&store);
        if crashes {
            let left = disk.image();
            store.close().unwrap();
            drop(store);
            let crashed = SimulatedDisk::from_image(left);
            check_whole(&on_disk(&crashed).open().unwrap());
        }
    }
    assert_eq!(check_whole(&on_disk(&disk).open().unwrap()).len(), 16);
}

#[test]
fn an_event_tells_the_time_at_which_it_was_committed() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let before = wall_micros();
    let receipt = store.append(&at("tree"), &note(1)).unwrap();
    let event = check_receipt(&store, &receipt);
    assert!((before..=wall_micros()).contains(&event.time_micros()));
    assert_eq!(event.time(), UNIX_EPOCH + std::time::Duration::from_micros(event.time_micros()));
}
