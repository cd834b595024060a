//! The index: lookups derived from the journal. It can be thrown away and built again.
//!
//! What is committed goes in by [`Index::apply`] and its siblings; answers come out by [`Lookups`], as positions and
//! places. It knows the growing segment in memory (a `Part`) and every sealed one by a file beside it, which is
//! written in the background ([`Chore`]), checked when it is read, and made again from the journal when it is missing
//! or damaged. `FORMAT.md` beside this file describes the files and argues why an answer is never wrong.

mod block;
mod bytes;
mod checkpoints;
mod chores;
mod column;
mod directory;
mod error;
mod files;
mod filter;
#[cfg(feature = "simulation")]
pub mod fuzzing;
mod gaps;
mod growing;
mod header;
mod lookups;
mod merge;
mod merged;
mod names;
mod open;
mod part;
mod postings;
mod scan;
mod scattered;
mod seal;
mod sealed;
mod sealed_parts;
mod segments;
mod select;
mod source;
mod table;
mod texts;
mod writer;

pub(crate) use checkpoints::Checkpoint;
pub(crate) use chores::{Chore, Done};
pub(crate) use error::IndexError;
#[cfg(test)]
pub(crate) use files::Held;
pub(crate) use header::{Mark, Stretch};
pub(crate) use lookups::Lookups;
pub(crate) use sealed_parts::SealedParts;
pub(crate) use source::{Fact, Source};
pub(crate) use texts::Texts;

use crate::event::EventRef;
use crate::position::{Location, Position};
use crate::region::Region;
use crate::storage::Storage;
use checkpoints::State;
use files::{Files, SegmentPlace};
use growing::Changing;
use header::Content;
use part::Part;
use postings::Steps;
use sealed_parts::{Frozen, Segment};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// An event that answers a query, and where its record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) position: Position,
    pub(crate) location: Location,
}

/// Which events of a region are asked for: those after `after` and up to `through`, at most `limit`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) after: Position,
    pub(crate) through: Position,
    pub(crate) limit: usize,
}

/// The sorts of names that are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Entity,
    Scope,
    Kind,
    Key,
    Cause,
}

impl Sort {
    const ALL: [Self; 5] = [Self::Entity, Self::Scope, Self::Kind, Self::Key, Self::Cause];

    fn section(self) -> Content {
        match self {
            Self::Entity => Content::Entities,
            Self::Scope => Content::Scopes,
            Self::Kind => Content::Kinds,
            Self::Key => Content::Keys,
            Self::Cause => Content::Causes,
        }
    }

    /// How the places of such a name are told in a file of this stretch.
    fn steps(self, stretch: &Stretch) -> Steps {
        match self {
            Self::Entity => Steps::Stands { mean: stretch.mean_bytes() },
            _ => Steps::Places,
        }
    }
}

/// The index's limits; the store's config fills and validates them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexOptions {
    /// Bytes of blocks of the index's files that are kept in memory.
    pub(crate) cache_bytes: u64,
    /// Files of the index that are kept open.
    pub(crate) open_files_max: usize,
    /// Sealed segments that may wait in memory for their files; with more, whoever commits has to wait.
    pub(crate) unwritten_max: usize,
    /// So many bytes of the growing segment no file may tell of; then one is written. It is about what an open after a kill
    /// reads of it.
    pub(crate) growth_bytes: u64,
    /// Whether files may be written: not beside another process that does.
    pub(crate) writes: bool,
}

/// Lookups over everything that was applied.
#[derive(Debug)]
pub(crate) struct Index {
    sealed: Arc<SealedParts>,
    /// What grows: the growing segment's last piece.
    open: Part,
    /// What is true as of `applied`.
    state: State,
    applied: Position,
    /// The last frame that was applied whole.
    mark: Option<Mark>,
    resumes_at: Option<u32>,
    /// Where in the growing segment `open` begins.
    changing: Changing,
}

impl Default for Index {
    /// An index of nothing, without files.
    fn default() -> Self {
        Self {
            sealed: Arc::default(),
            open: Part::new(1, Position::new(1)),
            state: State::default(),
            applied: Position::START,
            mark: None,
            resumes_at: None,
            changing: Changing::default(),
        }
    }
}

