//! Everything that does not grow any more: segment after segment, by file or, until that is written, in memory.
//!
//! It never changes. A reader takes it out of the index and then reads the disk without holding up anyone.

use super::checkpoints::State;
use super::files::{Files, SegmentPlace};
use super::gaps::{Gap, is_within};
use super::header::Stretch;
use super::merged::Merged;
use super::part::Part;
use super::postings::Stand;
use super::scattered::{Scattered, Told};
use super::sealed::Sealed;
use super::{Found, IndexError, Sort, Window, scan, select};
use crate::position::{Location, Position, Version};
use crate::region::Region;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Lookups in memory that grow no more, and what was true at their end.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) part: Part,
    pub(super) state: State,
}

/// One sealed segment, or a piece of one: of the growing segment, or of one that was sealed and whose own file is not written
/// yet.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) place: SegmentPlace,
    /// Until the segment's own file is written: that is made out of it.
    pub(super) memory: Option<Arc<Frozen>>,
    /// Of a piece: what its file is bound to, until that is written.
    pub(super) untold: Option<Stretch>,
}

impl Segment {
    /// One of which a file tells.
    pub(super) fn told(place: SegmentPlace) -> Self {
        Self { place, memory: None, untold: None }
    }
}

/// The lookups of all sealed segments.
#[derive(Debug, Clone, Default)]
pub(crate) struct SealedParts {
    /// `None` only while there is no journal yet, and for an index that is in memory whole.
    pub(super) files: Option<Arc<Files>>,
    /// By number, from 1. Only what stands behind all merges can be a piece.
    pub(super) segments: Vec<Segment>,
    /// Disjoint, in order. What they cover need not be looked for segment by segment.
    pub(super) merges: Vec<Merged>,
    pub(super) last: Position,
}

/// One segment's lookups, wherever they are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lookup<'a> {
    Memory(&'a Part),
    File(Sealed<'a>),
}

/// A segment that can hold an answer.
#[derive(Debug, Clone, Copy)]
struct Narrowed<'a> {
    of: &'a Segment,
    /// Whether a merge says that it has what is looked for.
    is_named: bool,
}

/// What stands next in the order of segments: one of them, or a merge over several.
pub(super) enum Run<'a> {
    One(&'a Segment),
    Many(&'a Merged, &'a [Segment]),
}

impl SealedParts {
    /// The last position of the last sealed segment.
    pub(crate) fn last(&self) -> Position {
        self.last
    }

    /// The version of the newest event of `entity`.
    pub(crate) fn version(&self, entity: &str) -> Result<Option<Version>, IndexError> {
        self.newest(Sort::Entity, entity.as_bytes(), |lookup| lookup.version(entity))
    }

    /// The event that was stored with this idempotency key.
    pub(crate) fn keyed(&self, key: &[u8]) -> Result<Option<Position>, IndexError> {
        self.newest(Sort::Key, key, |lookup| lookup.keyed(key))
    }

    /// The sealed segments, each in its pieces, that wait in memory for their files, the newest first. `growing` is the
    /// first that is not sealed.
    pub(super) fn waiting(&self, growing: u32) -> impl Iterator<Item = &[Segment]> {
        let sealed = self.segments.partition_point(|segment| segment.place.number < growing);
        let segments = self.segments[..sealed].chunk_by(|one, next| one.place.number == next.place.number);
        segments.rev().take_while(|pieces| pieces.iter().any(|piece| piece.memory.is_some()))
    }

    /// The number of the oldest of them.
    pub(super) fn oldest_waiting(&self, growing: u32) -> Option<u32> {
        self.waiting(growing).last().map(|pieces| pieces[0].place.number)
    }

    /// The pieces of the segment that grows, in order.
    pub(super) fn pieces(&self, growing: u32) -> &[Segment] {
        let sealed = self.segments.partition_point(|segment| segment.place.number < growing);
        &self.segments[sealed..]
    }

    /// Where the record of the event at `position` stands; `None` if there is no event.
    pub(crate) fn locate(&self, position: Position) -> Result<Option<Location>, IndexError> {
        if position > self.last || position == Position::START {
            return Ok(None);
        }
        let at = self.segments.partition_point(|segment| segment.place.first <= position);
        match at.checked_sub(1) {
            Some(at) => self.with(&self.segments[at], |lookup| lookup.locate(position)),
            None => Ok(None),
        }
    }

    /// Adds the events that name `cause` as a cause to `found`, in position order, until there are `limit`.
    pub(crate) fn effects(
        &self,
        cause: Position,
        limit: usize,
        found: &mut Vec<Position>,
    ) -> Result<(), IndexError> {
        let key = cause.get().to_be_bytes();
        self.each(self.index_of(cause), |run| {
            for segment in self.narrowed(run, |merge, files| merge.segments_of(files, Sort::Cause, &key)) {
                if found.len() >= limit {
                    return Ok(false);
                }
                let more =
                    self.with_narrowed(segment, |lookup| lookup.effects(cause, limit - found.len()))?;
                found.extend(more);
            }
            Ok(true)
        })
    }

