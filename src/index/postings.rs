//! Postings: the places of the events that carry a name, ascending, in chunks that can be skipped.
//!
//! The first place and the count stand with the name, and so do the others as steps if they are few. More stand in the
//! heap: up to [`CHUNK`] places as steps, or, for more, a table with the first place of each chunk and where its steps
//! begin, and then the chunks. An entity's steps tell where the records stand, too: its events stand far apart, and to
//! look that up would take a block of the offsets for each. A chunk without gaps between its places takes no bytes; such
//! records stand side by side, and so do their offsets.

use super::IndexError;
use super::bytes::{Bytes, put_varint};
use super::header::{Content, MEAN_SHIFT};
use super::table::Table;

/// Places in a chunk.
const CHUNK: usize = 128;
/// Bytes of a chunk in the table of chunks: its first place, and where its steps begin.
const SKIP_BYTES: u64 = 8;
/// The most bytes of steps that stand with the name.
const SMALL_BYTES_MAX: usize = 96;
/// The most bytes of a step: a gap, an offset and a length.
const STEP_BYTES_MAX: u64 = 15;

/// Where a record stands in its segment, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Stand {
    pub(super) offset: u32,
    pub(super) length: u32,
}

/// A place, with where its record stands if the list tells that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) place: u32,
    pub(super) stand: Option<Stand>,
}

impl Spot {
    pub(super) fn of(place: u32) -> Self {
        Self { place, stand: None }
    }
}

/// How the steps of a list are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Steps {
    /// Places alone.
    Places,
    /// With where the records stand: as far from where they would stand if all were of the mean length, in 65,536ths of a byte.
    Stands { mean: u64 },
}

/// Where the places of a name are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Postings {
    pub(super) count: u32,
    pub(super) first: u32,
    steps: Steps,
    body: Body,
}

/// Where the steps of a list stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    /// With the name: the first so many of these bytes.
    Small { bytes: [u8; SMALL_BYTES_MAX], length: usize },
    /// In the heap, in bytes.
    Heap { at: u64, length: u64 },
}

impl Postings {
    /// Puts ascending `spots`, at least one, into the heap, unless they are few.
    pub(super) fn put(heap: &mut Vec<u8>, spots: &[Spot], steps: Steps) -> Self {
        let at = heap.len();
        if spots.len() > CHUNK {
            put_chunks(heap, spots, steps);
        } else {
            put_steps(heap, spots, steps);
        }
        let length = heap.len() - at;
        let body = if spots.len() <= CHUNK && length <= SMALL_BYTES_MAX {
            let body = Body::small(&heap[at..]);
            heap.truncate(at);
            body
        } else {
            Body::Heap { at: at as u64, length: length as u64 }
        };
        let first = spots.first().map_or(0, |spot| spot.place);
        Self { count: spots.len() as u32, first, steps, body }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.count));
        put_varint(out, u64::from(self.first));
        match &self.body {
            _ if self.is_bare() => {}
            Body::Small { bytes, length } => {
                put_varint(out, (*length as u64) << 1);
                out.extend_from_slice(&bytes[..*length]);
            }
            Body::Heap { at, length } => {
                put_varint(out, length << 1 | 1);
                put_varint(out, *at);
            }
        }
    }

    pub(super) fn decode(bytes: &mut Bytes<'_>, steps: Steps) -> Option<Self> {
        let (count, first) = (bytes.small()?, bytes.small()?);
        let mut postings = Self { count, first, steps, body: Body::small(&[]) };
        if !postings.is_bare() {
            let head = bytes.varint()?;
            postings.body = match head & 1 {
                0 => Body::small(bytes.take(usize::try_from(head >> 1).ok()?)?),
                _ => Body::Heap { at: bytes.varint()?, length: head >> 1 },
            };
        }
        let has_chunks = count as usize <= CHUNK || matches!(postings.body, Body::Heap { .. });
        (count > 0 && has_chunks).then_some(postings)
    }

    /// The spots whose steps stand with the name; none if those stand in the heap. `None` if they are damaged.
    pub(super) fn beside_the_name(&self) -> Option<Vec<Spot>> {
        let mut spots = Vec::new();
        if let Body::Small { bytes, length } = &self.body {
            fill(&mut spots, self.first, self.count, &bytes[..*length], self.steps)?;
        }
        Some(spots)
    }

    /// Whether the first place is all that there is to tell.
    fn is_bare(&self) -> bool {
        self.count == 1 && self.steps == Steps::Places
    }

    fn chunks(&self) -> u32 {
        self.count.div_ceil(CHUNK as u32)
    }
}

