//! From a commit to its events, in one atomic batch where the limits allow it.

use crate::failure::CommandError;
use crate::git::{Change, Commit, Oid};
use crate::payload::{self, Committed, FileChanged, MESSAGE_BYTES_MAX};
use crate::stores::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX};
use crate::text;
use std::collections::{HashMap, HashSet};
use timberline::{AppendOptions, Coordinate, Durability, EventId, NewEvent, Payload, Receipt, Region, Store};

/// Bytes of an event beside its texts and its payload, at most.
const EVENT_BYTES: usize = 128;

/// How much fits into one batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { events: BATCH_EVENTS_MAX as usize, bytes: BATCH_BYTES_MAX }
    }
}

/// An import of git commits into a store, which knows what earlier imports brought.
///
/// A commit's events are one batch: all of them are stored or none. A commit over the limits is spread over several
/// batches; then the commit's event says so, every event has a key of its own, and the commit is sent again by each
/// later import, which adds what is missing and nothing else.
#[derive(Debug)]
pub(crate) struct GitImport<'a> {
    store: &'a Store,
    scope: String,
    limits: Limits,
    /// The event of each commit in the store.
    events: HashMap<Oid, EventId>,
    /// Those of them that are spread over several batches.
    spread: HashSet<Oid>,
    imported: u64,
}

impl<'a> GitImport<'a> {
    /// Goes on where earlier imports ended: reads which commits the store has.
    pub(crate) fn resume(store: &'a Store, scope: String, limits: Limits) -> Result<Self, CommandError> {
        let (mut events, mut spread) = (HashMap::new(), HashSet::new());
        for event in store.read(&Region::kind(Committed::KIND)) {
            let event = event?;
            let committed: Committed = event.payload_as()?;
            events.insert(committed.commit, event.id());
            if committed.batches > 1 {
                spread.insert(committed.commit);
            }
        }
        Ok(Self { store, scope, limits, events, spread, imported: 0 })
    }

    /// The commits that are not, or not surely all, in the store.
    pub(crate) fn left_of(&self, commits: &[Oid]) -> Vec<Oid> {
        let is_left = |id: &&Oid| !self.events.contains_key(id) || self.spread.contains(id);
        commits.iter().filter(is_left).copied().collect()
    }

    /// The event of a commit.
    pub(crate) fn event_of(&self, commit: &Oid) -> Option<EventId> {
        self.events.get(commit).copied()
    }

    /// How many events this import stored.
    pub(crate) fn events_imported(&self) -> u64 {
        self.imported
    }

    /// Stores a commit's events. Its parents must have come before it.
    pub(crate) fn import(&mut self, commit: &Commit) -> Result<(), CommandError> {
        let Some(id) = commit.id else { return Ok(()) };
        let changes = self.changes(commit)?;
        let batches = batches(&changes, self.limits);
        let is_spread = batches.len() > 1 || self.spread.contains(&id);
        let mut changes = changes.into_iter().enumerate().map(|(item, change)| match is_spread {
            true => change.idempotency_key(format!("git:{id}:{item}")),
            false => change,
        });
        let mut batch = vec![self.committed(commit, id, batches.len())?];
        let first = changes.by_ref().take(batches.first().copied().unwrap_or(0));
        batch.extend(first.map(|change| change.caused_by_item(0)));
        let event = self.append(id, batch)?.first().map(|receipt| receipt.id);
        let Some(event) = event else { return Ok(()) };
        self.events.insert(id, event);
        for length in batches.into_iter().skip(1) {
            let rest = changes.by_ref().take(length);
            let batch = rest.map(|change| change.caused_by([event]).correlated(event)).collect();
            self.append(id, batch)?;
        }
        Ok(())
    }

    fn append(&mut self, commit: Oid, batch: Vec<NewEvent>) -> Result<Vec<Receipt>, CommandError> {
        let receipts = self.store.append_batch(batch).map_err(|source| CommandError::Commit {
            commit: commit.to_string(),
            source: Box::new(source),
        })?;
        self.imported += receipts.iter().filter(|receipt| !receipt.duplicate).count() as u64;
        Ok(receipts)
    }

