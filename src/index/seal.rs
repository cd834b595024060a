//! Writes what the index knows of one segment, or of a piece of it, into a file beside it.

use super::checkpoints::State;
use super::directory::{DirectoryWriter, LONG_BYTES, key_of};
use super::files::file_name;
use super::filter::{self, FilterWriter};
use super::gaps::put_gap;
use super::header::{Content, Stretch};
use super::names::{Names, head};
use super::part::{Part, Record};
use super::postings::{Postings, Spot, Stand, Steps};
use super::writer::TableWriter;
use super::{Sort, bytes, column};
use crate::storage::{Storage, StorageError};
use std::borrow::Cow;
use std::sync::Arc;

/// Marks an offset as that of a gap's record.
pub(super) const GAP_BIT: u32 = 1;
/// The offset stands above that mark, so that a column is no wider than the segment is long.
pub(super) const OFFSET_SHIFT: u32 = 1;

/// Writes the lookups of these parts, which follow one another, as the file of their level. Without a state, the file answers
/// for its stretch but not for what was true at its end.
pub(super) fn write(
    storage: &Arc<dyn Storage>,
    level: u8,
    stretch: Stretch,
    parts: &[&Part],
    state: Option<&State>,
) -> Result<(), StorageError> {
    let name = file_name(level, stretch.first_segment);
    let mut writer = TableWriter::create(storage, name, stretch, level)?;
    let mut sealing = Sealing {
        parts,
        steps: Steps::Places,
        spots: Vec::new(),
        writer: &mut writer,
        heap: Vec::new(),
        hashes: Vec::new(),
        value: Vec::new(),
    };
    sealing.steps = Sort::Entity.steps(&stretch);
    let entity = |part: &Part, number| Some(part.newest_version(number).get());
    let entities = sealing.names(Sort::Entity, |part| &part.entities, entity)?;
    sealing.steps = Steps::Places;
    let scopes = sealing.names(Sort::Scope, |part| &part.scopes, |_, _| None)?;
    let kinds = sealing.names(Sort::Kind, |part| &part.kinds, |_, _| None)?;
    sealing.keys()?;
    sealing.causes()?;
    crate::point("index.seal.names_written");
    let Sealing { heap, hashes, .. } = sealing;
    writer.push_bytes(Content::Heap, &heap)?;
    writer.push_filter(&filter_of(&hashes))?;
    put_offsets(&mut writer, parts)?;
    put_column(&mut writer, Content::EntityColumn, parts, &entities, |record| record.entity)?;
    put_column(&mut writer, Content::ScopeColumn, parts, &scopes, |record| record.scope)?;
    put_column(&mut writer, Content::KindColumn, parts, &kinds, |record| record.kind)?;
    let mut gaps = Vec::new();
    parts.iter().flat_map(|part| part.gaps()).for_each(|gap| put_gap(&mut gaps, gap));
    writer.push_bytes(Content::Gaps, &gaps)?;
    writer.push_bytes(Content::State, &state.map(State::encode).unwrap_or_default())?;
    writer.finish()
}

/// By part and number of the name there: the name's rank among those of all parts. And how many those are.
struct Ranks {
    by_part: Vec<Vec<u32>>,
    names: u32,
}

/// A file's directories, while they are written.
struct Sealing<'a> {
    parts: &'a [&'a Part],
    /// How the places of the names in hand are told, and those of the last; kept for their memory.
    steps: Steps,
    spots: Vec<Spot>,
    writer: &'a mut TableWriter,
    /// Written behind the directories, which point into it.
    heap: Vec<u8>,
    /// Of all names, for the filter, which is made when it is known how many there are.
    hashes: Vec<u64>,
    /// What stands with the name in hand; kept for its memory.
    value: Vec<u8>,
}