impl Index {
    /// Opens the index in `storage`. What the journal has and no file tells has to be applied then, from the begin of
    /// [`Index::segment`] on.
    ///
    /// # Errors
    /// [`IndexError::Journal`] or [`IndexError::Storage`]. Files that are missing or damaged are no error.
    pub(crate) fn open(
        storage: Arc<dyn Storage>,
        source: Arc<dyn Source>,
        options: IndexOptions,
    ) -> Result<Self, IndexError> {
        let files = Arc::new(Files::new(storage, source, options));
        let opened = open::open(&files)?;
        let applied = opened.parts.last;
        Ok(Self {
            sealed: Arc::new(opened.parts),
            open: Part::new(opened.segment, applied.next()),
            state: opened.state,
            applied,
            mark: None,
            resumes_at: opened.resumes_at,
            changing: Changing { level: opened.next_level, begin: opened.resumes_at.unwrap_or_default() },
        })
    }

    /// The last position that was applied.
    pub(crate) fn applied(&self) -> Position {
        self.applied
    }

    /// The segment that was applied last.
    pub(crate) fn segment(&self) -> u32 {
        self.open.segment()
    }

    /// The sealed parts as they are now. They never change.
    pub(crate) fn sealed(&self) -> Arc<SealedParts> {
        Arc::clone(&self.sealed)
    }

    /// Takes the next event in. Events come in position order; one that is not the next is not taken twice.
    pub(crate) fn apply(&mut self, event: &EventRef<'_>, key: &[u8], location: Location) {
        if event.position() <= self.applied {
            return;
        }
        self.enter(location.segment);
        let before = self.open.new_entities();
        self.open.push(event, key, location);
        crate::point("index.apply.pushed");
        self.state.entities += self.open.new_entities() - before;
        self.applied = event.position();
    }

    /// Takes in that a range of positions was numbered and never made visible; `location` is that of its record.
    pub(crate) fn apply_gap(&mut self, gap: RangeInclusive<Position>, location: Location) {
        if *gap.end() <= self.applied || crate::planted("gap_not_indexed") {
            return;
        }
        self.enter(location.segment);
        self.state.gap_positions += gap.end().since(*gap.start()) + 1;
        self.applied = *gap.end();
        crate::point("index.apply.before_gap");
        self.open.push_gap(gap, location.offset);
    }

    /// Takes in where a cursor stands now, by a record in `segment`.
    pub(crate) fn apply_checkpoint(&mut self, id: &str, checkpoint: Checkpoint, segment: u32) {
        self.enter(segment);
        self.state.apply(id, checkpoint);
    }

    /// From which byte of [`Index::segment`] on the journal has to be read; `None` from its begin on.
    pub(crate) fn resumes_at(&self) -> Option<u32> {
        self.resumes_at
    }

    /// Sets from where the journal has to be read on, once everything before it was applied; `None` while that is not
    /// known, and then the growing segment is read from its begin.
    pub(crate) fn resume_at(&mut self, place: Option<(u32, u32)>) {
        let segment = self.segment();
        self.resumes_at = place.filter(|(at, _)| *at == segment).map(|(_, offset)| offset);
    }

    /// Takes a record in.
    pub(crate) fn take(&mut self, fact: Fact<'_>) {
        match fact {
            Fact::Event { event, key, location } => self.apply(&event, key, location),
            Fact::Gap { gap, location } => self.apply_gap(gap, location),
            Fact::Checkpoint { id, checkpoint, segment } => self.apply_checkpoint(id, checkpoint, segment),
        }
    }

    /// Where the cursor named `id` stands.
    pub(crate) fn checkpoint(&self, id: &str) -> Option<Checkpoint> {
        self.state.checkpoint(id)
    }

    /// How many different entities have events.
    pub(crate) fn entity_count(&self) -> u64 {
        self.state.entities
    }

    /// How many positions hold no event.
    pub(crate) fn gap_count(&self) -> u64 {
        self.state.gap_positions
    }

    fn select_open(&self, region: &Region, window: Window, found: &mut Vec<Found>) {
        select::select(&self.open, region, window, found);
    }

