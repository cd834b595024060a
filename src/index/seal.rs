//! Writes what the index knows of one segment into a file beside it.

use super::checkpoints::State;
use super::directory::{DirectoryWriter, LONG_BYTES, key_of};
use super::files::file_name;
use super::filter::{self, FilterWriter};
use super::gaps::put_gap;
use super::header::{Content, Stretch};
use super::names::Names;
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

/// Writes the lookups of `part` as the file of its level. Without a state, the file answers for its segment but not for
/// what was true at its end.
pub(super) fn write(
    storage: &Arc<dyn Storage>,
    level: u8,
    stretch: Stretch,
    part: &Part,
    state: Option<&State>,
) -> Result<(), StorageError> {
    let name = file_name(level, stretch.first_segment);
    let mut writer = TableWriter::create(storage, name, stretch, level)?;
    let (keys, causes) = (part.keys().len(), part.causes().len());
    let names = part.entities.len() + part.scopes.len() + part.kinds.len() + keys + causes;
    let mut sealing = Sealing {
        part,
        steps: Steps::Places,
        spots: Vec::new(),
        writer: &mut writer,
        heap: Vec::new(),
        filter: FilterWriter::for_names(names as u64),
        value: Vec::new(),
    };
    sealing.steps = Sort::Entity.steps(&stretch);
    let entity = |number| Some(part.newest_version(number).get());
    let entities = sealing.names(Sort::Entity, &part.entities, entity)?;
    sealing.steps = Steps::Places;
    let scopes = sealing.names(Sort::Scope, &part.scopes, |_| None)?;
    let kinds = sealing.names(Sort::Kind, &part.kinds, |_| None)?;
    sealing.keys()?;
    sealing.causes()?;
    crate::point("index.seal.names_written");
    let Sealing { heap, filter, .. } = sealing;
    writer.push_bytes(Content::Heap, &heap)?;
    writer.push_filter(&filter)?;
    put_offsets(&mut writer, part)?;
    put_column(&mut writer, Content::EntityColumn, part, &entities, |record| record.entity)?;
    put_column(&mut writer, Content::ScopeColumn, part, &scopes, |record| record.scope)?;
    put_column(&mut writer, Content::KindColumn, part, &kinds, |record| record.kind)?;
    let mut gaps = Vec::new();
    part.gaps().iter().for_each(|gap| put_gap(&mut gaps, gap));
    writer.push_bytes(Content::Gaps, &gaps)?;
    writer.push_bytes(Content::State, &state.map(State::encode).unwrap_or_default())?;
    writer.finish()
}

/// A file's directories, while they are written.
struct Sealing<'a> {
    part: &'a Part,
    /// How the places of the names in hand are told, and those of the last; kept for their memory.
    steps: Steps,
    spots: Vec<Spot>,
    writer: &'a mut TableWriter,
    /// Written behind the directories, which point into it.
    heap: Vec<u8>,
    filter: FilterWriter,
    /// What stands with the name in hand; kept for its memory.
    value: Vec<u8>,
}

impl Sealing<'_> {
    /// Writes the names of one sort; gives, by number, the rank of each.
    fn names(
        &mut self,
        sort: Sort,
        names: &Names,
        version: impl Fn(u32) -> Option<u64>,
    ) -> Result<Vec<u32>, StorageError> {
        let mut sorted: Vec<(Cow<'_, [u8]>, u32)> =
            names.iter().map(|(name, number)| (key_of(name.as_bytes()), number)).collect();
        // In order already, unless there are long names.
        sorted.sort();
        let (block, mut directory) = (self.writer.next_block(), DirectoryWriter::default());
        let mut ranks = vec![0; sorted.len()];
        for (rank, (key, number)) in (0..).zip(sorted) {
            ranks[number as usize] = rank;
            self.encode(names.postings(number), version(number));
            if key.len() == LONG_BYTES {
                let name = names.name(number).as_bytes();
                bytes::put_varint(&mut self.value, self.heap.len() as u64);
                bytes::put_varint(&mut self.value, name.len() as u64);
                self.heap.extend_from_slice(name);
            }
            self.push(&mut directory, sort, &key)?;
        }
        directory.finish(self.writer, sort.section(), block)?;
        Ok(ranks)
    }

    fn keys(&mut self) -> Result<(), StorageError> {
        let mut sorted: Vec<(&[u8], u32)> = self.part.keys().collect();
        sorted.sort_unstable();
        let (block, mut directory) = (self.writer.next_block(), DirectoryWriter::default());
        for (key, place) in sorted {
            self.encode(&[place], None);
            self.push(&mut directory, Sort::Key, &key_of(key))?;
        }
        directory.finish(self.writer, Sort::Key.section(), block)
    }

    fn causes(&mut self) -> Result<(), StorageError> {
        let (block, mut directory) = (self.writer.next_block(), DirectoryWriter::default());
        for (cause, places) in self.part.causes() {
            self.encode(places, None);
            // The order of big-endian bytes is the order of the numbers.
            self.push(&mut directory, Sort::Cause, &cause.get().to_be_bytes())?;
        }
        directory.finish(self.writer, Sort::Cause.section(), block)
    }

    fn encode(&mut self, places: &[u32], version: Option<u64>) {
        let (is_located, records) = (self.steps != Steps::Places, self.part.records());
        let spot = |place: &u32| {
            let record = records.get(*place as usize).filter(|_| is_located);
            let stand = record.map(|record| Stand { offset: record.offset, length: record.length });
            Spot { place: *place, stand }
        };
        self.spots.clear();
        self.spots.extend(places.iter().map(spot));
        self.value.clear();
        Postings::put(&mut self.heap, &self.spots, self.steps).encode(&mut self.value);
        if let Some(version) = version {
            bytes::put_varint(&mut self.value, version);
        }
    }

    fn push(&mut self, directory: &mut DirectoryWriter, sort: Sort, key: &[u8]) -> Result<(), StorageError> {
        self.filter.add(filter::hash(sort, key));
        directory.push(self.writer, key, &self.value)
    }
}

fn put_offsets(writer: &mut TableWriter, part: &Part) -> Result<(), StorageError> {
    // No segment is so long that a bit would be lost.
    let marked =
        |record: &Record| record.offset << OFFSET_SHIFT | if record.length == 0 { GAP_BIT } else { 0 };
    let most = part.records().iter().map(marked).max().unwrap_or_default();
    column::put(writer, Content::Offsets, part.records().iter().map(marked), most)
}

/// Writes, by place, the rank of the name that the event there carries.
fn put_column(
    writer: &mut TableWriter,
    section: Content,
    part: &Part,
    ranks: &[u32],
    number: impl Fn(&Record) -> u32,
) -> Result<(), StorageError> {
    // Where there is no event stands a rank that no name has.
    let none = ranks.len() as u32;
    let values = part.records().iter().map(|record| match record.length {
        0 => none,
        _ => ranks.get(number(record) as usize).copied().unwrap_or(none),
    });
    let most = if part.gaps().is_empty() { none.saturating_sub(1) } else { none };
    column::put(writer, section, values, most)
}
