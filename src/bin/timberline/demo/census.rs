//! What the store says of an imported history, read back event by event.

use super::projection::Lines;
use crate::git::Oid;
use crate::payload::{AuthorJoined, Committed, FileChanged, ImportFinished, LinesCounted};
use std::collections::HashMap;
use timberline::{EventId, Payload, PayloadError, StoredEvent};

/// The whole store in numbers.
#[derive(Debug, Default)]
pub(super) struct Census {
    pub(super) events: u64,
    /// The newest position.
    pub(super) last: u64,
    /// Positions without an event.
    pub(super) gaps: u64,
    /// The newest version of each entity.
    pub(super) versions: HashMap<String, u64>,
    pub(super) commits: HashMap<Oid, CommitCensus>,
    /// Which commit an event is.
    pub(super) commit_of: HashMap<EventId, Oid>,
    /// Each reaction: whose, and what caused it.
    pub(super) joined: Vec<(String, Vec<EventId>)>,
    pub(super) lines: Lines,
    /// The commit with the highest position.
    pub(super) newest: Option<EventId>,
    /// Events that stand where they cannot stand.
    pub(super) misplaced: Vec<String>,
}

/// One commit as the store has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct CommitCensus {
    pub(super) entity: String,
    pub(super) version: u64,
    pub(super) causes: Vec<EventId>,
    pub(super) files: u64,
    pub(super) added: u64,
    pub(super) removed: u64,
    /// How many the commit's own event says there are.
    pub(super) files_told: u64,
}

impl Census {
    /// Counts an event. Events come in position order.
    pub(super) fn add(&mut self, event: &StoredEvent) -> Result<(), PayloadError> {
        self.number(event);
        match event.kind() {
            Committed::KIND => self.commit(event)?,
            FileChanged::KIND => self.change(event)?,
            AuthorJoined::KIND => {
                let joined: AuthorJoined = event.payload_as()?;
                self.joined.push((joined.author, event.causes()));
            }
            LinesCounted::KIND => self.lines.add(&event.payload_as()?),
            ImportFinished::KIND => {}
            other => self.misplaced.push(format!("position {}: an event of kind {other}", event.position())),
        }
        Ok(())
    }

    /// Positions rise over the store and leave nothing out unnoticed; versions are dense within an entity.
    fn number(&mut self, event: &StoredEvent) {
        self.events += 1;
        let position = event.position().get();
        match position.checked_sub(self.last + 1) {
            Some(skipped) => self.gaps += skipped,
            None => self.misplaced.push(format!("position {position} after {}", self.last)),
        }
        self.last = position;
        let version = self.versions.entry(event.entity().to_owned()).or_default();
        *version += 1;
        if event.version().get() != *version {
            let place =
                format!("position {}: version {} of {:?}", event.position(), event.version(), event.entity());
            self.misplaced.push(format!("{place} where {version} should be"));
        }
    }

    fn commit(&mut self, event: &StoredEvent) -> Result<(), PayloadError> {
        let committed: Committed = event.payload_as()?;
        let census = CommitCensus {
            entity: event.entity().to_owned(),
            version: event.version().get(),
            causes: event.causes(),
            files_told: committed.files,
            ..CommitCensus::default()
        };
        if self.commits.insert(committed.commit, census).is_some() {
            self.misplaced.push(format!("position {}: commit {} again", event.position(), committed.commit));
        }
        self.commit_of.insert(event.id(), committed.commit);
        self.newest = Some(event.id());
        Ok(())
    }

    /// A change belongs to the commit that caused it.
    fn change(&mut self, event: &StoredEvent) -> Result<(), PayloadError> {
        let change: FileChanged = event.payload_as()?;
        let commit = match event.causes()[..] {
            [cause] => self.commit_of.get(&cause).and_then(|id| self.commits.get_mut(id)),
            _ => None,
        };
        match commit {
            None => {
                self.misplaced.push(format!("position {}: a change without its commit", event.position()))
            }
            Some(commit) => {
                commit.files += 1;
                commit.added += change.added.unwrap_or(0);
                commit.removed += change.removed.unwrap_or(0);
            }
        }
        Ok(())
    }
}
