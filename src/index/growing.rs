//! What files tell of the growing segment: written while it grows, so that who opens the store after a kill reads only the
//! last of it again, and when the store is closed.

use super::checkpoints::State;
use super::chores::{Chore, Done};
use super::files::Files;
use super::header::{Mark, OPEN_LEVELS, Stretch};
use super::{Index, IndexError, seal};
use crate::position::Position;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A close leaves less than this part of what may stay untold: to read it again costs an open less than the file costs the
/// close.
const REST_SHARE: u64 = 16;

impl Index {
    /// Takes note of the last frame that was applied whole.
    pub(crate) fn note_frame(&mut self, mark: Mark) {
        let was_due = self.is_due();
        self.mark = Some(mark);
        if !was_due
            && self.is_due()
            && let Some(files) = &self.sealed.files
        {
            files.counters.is_due.store(true, Ordering::Release);
        }
    }

    /// Writes what is known of the growing segment into a file, so that the next open need not read the segment. It is
    /// for the end of a writer's life; a file that cannot be written is no loss.
    pub(crate) fn write_open(&self) {
        let Some(files) = self.writable_files() else { return };
        let is_worth_it = self.untold_bytes() > files.options.growth_bytes / REST_SHARE;
        let Some((level, stretch)) = self.begin().filter(|_| is_worth_it) else { return };
        let is_whole = stretch.first == self.open.first().get();
        let written = match is_whole {
            true => seal::write(&files.storage, level, stretch, &self.open, Some(&self.state)).map_err(Into::into),
            false => write_begin(files, level, stretch, &self.state),
        };
        if let Err(error) = written {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "the index of the growing segment could not be written");
        }
    }

    /// To write a file that tells of the growing segment, if it has grown much since the last.
    pub(super) fn chore_of_growing(&self) -> Option<Chore> {
        let files = self.writable_files().filter(|_| self.is_due())?;
        let (level, stretch) = self.begin()?;
        Some(Chore::begin(files, level, stretch, self.state.clone()))
    }

    pub(super) fn note_begun(&mut self, done: &Done) {
        if let Some((segment, end)) = done.begun()
            && segment == self.segment()
        {
            self.begun = end;
        }
    }

    fn writable_files(&self) -> Option<&Arc<Files>> {
        self.sealed.files.as_ref().filter(|files| files.options.writes)
    }

    fn is_due(&self) -> bool {
        let growth = self.sealed.files.as_ref().map_or(u64::MAX, |files| files.options.growth_bytes);
        self.untold_bytes() >= growth
    }

    /// Bytes of the growing segment that were applied and that no file tells of.
    fn untold_bytes(&self) -> u64 {
        self.mark_of_growing().map_or(0, |mark| mark.end.saturating_sub(self.begun))
    }

    fn mark_of_growing(&self) -> Option<Mark> {
        self.mark.filter(|mark| mark.segment == self.segment())
    }

    /// What a file could tell of the growing segment now, and of which level it would be.
    fn begin(&self) -> Option<(u8, Stretch)> {
        let (files, mark) = (self.sealed.files.as_ref()?, self.mark_of_growing()?);
        let read = self.sealed.segments.last().filter(|segment| segment.place.number == mark.segment);
        let first = read.map_or(self.open.first(), |segment| segment.place.first);
        let is_free = |level: &u8| read.is_none_or(|segment| segment.place.level != *level);
        let level = OPEN_LEVELS.into_iter().find(is_free)?;
        let stretch = Stretch {
            store: files.source.store(),
            first_segment: mark.segment,
            last_segment: mark.segment,
            first: first.get(),
            last: self.applied.get(),
            chain: mark.chain,
            end: mark.end,
            last_frame: mark.begin,
        };
        Some((level, stretch))
    }
}

/// Writes a file that tells of a segment's begin, out of the journal: the lookups in memory go on growing meanwhile.
pub(super) fn write_begin(
    files: &Files,
    level: u8,
    stretch: Stretch,
    state: &State,
) -> Result<(), IndexError> {
    let part = files.replayed(stretch.first_segment, Position::new(stretch.last))?;
    crate::point("index.growing.before_file");
    seal::write(&files.storage, level, stretch, &part, Some(state))?;
    files.forget(level, stretch.first_segment);
    Ok(())
}