    fn committed(&self, commit: &Commit, id: Oid, batches: usize) -> Result<NewEvent, CommandError> {
        let author = payload::author_name(&commit.author.email);
        let payload = committed(commit, id, batches as u64);
        let causes = commit.parents.iter().filter_map(|parent| self.event_of(parent));
        let causes = causes.take(AppendOptions::CAUSES_MAX);
        let event = self.event(&payload::author_entity(&author), &payload)?;
        Ok(event.caused_by(causes).idempotency_key(format!("git:{id}")))
    }

    fn changes(&self, commit: &Commit) -> Result<Vec<NewEvent>, CommandError> {
        let author = payload::author_name(&commit.author.email);
        let event = |change: &Change| {
            let (entity, path) = payload::file_entity(&change.path);
            self.event(&entity, &changed(change, path, &author, commit.author.time))
        };
        commit.changes.iter().map(event).collect()
    }

    fn event<P: Payload>(&self, entity: &str, payload: &P) -> Result<NewEvent, CommandError> {
        let event = NewEvent::new(&Coordinate::new(entity, &self.scope)?, payload)?;
        // A lost tail is imported again by the next run; one sync at the end serves all.
        Ok(event.durability(Durability::Buffered))
    }
}

fn committed(commit: &Commit, id: Oid, batches: u64) -> Committed {
    let lines = |of: fn(&Change) -> Option<u64>| commit.changes.iter().filter_map(of).sum();
    Committed {
        commit: id,
        parents: commit.parents.clone(),
        author: text::lossy(&commit.author.name, 1024),
        email: text::lossy(&commit.author.email, 1024),
        time: commit.author.time,
        committer: text::lossy(&commit.committer.name, 1024),
        committed: commit.committer.time,
        message: text::lossy(&commit.message, MESSAGE_BYTES_MAX),
        files: commit.changes.len() as u64,
        added: lines(|change| change.added),
        removed: lines(|change| change.removed),
        batches,
    }
}

fn changed(change: &Change, path: Option<String>, author: &str, time: i64) -> FileChanged {
    FileChanged {
        change: change.status,
        file: change.file,
        path,
        from: change.from.as_deref().map(payload::path_text),
        added: change.added,
        removed: change.removed,
        author: author.to_owned(),
        time,
    }
}

/// How many changes each batch takes. The first has the commit's event besides.
fn batches(changes: &[NewEvent], limits: Limits) -> Vec<usize> {
    let mut lengths = vec![0];
    let (mut events, mut bytes) = (1, MESSAGE_BYTES_MAX + EVENT_BYTES);
    for change in changes {
        let size = size_of(change);
        if events + 1 > limits.events || bytes + size > limits.bytes {
            lengths.push(0);
            (events, bytes) = (0, 0);
        }
        (events, bytes) = (events + 1, bytes + size);
        lengths.iter_mut().last().into_iter().for_each(|length| *length += 1);
    }
    lengths
}

fn size_of(event: &NewEvent) -> usize {
    let coordinate = event.coordinate();
    event.payload().len() + coordinate.entity().len() + coordinate.scope().len() + EVENT_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_batches(changes: usize, events: usize, bytes: usize, expected: &[usize]) {
        let event = NewEvent::raw(Coordinate::new("e", "s").unwrap(), "k", 1, vec![0; 870]);
        assert_eq!(size_of(&event), 1000);
        assert_eq!(batches(&vec![event; changes], Limits { events, bytes }), expected);
    }

    #[test]
    fn a_commit_is_spread_over_several_batches_only_when_a_limit_demands_it() {
        check_batches(0, 2, 1 << 30, &[0]);
        check_batches(9, 10, 1 << 30, &[9]);
        check_batches(10, 10, 1 << 30, &[9, 1]);
        check_batches(30, 10, 1 << 30, &[9, 10, 10, 1]);
        check_batches(5, 10, MESSAGE_BYTES_MAX + EVENT_BYTES + 3000, &[3, 2]);
    }
}