impl Body {
    /// Bytes that stand with the name; what is longer is cut, and then is not read as steps.
    fn small(steps: &[u8]) -> Self {
        let length = steps.len().min(SMALL_BYTES_MAX);
        let mut bytes = [0; SMALL_BYTES_MAX];
        bytes[..length].copy_from_slice(&steps[..length]);
        Self::Small { bytes, length }
    }
}

fn put_chunks(heap: &mut Vec<u8>, spots: &[Spot], steps: Steps) {
    let table_at = heap.len();
    let chunks = spots.chunks(CHUNK);
    heap.resize(table_at + chunks.len() * SKIP_BYTES as usize, 0);
    let bodies_at = heap.len();
    for (number, chunk) in chunks.enumerate() {
        let (skip, body) = (table_at + number * SKIP_BYTES as usize, (heap.len() - bodies_at) as u32);
        heap[skip..skip + 4].copy_from_slice(&chunk[0].place.to_le_bytes());
        heap[skip + 4..skip + 8].copy_from_slice(&body.to_le_bytes());
        put_steps(heap, chunk, steps);
    }
}

fn put_steps(heap: &mut Vec<u8>, chunk: &[Spot], steps: Steps) {
    let span = chunk.last().map_or(0, |spot| spot.place) - chunk.first().map_or(0, |spot| spot.place);
    let is_consecutive = span as usize + 1 == chunk.len();
    if is_consecutive && (chunk.len() > 1 || steps == Steps::Places) {
        return;
    }
    let mut stepper = Stepper::new(steps);
    for (at, spot) in chunk.iter().enumerate() {
        if at > 0 {
            put_varint(heap, u64::from(stepper.gap_to(spot.place) - 1));
        }
        stepper.put(heap, *spot, steps);
    }
}

/// Where a list stands between two of its steps.
#[derive(Debug)]
pub(super) struct Stepper {
    place: u32,
    stand: Stand,
}

impl Stepper {
    /// At place 0 at byte 0, behind a record of the mean length.
    pub(super) fn new(steps: Steps) -> Self {
        let length = match steps {
            Steps::Stands { mean } => (mean >> MEAN_SHIFT) as u32,
            Steps::Places => 0,
        };
        Self { place: 0, stand: Stand { offset: 0, length } }
    }

    /// Goes back to place 0 at byte 0; the length of the last record stays what is expected of the next.
    pub(super) fn restart(&mut self) {
        (self.place, self.stand.offset) = (0, 0);
    }

    /// How far it is to a later place.
    pub(super) fn gap_to(&self, place: u32) -> u32 {
        place - self.place
    }

    /// Puts where the record of a later place stands, if that is told, and goes there.
    pub(super) fn put(&mut self, out: &mut Vec<u8>, spot: Spot, steps: Steps) {
        if let (Steps::Stands { mean }, Some(stand)) = (steps, spot.stand) {
            let (offset, length) = self.expected(self.gap_to(spot.place), mean);
            put_varint(out, folded(u64::from(stand.offset).wrapping_sub(offset)));
            put_varint(out, folded(u64::from(stand.length).wrapping_sub(length)));
            self.stand = stand;
        }
        self.place = spot.place;
    }

    /// Where the record after this gap would stand, and how long it would be.
    fn expected(&self, gap: u32, mean: u64) -> (u64, u64) {
        let skipped = u64::from(gap).wrapping_mul(mean) >> MEAN_SHIFT;
        (u64::from(self.stand.offset).wrapping_add(skipped), self.stand.length.into())
    }

    /// Goes on by a gap, as [`Stepper::put`] has told it.
    pub(super) fn step(&mut self, bytes: &mut Bytes<'_>, steps: Steps, gap: u32) -> Option<Spot> {
        self.place = self.place.checked_add(gap)?;
        if let Steps::Stands { mean } = steps {
            let (offset, length) = self.expected(gap, mean);
            let mut told =
                |expected: u64| u32::try_from(expected.wrapping_add(unfolded(bytes.varint()?))).ok();
            self.stand = Stand { offset: told(offset)?, length: told(length)? };
        }
        Some(Spot { place: self.place, stand: (steps != Steps::Places).then_some(self.stand) })
    }
}

/// A small number, up or down, as a small number.
fn folded(difference: u64) -> u64 {
    let signed = difference as i64;
    ((signed << 1) ^ (signed >> 63)) as u64
}

fn unfolded(number: u64) -> u64 {
    (number >> 1) ^ (number & 1).wrapping_neg()
}

