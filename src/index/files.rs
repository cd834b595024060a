//! What the files of the index are called, and what all lookups share: the caches, the counters, the way to the
//! journal.

use super::block::BLOCK_BYTES;
use super::header::{PIECE_LEVELS, Stretch, is_piece};
use super::part::Part;
use super::source::{Fact, Source};
use super::table::{Blocks, Table, is_lost};
use super::writer::name_of_temporary;
use super::{IndexError, IndexOptions};
use crate::position::Position;
use crate::storage::{Cache, Storage};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Segments that were rebuilt for a reader and could not be written: so many are kept in memory.
const REBUILT_MAX: usize = 2;

const SUFFIX: &str = ".index";
/// What the name of a piece has behind that.
const PIECE: &str = "-open-";

/// The name of the file of a level whose stretch begins with this segment.
pub(super) fn file_name(level: u8, first_segment: u32) -> String {
    match level {
        0 => format!("{first_segment:010}{SUFFIX}"),
        _ if is_piece(level) => {
            format!("{first_segment:010}{SUFFIX}{PIECE}{}", level - PIECE_LEVELS.start() + 1)
        }
        _ => format!("{first_segment:010}{SUFFIX}-{level}"),
    }
}

/// The level and the first segment in the name of a file of the index; `None` for every other file.
pub(super) fn parse_name(name: &str) -> Option<(u8, u32)> {
    let (number, rest) = name.split_once(SUFFIX)?;
    let level = match (rest, rest.strip_prefix(PIECE)) {
        ("", _) => 0,
        (_, Some(piece)) => PIECE_LEVELS.start().checked_add(piece.parse::<u8>().ok()?.checked_sub(1)?)?,
        _ => rest.strip_prefix('-')?.parse().ok()?,
    };
    let first = number.parse().ok()?;
    (first > 0 && file_name(level, first) == name).then_some((level, first))
}

/// Whether this is a file of the index whose making was interrupted.
pub(super) fn is_temporary(name: &str) -> bool {
    name_of_temporary(name).and_then(parse_name).is_some()
}

/// How the files of the index fared since it was opened.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Files that were missing, damaged or of another journal.
    pub(super) lost: AtomicU64,
    /// Files that could not be written.
    pub(super) unwritten: AtomicU64,
    /// Whether there may be a chore.
    pub(super) is_due: AtomicBool,
}

/// What all lookups in files share.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) source: Arc<dyn Source>,
    pub(super) options: IndexOptions,
    pub(super) counters: Counters,
    blocks: Arc<Blocks>,
    tables: Cache<(u8, u32), Arc<Table>>,
    rebuilt: Cache<(u32, Position, Position), Arc<Part>>,
    next_id: AtomicU64,
}

impl Files {
    pub(super) fn new(storage: Arc<dyn Storage>, source: Arc<dyn Source>, options: IndexOptions) -> Self {
        let blocks = Cache::new((options.cache_bytes / BLOCK_BYTES as u64) as usize);
        Self {
            storage,
            source,
            options,
            counters: Counters::default(),
            blocks: Arc::new(blocks),
            tables: Cache::new(options.open_files_max),
            rebuilt: Cache::new(REBUILT_MAX),
            next_id: AtomicU64::new(0),
        }
    }

    /// The file of a level whose stretch begins with `first`, opened and checked to be of this journal.
    pub(super) fn table(&self, level: u8, first: u32, last: u32) -> Result<Arc<Table>, IndexError> {
        if let Some(table) = self.tables.get(&(level, first)) {
            return Ok(table);
        }
        let table = Arc::new(self.open(level, first, last)?);
        self.tables.insert((level, first), Arc::clone(&table));
        Ok(table)
    }