    /// The gaps that lie after `after` and begin not after `through`.
    pub(crate) fn gaps(&self, after: Position, through: Position) -> Result<Vec<Gap>, IndexError> {
        let mut gaps = Vec::new();
        self.each(self.index_of(after.next()), |run| {
            if run.first() > through {
                return Ok(false);
            }
            match self.gaps_of(&run, after, through) {
                Some(found) => gaps.extend(found),
                None => {
                    for segment in run.segments() {
                        gaps.extend(self.with(segment, |lookup| lookup.gaps(after, through))?);
                    }
                }
            }
            Ok(true)
        })?;
        Ok(gaps)
    }

    /// The gaps in a merge; `None` if they must be asked of the segments.
    fn gaps_of(&self, run: &Run<'_>, after: Position, through: Position) -> Option<Vec<Gap>> {
        match (run, &self.files) {
            (Run::Many(merge, _), Some(files)) => merge.gaps(files, after, through),
            _ => None,
        }
    }

    /// Puts the events of `region` inside `window` into `found`, in position order, until `found` has
    /// `window.limit`.
    pub(crate) fn select(
        &self,
        region: &Region,
        window: Window,
        found: &mut Vec<Found>,
    ) -> Result<(), IndexError> {
        if window.after >= self.last || region.terms().is_empty() {
            return Ok(());
        }
        self.each(self.index_of(window.after.next()), |run| {
            let scattered = self.scattered(&run, region);
            let segments = match &scattered {
                Some(scattered) => self.narrowed(run, |_, _| Some(scattered.segments.iter().collect())),
                None => self.narrowed(run, |merge, files| merge.segments_in(files, region)),
            };
            for segment in segments {
                if found.len() >= window.limit || segment.of.place.first > window.through {
                    return Ok(false);
                }
                let left = Window { limit: window.limit - found.len(), ..window };
                let told = scattered.as_ref().map_or(&[][..], |it| it.told_of(segment.of.place.number));
                match told {
                    [] => found.extend(self.with_narrowed(segment, |lookup| lookup.select(region, left))?),
                    told => found.extend(told_within(told, segment.of.place.first, left)),
                }
            }
            Ok(true)
        })
    }

    /// What a merge knows of the region's events, if the region is one entity.
    fn scattered(&self, run: &Run<'_>, region: &Region) -> Option<Scattered> {
        let (Run::Many(merge, _), Some(files)) = (run, &self.files) else { return None };
        merge.scattered(files, region.one_entity()?)
    }

