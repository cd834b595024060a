//! How found events are read: what is kept of the disk, and what a batch holds of it.

use super::fill::{READ_BYTES_MAX, fill};
use crate::event::{Batch, Coordinate, NewEvent};
use crate::index::Found;
use crate::journal::{EncodedEvent, Journal, JournalOptions, Keep, Numbers, Record, StoreId, segment_name};
use crate::position::Version;
use crate::storage::simulated::SimulatedDisk;
use crate::storage::{Access, OperationKind, Storage};
use std::sync::Arc;

/// A journal of so many events of one size, and where they stand.
fn journal(disk: &SimulatedDisk, events: u64, payload_bytes: usize) -> (Journal, Vec<Found>) {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let lock = Arc::new(storage.lock().unwrap());
    let (mut journal, _) =
        Journal::open(storage, lock, JournalOptions::default(), 1, StoreId::new([7; 16])).unwrap();
    let found = (1..=events).map(|number| append(&mut journal, number, payload_bytes)).collect();
    (journal, found)
}

fn append(journal: &mut Journal, number: u64, payload_bytes: usize) -> Found {
    let coordinate = Coordinate::new("entity", "scope").unwrap();
    let event = NewEvent::raw(coordinate, "Kind", 1, vec![number as u8; payload_bytes]);
    let numbers = Numbers { version: Version::new(number), ..Numbers::default() };
    let encoded = EncodedEvent::encode(&event, 1 << 20).unwrap();
    let position = journal.stage_event(&encoded, &numbers).unwrap().position;
    let frame = journal.commit().unwrap().unwrap().frame;
    let (location, record) = frame.records().next().unwrap().unwrap();
    assert!(matches!(record, Record::Event(_)));
    Found { position, location }
}

fn reads(disk: &SimulatedDisk) -> usize {
    disk.operations().iter().filter(|operation| operation.kind == OperationKind::Read).count()
}

#[test]
fn a_batch_of_events_that_stand_far_apart_holds_them_and_nothing_else_in_blocks_of_a_bounded_size() {
    const PAYLOAD_BYTES: usize = 60_000;
    let (journal, found) = journal(&SimulatedDisk::new(), 24, PAYLOAD_BYTES);
    let sparse: Vec<Found> = found.into_iter().step_by(2).collect();
    let records: usize = sparse.iter().map(|found| found.location.length as usize).sum();
    let mut batch = Batch::default();
    for _ in 0..3 {
        batch.clear();
        fill(&journal.reader(), &sparse, &mut batch).unwrap();
        let blocks = batch.block_bytes();
        assert_eq!(blocks.iter().sum::<usize>(), records, "{blocks:?}");
        let limit = READ_BYTES_MAX as usize + PAYLOAD_BYTES + 100;
        assert!(blocks.len() > 1 && blocks.iter().all(|bytes| *bytes < limit), "{blocks:?}");
        let payloads: Vec<u8> = batch.iter().map(|event| event.payload[PAYLOAD_BYTES - 1]).collect();
        assert_eq!(payloads, (1..=24).step_by(2).collect::<Vec<u8>>());
    }
}

#[test]
fn a_block_in_which_nothing_changes_any_more_is_read_once() {
    let disk = SimulatedDisk::new();
    let (mut journal, found) = journal(&disk, 100, 100);
    let reader = journal.reader();
    let cost = |found: Found, keep| {
        let before = reads(&disk);
        let mut bytes = Vec::new();
        reader.read_event(found.position, found.location, keep, &mut bytes).unwrap();
        reads(&disk) - before
    };
    let newest = *found.last().unwrap();
    assert!(cost(found[3], Keep::AtOnce) > 0, "nothing is known yet");
    assert_eq!([3, 4].map(|at| cost(found[at], Keep::AtOnce)), [0, 0]);
    assert_eq!([newest; 2].map(|newest| cost(newest, Keep::AtOnce)), [1, 1], "its block is still written to");
    for number in 101..=200 {
        append(&mut journal, number, 100);
    }
    assert_eq!([newest; 2].map(|newest| cost(newest, Keep::AtOnce)), [1, 0]);
    // Of many that stand far apart each costs its record first, then its block, then nothing.
    assert_eq!([found[60]; 3].map(|found| cost(found, Keep::SecondTime)), [1, 1, 0]);
}

#[test]
fn damage_is_not_kept_and_not_told_any_more_when_the_disk_is_whole_again() {
    let disk = SimulatedDisk::new();
    let (journal, found) = journal(&disk, 100, 100);
    let (Found { position, location }, reader) = (found[3], journal.reader());
    let file = disk.open(&segment_name(location.segment), Access::Write).unwrap();
    let mut record = vec![0; location.length as usize];
    file.read_at(&mut record, location.offset.into()).unwrap();
    file.write_at(&vec![0xAA; record.len()], location.offset.into()).unwrap();
    for _ in 0..2 {
        reader.read_event(position, location, Keep::AtOnce, &mut Vec::new()).unwrap_err();
    }
    file.write_at(&record, location.offset.into()).unwrap();
    reader.read_event(position, location, Keep::AtOnce, &mut Vec::new()).unwrap();
    let before = reads(&disk);
    reader.read_event(position, location, Keep::AtOnce, &mut Vec::new()).unwrap();
    assert_eq!(reads(&disk), before, "what is whole is kept instead");
}
