//! What opening finds: which segments there are, where the last one truly ends, and whether that can be a crash.
//!
//! Nothing here writes. The verdict is `Corrupt` if anything proves that what is damaged was durable;
//! otherwise it says what is to be cut. [`super::repair`] carries it out.

use super::error::JournalError;
use super::growing::is_under_way;
use super::scan::{Tail, Walk, Window};
use super::segment::{SegmentHeader, read_header, segment_name, segment_number};
use super::store_id::Identity;
use crate::position::Position;
use crate::storage::{Access, Storage};
use std::ops::RangeInclusive;

/// What was found and done when the journal was opened for writing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// Whether there was no journal and a new one was made.
    pub created: bool,
    /// Whether the last writer closed it; then nothing had to be scanned.
    pub closed: bool,
    /// How many segments there are.
    pub segments: u32,
    /// The last position that exists; all up to it are durable now.
    pub last: Position,
    /// The last position that the journal itself proved durable, before anything was written again.
    pub proven: Position,
    /// What was cut off.
    pub cut: Option<Cut>,
    /// Bytes that were valid but not proven durable, and so were written again and synced.
    pub rewritten_bytes: u64,
    /// Positions that were numbered in what was cut. They are never used again.
    pub gap: Option<RangeInclusive<Position>>,
    /// This writer's epoch.
    pub epoch: u32,
}

/// A torn tail that was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The last segment.
    pub segment: u32,
    /// From which byte on.
    pub offset: u64,
    /// How many bytes, up to the last one that was not zero.
    pub bytes: u64,
}

/// Headers that opening reads, the first segment's among them. The others are read when their segment is first used,
/// and by a verification: what opening costs must not grow with the store.
const SURVEYED_MAX: u32 = 16;

/// The segments of a directory, as far as opening looks at them.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) identity: Identity,
    pub(super) last: SegmentHeader,
}

/// Finds the segments and checks that they are all there, and that the first and the newest belong together; `None` if
/// there are none.
pub(super) fn survey(storage: &dyn Storage) -> Result<Option<Survey>, JournalError> {
    let mut numbers: Vec<u32> = storage.list()?.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    if let Some((expected, _)) = (1..).zip(&numbers).find(|(expected, number)| expected != *number) {
        let path = storage.path(&segment_name(expected));
        return Err(JournalError::Missing { segment: expected, path });
    }
    let mut found: Option<Survey> = None;
    let mut previous_bytes = 0;
    let newest = (numbers.len() as u32).saturating_sub(SURVEYED_MAX - 2);
    for number in numbers.into_iter().filter(|number| *number == 1 || *number >= newest) {
        let file = storage.open(&segment_name(number), Access::Read)?;
        let store = found.as_ref().map(|survey| survey.identity.store);
        let header = read_header(storage, &*file, number, store)?;
        found = Some(match found {
            None => Survey { identity: Identity::new(header.store, storage), last: header },
            Some(before) => before.followed_by(header, previous_bytes)?,
        });
        previous_bytes = file.length()?;
    }
    Ok(found)
}

impl Survey {
    fn followed_by(self, next: SegmentHeader, bytes: u64) -> Result<Self, JournalError> {
        let last = &self.last;
        if next.first < last.first || next.epoch < last.epoch || next.time < last.time {
            return Err(self.identity.corrupt(next.number, 0, next.first));
        }
        if next.number == last.number + 1 && bytes < next.previous_bytes {
            return Err(self.identity.corrupt(last.number, bytes, last.first));
        }
        Ok(Self { last: next, ..self })
    }
}

/// Where the last segment ends and what stands behind its end.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) tail: Tail,
    /// The next position at the last proof.
    pub(super) proven_next: u64,
    pub(super) closed: bool,
    /// Whether the segment was ended, so that there must be another, at least in the making.
    pub(super) sealed: bool,
    pub(super) torn: Option<Torn>,
}

/// What stands behind the last valid frame and cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Torn {
    /// After its last byte that is not zero.
    pub(super) end: u64,
    /// The first position after those that were numbered in it; the tail's next position if it tells of none.
    pub(super) next: u64,
    /// The newest epoch seen in it.
    pub(super) epoch: u32,
}

/// Opens the last segment, to be walked from its begin.
pub(super) fn walk_last(
    storage: &dyn Storage,
    survey: &Survey,
    access: Access,
) -> Result<Walk, JournalError> {
    let file = storage.open(&segment_name(survey.last.number), access)?;
    let end = file.length()?.min(u64::from(u32::MAX));
    let window = Window::new(file, end);
    Ok(Walk::new(window, survey.last.number, survey.identity.seeds, Tail::begin(&survey.last)))
}

/// Judges the last segment.
pub(super) fn judge(walk: &mut Walk, identity: &Identity) -> Result<Verdict, JournalError> {
    if let Some(tail) = walk.closing_frame()? {
        walk.tail = tail;
        return Ok(Verdict { tail, proven_next: tail.next, closed: true, sealed: false, torn: None });
    }
    while walk.step()?.is_some() {}
    crate::point("journal.judge.walked");
    let torn = match walk.data_end(walk.tail.offset)? {
        None => None,
        Some(end) => Some(judge_torn(walk, identity, end)?),
    };
    let Walk { tail, proven_next, is_sealed: sealed, .. } = *walk;
    Ok(Verdict { tail, proven_next, closed: false, sealed, torn })
}

/// The successor that a seal promises is there, or is being made.
pub(super) fn check_successor(storage: &dyn Storage, sealed: u32) -> Result<(), JournalError> {
    let segment = sealed + 1;
    match is_under_way(storage, segment)? {
        true => Ok(()),
        false => Err(JournalError::Missing { segment, path: storage.path(&segment_name(segment)) }),
    }
}

/// Looks for a proof that the damaged place was durable: a valid frame behind it, no older than the last frame
/// before it, that was written when everything up to beyond the damage had been synced.
fn judge_torn(walk: &mut Walk, identity: &Identity, end: u64) -> Result<Torn, JournalError> {
    let tail = walk.tail;
    let mut torn = Torn { end, next: tail.next, epoch: tail.epoch };
    let header = walk.header_at(tail.offset)?.filter(|frame| tail.is_continued_by(frame));
    if let Some(frame) = header {
        torn.next = frame.next();
        torn.epoch = frame.epoch;
    }
    let mut from = tail.offset;
    while let Some((offset, frame)) = walk.resync(from)? {
        from = offset + u64::from(frame.length);
        if frame.epoch < tail.epoch {
            continue;
        }
        if frame.synced_through > tail.offset && !crate::planted("proof_of_damage_ignored") {
            return Err(identity.corrupt(walk.segment, tail.offset, tail.next));
        }
        torn.next = torn.next.max(frame.next());
        torn.epoch = torn.epoch.max(frame.epoch);
    }
    Ok(torn)
}
