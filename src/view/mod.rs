//! The read side: the index behind its lock, the watermarks, and the journal's reader.
//!
//! The indexer changes it, everyone reads it. It outlives the actors' incarnations, so that reads go on while the
//! pipeline restarts, and after it gave up.

mod fill;
mod sweep;
#[cfg(test)]
mod tests;

use crate::error::ReadError;
use crate::event::Durability;
use crate::event::{Batch, EventId, Receipt, StoredEvent};
use crate::index::{Checkpoint, Found, Index, IndexError, Lookups, Window};
use crate::journal::{JournalError, JournalReader, Keep, NEAR_BYTES, Recovery};
use crate::position::{CheckpointId, Position, Version};
use crate::region::Region;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use supervisors::Runtime;
use supervisors::rt::atomic::{AtomicU64, Ordering};
use supervisors::rt::{Mutex, RwLock};

/// The read side of a store.
#[derive(Debug)]
pub(crate) struct View {
    index: RwLock<Index>,
    /// The highest position that readers may see.
    written: AtomicU64,
    /// The highest position that is known to be on the disk.
    durable: AtomicU64,
    reader: RwLock<Option<JournalReader>>,
    recovery: Mutex<Option<Recovery>>,
    close_failure: Mutex<Option<String>>,
    /// Checkpoints that workers were told are committed and that the index had not: it failed before it had applied them.
    told: Mutex<BTreeMap<CheckpointId, Checkpoint>>,
    runtime: Runtime,
}

impl View {
    pub(crate) fn new(runtime: Runtime) -> Self {
        Self {
            index: RwLock::default(),
            written: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            reader: RwLock::default(),
            recovery: Mutex::default(),
            close_failure: Mutex::default(),
            told: Mutex::default(),
            runtime,
        }
    }

    /// The highest position that readers may see.
    pub(crate) fn written(&self) -> Position {
        Position::new(self.written.load(Ordering::Acquire))
    }

    /// The highest position that is known to be on the disk.
    pub(crate) fn durable(&self) -> Position {
        Position::new(self.durable.load(Ordering::Acquire))
    }

