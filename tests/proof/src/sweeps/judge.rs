//! What a reopened store may hold: the rules of a crash, over everything its readers see.

use super::workload::{ENTITIES, Echo, Note, open};
use std::collections::BTreeSet;
use std::ops::Range;
use timberline::storage::simulated::SimulatedDisk;
use timberline::{OpenError, Payload, ReadError, Region, Store, StoredEvent};

/// What a store says when it is asked for everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Contents {
    /// Notes, in position order.
    pub(super) notes: Vec<u64>,
    /// Echoes, in position order.
    pub(super) echoes: Vec<u64>,
    /// How many events the entities have that were asked for, by the number in the entity's name.
    pub(super) entities: Vec<(u64, usize)>,
    pub(super) last: u64,
}

/// Why there are no contents.
#[derive(Debug)]
pub(super) enum Told {
    Open(OpenError),
    Read(ReadError),
    Verify,
    /// Opening has cut it off, and says from where on; nothing else is lost by it.
    Cut,
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Told::Open(error) => write!(f, "open says: {error}"),
            Told::Read(error) => write!(f, "a read says: {error}"),
            Told::Verify => f.write_str("verify finds it"),
            Told::Cut => f.write_str("recovery says that it was cut"),
        }
    }
}

/// Opens the disk and reads all of it, and the entity of that number by itself. The sweeps ask for each in turn: of all
/// together every event would be read twice.
pub(super) fn reopen(disk: &SimulatedDisk, entity: u64) -> Result<(Store, Contents), Told> {
    let store = open(disk).map_err(Told::Open)?;
    let entity = entity % ENTITIES;
    let contents = contents(&store, entity..entity + 1)?;
    Ok((store, contents))
}

/// Everything that readers see. The index answers too, so that it is judged with the journal.
pub(super) fn contents(store: &Store, entities: Range<u64>) -> Result<Contents, Told> {
    let events: Vec<StoredEvent> =
        store.read(&Region::all()).collect::<Result<_, _>>().map_err(Told::Read)?;
    let mut contents = Contents { last: store.written().get(), ..Contents::default() };
    let mut notes = Vec::new();
    for event in &events {
        match event.kind() {
            Note::KIND => notes.push(event.payload_as::<Note>().unwrap()),
            _ => contents.echoes.push(event.payload_as::<Echo>().unwrap().0),
        }
    }
    contents.notes = notes.iter().map(|note| note.n).collect();
    for entity in entities {
        let mut read = store.entity(&format!("tree-{entity}"));
        let count = read.try_fold(0, |count, event| event.map(|_| count + 1)).map_err(Told::Read)?;
        contents.entities.push((entity, count));
    }
    if let Some(newest) = events.last() {
        let found = store.get(newest.id()).map_err(Told::Read)?;
        assert_eq!(found.as_ref(), Some(newest), "the newest event is not found by its id");
    }
    check_order(&events);
    check_batches(&notes);
    Ok(contents)
}

/// Batches are whole or absent.
fn check_batches(notes: &[Note]) {
    for batch in notes.chunk_by(|one, next| one.batch == next.batch) {
        let (first, count) = batch[0].batch;
        assert!(
            batch.iter().map(|note| note.n).eq(first..first + count),
            "of the batch of {count} from {first} on there are {} notes",
            batch.len()
        );
    }
}

/// Positions, times and ids go up.
fn check_order(events: &[StoredEvent]) {
    for pair in events.windows(2) {
        assert!(pair[0].position() < pair[1].position() && pair[0].id() < pair[1].id());
        assert!(pair[0].time_micros() <= pair[1].time_micros());
    }
}

impl Contents {
    /// Notes are a prefix of what was issued, and at least `durable` of them are there.
    pub(super) fn check_prefix(&self, durable: usize, issued: u64) -> Result<(), String> {
        let count = self.notes.len() as u64;
        if !self.notes.iter().copied().eq(1..=count) || count > issued {
            return Err(format!("not a prefix of the {issued} issued: {:?}", self.notes));
        }
        if self.notes.len() < durable {
            return Err(format!("{durable} were durable, {count} are there"));
        }
        self.check_echoes()?;
        self.check_entities()
    }

    /// All of these are there, in order; others may be.
    pub(super) fn check_has(&self, durable: &[u64]) -> Result<(), String> {
        let found: BTreeSet<u64> = self.notes.iter().copied().collect();
        if found.len() != self.notes.len() || !self.notes.is_sorted() {
            return Err(format!("doubled or out of order: {:?}", self.notes));
        }
        match durable.iter().find(|n| !found.contains(n)) {
            Some(lost) => return Err(format!("note {lost} is lost")),
            None => self.check_echoes()?,
        }
        self.check_entities()
    }

    /// At most one echo for each note, and none of a note that is not there: they came behind it.
    fn check_echoes(&self) -> Result<(), String> {
        let once: BTreeSet<u64> = self.echoes.iter().copied().collect();
        if once.len() != self.echoes.len() {
            return Err(format!("an echo is doubled: {:?}", self.echoes));
        }
        match once.iter().find(|n| self.notes.binary_search(n).is_err()) {
            Some(n) => Err(format!("an echo of note {n}, which is not there")),
            None => Ok(()),
        }
    }

    /// The index knows as many events of an entity as the journal has.
    fn check_entities(&self) -> Result<(), String> {
        for (entity, found) in &self.entities {
            let stored = self.notes.iter().filter(|n| **n % ENTITIES == *entity).count();
            if stored != *found {
                return Err(format!("tree-{entity} has {stored} events, the index tells {found}"));
            }
        }
        Ok(())
    }
}
