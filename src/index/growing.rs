//! The growing segment's files: each tells of a piece of it. They are written while it grows, so that who opens the store after
//! a kill reads only the last of it again, and when the store is closed.

use super::checkpoints::State;
use super::chores::{Chore, Done};
use super::files::{Files, SegmentPlace};
use super::header::{Mark, PIECE_LEVELS, Stretch};
use super::{Index, IndexError, seal};
use crate::position::Position;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A close leaves no more than this part of what may stay untold: to read it again costs an open less than a file costs the
/// close.
const REST_SHARE: u64 = 256;
/// The same once there are many pieces, so that many short lives do not use up the levels.
const REST_SHARE_OF_MANY: u64 = 16;
const MANY_PIECES: u8 = 32;

/// Where that part of the growing segment begins of which no file tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Untold {
    /// The level of the file that will; `None` if there are as many pieces as there may be.
    pub(super) level: Option<u8>,
    pub(super) first: Position,
    /// In bytes.
    pub(super) begin: u32,
}

impl Untold {
    /// All of a segment, from its first position on.
    pub(super) fn from(first: Position) -> Self {
        Self { level: Some(*PIECE_LEVELS.start()), first, begin: 0 }
    }

    /// What comes after a piece.
    fn after(level: u8, stretch: &Stretch) -> Self {
        let begin = stretch.end.try_into().unwrap_or(u32::MAX);
        Self { level: level.checked_add(1), first: Position::new(stretch.last).next(), begin }
    }
}

impl Index {
    /// Takes note of the last frame that was applied whole.
    pub(crate) fn note_frame(&mut self, mark: Mark) {
        let was_due = self.is_piece_due();
        self.mark = Some(mark);
        if !was_due
            && self.is_piece_due()
            && let Some(files) = &self.sealed.files
        {
            files.counters.is_due.store(true, Ordering::Release);
        }
    }

    /// Writes what no file tells of the growing segment yet, so that the next open need not read it. It is for the end
    /// of a writer's life; a file that cannot be written is no loss.
    pub(crate) fn write_open(&self) {
        let Some(files) = self.writable_files() else { return };
        let Some((place, stretch)) = self.piece() else { return };
        let is_one_of_many = place.level - PIECE_LEVELS.start() >= MANY_PIECES;
        let share = if is_one_of_many { REST_SHARE_OF_MANY } else { REST_SHARE };
        if self.untold_bytes() <= files.options.growth_bytes / share {
            return;
        }
        let written = match self.open.first() == place.first {
            true => write(files, place.level, stretch, &self.open, &self.state),
            false => write_piece(files, &place, stretch, &self.state),
        };
        if let Err(error) = written {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "the index of the growing segment could not be written");
        }
    }

    /// To write a file of the growing segment, if it has grown much since the last.
    pub(super) fn chore_of_growing(&self) -> Option<Chore> {
        let files = self.writable_files().filter(|_| self.is_piece_due())?;
        let (place, stretch) = self.piece()?;
        Some(Chore::of_piece(files, place, stretch, self.state.clone()))
    }

    pub(super) fn note_piece(&mut self, done: &Done) {
        if let Some((level, stretch)) = done.piece()
            && stretch.last_segment == self.segment()
            && stretch.first == self.untold.first.get()
        {
            self.untold = Untold::after(level, &stretch);
        }
    }

    pub(super) fn writable_files(&self) -> Option<&Arc<Files>> {
        self.sealed.files.as_ref().filter(|files| files.options.writes)
    }

    fn is_piece_due(&self) -> bool {
        let growth = self.sealed.files.as_ref().map_or(u64::MAX, |files| files.options.growth_bytes);
        self.untold_bytes() >= growth
    }

    /// Bytes of the growing segment that were applied and that no file tells of.
    fn untold_bytes(&self) -> u64 {
        self.mark_of_growing().map_or(0, |mark| mark.end.saturating_sub(self.untold.begin.into()))
    }

    fn mark_of_growing(&self) -> Option<Mark> {
        self.mark.filter(|mark| mark.segment == self.segment())
    }

    /// The piece of the growing segment that a file could tell of now.
    fn piece(&self) -> Option<(SegmentPlace, Stretch)> {
        let (files, mark) = (self.sealed.files.as_ref()?, self.mark_of_growing()?);
        let Untold { level, first, begin } = self.untold;
        let place = SegmentPlace {
            level: level?,
            begin,
            through: self.applied,
            ..SegmentPlace::new(mark.segment, first)
        };
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
        Some((place, stretch))
    }
}

/// Writes the file of a piece out of the journal: the lookups in memory go on growing meanwhile.
pub(super) fn write_piece(
    files: &Files,
    place: &SegmentPlace,
    stretch: Stretch,
    state: &State,
) -> Result<(), IndexError> {
    let part = files.replayed(place)?;
    crate::point("index.growing.before_file");
    write(files, place.level, stretch, &part, state)
}

fn write(
    files: &Files,
    level: u8,
    stretch: Stretch,
    part: &super::part::Part,
    state: &State,
) -> Result<(), IndexError> {
    seal::write(&files.storage, level, stretch, part, Some(state))?;
    files.forget(level, stretch.first_segment);
    Ok(())
}
