//! What is to be done in the background: files of sealed segments, files that were lost, merges of neighbours.
//!
//! Whoever runs a chore takes it out of the index, runs it step by step without holding the index up, and hands it
//! back. The files are derived, so that a chore that fails or is cut off loses nothing: it comes up again.

use super::checkpoints::State;
use super::files::{Files, SegmentPlace, file_name, parse_name};
use super::growing;
use super::header::{PIECE_LEVELS, Stretch};
use super::merge::Merging;
use super::merged::Merged;
use super::part::Part;
use super::sealed_parts::{Frozen, SealedParts, Segment};
use super::segments::{FAN_IN, LEVEL_MAX, span};
use super::table::Table;
use super::{IndexError, seal};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Names that a merge takes in one step: a few milliseconds.
const STEP_NAMES: usize = 4_096;

/// One piece of work for the files of the index.
#[derive(Debug)]
pub(crate) struct Chore {
    files: Arc<Files>,
    work: Work,
    /// Whether what was to be written is.
    is_made: bool,
}

#[derive(Debug)]
enum Work {
    /// Write the file of a segment. Its pieces are in memory, but for those that were there already when it was opened.
    Seal { number: u32, pieces: Vec<Option<Arc<Frozen>>> },
    /// Write the lost file of a segment again.
    Rebuild { number: u32 },
    /// Write the file of a piece of the growing segment.
    Piece { level: u8, stretch: Stretch, frozen: Arc<Frozen> },
    /// Merge neighbours. `children` are segments' files or the merges that the new one stands for.
    Merge { merge: Merged, children: Vec<(u8, u32)>, merging: Option<Box<Merging>> },
}

/// What a finished chore changed.
#[derive(Debug)]
pub(crate) struct Done(Change);

impl Done {
    /// Whether something was written.
    pub(super) fn is_written(&self) -> bool {
        matches!(self.0, Change::Written { .. } | Change::Merged { .. } | Change::Piece { .. })
    }
}

#[derive(Debug)]
enum Change {
    Written {
        number: u32,
    },
    Merged {
        merge: Merged,
    },
    Piece {
        level: u8,
        number: u32,
    },
    /// A file that the chore needed answers no more.
    Lost {
        level: u8,
        first: u32,
    },
    Nothing,
}

impl Chore {
    /// The next thing to do, if there is any; first what an open after a kill would have to read again. `growing` is the
    /// segment that grows.
    pub(super) fn next(parts: &SealedParts, growing: u32) -> Option<Self> {
        Self::due(parts, || untold(parts.pieces(growing)).or_else(|| of_sealed(parts, growing)))
    }

    /// The next thing to do for what is sealed, if there is any.
    pub(super) fn of_sealed(parts: &SealedParts, growing: u32) -> Option<Self> {
        Self::due(parts, || of_sealed(parts, growing))
    }

    fn due(parts: &SealedParts, work: impl FnOnce() -> Option<Work>) -> Option<Self> {
        let files = parts.files.as_ref().filter(|files| files.options.writes)?;
        if !files.counters.is_due.swap(false, Ordering::AcqRel) {
            return None;
        }
        let work = work()?;
        // There may be another behind it.
        files.counters.is_due.store(true, Ordering::Release);
        Some(Self { files: Arc::clone(files), work, is_made: false })
    }

    /// Does some of it; `None` if there is more to do. A chore that cannot be done now is done with nothing changed.
    pub(crate) fn step(&mut self) -> Option<Done> {
        crate::point("index.chore.before_step");
        let stepped = match &mut self.work {
            Work::Seal { number, pieces } => seal(&self.files, *number, pieces).map(Some),
            Work::Rebuild { number } => rebuild(&self.files, *number).map(Some),
            Work::Piece { level, stretch, frozen } => {
                let piece = Change::Piece { level: *level, number: stretch.first_segment };
                growing::write_piece(&self.files, *level, *stretch, frozen).map(|()| Some(piece))
            }
            Work::Merge { merge, children, merging } => merge_step(&self.files, merge, children, merging),
        };
        self.is_made = matches!(stepped, Ok(Some(_)));
        match stepped {
            Ok(change) => change.map(Done),
            Err(error) => Some(Done(self.failed(&error))),
        }
    }

