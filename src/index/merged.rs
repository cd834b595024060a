//! A merge of the names of 8, 64, 512 or 4,096 neighbouring segments: for each name, in which of them it occurs.

use super::bytes::{Bytes, put_varint};
use super::directory::{Directory, key_of, prefix_of};
use super::files::Files;
use super::sealed::decode_gaps;
use super::table::Table;
use super::{IndexError, Sort, filter};
use crate::position::Position;
use crate::region::{EntityMatch, Region, Term};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How many neighbours of one level make one of the next.
pub(super) const FAN_IN: u32 = 8;
/// A set of segments takes at most 512 bytes, so that a name's entry fits into a block.
pub(super) const LEVEL_MAX: u8 = 4;
/// The most names whose segments are gathered for a prefix: with more, every segment is taken for one that may answer.
const PREFIX_NAMES_MAX: usize = 256;

/// How many segments a merge of this level covers.
pub(super) fn span(level: u8) -> u32 {
    FAN_IN.pow(u32::from(level))
}

/// A merge, as known without reading it.
#[derive(Debug, Clone)]
pub(super) struct Merged {
    pub(super) level: u8,
    first: u32,
    is_lost: Arc<AtomicBool>,
}

impl Merged {
    pub(super) fn new(level: u8, first: u32) -> Self {
        Self { level, first, is_lost: Arc::default() }
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

    pub(super) fn table(&self, files: &Files) -> Result<Arc<Table>, IndexError> {
        files.table(self.level, self.first, self.last_segment())
    }

    /// The numbers of the segments in which the name occurs, ascending; `None` if the merge cannot tell.
    pub(super) fn segments_of(&self, files: &Files, sort: Sort, name: &[u8]) -> Option<Vec<u32>> {
        self.ask(files, |table| numbers_of(table, sort, &key_of(name)))
    }

    /// The numbers of the segments that can have events of the region, ascending; `None` if that may be all.
    pub(super) fn segments_in(&self, files: &Files, region: &Region) -> Option<Vec<u32>> {
        self.ask(files, |table| {
            let mut numbers = Vec::new();
            for term in region.terms() {
                match numbers_in(table, term)? {
                    Some(more) => numbers.extend(more),
                    None => return Ok(None),
                }
            }
            numbers.sort_unstable();
            numbers.dedup();
            Ok(Some(numbers))
        })?
    }

    /// The gaps of all its segments; `None` if the merge cannot tell.
    pub(super) fn gaps(&self, files: &Files) -> Option<Vec<RangeInclusive<Position>>> {
        self.ask(files, decode_gaps)
    }

    /// A merge that does not answer is left out from now on: its segments know everything it knows.
    fn ask<T>(&self, files: &Files, look: impl Fn(&Table) -> Result<T, IndexError>) -> Option<T> {
        match self.table(files).and_then(|table| look(&table)) {
            Ok(answer) => Some(answer),
            Err(error) => {
                let is_known = self.is_lost.swap(true, Ordering::AcqRel);
                files.note_lost(self.level, self.first, &error, is_known);
                None
            }
        }
    }
}

pub(super) fn numbers_of(table: &Table, sort: Sort, key: &[u8]) -> Result<Vec<u32>, IndexError> {
    if !table.may_hold(filter::hash(sort, key))? {
        return Ok(Vec::new());
    }
    match Directory::new(table, sort.section()).find(key)? {
        Some((leaf, at)) => table.sound(0, leaf.value(at).and_then(|value| decode_numbers(table, value))),
        None => Ok(Vec::new()),
    }
}

/// The segments that can have events of a term; `None` if that may be all.
fn numbers_in(table: &Table, term: &Term) -> Result<Option<Vec<u32>>, IndexError> {
    let entity = match &term.entity {
        EntityMatch::Exact(name) => Some(name.as_str()),
        EntityMatch::Any | EntityMatch::Prefix(_) => None,
    };
    let names =
        [(Sort::Entity, entity), (Sort::Scope, term.scope.as_deref()), (Sort::Kind, term.kind.as_deref())];
    let mut numbers = match &term.entity {
        EntityMatch::Prefix(prefix) => numbers_with(table, prefix)?,
        EntityMatch::Any | EntityMatch::Exact(_) => None,
    };
    for (sort, name) in names {
        let Some(name) = name else { continue };
        let more = numbers_of(table, sort, &key_of(name.as_bytes()))?;
        numbers = Some(match numbers {
            Some(numbers) => {
                numbers.into_iter().filter(|number| more.binary_search(number).is_ok()).collect()
            }
            None => more,
        });
    }
    Ok(numbers)
}

/// The segments that have entities whose name begins so; `None` if there are too many names to ask.
pub(super) fn numbers_with(table: &Table, prefix: &str) -> Result<Option<Vec<u32>>, IndexError> {
    let head = prefix_of(prefix.as_bytes());
    let directory = Directory::new(table, Sort::Entity.section());
    if directory.ranks_with(head)?.len() > PREFIX_NAMES_MAX {
        return Ok(None);
    }
    let (mut walk, mut numbers) = (directory.walk_from(head)?, Vec::new());
    while let Some((leaf, at)) = walk.next(table)? {
        if !table.sound(0, leaf.key(at))?.starts_with(head) {
            break;
        }
        numbers.extend(table.sound(0, leaf.value(at).and_then(|value| decode_numbers(table, value)))?);
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(Some(numbers))
}

/// Segments as bytes: as steps from one to the next, or, if that is shorter, as one bit for each.
pub(super) fn encode_numbers(numbers: &[u32], first: u32, out: &mut Vec<u8>) {
    let mut steps = Vec::new();
    let mut expected = first;
    for number in numbers {
        put_varint(&mut steps, u64::from(number - expected));
        expected = number + 1;
    }
    let bits = numbers.last().map_or(0, |last| (last - first) as usize / 8 + 1);
    if steps.len() <= bits {
        put_varint(out, (numbers.len() as u64) << 1);
        out.extend_from_slice(&steps);
        return;
    }
    put_varint(out, (bits as u64) << 1 | 1);
    let begin = out.len();
    out.resize(begin + bits, 0);
    for number in numbers {
        let bit = (number - first) as usize;
        out[begin + bit / 8] |= 1 << (bit % 8);
    }
}

/// The segments of a name; those of a single segment's file are that one.
pub(super) fn decode_numbers(table: &Table, mut value: Bytes<'_>) -> Option<Vec<u32>> {
    let stretch = &table.header.stretch;
    if table.header.level == 0 {
        return Some(vec![stretch.first_segment]);
    }
    let head = value.small()?;
    let mut numbers = Vec::new();
    if head & 1 == 0 {
        let mut expected = stretch.first_segment;
        for _ in 0..head >> 1 {
            let number = expected.checked_add(value.small()?)?;
            numbers.push(number);
            expected = number.checked_add(1)?;
        }
    } else {
        for (byte, bits) in (0_u32..).zip(value.take(head as usize >> 1)?) {
            let set = (0..8).filter(|bit| bits & (1 << bit) != 0);
            numbers.extend(set.map(|bit| stretch.first_segment.saturating_add(byte * 8 + bit)));
        }
    }
    let is_inside = numbers.last().is_none_or(|last| *last <= stretch.last_segment);
    is_inside.then_some(numbers)
}
