//! Staging: records gathered and numbered in memory, to become one frame.

use super::appender::Journal;
use super::error::{JournalError, Limited};
use super::frame::FRAME_HEADER_BYTES;
use super::proposed::Numbers;
use super::record::{EventRecord, checkpoint_bytes, put_checkpoint};
use crate::event::{EventId, NewEvent};
use crate::position::{CheckpointId, Position};

/// What was staged for the next commit.
#[derive(Debug, Default)]
pub(super) struct Staging {
    /// The frame to be, its header's place left free; empty if nothing is staged.
    pub(super) bytes: Vec<u8>,
    pub(super) count: u32,
    pub(super) time: u64,
}

/// A staged event: what it will be if the commit succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staged {
    /// Its place among all events.
    pub position: Position,
    /// Its id.
    pub id: EventId,
}

/// A place among what is staged, to go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub(super) bytes: usize,
    pub(super) count: u32,
}

impl Journal {
    /// Sets the time of the next commit, in microseconds since 1970 began, and returns it: a time before the
    /// last commit's is raised to that. Without effect while something is staged.
    pub fn begin(&mut self, now_micros: u64) -> u64 {
        if self.staging.bytes.is_empty() {
            self.staging.time = now_micros.max(self.tail.time);
        }
        self.staging.time
    }

    /// The position that the next staged event will have.
    #[must_use]
    pub fn next_position(&self) -> Position {
        Position::new(self.tail.next + u64::from(self.staging.count))
    }

    /// The id that the next staged event will have.
    #[must_use]
    pub fn next_id(&self) -> EventId {
        let time = self.staging.time.max(self.tail.time);
        EventId::new(time / 1000, self.next_position(), self.identity.store.tag())
    }

    /// Bytes of the frame staged so far; 0 if nothing is.
    #[must_use]
    pub fn staged_bytes(&self) -> usize {
        self.staging.bytes.len()
    }

    /// How many events are staged.
    #[must_use]
    pub fn staged_count(&self) -> u32 {
        self.staging.count
    }

    /// Adds an event, whose parts are [within their limits](super::check_event), to the next commit and numbers it.
    ///
    /// # Errors
    /// [`JournalError::TooLarge`] when the commit would be over its limit; what was staged before stays.
    pub fn stage_event(&mut self, event: &NewEvent, numbers: &Numbers<'_>) -> Result<Staged, JournalError> {
        let record = EventRecord::new(event, numbers);
        self.make_room(record.bytes())?;
        let staged = Staged { position: self.next_position(), id: self.next_id() };
        let staging = &mut self.staging;
        record.put(&mut staging.bytes, staged.position.get(), staging.time, self.identity.seeds);
        crate::point("journal.stage.event_put");
        staging.count += 1;
        Ok(staged)
    }

    /// Adds a checkpoint to the next commit: everything of `region` (its canonical bytes) up to `position` was
    /// handled.
    ///
    /// # Errors
    /// [`JournalError::TooLarge`] as for events.
    pub fn stage_checkpoint(
        &mut self,
        id: &CheckpointId,
        region: &[u8],
        position: Position,
    ) -> Result<(), JournalError> {
        self.make_room(checkpoint_bytes(id.as_str(), region, position))?;
        let next = self.next_position().get();
        put_checkpoint(&mut self.staging.bytes, (id.as_str(), region, position), next, self.identity.seeds);
        crate::point("journal.stage.checkpoint_put");
        Ok(())
    }

    fn make_room(&mut self, bytes: usize) -> Result<(), JournalError> {
        let limit = self.options.commit_bytes_max;
        let actual = (self.staging.bytes.len().max(FRAME_HEADER_BYTES) + bytes) as u64;
        if actual > limit {
            return Err(JournalError::TooLarge { what: Limited::Commit, actual, limit });
        }
        if self.staging.bytes.is_empty() {
            self.staging.time = self.staging.time.max(self.tail.time);
            self.staging.bytes.resize(FRAME_HEADER_BYTES, 0);
        }
        Ok(())
    }

    /// Marks what is staged now, so that a batch that fails in the middle can be taken out again.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { bytes: self.staging.bytes.len(), count: self.staging.count }
    }

    /// Takes out everything staged since `mark`.
    pub fn abandon_to(&mut self, mark: Mark) {
        self.staging.bytes.truncate(mark.bytes);
        self.staging.count = self.staging.count.min(mark.count);
    }

    /// Takes out everything staged.
    pub fn abandon_staged(&mut self) {
        self.abandon_to(Mark { bytes: 0, count: 0 });
    }
}
