//! Tests of the journal as a whole: one small workload, and what every reopened disk must then hold.

mod appending;
mod crashes;
mod damage;
mod faults;
mod files;
mod forged;
mod lives;
mod reading;
mod syncs;

use super::*;
use crate::event::{Coordinate, EventId, NewEvent};
use crate::position::{CheckpointId, Position, Version};
use crate::region::Region;
use crate::storage::Storage;
use crate::storage::simulated::{Image, SimulatedDisk};
use std::sync::Arc;

pub(super) const STORE: StoreId = StoreId::new([7; 16]);
const NOW: u64 = 1_700_000_000_000_000;

pub(super) fn options() -> JournalOptions {
    JournalOptions {
        segment_bytes: 2000,
        commit_bytes_max: 1400,
        preallocate_bytes: 700,
        open_files_max: 2,
        cache_bytes: 0,
    }
}

pub(super) fn open(disk: &SimulatedDisk) -> Result<(Journal, Recovery), JournalError> {
    open_with(disk, options())
}

pub(super) fn open_with(
    disk: &SimulatedDisk,
    options: JournalOptions,
) -> Result<(Journal, Recovery), JournalError> {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let lock = Arc::new(storage.lock()?);
    Journal::open(storage, lock, options, NOW, STORE)
}

/// How many times the usual number of cases to try: `TIMBERLINE_EFFORT=100 cargo test --release --lib -- journal`.
pub(super) fn effort() -> u64 {
    std::env::var("TIMBERLINE_EFFORT").ok().and_then(|effort| effort.parse().ok()).unwrap_or(1)
}

/// The payload of the event at `position` of the batch that begins at `first`: no byte is zero, so that no cut goes
/// unnoticed, and a batch in pieces is seen.
fn payload(first: u64, position: u64) -> Vec<u8> {
    let length = 20 + (position * 37 % 90) as usize;
    let mut bytes = format!("{first}:{position}:").into_bytes();
    bytes.resize(length, b'a' + (position % 26) as u8);
    bytes
}

pub(super) fn event(payload: Vec<u8>) -> NewEvent {
    NewEvent::raw(Coordinate::new("entity", "scope").unwrap(), "Kind", 1, payload)
}

/// Stages and commits a batch of `count` events.
pub(super) fn append(journal: &mut Journal, count: u64) -> Result<Committed, JournalError> {
    journal.begin(NOW);
    let first = journal.next_position().get();
    for position in first..first + count {
        let numbers = Numbers { version: Version::new(position), ..Numbers::default() };
        journal.stage_event(&event(payload(first, position)), &numbers)?;
    }
    Ok(journal.commit()?.unwrap())
}

pub(super) fn append_checkpoint(
    journal: &mut Journal,
    position: Position,
) -> Result<Committed, JournalError> {
    journal.begin(NOW);
    journal.stage_checkpoint(&CheckpointId::new("mailer").unwrap(), &Region::all().to_bytes(), position)?;
    Ok(journal.commit()?.unwrap())
}

/// Everything a reader sees: events with their positions, checkpoints, gaps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Contents {
    pub(super) events: Vec<(u64, Vec<u8>)>,
    pub(super) checkpoints: Vec<u64>,
    pub(super) gaps: Vec<(u64, u64)>,
}

pub(super) fn read_all(reader: &JournalReader) -> Result<Contents, JournalError> {
    let (mut block, mut point, mut contents) = (reader.block(), reader.begin(), Contents::default());
    while reader.read_block(&mut block, point, 4096)? {
        let mut records = block.records();
        for record in records.by_ref() {
            match record?.1 {
                Record::Event(span) => {
                    let event = span.view(block.bytes());
                    contents.events.push((event.position().get(), event.payload.to_vec()));
                }
                Record::Checkpoint { position, .. } => contents.checkpoints.push(position.get()),
                Record::Gap(gap) => contents.gaps.push((gap.start().get(), gap.end().get())),
            }
        }
        point = records.point();
    }
    Ok(contents)
}