    /// Removes what a new file stands for: merges of less, a segment's pieces. Nobody needs it any more; what is left of it by
    /// a crash is removed by the next open.
    pub(crate) fn clean_up(self) {
        let superseded: Vec<(u8, u32)> = match &self.work {
            _ if !self.is_made => return,
            Work::Seal { number, .. } => self.pieces(*number).collect(),
            Work::Merge { children, .. } => {
                children.iter().copied().filter(|(level, _)| *level > 0).collect()
            }
            Work::Rebuild { .. } | Work::Piece { .. } => return,
        };
        crate::point("index.chore.before_clean_up");
        for (level, first) in superseded {
            self.files.forget(level, first);
            let _ = self.files.storage.remove(&file_name(level, first));
        }
    }

    /// The pieces of a segment of which there are files.
    fn pieces(&self, number: u32) -> impl Iterator<Item = (u8, u32)> {
        let exists = move |level: &u8| self.files.storage.exists(&file_name(*level, number)).unwrap_or(false);
        PIECE_LEVELS.take_while(exists).map(move |level| (level, number))
    }

    fn failed(&self, error: &IndexError) -> Change {
        if let IndexError::Damaged { name, .. } = error
            && let Some((level, first)) = parse_name(name)
        {
            return Change::Lost { level, first };
        }
        // Not at once again: the next sealed segment asks for it.
        self.files.counters.is_due.store(false, Ordering::Release);
        self.files.counters.unwritten.fetch_add(1, Ordering::Relaxed);
        let error: &dyn std::error::Error = error;
        tracing::warn!(error, "a file of the index could not be written");
        Change::Nothing
    }
}

/// The oldest piece of the growing segment of which no file tells.
fn untold(pieces: &[Segment]) -> Option<Work> {
    pieces.iter().find_map(|piece| {
        let (frozen, stretch) = (Arc::clone(piece.memory.as_ref()?), piece.untold?);
        Some(Work::Piece { level: piece.place.level, stretch, frozen })
    })
}

fn of_sealed(parts: &SealedParts, growing: u32) -> Option<Work> {
    waiting(parts, growing).or_else(|| lost(parts)).or_else(|| unmerged(parts))
}

/// The oldest sealed segment that waits for its file.
fn waiting(parts: &SealedParts, growing: u32) -> Option<Work> {
    let pieces = parts.waiting(growing).last()?;
    let number = pieces[0].place.number;
    Some(Work::Seal { number, pieces: pieces.iter().map(|piece| piece.memory.clone()).collect() })
}

fn lost(parts: &SealedParts) -> Option<Work> {
    // A file of a piece is not mended: the segment's own will soon stand in its place.
    let is_lost =
        |segment: &&Segment| segment.place.is_lost.load(Ordering::Acquire) && !segment.place.is_piece();
    let segment = parts.segments.iter().find(is_lost)?;
    Some(Work::Rebuild { number: segment.place.number })
}

/// The first merge that is missing: of the highest level its place allows, its own missing parts first.
fn unmerged(parts: &SealedParts) -> Option<Work> {
    let is_written = |segment: &&Segment| segment.memory.is_none() && !segment.place.is_piece();
    let written = parts.segments.iter().take_while(is_written).count() as u32;
    let mut first = 1;
    while first <= written {
        let fits =
            |level: &u8| (first - 1).is_multiple_of(span(*level)) && first + (span(*level) - 1) <= written;
        let level = (1..=LEVEL_MAX).rev().find(fits)?;
        if let Some(work) = missing(parts, level, first) {
            return Some(work);
        }
        first += span(level);
    }
    None
}

/// What has to be done before there is the merge of this level that begins at this segment.
fn missing(parts: &SealedParts, level: u8, first: u32) -> Option<Work> {
    if level == 0 || parts.merges.iter().any(|merge| is_at(merge, level, first)) {
        return None;
    }
    let children: Vec<(u8, u32)> =
        (0..FAN_IN).map(|child| (level - 1, first + child * span(level - 1))).collect();
    let before = children.iter().find_map(|(level, first)| missing(parts, *level, *first));
    let merge = Merged::new(level, first);
    Some(before.unwrap_or(Work::Merge { merge, children, merging: None }))
}

fn is_at(merge: &Merged, level: u8, first: u32) -> bool {
    merge.level == level && merge.first_segment() == first && !merge.is_lost()
}

