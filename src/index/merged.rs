//! A merge of the names of 8, 64, 512 or 4,096 neighbouring segments: for each name, in which of them it occurs, and where
//! the few events of an entity stand.

use super::directory::{Directory, key_of, prefix_of};
use super::files::Files;
use super::gaps::{Gap, gaps_within};
use super::header::Content;
use super::scattered::Scattered;
use super::segments::{SegmentSet, decode_segments, span};
use super::table::Table;
use super::{IndexError, Sort, filter};
use crate::position::Position;
use crate::region::{EntityMatch, Region, Term};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// The most names whose segments are gathered for a prefix: with more, every segment is taken for one that may answer.
const PREFIX_NAMES_MAX: usize = 256;

/// A merge, as known without reading it.
#[derive(Debug, Clone)]
pub(super) struct Merged {
    pub(super) level: u8,
    first: u32,
    is_lost: Arc<AtomicBool>,
    /// Its file, once it was asked. It stays open: of merges there are at most eight of a level, but for the highest, of which
    /// one stands for 4,096 segments.
    table: Arc<OnceLock<Arc<Table>>>,
}

impl Merged {
    pub(super) fn new(level: u8, first: u32) -> Self {
        Self { level, first, is_lost: Arc::default(), table: Arc::default() }
    }

    pub(super) fn first_segment(&self) -> u32 {
        self.first
    }

    pub(super) fn last_segment(&self) -> u32 {
        self.first + (span(self.level) - 1)
    }

    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    pub(super) fn table(&self, files: &Files) -> Result<&Arc<Table>, IndexError> {
        if let Some(table) = self.table.get() {
            return Ok(table);
        }
        let table = files.table(self.level, self.first, self.last_segment())?;
        Ok(self.table.get_or_init(|| table))
    }

    /// The numbers of the segments in which the name occurs, ascending; `None` if the merge cannot tell.
    pub(super) fn segments_of(&self, files: &Files, sort: Sort, name: &[u8]) -> Option<Vec<u32>> {
        self.ask(files, |table| Ok(segments_of(table, sort, &key_of(name))?.iter().collect()))
    }

    /// What it knows of the events of an entity; `None` if the merge cannot tell.
    pub(super) fn scattered(&self, files: &Files, entity: &str) -> Option<Scattered> {
        self.ask(files, |table| scattered(table, &key_of(entity.as_bytes())))
    }

    /// The numbers of the segments that can have events of the region, ascending; `None` if that may be all.
    pub(super) fn segments_in(&self, files: &Files, region: &Region) -> Option<Vec<u32>> {
        self.ask(files, |table| {
            let mut segments = none_of(table)?;
            for term in region.terms() {
                match segments_in(table, term)? {
                    Some(more) => segments.add(&more),
                    None => return Ok(None),
                }
            }
            Ok(Some(segments.iter().collect()))
        })?
    }

    /// The gaps of all its segments after `after` and up to `through`; `None` if the merge cannot tell.
    pub(super) fn gaps(&self, files: &Files, after: Position, through: Position) -> Option<Vec<Gap>> {
        self.ask(files, |table| gaps_within(table, after, through))
    }

    /// A merge that does not answer is left out from now on: its segments know everything it knows.
    fn ask<T>(&self, files: &Files, look: impl Fn(&Table) -> Result<T, IndexError>) -> Option<T> {
        match self.table(files).and_then(|table| look(table)) {
            Ok(answer) => Some(answer),
            Err(error) => {
                let is_known = self.is_lost.swap(true, Ordering::AcqRel);
                files.note_lost(self.level, self.first, &error, is_known);
                None
            }
        }
    }
}

fn none_of(table: &Table) -> Result<SegmentSet, IndexError> {
    table.sound(0, SegmentSet::within(&table.header.stretch))
}

pub(super) fn segments_of(table: &Table, sort: Sort, key: &[u8]) -> Result<SegmentSet, IndexError> {
    if !table.may_hold(filter::hash(sort, key))? {
        return none_of(table);
    }
    match Directory::new(table, sort.section()).find(key)? {
        Some((leaf, at)) => {
            table.sound(0, leaf.value(at).and_then(|mut value| decode_segments(table, &mut value)))
        }
        None => none_of(table),
    }
}

/// What a merge knows of the events of an entity.
pub(super) fn scattered(table: &Table, key: &[u8]) -> Result<Scattered, IndexError> {
    if table.may_hold(filter::hash(Sort::Entity, key))?
        && let Some((leaf, at)) = Directory::new(table, Content::Entities).find(key)?
    {
        return table.sound(0, Scattered::decode(table, &leaf, at));
    }
    none_of(table).map(Scattered::asked)
}

/// The segments that can have events of a term; `None` if that may be all.
fn segments_in(table: &Table, term: &Term) -> Result<Option<SegmentSet>, IndexError> {
    let entity = match &term.entity {
        EntityMatch::Exact(name) => Some(name.as_str()),
        EntityMatch::Any | EntityMatch::Prefix(_) => None,
    };
    let names =
        [(Sort::Entity, entity), (Sort::Scope, term.scope.as_deref()), (Sort::Kind, term.kind.as_deref())];
    let mut segments = match &term.entity {
        EntityMatch::Prefix(prefix) => segments_with(table, prefix)?,
        EntityMatch::Any | EntityMatch::Exact(_) => None,
    };
    for (sort, name) in names {
        let Some(name) = name else { continue };
        let more = segments_of(table, sort, &key_of(name.as_bytes()))?;
        match &mut segments {
            Some(segments) => segments.keep(&more),
            None => segments = Some(more),
        }
    }
    Ok(segments)
}

/// The segments that have entities whose name begins so; `None` if there are too many names to ask.
pub(super) fn segments_with(table: &Table, prefix: &str) -> Result<Option<SegmentSet>, IndexError> {
    let head = prefix_of(prefix.as_bytes());
    let directory = Directory::new(table, Sort::Entity.section());
    if directory.ranks_with(head)?.len() > PREFIX_NAMES_MAX {
        return Ok(None);
    }
    let (mut walk, mut segments) = (directory.walk_from(head)?, none_of(table)?);
    while let Some((leaf, at)) = walk.next(table)? {
        if !table.sound(0, leaf.key(at))?.starts_with(head) {
            break;
        }
        let more = leaf.value(at).and_then(|mut value| decode_segments(table, &mut value));
        segments.add(&table.sound(0, more)?);
    }
    Ok(Some(segments))
}
