//! Postings: the places of the events that carry a name, ascending, in chunks that can be skipped.
//!
//! The first place and the count stand with the name. What follows stands in the heap: up to [`CHUNK`] places as
//! gaps, or, for more, a table with the first place of each chunk and where its gaps begin, and then the chunks. A
//! chunk without gaps between its places takes no bytes.

use super::IndexError;
use super::bytes::{Bytes, put_varint};
use super::header::Content;
use super::table::Table;

/// Places in a chunk.
const CHUNK: usize = 128;
/// Bytes of a chunk in the table of chunks: its first place, and where its gaps begin.
const SKIP_BYTES: u64 = 8;

/// Where the places of a name are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Postings {
    pub(super) count: u32,
    pub(super) first: u32,
    /// Where they stand in the heap, in bytes.
    at: u64,
    bytes: u64,
}

impl Postings {
    /// Puts ascending `places`, at least one, into the heap.
    pub(super) fn put(heap: &mut Vec<u8>, places: &[u32]) -> Self {
        let at = heap.len();
        if places.len() > CHUNK {
            put_chunks(heap, places);
        } else {
            put_gaps(heap, places);
        }
        let first = places.first().copied().unwrap_or_default();
        Self { count: places.len() as u32, first, at: at as u64, bytes: (heap.len() - at) as u64 }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.count));
        put_varint(out, u64::from(self.first));
        if self.count > 1 {
            put_varint(out, self.at);
            put_varint(out, self.bytes);
        }
    }

    pub(super) fn decode(bytes: &mut Bytes<'_>) -> Option<Self> {
        let (count, first) = (bytes.small()?, bytes.small()?);
        let (at, length) = if count > 1 { (bytes.varint()?, bytes.varint()?) } else { (0, 0) };
        (count > 0).then_some(Self { count, first, at, bytes: length })
    }

    fn chunks(&self) -> u32 {
        self.count.div_ceil(CHUNK as u32)
    }
}

fn put_chunks(heap: &mut Vec<u8>, places: &[u32]) {
    let table_at = heap.len();
    let chunks = places.chunks(CHUNK);
    heap.resize(table_at + chunks.len() * SKIP_BYTES as usize, 0);
    let bodies_at = heap.len();
    for (number, chunk) in chunks.enumerate() {
        let (skip, body) = (table_at + number * SKIP_BYTES as usize, (heap.len() - bodies_at) as u32);
        heap[skip..skip + 4].copy_from_slice(&chunk[0].to_le_bytes());
        heap[skip + 4..skip + 8].copy_from_slice(&body.to_le_bytes());
        put_gaps(heap, chunk);
    }
}

fn put_gaps(heap: &mut Vec<u8>, chunk: &[u32]) {
    let span = chunk.last().copied().unwrap_or_default() - chunk.first().copied().unwrap_or_default();
    if span as usize + 1 == chunk.len() {
        return;
    }
    chunk.windows(2).for_each(|pair| put_varint(heap, u64::from(pair[1] - pair[0] - 1)));
}

/// The places of a name, one after the other.
#[derive(Debug)]
pub(super) struct Places<'a> {
    table: &'a Table,
    postings: Postings,
    /// The next chunk to be read.
    chunk: u32,
    /// The places of the chunk in hand, and the next of them.
    held: Vec<u32>,
    next: usize,
}

impl<'a> Places<'a> {
    /// The places from `begin` on.
    pub(super) fn from(table: &'a Table, postings: Postings, begin: u32) -> Result<Self, IndexError> {
        let mut places = Self { table, postings, chunk: 0, held: Vec::new(), next: 0 };
        if postings.count as usize > CHUNK {
            places.chunk = places.chunk_before(begin)?;
        }
        places.read_chunk()?;
        places.next = places.held.partition_point(|place| *place < begin);
        Ok(places)
    }

    pub(super) fn next(&mut self) -> Result<Option<u32>, IndexError> {
        if self.next == self.held.len() && self.chunk < self.postings.chunks() {
            self.read_chunk()?;
            self.next = 0;
        }
        let place = self.held.get(self.next).copied();
        self.next += 1;
        Ok(place)
    }

    /// The last chunk that begins not after `begin`.
    fn chunk_before(&self, begin: u32) -> Result<u32, IndexError> {
        let (mut low, mut high) = (0, self.postings.chunks());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.skip(middle)?.0 <= begin { low = middle } else { high = middle }
        }
        Ok(low)
    }

    /// The first place of a chunk, and where its gaps begin behind the table of chunks.
    fn skip(&self, chunk: u32) -> Result<(u32, u64), IndexError> {
        let at = self.postings.at.saturating_add(u64::from(chunk) * SKIP_BYTES);
        let bytes = self.table.bytes(Content::Heap, at, SKIP_BYTES)?;
        let mut fields = Bytes::new(&bytes);
        let fields = fields.u32().zip(fields.u32()).map(|(first, at)| (first, u64::from(at)));
        self.table.sound(self.table.header.section(Content::Heap).block, fields)
    }

    fn read_chunk(&mut self) -> Result<(), IndexError> {
        let Postings { count, first, at, bytes } = self.postings;
        let (chunk, chunks) = (self.chunk, self.postings.chunks());
        self.chunk += 1;
        let here = (count - chunk * CHUNK as u32).min(CHUNK as u32);
        let (first, at, end) = if chunks == 1 {
            (first, at, at.saturating_add(bytes))
        } else {
            let bodies = at.saturating_add(u64::from(chunks) * SKIP_BYTES);
            let (first, begin) = self.skip(chunk)?;
            let end = match chunk + 1 {
                next if next == chunks => at.saturating_add(bytes),
                next => bodies.saturating_add(self.skip(next)?.1),
            };
            (first, bodies.saturating_add(begin), end)
        };
        let block = self.table.header.section(Content::Heap).block;
        let length =
            self.table.sound(block, end.checked_sub(at).filter(|length| *length <= 5 * CHUNK as u64))?;
        let gaps = self.table.bytes(Content::Heap, at, length)?;
        let filled = fill(&mut self.held, first, here, &gaps);
        self.table.sound(block, filled)
    }
}

fn fill(held: &mut Vec<u32>, first: u32, count: u32, gaps: &[u8]) -> Option<()> {
    held.clear();
    held.push(first);
    if gaps.is_empty() {
        held.extend((1..count).map(|step| first.saturating_add(step)));
        return Some(());
    }
    let (mut gaps, mut place) = (Bytes::new(gaps), first);
    for _ in 1..count {
        place = place.checked_add(gaps.small()?)?.checked_add(1)?;
        held.push(place);
    }
    gaps.is_at_end().then_some(())
}