    /// The journal has rolled when a record stands in a later segment: what grew until now is sealed.
    fn enter(&mut self, segment: u32) {
        while self.open.segment() < segment {
            let next = Part::new(self.open.segment() + 1, self.open.last().next());
            let place = SegmentPlace::new(self.open.segment(), self.open.first());
            self.freeze(place, None, next, Changing::default());
        }
    }

    /// What has grown grows no more: from now on `next` does. `untold` is what the file of a piece is bound to.
    fn freeze(&mut self, place: SegmentPlace, untold: Option<Stretch>, mut next: Part, changing: Changing) {
        let state = if crate::planted("state_not_sealed") { State::default() } else { self.state.clone() };
        let mut parts = SealedParts::clone(&self.sealed);
        parts.last = self.applied;
        parts.segments.reserve(1);
        let is_early = crate::planted("part_taken_too_early");
        if is_early {
            std::mem::swap(&mut self.open, &mut next);
        }
        crate::point("index.freeze.prepared");
        // Nothing below can panic: readers go on after a panic, and must not find the events in neither of the two.
        if !is_early {
            std::mem::swap(&mut self.open, &mut next);
        }
        parts.segments.push(Segment { place, memory: Some(Arc::new(Frozen { part: next, state })), untold });
        self.changing = changing;
        if let Some(files) = &parts.files {
            files.counters.is_due.store(true, Ordering::Release);
        }
        self.sealed = Arc::new(parts);
    }

    /// Whether there may be a chore. Costs nothing.
    pub(crate) fn has_chores(&self) -> bool {
        self.writable_files().is_some_and(|files| files.counters.is_due.load(Ordering::Acquire))
    }

    /// The next piece of work for the files, if there is any. One at a time: it is to be run and handed back.
    pub(crate) fn chore(&self) -> Option<Chore> {
        Chore::next(&self.sealed, self.segment())
    }

    /// Takes in what a chore changed.
    pub(crate) fn finish(&mut self, done: Done) {
        crate::point("index.finish.before");
        self.sealed = Arc::new(self.sealed.after(done));
    }

    /// Whether more sealed segments wait in memory for their files than may.
    pub(crate) fn is_behind(&self) -> bool {
        let Some(files) = &self.sealed.files else { return false };
        self.sealed.waiting(self.segment()).count() > files.options.unwritten_max
    }

    /// Drops the oldest segment that waits for its file: it is looked for in its file, and if there is none, in the
    /// journal.
    pub(crate) fn shed(&mut self) {
        let mut parts = SealedParts::clone(&self.sealed);
        parts.shed(self.segment());
        self.sealed = Arc::new(parts);
    }

    /// Without a sealer of one's own: drops from memory what another process has written the files of, and what is too
    /// much.
    pub(crate) fn shed_written(&mut self) {
        let mut parts = SealedParts::clone(&self.sealed);
        let Some(files) = parts.files.clone() else { return };
        let is_written = |number| files.table(0, number, number).is_ok();
        while parts.oldest_waiting(self.segment()).is_some_and(is_written) {
            parts.shed(self.segment());
        }
        self.sealed = Arc::new(parts);
        while self.is_behind() {
            self.shed();
        }
    }

    /// Runs the next chore of what is sealed to its end, here and now; whether anything was written.
    pub(crate) fn run_chore(&mut self) -> bool {
        let chore = Chore::of_sealed(&self.sealed, self.segment());
        self.run(chore)
    }

    /// Runs a chore to its end, here and now; whether anything was written.
    pub(crate) fn run(&mut self, chore: Option<Chore>) -> bool {
        let Some(mut chore) = chore else { return false };
        let done = std::iter::repeat_with(|| chore.step()).find_map(|done| done);
        let is_written = done.as_ref().is_some_and(Done::is_written);
        done.into_iter().for_each(|done| self.finish(done));
        chore.clean_up();
        is_written
    }

    /// Writes every sealed segment that waits in memory for its file: what is not written is read again by the next
    /// open.
    pub(crate) fn write_waiting(&mut self) {
        while self.sealed.oldest_waiting(self.segment()).is_some() && self.run_chore() {}
    }

    /// What the caches hold.
    #[cfg(test)]
    pub(crate) fn held(&self) -> Held {
        self.sealed.files.as_ref().map(|files| files.held()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