    /// Changes the index; readers wait as long.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Index) -> T) -> T {
        change(&mut self.index.write())
    }

    /// Makes visible what the index has.
    pub(crate) fn publish(&self, durable: Position) {
        crate::point("view.publish.before");
        let applied = self.index.read().applied();
        self.durable.store(durable.get(), Ordering::Release);
        crate::point("view.publish.half_published");
        self.written.store(applied.get(), Ordering::Release);
    }

    /// The journal was opened.
    pub(crate) fn recovered(&self, reader: JournalReader, recovery: Recovery) {
        *self.reader.write() = Some(reader);
        crate::point("view.recovered.half_told");
        *self.recovery.lock() = Some(recovery);
        // What an earlier incarnation of the writer could not close was recovered.
        if !crate::planted("old_close_failure_told") {
            *self.close_failure.lock() = None;
        }
    }

    /// Reads go through this reader, without a recovery: another process writes.
    pub(crate) fn follows(&self, reader: JournalReader) {
        *self.reader.write() = Some(reader);
    }

    /// What opening the journal found, the last time.
    pub(crate) fn recovery(&self) -> Option<Recovery> {
        self.recovery.lock().clone()
    }

    pub(crate) fn close_failed(&self, why: String) {
        *self.close_failure.lock() = Some(why);
    }

    pub(crate) fn close_failure(&self) -> Option<String> {
        self.close_failure.lock().clone()
    }

    /// The journal's reader; there is one once the writer has started.
    pub(crate) fn reader(&self) -> Result<JournalReader, ReadError> {
        self.reader.read().clone().ok_or(ReadError::Closed)
    }

    /// Reads through the index.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Index) -> T) -> T {
        look(&self.index.read())
    }

    /// The version of the newest event of an entity.
    pub(crate) fn version(&self, entity: &str) -> Result<Version, ReadError> {
        self.last_version(entity).map_err(index_error)
    }

    /// The events that name `cause` as a cause, at most `limit`.
    pub(crate) fn effects_of(&self, cause: Position, limit: usize) -> Result<Vec<Position>, ReadError> {
        self.effects(cause, limit).map_err(index_error)
    }

    /// A worker hears that its checkpoint is committed, and not from the index. Whoever goes on from there begins behind it.
    pub(crate) fn tell(&self, id: &CheckpointId, checkpoint: Checkpoint) {
        if !crate::planted("told_commit_forgotten") {
            self.told.lock().insert(id.clone(), checkpoint);
        }
    }

    /// Where the cursor named `id` stands.
    pub(crate) fn checkpoint(&self, id: &CheckpointId) -> Option<Checkpoint> {
        let indexed = self.index.read().checkpoint(id.as_str());
        let position = indexed.as_ref().map(|checkpoint| checkpoint.position);
        let mut told = self.told.lock();
        let ahead = told.get(id).filter(|told| Some(told.position) > position).cloned();
        if ahead.is_none() {
            told.remove(id);
        }
        ahead.or(indexed)
    }

    /// The first event of `region` inside `window`.
    pub(crate) fn first_in(&self, region: &Region, window: Window) -> Result<Option<Position>, ReadError> {
        Ok(self.first_found(region, window)?.map(|found| found.position))
    }

    fn first_found(&self, region: &Region, window: Window) -> Result<Option<Found>, ReadError> {
        let mut found = Vec::new();
        self.select(region, Window { limit: window.limit.min(1), ..window }, &mut found)
            .map_err(index_error)?;
        Ok(found.first().copied())
    }

    /// The receipt of the event that was stored with this idempotency key.
    pub(crate) fn receipt_of(&self, key: &[u8]) -> Result<Option<Receipt>, ReadError> {
        let found = self.keyed(key).map_err(index_error)?;
        let Some(event) = found.map(|position| self.at(position)).transpose()?.flatten() else {
            return Ok(None);
        };
        let is_durable = event.position() <= self.durable();
        let durability = if is_durable { Durability::Durable } else { Durability::Buffered };
        Ok(Some(Receipt { duplicate: true, ..Receipt::new(event.id(), event.version(), durability) }))
    }

    /// The event with this id.
    pub(crate) fn get(&self, id: EventId) -> Result<Option<StoredEvent>, ReadError> {
        if id.position() > self.written() {
            return Ok(None);
        }
        Ok(self.at(id.position())?.filter(|event| event.id() == id))
    }

    /// The event at this position.
    pub(crate) fn at(&self, position: Position) -> Result<Option<StoredEvent>, ReadError> {
        let Some(location) = self.locate(position).map_err(index_error)? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(location.length.min(NEAR_BYTES) as usize);
        let event = self.reader()?.read_event(position, location, Keep::AtOnce, &mut bytes);
        Ok(Some(StoredEvent::of_record(event.map_err(|error| read_error(error, position))?, bytes)))
    }

    /// Reads the events of `region` inside `window` into `batch`, with the gaps they span if those are asked for.
    pub(crate) fn fill(
        &self,
        region: &Region,
        window: Window,
        with_gaps: bool,
        batch: &mut Batch,
    ) -> Result<(), ReadError> {
        batch.clear();
        if !(region.is_all() && self.sweep(window, batch)?) {
            batch.clear();
            let mut found = Vec::new();
            self.select(region, window, &mut found).map_err(index_error)?;
            crate::point("view.fill.found");
            fill::fill(&self.reader()?, &found, batch)?;
        }
        if with_gaps {
            let gaps = self.gaps_beside(window, batch).map_err(index_error)?;
            gaps.into_iter().for_each(|gap| batch.push_gap(gap));
        }
        Ok(())
    }

    /// Reads all events inside `window`; false if that must be tried event by event, because something that stands
    /// between them is damaged.
    fn sweep(&self, window: Window, batch: &mut Batch) -> Result<bool, ReadError> {
        let Some(first) = self.first_found(&Region::all(), window)? else { return Ok(true) };
        let position = sweep::last_of(window, first.position);
        let location = self.locate(position).map_err(index_error)?;
        let last = location.map(|location| Found { position, location });
        Ok(sweep::sweep(&self.reader()?, window, first, last, batch).is_ok())
    }

    fn gaps_beside(
        &self,
        window: Window,
        batch: &Batch,
    ) -> Result<Vec<RangeInclusive<Position>>, IndexError> {
        // A full batch ends at its last event; gaps behind that belong to the next batch.
        let is_full = batch.len() >= window.limit;
        let end = batch.last_position().filter(|_| is_full).unwrap_or(window.through);
        self.gaps(window.after, end)
    }

    /// How long ago the event at `position`, or the first after it, was committed.
    pub(crate) fn age_of(&self, position: Position) -> Option<Duration> {
        let window = Window { after: position.previous(), through: self.written(), limit: 1 };
        let first = self.first_in(&Region::all(), window).ok()??;
        let event = self.at(first).ok()??;
        Some(Duration::from_micros(self.runtime.wall_micros().saturating_sub(event.time_micros())))
    }
}

impl Lookups for View {
    fn peek<T>(&self, look: impl FnOnce(&Index) -> T) -> T {
        look(&self.index.read())
    }
}

/// What a reader is told of the index's trouble, which is the journal's: of its own it has none.
fn index_error(error: IndexError) -> ReadError {
    let journal = match &error {
        IndexError::Journal(cause) => cause.downcast_ref::<JournalError>(),
        _ => None,
    };
    match journal {
        Some(JournalError::Corrupt { position, .. }) => {
            ReadError::Corrupt { position: *position, source: Arc::new(error) }
        }
        _ => ReadError::Storage { source: Arc::new(error) },
    }
}

/// What a reader is told of the journal's trouble.
pub(crate) fn read_error(error: JournalError, position: Position) -> ReadError {
    let is_damage = matches!(error, JournalError::Corrupt { .. });
    let source = Arc::new(error);
    if is_damage { ReadError::Corrupt { position, source } } else { ReadError::Storage { source } }
}