/// The places of a name, one after the other.
#[derive(Debug)]
pub(super) struct Places<'a> {
    table: &'a Table,
    postings: Postings,
    /// The next chunk to be read.
    chunk: u32,
    /// The places of the chunk in hand, and the next of them.
    held: Vec<Spot>,
    next: usize,
}

impl<'a> Places<'a> {
    /// The places from `begin` on.
    pub(super) fn from(table: &'a Table, postings: Postings, begin: u32) -> Result<Self, IndexError> {
        let mut places = Self { table, postings, chunk: 0, held: Vec::new(), next: 0 };
        if let Body::Heap { at, .. } = postings.body
            && postings.chunks() > 1
        {
            places.chunk = places.chunk_before(at, begin)?;
        }
        places.read_chunk()?;
        places.next = places.held.partition_point(|spot| spot.place < begin);
        Ok(places)
    }

    /// How many places of the chunk in hand are left.
    pub(super) fn left(&self) -> usize {
        self.held.len() - self.next
    }

    pub(super) fn next(&mut self) -> Result<Option<Spot>, IndexError> {
        if self.next == self.held.len() && self.chunk < self.postings.chunks() {
            self.read_chunk()?;
            self.next = 0;
        }
        let spot = self.held.get(self.next).copied();
        self.next += 1;
        Ok(spot)
    }

    /// The last chunk that begins not after `begin`.
    fn chunk_before(&self, at: u64, begin: u32) -> Result<u32, IndexError> {
        let (mut low, mut high) = (0, self.postings.chunks());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.skip(at, middle)?.0 <= begin { low = middle } else { high = middle }
        }
        Ok(low)
    }

    /// The first place of a chunk, and where its steps begin behind the table of chunks, which stands at `at`.
    fn skip(&self, at: u64, chunk: u32) -> Result<(u32, u64), IndexError> {
        let at = at.saturating_add(u64::from(chunk) * SKIP_BYTES);
        let bytes = self.table.bytes(Content::Heap, at, SKIP_BYTES)?;
        let mut fields = Bytes::new(&bytes);
        let fields = fields.u32().zip(fields.u32()).map(|(first, at)| (first, u64::from(at)));
        self.table.sound(self.heap_block(), fields)
    }

    fn read_chunk(&mut self) -> Result<(), IndexError> {
        let Postings { count, first, steps, ref body } = self.postings;
        let (chunk, chunks) = (self.chunk, self.postings.chunks());
        let here = (count - chunk * CHUNK as u32).min(CHUNK as u32);
        let filled = match *body {
            Body::Small { ref bytes, length } => fill(&mut self.held, first, here, &bytes[..length], steps),
            Body::Heap { at, length } => {
                let end = at.saturating_add(length);
                let (first, at, end) =
                    if chunks == 1 { (first, at, end) } else { self.bounds(chunk, chunks, at, end)? };
                let length = end.checked_sub(at).filter(|length| *length <= STEP_BYTES_MAX * CHUNK as u64);
                let bytes =
                    self.table.bytes(Content::Heap, at, self.table.sound(self.heap_block(), length)?)?;
                fill(&mut self.held, first, here, &bytes, steps)
            }
        };
        self.chunk += 1;
        self.table.sound(self.heap_block(), filled)
    }

    /// The first place of a chunk, and where its steps begin and end, of a list that stands from `at` to `end`.
    fn bounds(&self, chunk: u32, chunks: u32, at: u64, end: u64) -> Result<(u32, u64, u64), IndexError> {
        let bodies = at.saturating_add(u64::from(chunks) * SKIP_BYTES);
        let (first, begin) = self.skip(at, chunk)?;
        let end = match chunk + 1 {
            next if next == chunks => end,
            next => bodies.saturating_add(self.skip(at, next)?.1),
        };
        Ok((first, bodies.saturating_add(begin), end))
    }

    fn heap_block(&self) -> u32 {
        self.table.header.section(Content::Heap).block
    }
}

fn fill(held: &mut Vec<Spot>, first: u32, count: u32, bytes: &[u8], steps: Steps) -> Option<()> {
    held.clear();
    held.reserve(count as usize);
    if bytes.is_empty() {
        held.extend((0..count).map(|step| Spot::of(first.saturating_add(step))));
        return Some(());
    }
    let (mut bytes, mut stepper) = (Bytes::new(bytes), Stepper::new(steps));
    held.push(stepper.step(&mut bytes, steps, first)?);
    for _ in 1..count {
        let gap = bytes.small()?.checked_add(1)?;
        held.push(stepper.step(&mut bytes, steps, gap)?);
    }
    bytes.is_at_end().then_some(())
}