impl<'a> Sealing<'a> {
    /// Writes the names of one sort.
    fn names(
        &mut self,
        sort: Sort,
        names: impl Fn(&'a Part) -> &'a Names,
        version: impl Fn(&Part, u32) -> Option<u64>,
    ) -> Result<Ranks, StorageError> {
        let parts = self.parts;
        let mut sorted =
            self.gathered(|part| names(part).iter().map(|(name, number)| (ordered(name.as_bytes()), number)));
        // Those of each part are in order already, unless there are long names.
        sorted.sort();
        let (block, mut directory) = (self.writer.next_block(), DirectoryWriter::default());
        let mut by_part: Vec<Vec<u32>> = parts.iter().map(|part| vec![0; names(part).len()]).collect();
        let mut count = 0;
        for same in sorted.chunk_by(|(one, ..), (next, ..)| one == next) {
            for (_, at, number) in same {
                by_part[*at][*number as usize] = count;
                self.add_spots(*at, names(parts[*at]).postings(*number));
            }
            // The newest part with the name knows its newest version.
            let ((_, key), at, number) = &same[same.len() - 1];
            self.encode(version(parts[*at], *number));
            if key.len() == LONG_BYTES {
                let name = names(parts[*at]).name(*number).as_bytes();
                bytes::put_varint(&mut self.value, self.heap.len() as u64);
                bytes::put_varint(&mut self.value, name.len() as u64);
                self.heap.extend_from_slice(name);
            }
            self.push(&mut directory, sort, key)?;
            count += 1;
        }
        directory.finish(self.writer, sort.section(), block)?;
        Ok(Ranks { by_part, names: count })
    }

    fn keys(&mut self) -> Result<(), StorageError> {
        let mut sorted = self.gathered(|part| part.keys().map(|(key, place)| (ordered(key), place)));
        sorted.sort_unstable();
        let (block, mut directory) = (self.writer.next_block(), DirectoryWriter::default());
        for same in sorted.chunk_by(|(one, ..), (next, ..)| one == next) {
            let ((_, key), at, place) = &same[same.len() - 1];
            self.add_spots(*at, &[*place]);
            self.encode(None);
            self.push(&mut directory, Sort::Key, key)?;
        }
        directory.finish(self.writer, Sort::Key.section(), block)
    }

    fn causes(&mut self) -> Result<(), StorageError> {
        let mut sorted = self.gathered(Part::causes);
        sorted.sort_unstable_by_key(|(cause, at, _)| (*cause, *at));
        let (block, mut directory) = (self.writer.next_block(), DirectoryWriter::default());
        for same in sorted.chunk_by(|(one, ..), (next, ..)| one == next) {
            same.iter().for_each(|(_, at, places)| self.add_spots(*at, places));
            self.encode(None);
            // The order of big-endian bytes is the order of the numbers.
            self.push(&mut directory, Sort::Cause, &same[0].0.get().to_be_bytes())?;
        }
        directory.finish(self.writer, Sort::Cause.section(), block)
    }

    /// What all parts have of one sort, each with the part's index between its key and its value.
    fn gathered<K, V, I>(&self, of_part: impl Fn(&'a Part) -> I) -> Vec<(K, usize, V)>
    where
        I: Iterator<Item = (K, V)>,
    {
        let parts = self.parts.iter().enumerate();
        parts.flat_map(|(at, part)| of_part(part).map(move |(key, value)| (key, at, value))).collect()
    }

    /// Adds places of a part to those of the name in hand.
    fn add_spots(&mut self, at: usize, places: &[u32]) {
        let (part, is_located) = (self.parts[at], self.steps != Steps::Places);
        // No stretch has more places than a number has room for.
        let before = part.first().since(self.parts[0].first()) as u32;
        let spot = |place: &u32| {
            let record = part.records().get(*place as usize).filter(|_| is_located);
            let stand = record.map(|record| Stand { offset: record.offset, length: record.length });
            Spot { place: before + *place, stand }
        };
        self.spots.extend(places.iter().map(spot));
    }

    /// Encodes what stands with the name in hand: where its events are, and its version.
    fn encode(&mut self, version: Option<u64>) {
        self.value.clear();
        Postings::put(&mut self.heap, &self.spots, self.steps).encode(&mut self.value);
        self.spots.clear();
        if let Some(version) = version {
            bytes::put_varint(&mut self.value, version);
        }
    }

    fn push(&mut self, directory: &mut DirectoryWriter, sort: Sort, key: &[u8]) -> Result<(), StorageError> {
        self.hashes.push(filter::hash(sort, key));
        directory.push(self.writer, key, &self.value)
    }
}

fn filter_of(hashes: &[u64]) -> FilterWriter {
    let mut filter = FilterWriter::for_names(hashes.len() as u64);
    hashes.iter().for_each(|hash| filter.add(*hash));
    filter
}

/// A name as it stands in a directory, behind what is quickly compared of it.
fn ordered(name: &[u8]) -> (u128, Cow<'_, [u8]>) {
    let key = key_of(name);
    (head(&key), key)
}

fn put_offsets(writer: &mut TableWriter, parts: &[&Part]) -> Result<(), StorageError> {
    // No segment is so long that a bit would be lost.
    let marked =
        |record: &Record| record.offset << OFFSET_SHIFT | if record.length == 0 { GAP_BIT } else { 0 };
    let values: Vec<u32> = parts.iter().flat_map(|part| part.records()).map(marked).collect();
    let most = values.iter().max().copied().unwrap_or_default();
    column::put(writer, Content::Offsets, values.into_iter(), most)
}

/// Writes, by place, the rank of the name that the event there carries.
fn put_column(
    writer: &mut TableWriter,
    section: Content,
    parts: &[&Part],
    ranks: &Ranks,
    number: impl Fn(&Record) -> u32,
) -> Result<(), StorageError> {
    // Where there is no event stands a rank that no name has.
    let none = ranks.names;
    let mut values = Vec::new();
    for (part, ranks) in parts.iter().zip(&ranks.by_part) {
        values.extend(part.records().iter().map(|record| match record.length {
            0 => none,
            _ => ranks.get(number(record) as usize).copied().unwrap_or(none),
        }));
    }
    let is_whole = parts.iter().all(|part| part.gaps().is_empty());
    let most = if is_whole { none.saturating_sub(1) } else { none };
    column::put(writer, section, values.into_iter(), most)
}
