//! What a store promises its callers, sentence by sentence, through its public door.

mod append;
mod batch;
mod causal;
mod child;
mod close;
mod crash;
mod damage;
mod disk_full;
mod gates;
mod hostile;
mod keys;
mod limits;
mod payload;
mod processes;
mod read;
mod time;
mod torture;
mod verify;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use timberline::storage::simulated::SimulatedDisk;
use timberline::supervisors::Runtime;
use timberline::{
    AppendOptions, Config, Coordinate, Durability, NewEvent, Payload, Position, Receipt, Region, Store,
    StoreBuilder, StoredEvent, Version,
};

/// What most events of these tests say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) n: u64,
    pub(super) text: String,
}

impl Payload for Note {
    const KIND: &'static str = "Note";
}

pub(super) fn note(n: u64) -> Note {
    Note { n, text: format!("note {n}") }
}

pub(super) fn at(entity: &str) -> Coordinate {
    Coordinate::new(entity, "wood").unwrap()
}

pub(super) fn new_note(entity: &str, n: u64) -> NewEvent {
    NewEvent::new(&at(entity), &note(n)).unwrap()
}

/// The event's number, for events that are notes.
pub(super) fn number(event: &StoredEvent) -> u64 {
    event.payload_as::<Note>().unwrap().n
}

pub(super) fn buffered() -> AppendOptions {
    AppendOptions::new().durability(Durability::Buffered)
}

pub(super) fn tempdir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A config with segments as small as they may be, so that a few hundred events fill several.
pub(super) fn small(dir: impl AsRef<Path>) -> Config {
    Config::new(dir)
        .commit_bytes_max(16 << 10)
        .segment_bytes(64 << 10)
        .preallocate_bytes(8 << 10)
        .record_bytes_max(4 << 10)
        .batch_events_max(64)
}

/// A store on a disk in memory, run by real threads.
pub(super) fn on_disk(disk: &SimulatedDisk) -> StoreBuilder {
    Store::builder(small("simulated")).simulated(Runtime::threads(), Arc::new(disk.clone()))
}

pub(super) fn everything(store: &Store) -> Vec<StoredEvent> {
    store.read(&Region::all()).collect::<Result<_, _>>().unwrap()
}

/// The numbers of all notes, in position order.
pub(super) fn numbers(store: &Store) -> Vec<u64> {
    everything(store).iter().filter(|event| event.kind() == Note::KIND).map(number).collect()
}

/// Whether the store is whole: positions dense but for gaps that are reported, versions dense, times never back, every
/// event found by its id, and nothing for `verify` to say.
#[track_caller]
pub(super) fn check_whole(store: &Store) -> Vec<StoredEvent> {
    let events = everything(store);
    let report = store.verify().unwrap();
    assert!(report.is_intact(), "{:?}", report.problems);
    let last = events.last().map_or(0, |event| event.position().get());
    let missing = store.written().get() - events.len() as u64;
    assert!(last <= store.written().get());
    assert_eq!(report.gap_positions, missing, "a position is missing and no gap tells of it");
    assert_eq!((report.events, store.stats().events), (events.len() as u64, events.len() as u64));
    let mut versions: HashMap<&str, Version> = HashMap::new();
    for (before, event) in events.iter().zip(&events[1.min(events.len())..]) {
        assert!(before.position() < event.position());
        assert!(before.time_micros() <= event.time_micros());
        assert!(before.id() < event.id());
    }
    for event in &events {
        let version = versions.entry(event.entity()).or_default();
        *version = version.next();
        assert_eq!(event.version(), *version, "a version of {} is missing", event.entity());
        assert_eq!(store.get(event.id()).unwrap().as_ref(), Some(event));
    }
    for (entity, version) in versions {
        assert_eq!(store.last_version(entity).unwrap(), version);
    }
    events
}

/// The event a receipt speaks of stands where it says.
#[track_caller]
pub(super) fn check_receipt(store: &Store, receipt: &Receipt) -> StoredEvent {
    let event = store.get(receipt.id).unwrap().expect("an event that was acknowledged");
    assert_eq!(
        (event.id(), event.position(), event.version()),
        (receipt.id, receipt.position, receipt.version)
    );
    event
}

/// Everything in a directory but the writer's lock file, which may come and go and is always empty.
pub(super) fn snapshot(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().unwrap();
        let content =
            if kind.is_file() { fs::read(entry.path()).unwrap() } else { format!("{kind:?}").into_bytes() };
        if name != "store.lock" {
            found.insert(name, content);
        }
    }
    found
}

/// Fills a directory with a closed store of three segments or more; gives how many events it has.
pub(super) fn fill(dir: &Path) -> u64 {
    let store = Store::open(small(dir)).unwrap();
    while store.stats().segments < 3 {
        let event = |n| new_note(&format!("tree-{}", n % 5), store.written().get() + n);
        store.append_batch((0..16).map(event).collect()).unwrap();
    }
    store.append(&at("tree"), &note(0)).unwrap();
    let events = check_whole(&store).len() as u64;
    store.close().unwrap();
    events
}

/// As [`fill`], but the same store every time: it is made once and copied.
pub(super) fn filled(dir: &Path) -> u64 {
    static FILLED: OnceLock<(u64, BTreeMap<String, Vec<u8>>)> = OnceLock::new();
    let (events, files) = FILLED.get_or_init(|| {
        let dir = tempdir();
        (fill(dir.path()), snapshot(dir.path()))
    });
    fs::create_dir_all(dir).unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(dir.join(name), bytes).unwrap());
    *events
}

pub(super) fn segment(number: u32) -> String {
    timberline::journal::segment_name(number)
}

#[test]
fn a_store_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Store>();
    shared::<timberline::ReadOnlyStore>();
}
