//! The growing segment's pieces: when so much of it has grown, that grows no more. The file of each is written at once, so
//! that who opens the store after a kill reads only the last of the segment again; what is left is written by a close.

use super::checkpoints::State;
use super::files::{Files, SegmentPlace};
use super::header::{Mark, PIECE_LEVELS, Stretch};
use super::part::Part;
use super::sealed_parts::{Frozen, SealedParts, Segment};
use super::{Index, IndexError, seal};
use std::sync::Arc;

/// A close leaves no more than this part of what may stay untold: to read it again costs an open less than a file costs the
/// close.
const REST_SHARE: u64 = 256;
/// The same once there are many pieces, so that many short lives do not use up the levels.
const REST_SHARE_OF_MANY: u64 = 16;
const MANY_PIECES: u8 = 32;

/// Where that part of the growing segment begins that still changes: behind the pieces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changing {
    /// The level of the file that will tell of it; `None` if there are as many pieces as there may be.
    pub(super) level: Option<u8>,
    /// In bytes.
    pub(super) begin: u32,
}

impl Default for Changing {
    /// All of a segment.
    fn default() -> Self {
        Self { level: Some(*PIECE_LEVELS.start()), begin: 0 }
    }
}

impl Index {
    /// Takes note of the last frame that was applied whole.
    pub(crate) fn note_frame(&mut self, mark: Mark) {
        self.mark = Some(mark);
        let Some(files) = self.writable_files() else { return };
        if self.changing_bytes() >= files.options.growth_bytes
            && let Some((place, stretch)) = self.piece()
        {
            self.end_piece(place, stretch);
        }
    }

    /// The sealer writes a piece's file out of memory, without holding up who appends.
    fn end_piece(&mut self, place: SegmentPlace, stretch: Stretch) {
        let next = Part::new(place.number, self.applied.next());
        let begin = stretch.end.try_into().unwrap_or(u32::MAX);
        let changing = Changing { level: place.level.checked_add(1), begin };
        self.freeze(place, Some(stretch), next, changing);
    }

    /// Writes what no file tells of the growing segment yet, so that the next open need not read it. It is for the end
    /// of a writer's life; a file that cannot be written is no loss.
    pub(crate) fn write_open(&self) {
        let Some(files) = self.writable_files() else { return };
        if let Err(error) = self.write_untold(files) {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "the index of the growing segment could not be written");
        }
    }

    fn write_untold(&self, files: &Arc<Files>) -> Result<(), IndexError> {
        for piece in self.sealed.pieces(self.segment()) {
            if let (Some(frozen), Some(stretch)) = (&piece.memory, piece.untold) {
                write_piece(files, piece.place.level, stretch, frozen)?;
            }
        }
        let Some((place, stretch)) = self.piece() else { return Ok(()) };
        let is_one_of_many = place.level - PIECE_LEVELS.start() >= MANY_PIECES;
        let share = if is_one_of_many { REST_SHARE_OF_MANY } else { REST_SHARE };
        if self.changing_bytes() <= files.options.growth_bytes / share {
            return Ok(());
        }
        write(files, place.level, stretch, &self.open, &self.state)
    }

    pub(super) fn writable_files(&self) -> Option<&Arc<Files>> {
        self.sealed.files.as_ref().filter(|files| files.options.writes)
    }

    /// Bytes of the growing segment that were applied behind the last piece.
    fn changing_bytes(&self) -> u64 {
        self.mark_of_growing().map_or(0, |mark| mark.end.saturating_sub(self.changing.begin.into()))
    }

    fn mark_of_growing(&self) -> Option<Mark> {
        self.mark.filter(|mark| mark.segment == self.segment())
    }

    /// The next piece of the growing segment, if it ended now.
    fn piece(&self) -> Option<(SegmentPlace, Stretch)> {
        let (files, mark) = (self.sealed.files.as_ref()?, self.mark_of_growing()?);
        let Changing { level, begin } = self.changing;
        let first = self.open.first();
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

/// Writes the file of a piece.
pub(super) fn write_piece(
    files: &Files,
    level: u8,
    stretch: Stretch,
    frozen: &Frozen,
) -> Result<(), IndexError> {
    crate::point("index.growing.before_file");
    write(files, level, stretch, &frozen.part, &frozen.state)
}

fn write(files: &Files, level: u8, stretch: Stretch, part: &Part, state: &State) -> Result<(), IndexError> {
    seal::write(&files.storage, level, stretch, &[part], Some(state))?;
    files.forget(level, stretch.first_segment);
    Ok(())
}

impl SealedParts {
    /// A file tells of this piece now. Lookups go on in memory, out of which the segment's own file will be made.
    pub(super) fn has_piece(&mut self, level: u8, number: u32) {
        let is_it = |piece: &&mut Segment| (piece.place.level, piece.place.number) == (level, number);
        if let Some(piece) = self.segments.iter_mut().rev().find(is_it) {
            piece.untold = None;
        }
    }
}