/// Panics unless the events are whole batches, dense but for gaps that are told, and at least `durable` are there.
#[track_caller]
fn check_contents(contents: &Contents, last: Position, durable: u64) {
    let mut next = 1;
    let mut gaps = contents.gaps.iter().peekable();
    let mut index = 0;
    while index < contents.events.len() || gaps.peek().is_some() {
        if let Some((first, last)) = gaps.next_if(|(first, _)| *first == next) {
            assert!(*first > durable, "the gap {first}..={last} covers what was durable ({durable})");
            next = last + 1;
            continue;
        }
        let (position, bytes) = &contents.events[index];
        assert_eq!(*position, next, "positions are dense unless a gap is told");
        let begin = std::str::from_utf8(bytes).unwrap().split(':').next().unwrap().parse().unwrap();
        assert_eq!(*bytes, payload(begin, *position));
        (next, index) = (next + 1, index + 1);
    }
    assert_eq!(last.get(), next - 1);
    assert!(next > durable, "durable through {durable}, but only {} are there", next - 1);
}

/// Panics unless the batches whose begins and sizes are in `issued` are whole or absent.
#[track_caller]
fn check_batches(contents: &Contents, issued: &[(u64, u64)]) {
    for (first, count) in issued {
        let in_batch = format!("{first}:");
        let found =
            contents.events.iter().filter(|(_, bytes)| bytes.starts_with(in_batch.as_bytes())).count();
        assert!(found == 0 || found as u64 == *count, "{found} of the batch of {count} at {first}");
    }
}

/// Opens the disk, checks what it holds, and that opening again changes nothing.
#[track_caller]
pub(super) fn check_reopens(image: &Image, durable: u64, issued: &[(u64, u64)]) -> (Contents, Recovery) {
    let disk = SimulatedDisk::from_image(image.clone());
    let (mut journal, recovery) = open(&disk).unwrap();
    let contents = read_all(&journal.reader()).unwrap();
    check_contents(&contents, recovery.last, durable);
    check_batches(&contents, issued);
    let recovered = disk.crash(&mut |count| count - 1);

    // It works on, and what was recovered stays.
    append(&mut journal, 2).unwrap();
    journal.sync().unwrap();
    let report = journal.reader().verify(&mut |_| {}).unwrap();
    assert!(report.is_intact(), "{report:?}");
    let (_, third) = open(&disk.crash(&mut |count| count - 1)).unwrap();
    assert_eq!(third.last.get(), recovery.last.get() + 2);

    // All of it was durable as soon as opening returned: recovering twice is recovering once.
    let (again, second) = open(&recovered).unwrap();
    assert_eq!(read_all(&again.reader()).unwrap(), contents);
    assert_eq!((second.cut, second.gap, second.last), (None, None, recovery.last));
    (contents, recovery)
}

/// A workload of batches, checkpoints and syncs over several segments; remembers what it was promised.
#[derive(Debug, Default, Clone)]
pub(super) struct Workload {
    /// First position and size of every batch that was issued, whether or not it succeeded.
    pub(super) issued: Vec<(u64, u64)>,
    /// The last position that a sync has promised.
    pub(super) durable: u64,
    /// After how many disk operations what was promised.
    pub(super) promises: Vec<(usize, u64)>,
}

impl Workload {
    pub(super) const BATCHES: [u64; 10] = [1, 3, 2, 5, 1, 4, 1, 6, 2, 1];

    /// Runs until the first error.
    pub(super) fn run(&mut self, disk: &SimulatedDisk, close: bool) -> Result<(), JournalError> {
        let (mut journal, _) = open(disk)?;
        for (number, count) in Self::BATCHES.into_iter().enumerate() {
            self.issued.push((journal.next_position().get(), count));
            append(&mut journal, count)?;
            if number % 4 == 2 {
                let last = journal.last();
                append_checkpoint(&mut journal, last)?;
            }
            if number % 3 == 1 {
                self.durable = journal.sync()?.get();
                self.promises.push((disk.operations().len(), self.durable));
            }
        }
        if close {
            journal.close()?;
            self.durable = self.issued.iter().map(|(_, count)| count).sum();
        }
        Ok(())
    }
}

/// An event id, for tests that need any.
pub(super) fn id(number: u64) -> EventId {
    EventId::new(NOW / 1000, Position::new(number), STORE.tag())
}