fn write(files: &Files, number: u32, parts: &[&Part], state: Option<&State>) -> Result<Change, IndexError> {
    let stretch = files.stretch(number, number)?;
    crate::point("index.chore.before_file");
    seal::write(&files.storage, 0, stretch, parts, state)?;
    Ok(Change::Written { number })
}

/// Writes a lost file again. What was true at the segment's end only the file had known; an open that asks for it
/// goes back to the segment before.
fn rebuild(files: &Files, number: u32) -> Result<Change, IndexError> {
    let part = files.rebuilt(&files.whole(number)?)?;
    write(files, number, &[&part], None)
}

/// Writes the file of a segment out of its pieces, or, where not all of them are in memory, out of the journal.
fn seal(files: &Files, number: u32, pieces: &[Option<Arc<Frozen>>]) -> Result<Change, IndexError> {
    let state = pieces.last().and_then(Option::as_ref).map(|last| &last.state);
    let in_memory: Option<Vec<&Part>> =
        pieces.iter().map(|piece| piece.as_ref().map(|piece| &piece.part)).collect();
    match in_memory {
        Some(parts) => write(files, number, &parts, state),
        None => write(files, number, &[&files.replayed(&files.whole(number)?)?], state),
    }
}

fn merge_step(
    files: &Files,
    merge: &Merged,
    children: &[(u8, u32)],
    merging: &mut Option<Box<Merging>>,
) -> Result<Option<Change>, IndexError> {
    let mut running = match merging.take() {
        Some(running) => running,
        None => Box::new(Merging::begin(files, merge, sources(files, children)?)?),
    };
    if !running.step(STEP_NAMES)? {
        *merging = Some(running);
        return Ok(None);
    }
    running.finish()?;
    Ok(Some(Change::Merged { merge: merge.clone() }))
}

fn sources(files: &Files, children: &[(u8, u32)]) -> Result<Vec<Arc<Table>>, IndexError> {
    children.iter().map(|(level, first)| files.table(*level, *first, first + (span(*level) - 1))).collect()
}

impl SealedParts {
    /// The parts after a chore. Readers that hold the old ones go on with them.
    pub(super) fn after(&self, done: Done) -> Self {
        let mut parts = self.clone();
        match done.0 {
            Change::Written { number } => parts.has_file(number),
            Change::Merged { merge } => parts.has_merge(merge),
            Change::Lost { level, first } => parts.has_lost(level, first),
            Change::Piece { level, number } => parts.has_piece(level, number),
            Change::Nothing => {}
        }
        parts
    }

    /// From now on the segment's file answers for all of it.
    fn has_file(&mut self, number: u32) {
        let at = self.segments.partition_point(|segment| segment.place.number < number);
        if let (Some(files), Some(segment)) = (&self.files, self.segments.get_mut(at)) {
            files.forget(0, number);
            *segment = Segment::told(SegmentPlace::new(number, segment.place.first));
            let is_of_it = |segment: &&Segment| segment.place.number == number;
            let pieces = self.segments[at..].iter().take_while(is_of_it).count();
            self.segments.drain(at + 1..at + pieces);
        }
    }

    /// The oldest sealed segment that waits in memory for its file is not kept any longer.
    pub(super) fn shed(&mut self, growing: u32) {
        if let Some(number) = self.oldest_waiting(growing) {
            self.has_file(number);
        }
    }

    fn has_merge(&mut self, merge: Merged) {
        let (first, last) = (merge.first_segment(), merge.last_segment());
        self.merges.retain(|other| other.last_segment() < first || other.first_segment() > last);
        let at = self.merges.partition_point(|other| other.last_segment() < first);
        if let Some(files) = &self.files {
            files.forget(merge.level, first);
        }
        self.merges.insert(at, merge);
    }

    fn has_lost(&mut self, level: u8, first: u32) {
        let Some(files) = &self.files else { return };
        files.forget(level, first);
        files.counters.lost.fetch_add(1, Ordering::Relaxed);
        self.merges.retain(|merge| merge.level != level || merge.first_segment() != first);
        let found = self.segments.iter().find(|segment| level == 0 && segment.place.number == first);
        if let Some(segment) = found {
            segment.place.is_lost.store(true, Ordering::Release);
        }
    }
}
