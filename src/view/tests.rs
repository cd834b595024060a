//! How found events are read: what is kept of the disk, and what a batch holds of it.

use super::fill::{READ_BYTES_MAX, fill};
use super::sweep::sweep;
use crate::event::{Batch, Coordinate, EventId, NewEvent, StoredEvent};
use crate::index::{Found, Window};
use crate::journal::{Journal, JournalOptions, Keep, Numbers, Record, StoreId, segment_name};
use crate::position::{CheckpointId, Position, Version};
use crate::region::Region;
use crate::storage::simulated::{Seeded, SimulatedDisk};
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
    append_event(journal, number, &event)
}

fn append_event(journal: &mut Journal, number: u64, event: &NewEvent) -> Found {
    let numbers = Numbers { version: Version::new(number), ..Numbers::default() };
    let position = journal.stage_event(event, &numbers).unwrap().position;
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
fn where_more_blocks_are_wanted_than_are_kept_an_event_costs_its_record_and_not_its_block() {
    let (disk, mut choices) = (SimulatedDisk::new(), Seeded::new(7));
    // One and a half times what is kept.
    let (journal, found) = journal(&disk, 6_000, 100);
    let reader = journal.reader();
    let mut bytes_of = |events: usize| {
        let (_, bytes) = read(&disk, |_| {
            for _ in 0..events {
                let Found { position, location } = found[choices.choose(found.len())];
                reader.read_event(position, location, Keep::AtOnce, &mut Vec::new()).unwrap();
            }
        });
        bytes
    };
    bytes_of(3_000);
    let bytes = bytes_of(3_000) / 3_000;
    assert!(bytes < 400, "{bytes} bytes were read for each");
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

/// Reads into a batch; gives it with the bytes that were read from the disk.
fn read(disk: &SimulatedDisk, read: impl FnOnce(&mut Batch)) -> (Batch, u64) {
    let (before, mut batch) = (disk.operations().len(), Batch::default());
    read(&mut batch);
    let operations = disk.operations().into_iter().skip(before);
    let bytes = operations.filter(|operation| operation.kind == OperationKind::Read);
    (batch, bytes.map(|operation| operation.length).sum())
}

#[test]
fn an_event_is_read_without_the_thousands_of_checkpoints_that_stand_behind_it() {
    let disk = SimulatedDisk::new();
    let (mut journal, mut found) = journal(&disk, 10, 100);
    let id = CheckpointId::new("mailer").unwrap();
    for number in 1..=2_000 {
        let at = Position::new(number % 10);
        journal.stage_checkpoint(&id, &Region::all().to_bytes(), at).unwrap();
        journal.commit().unwrap();
    }
    let reader = journal.reader();
    // All that a file of the index tells: where the event begins, and that no other comes before the segment's end.
    let end = found.last_mut().unwrap();
    end.location.length = reader.tail().1 - end.location.offset;
    let last = *end;
    let first = found[0];
    assert!(last.location.length > 150_000);
    let window = Window { after: Position::START, through: last.position, limit: 100 };
    let ways: [&dyn Fn(&mut Batch); 3] = [
        &|batch| sweep(&reader, window, first, Some(last), batch).unwrap(),
        &|batch| fill(&reader, &found, batch).unwrap(),
        &|batch| fill(&reader, &[last], batch).unwrap(),
    ];
    for way in ways {
        let (batch, bytes) = read(&disk, way);
        assert_eq!(batch.last_position(), Some(last.position));
        assert!(bytes < 10_000, "{bytes} bytes were read");
    }
}

#[test]
fn a_copy_of_an_event_is_what_was_lent_whatever_it_carries() {
    let (mut journal, mut found) = journal(&SimulatedDisk::new(), 3, 100);
    let cause = EventId::from_u128(9 << 16);
    for (number, has_key, has_cause, has_correlation) in
        (4..).zip(0..8).map(|(number, bits)| (number, bits & 1 > 0, bits & 2 > 0, bits & 4 > 0))
    {
        let coordinate = Coordinate::new("Türe-é", "Häuser").unwrap();
        let mut event = NewEvent::raw(coordinate, "Geöffnet", 3, vec![number as u8; 50]);
        event.options.key = has_key.then(|| b"key".as_slice().into());
        event.options.causes = if has_cause { vec![cause, cause] } else { Vec::new() };
        event.options.correlation = has_correlation.then_some(cause);
        found.push(append_event(&mut journal, number, &event));
    }
    let mut batch = Batch::default();
    fill(&journal.reader(), &found, &mut batch).unwrap();
    for (at, lent) in batch.iter().enumerate() {
        let (copied, mut record) = (batch.copied(at).unwrap(), Vec::new());
        let Found { position, mut location } = found[at];
        // As if something stood behind it.
        location.length += 40 * u32::from(at + 1 < found.len());
        let span = journal.reader().read_event(position, location, Keep::AtOnce, &mut record).unwrap();
        assert_eq!(StoredEvent::of_record(span, record), copied);
        assert_eq!((copied.view(), StoredEvent::from(lent)), (lent, copied.clone()));
        assert_eq!((copied.entity(), copied.kind()), (lent.entity, lent.kind));
        assert_eq!((copied.causes().len(), copied.payload()), (lent.causes.len(), lent.payload));
    }
    let last = batch.get(found.len() - 1).unwrap();
    assert_eq!((last.entity, last.scope, last.kind), ("Türe-é", "Häuser", "Geöffnet"));
    assert_eq!((last.causes.iter().last(), last.correlation), (Some(cause), cause));
    assert_eq!(last.payload, [found.len() as u8; 50]);
}
