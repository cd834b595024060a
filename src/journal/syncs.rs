//! A sync of the last segment that runs beside further commits.

use super::appender::Journal;
use super::error::JournalError;
use crate::position::Position;
use crate::storage::{StorageError, Syncs};
use std::sync::Arc;

/// A sync of what a journal has committed, to be run elsewhere while the journal goes on.
#[derive(Debug)]
pub struct BackgroundSync {
    syncs: Arc<Syncs>,
    reach: Reach,
}

/// What such a sync makes durable.
#[derive(Debug, Clone, Copy)]
struct Reach {
    /// The owner of the journal that began it: the next one has written again whatever was in doubt.
    epoch: u32,
    segment: u32,
    /// The end of what was committed when the sync was begun, and the next position there.
    offset: u64,
    next: u64,
}

/// How a [`BackgroundSync`] ended.
#[derive(Debug)]
pub struct BackgroundSynced {
    reach: Reach,
    outcome: Result<(), StorageError>,
}

impl BackgroundSync {
    /// Syncs. Blocks as long as the disk does, and as long as a sync of the journal's own that is under way.
    #[must_use = "the journal must be told"]
    pub fn run(self) -> BackgroundSynced {
        BackgroundSynced { reach: self.reach, outcome: self.syncs.sync() }
    }
}

impl Journal {
    /// A sync of everything committed so far, for another thread to run; `None` if there is nothing to make durable.
    /// [`Journal::note_synced`] takes its outcome. Commits and syncs may go on meanwhile.
    #[must_use]
    pub fn background_sync(&self) -> Option<BackgroundSync> {
        let reach = Reach {
            epoch: self.epoch,
            segment: self.segment,
            offset: self.tail.offset,
            next: self.tail.next,
        };
        self.needs_sync().then(|| BackgroundSync { syncs: Arc::clone(&self.syncs), reach })
    }

    /// Takes note of a sync that was run elsewhere and returns the last durable position. One of an earlier owner of
    /// the journal, or of a segment that is sealed by now, says nothing new.
    ///
    /// # Errors
    /// [`JournalError::Poisoned`], as [`Journal::sync`].
    pub fn note_synced(&mut self, synced: BackgroundSynced) -> Result<Position, JournalError> {
        self.refuse_poisoned()?;
        let BackgroundSynced { reach, outcome } = synced;
        if reach.epoch != self.epoch {
            return Ok(self.durable());
        }
        outcome.map_err(|error| self.poison_with(error))?;
        if reach.segment == self.segment && reach.offset > self.tail.synced_through {
            self.tail.synced_through = reach.offset;
            self.durable_next = reach.next;
        }
        Ok(self.durable())
    }
}