    /// The segments of a run that can hold an answer.
    fn narrowed<'a>(
        &self,
        run: Run<'a>,
        narrow: impl Fn(&Merged, &Files) -> Option<Vec<u32>>,
    ) -> Vec<Narrowed<'a>> {
        if let (Run::Many(merge, segments), Some(files)) = (&run, &self.files)
            && let Some(numbers) = narrow(merge, files)
        {
            let is_in = |segment: &&Segment| numbers.binary_search(&segment.place.number).is_ok();
            return segments.iter().filter(is_in).map(|of| Narrowed { of, is_named: true }).collect();
        }
        run.segments().iter().map(|of| Narrowed { of, is_named: false }).collect()
    }

    /// The index of the segment in which `position` stands, or would stand.
    fn index_of(&self, position: Position) -> usize {
        self.segments.partition_point(|segment| segment.place.first <= position).saturating_sub(1)
    }

    /// Goes through all segments from the one at `begin` on; a merge that begins earlier is gone through from there.
    fn each(
        &self,
        mut begin: usize,
        mut step: impl FnMut(Run<'_>) -> Result<bool, IndexError>,
    ) -> Result<(), IndexError> {
        while let Some(segment) = self.segments.get(begin) {
            let run = match self.merge_over(segment.place.number) {
                Some(merge) => Run::Many(merge, &self.segments[begin..merge.last_segment() as usize]),
                None => Run::One(segment),
            };
            begin += run.segments().len();
            if !step(run)? {
                break;
            }
        }
        Ok(())
    }

    /// What `look` finds in the newest segment that has anything.
    fn newest<T>(
        &self,
        sort: Sort,
        name: &[u8],
        look: impl Fn(Lookup<'_>) -> Result<Option<T>, IndexError>,
    ) -> Result<Option<T>, IndexError> {
        let mut end = self.segments.len();
        while let Some(segment) = end.checked_sub(1).map(|last| &self.segments[last]) {
            let run = match self.merge_over(segment.place.number) {
                Some(merge) => Run::Many(merge, &self.segments[merge.first_segment() as usize - 1..end]),
                None => Run::One(segment),
            };
            end -= run.segments().len();
            let segments = self.narrowed(run, |merge, files| merge.segments_of(files, sort, name));
            for segment in segments.into_iter().rev() {
                if let Some(found) = self.with_narrowed(segment, &look)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    fn merge_over(&self, segment: u32) -> Option<&Merged> {
        let at = self.merges.partition_point(|merge| merge.last_segment() < segment);
        self.merges.get(at).filter(|merge| merge.first_segment() <= segment && !merge.is_lost())
    }

    /// Looks into one segment: in memory, in its file, or, if that is lost, in what is rebuilt from the journal.
    pub(super) fn with<T>(
        &self,
        segment: &Segment,
        look: impl FnMut(Lookup<'_>) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        self.with_narrowed(Narrowed { of: segment, is_named: false }, look)
    }

    fn with_narrowed<T>(
        &self,
        Narrowed { of: segment, is_named }: Narrowed<'_>,
        mut look: impl FnMut(Lookup<'_>) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        if let Some(frozen) = &segment.memory {
            return look(Lookup::Memory(&frozen.part));
        }
        let files = self.files.as_ref().expect("what is not in memory was written to files");
        let SegmentPlace { number, level, is_lost, .. } = &segment.place;
        if !is_lost.load(Ordering::Acquire) {
            let table = files.table(*level, *number, *number);
            let table = table.and_then(|table| segment.place.told_by(table));
            match table.and_then(|table| look(Lookup::File(Sealed { table: &table, is_named }))) {
                Err(IndexError::Journal(cause)) => return Err(IndexError::Journal(cause)),
                Err(error) => files.note_lost(*level, *number, &error, is_lost.swap(true, Ordering::AcqRel)),
                answer => return answer,
            }
        }
        look(Lookup::Memory(&*files.rebuilt(&segment.place)?))
    }
}

/// The events of one segment, which begins at `first`, that are inside `window`.
fn told_within(told: &[Told], first: Position, window: Window) -> impl Iterator<Item = Found> + '_ {
    let found = move |told: &Told| {
        let Told { segment, place, stand: Stand { offset, length } } = *told;
        let location = Location { segment, offset, length };
        Found { position: Position::new(first.get() + u64::from(place)), location }
    };
    let is_within = move |found: &Found| {
        (found.position > window.after || crate::planted("scattered_told_whole"))
            && found.position <= window.through
    };
    told.iter().map(found).filter(is_within).take(window.limit)
}

impl<'a> Run<'a> {
    fn segments(&self) -> &'a [Segment] {
        match self {
            Self::One(segment) => std::slice::from_ref(segment),
            Self::Many(_, segments) => segments,
        }
    }

    fn first(&self) -> Position {
        self.segments().first().map_or(Position::END, |segment| segment.place.first)
    }
}

impl Lookup<'_> {
    fn version(self, entity: &str) -> Result<Option<Version>, IndexError> {
        match self {
            Self::Memory(part) => Ok(part.version(entity)),
            Self::File(sealed) => match sealed.known(Sort::Entity, entity.as_bytes())? {
                Some(entry) => Ok(Some(entry.version)),
                None => Ok(None),
            },
        }
    }

    fn keyed(self, key: &[u8]) -> Result<Option<Position>, IndexError> {
        match self {
            Self::Memory(part) => Ok(part.keyed(key)),
            Self::File(sealed) => sealed.keyed(key),
        }
    }

    fn locate(self, position: Position) -> Result<Option<Location>, IndexError> {
        match self {
            Self::Memory(part) => Ok(part.locate(position)),
            Self::File(sealed) => sealed.locate(position),
        }
    }

    fn effects(self, cause: Position, limit: usize) -> Result<Vec<Position>, IndexError> {
        match self {
            Self::Memory(part) => Ok(part.effects(cause).take(limit).collect()),
            Self::File(sealed) => sealed.effects(cause, limit),
        }
    }

    fn gaps(self, after: Position, through: Position) -> Result<Vec<Gap>, IndexError> {
        let is_wanted = |gap: &&Gap| is_within(gap, after, through);
        match self {
            Self::Memory(part) => Ok(part.gaps().iter().filter(is_wanted).cloned().collect()),
            Self::File(sealed) => sealed.gaps(after, through),
        }
    }

    fn select(self, region: &Region, window: Window) -> Result<Vec<Found>, IndexError> {
        let mut found = Vec::new();
        match self {
            Self::Memory(part) => select::select(part, region, window, &mut found),
            Self::File(sealed) => scan::select(sealed, region, window, &mut found)?,
        }
        Ok(found)
    }
}