    fn open(&self, level: u8, first: u32, last: u32) -> Result<Table, IndexError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let name = file_name(level, first);
        let table = Table::open(&*self.storage, &name, &self.source.store(), id, &self.blocks)?;
        let stretch = &table.header.stretch;
        let is_right = match is_piece(level) {
            true => stretch.first_segment == first && stretch.last_segment == first && self.holds(stretch)?,
            false => *stretch == self.stretch(first, last)?,
        };
        if is_right && table.header.level == level { Ok(table) } else { Err(table.damaged(0)) }
    }

    fn holds(&self, stretch: &Stretch) -> Result<bool, IndexError> {
        self.source.holds(stretch).map_err(IndexError::Journal)
    }

    /// The stretch of the journal from one sealed segment to another.
    pub(super) fn stretch(&self, first: u32, last: u32) -> Result<Stretch, IndexError> {
        let end = self.source.stretch_of(last).map_err(IndexError::Journal)?;
        let begin = self.source.first_of(first).map_err(IndexError::Journal)?;
        Ok(Stretch { first_segment: first, first: begin.get(), ..end })
    }

    /// Forgets an opened file: another one has, or will have, its name.
    pub(super) fn forget(&self, level: u8, first: u32) {
        self.tables.remove(&(level, first));
    }

    /// The place of a sealed segment.
    pub(super) fn whole(&self, number: u32) -> Result<SegmentPlace, IndexError> {
        let first = self.source.first_of(number).map_err(IndexError::Journal)?;
        Ok(SegmentPlace::new(number, first))
    }

    /// The lookups of a place whose file is lost, made from the journal. Memory is that of one segment.
    pub(super) fn rebuilt(&self, place: &SegmentPlace) -> Result<Arc<Part>, IndexError> {
        let key = (place.number, place.first, place.through);
        if let Some(part) = self.rebuilt.get(&key) {
            return Ok(part);
        }
        let part = Arc::new(self.replayed(place)?);
        self.rebuilt.insert(key, Arc::clone(&part));
        Ok(part)
    }

    /// The lookups of a place, made from the journal.
    pub(super) fn replayed(&self, place: &SegmentPlace) -> Result<Part, IndexError> {
        let SegmentPlace { number, first, begin, through, .. } = *place;
        let mut part = Part::new(number, first);
        let mut push = |fact: Fact<'_>| match fact {
            Fact::Event { event, key, location } if event.position() <= through => {
                part.push(&event, key, location);
            }
            Fact::Gap { gap, location } if *gap.end() <= through => part.push_gap(gap, location.offset),
            _ => {}
        };
        self.source.replay(number, (begin, first), &mut push).map_err(IndexError::Journal)?;
        Ok(part)
    }

    /// Takes note that a file answers no more, unless that is known.
    pub(super) fn note_lost(&self, level: u8, first: u32, error: &IndexError, is_known: bool) {
        if is_known {
            return;
        }
        self.counters.lost.fetch_add(1, Ordering::Relaxed);
        self.counters.is_due.store(true, Ordering::Release);
        self.tables.remove(&(level, first));
        let file = file_name(level, first);
        match error {
            IndexError::Storage(cause) if is_lost(cause) => {
                tracing::info!(file, "a file of the index is missing and is rebuilt from the journal");
            }
            error => tracing::warn!(
                file,
                error = error as &dyn std::error::Error,
                "a file of the index is lost and is rebuilt from the journal"
            ),
        }
    }

    /// What the caches hold.
    #[cfg(test)]
    pub(super) fn held(&self) -> Held {
        Held {
            block_bytes: (self.blocks.len() * BLOCK_BYTES) as u64,
            tables: self.tables.len(),
            rebuilt: self.rebuilt.len(),
        }
    }
}

/// What the caches of the index hold.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Held {
    /// Bytes of blocks.
    pub(crate) block_bytes: u64,
    /// Open files.
    pub(crate) tables: usize,
    /// Segments that were rebuilt in memory.
    pub(crate) rebuilt: usize,
}

/// What is kept of every segment, or of every piece of one: under a hundred bytes for each.
#[derive(Debug, Clone)]
pub(super) struct SegmentPlace {
    pub(super) number: u32,
    pub(super) first: Position,
    /// The level of its file.
    pub(super) level: u8,
    /// The byte of the segment at which the first record that it tells of can stand; 0 for the segment's begin.
    pub(super) begin: u32,
    /// Up to where its file tells of it; [`Position::END`] unless it is a piece.
    pub(super) through: Position,
    /// Whether its file is known to be of no use.
    pub(super) is_lost: Arc<AtomicBool>,
}

impl SegmentPlace {
    pub(super) fn new(number: u32, first: Position) -> Self {
        Self { number, first, level: 0, begin: 0, through: Position::END, is_lost: Arc::default() }
    }

    /// The file, unless it is another one of its name: beside a reader, a writer that recovers makes its pieces anew.
    pub(super) fn told_by(&self, table: Arc<Table>) -> Result<Arc<Table>, IndexError> {
        let Stretch { first, last, .. } = table.header.stretch;
        let is_same = !self.is_piece() || (first, last) == (self.first.get(), self.through.get());
        if is_same { Ok(table) } else { Err(table.damaged(0)) }
    }

    /// Whether its file tells of a piece of the segment only.
    pub(super) fn is_piece(&self) -> bool {
        is_piece(self.level)
    }
}
