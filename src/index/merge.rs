//! Merges the names of neighbours into one file, in steps, so that whoever runs it can do something else in between.

use super::directory::{DirectoryWriter, Walk};
use super::files::{Files, file_name};
use super::filter::{self, FilterWriter};
use super::gaps::{each_gap, put_gap};
use super::header::Content;
use super::merged::Merged;
use super::postings::Steps;
use super::scattered::{Scattered, encode_told};
use super::segments::{decode_segments, encode_segments};
use super::table::Table;
use super::writer::TableWriter;
use super::{IndexError, Sort};
use std::sync::Arc;

/// Names over which a merge makes no filter: in memory it would be larger than a segment.
const FILTER_NAMES_MAX: u64 = 16 << 20;

/// A merge that is being made.
#[derive(Debug)]
pub(super) struct Merging {
    writer: TableWriter,
    sources: Vec<Arc<Table>>,
    first_segment: u32,
    /// How it is told where an entity's events stand.
    steps: Steps,
    filter: Option<FilterWriter>,
    /// How many names were merged.
    names: u64,
    /// The sorts that are left, and the one in hand.
    sorts: std::slice::Iter<'static, Sort>,
    hand: Option<Hand>,
    value: Vec<u8>,
}

/// The names of one sort, being merged.
#[derive(Debug)]
struct Hand {
    sort: Sort,
    block: u32,
    directory: DirectoryWriter,
    /// One for each source: the walk over its names, and the next of them.
    heads: Vec<(Walk, Head)>,
}

impl Merging {
    pub(super) fn begin(files: &Files, merge: &Merged, sources: Vec<Arc<Table>>) -> Result<Self, IndexError> {
        let stretch = files.stretch(merge.first_segment(), merge.last_segment())?;
        let name = file_name(merge.level, merge.first_segment());
        let count = |table: &Arc<Table>| -> u64 {
            Sort::ALL.iter().map(|sort| table.header.section(sort.section()).items).sum()
        };
        let names = sources.iter().map(count).sum();
        Ok(Self {
            writer: TableWriter::create(&files.storage, name, stretch, merge.level)?,
            sources,
            first_segment: merge.first_segment(),
            steps: Sort::Entity.steps(&stretch),
            filter: (names <= FILTER_NAMES_MAX).then(|| FilterWriter::for_at_most(names)),
            names: 0,
            sorts: Sort::ALL.iter(),
            hand: None,
            value: Vec::new(),
        })
    }

    /// Merges at most `names` names; true when there are no more.
    pub(super) fn step(&mut self, names: usize) -> Result<bool, IndexError> {
        for _ in 0..names {
            if self.hand.is_none() && !self.next_sort()? {
                return Ok(true);
            }
            self.next_name()?;
        }
        Ok(false)
    }

    /// Writes what is left and gives the file its name.
    pub(super) fn finish(mut self) -> Result<(), IndexError> {
        let mut gaps = Vec::new();
        for source in &self.sources {
            each_gap(source, |gap| put_gap(&mut gaps, &gap))?;
        }
        self.writer.push_bytes(Content::Gaps, &gaps)?;
        self.writer.push_bytes(Content::Firsts, &self.firsts()?)?;
        if let Some(filter) = &mut self.filter {
            filter.cut_back(self.names);
            self.writer.push_filter(filter)?;
        }
        Ok(self.writer.finish()?)
    }

    /// The first positions of all its segments, so that opening need not read them one by one.
    fn firsts(&self) -> Result<Vec<u8>, IndexError> {
        let mut firsts = Vec::new();
        for source in &self.sources {
            match source.header.level {
                0 => firsts.extend_from_slice(&source.header.stretch.first.to_le_bytes()),
                _ => firsts.extend(source.all_bytes_once(Content::Firsts)?),
            }
        }
        Ok(firsts)
    }

    fn next_sort(&mut self) -> Result<bool, IndexError> {
        let Some(sort) = self.sorts.next() else { return Ok(false) };
        let mut heads = Vec::new();
        for source in &self.sources {
            let mut walk = Walk::whole(source.header.section(sort.section()));
            let head = next_head(&mut walk, source, *sort)?;
            heads.push((walk, head));
        }
        let (block, directory) = (self.writer.next_block(), DirectoryWriter::default());
        self.hand = Some(Hand { sort: *sort, block, directory, heads });
        Ok(true)
    }

    /// Takes the least name that any source has next, with the segments of all that have it.
    fn next_name(&mut self) -> Result<(), IndexError> {
        let Some(hand) = &mut self.hand else { return Ok(()) };
        let least = hand.heads.iter().filter_map(|(_, head)| head.as_ref()).map(|(key, _)| key).min();
        let Some(key) = least.cloned() else {
            let Some(Hand { sort, block, directory, .. }) = self.hand.take() else { return Ok(()) };
            directory.finish(&mut self.writer, sort.section(), block)?;
            return Ok(());
        };
        let (mut segments, mut told) = (Vec::new(), Vec::new());
        for ((walk, head), source) in hand.heads.iter_mut().zip(&self.sources) {
            if let Some((_, more)) = head.take_if(|(other, _)| *other == key) {
                // The sources are in the order of their segments.
                segments.extend(more.segments.iter());
                told.extend(more.into_told());
                *head = next_head(walk, source, hand.sort)?;
            }
        }
        self.value.clear();
        encode_segments(&segments, self.first_segment, &mut self.value);
        if hand.sort == Sort::Entity {
            encode_told(&told, &segments, self.steps, &mut self.value);
        }
        self.names += 1;
        if let Some(filter) = &mut self.filter {
            filter.add(filter::hash(hand.sort, &key));
        }
        Ok(hand.directory.push(&mut self.writer, &key, &self.value)?)
    }
}

/// A source's next name, with the segments that have it.
type Head = Option<(Vec<u8>, Scattered)>;

fn next_head(walk: &mut Walk, source: &Table, sort: Sort) -> Result<Head, IndexError> {
    let Some((leaf, at)) = walk.next(source)? else { return Ok(None) };
    let occurs = match sort {
        Sort::Entity => Scattered::decode(source, leaf, at),
        _ => leaf.value(at).and_then(|mut value| decode_segments(source, &mut value)).map(Scattered::asked),
    };
    source.sound(0, leaf.key(at).zip(occurs)).map(Some)
}
