//! A run of stored events that share the blocks they were read with.

use super::{Causes, EventId, EventRef, StoreTag, StoredEvent};
use crate::position::{Position, Version};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A piece of a block: first byte and number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub offset: u32,
    /// Number of bytes.
    pub length: u32,
}

impl Span {
    /// The bytes of this piece; empty when the block is too short, which a checked block never is.
    #[must_use]
    pub fn of(self, block: &[u8]) -> &[u8] {
        let end = self.offset as usize + self.length as usize;
        block.get(self.offset as usize..end).unwrap_or_default()
    }
}

/// Where the parts of one event stand in its block. It fits into a line of the processor's cache: a batch has thousands.
///
/// Entity, scope, kind, key and payload stand one behind the other, so that one place and their lengths tell them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSpan {
    /// Its place among all events.
    pub position: Position,
    /// Its place among its entity's events.
    pub version: Version,
    /// When it was committed, in microseconds since 1970 began.
    pub time_micros: u64,
    /// The causes, 16 bytes each.
    pub causes: Span,
    /// Where the id of the event stands that began its correlation; 0 if this one did.
    pub correlation_at: u32,
    /// Where the entity begins.
    pub names_at: u32,
    /// Bytes of the entity. Entity, scope and kind were checked to be UTF-8.
    pub entity_bytes: u32,
    /// Bytes of the scope.
    pub scope_bytes: u32,
    /// Bytes of the kind.
    pub kind_bytes: u32,
    /// Bytes of the idempotency key; 0 if there is none.
    pub key_bytes: u32,
    /// Bytes of the payload.
    pub payload_bytes: u32,
    /// The version of the payload's type.
    pub payload_version: u16,
    /// The store that the event stands in.
    pub tag: StoreTag,
}

impl EventSpan {
    /// The event's id.
    #[must_use]
    pub fn id(&self) -> EventId {
        EventId::new(self.time_micros / 1000, self.position, self.tag)
    }

    /// The id of the event that began the correlation.
    #[must_use]
    pub fn correlation(&self, block: &[u8]) -> EventId {
        let id = Span { offset: self.correlation_at, length: 16 };
        match id.of(block).try_into() {
            Ok(bytes) if self.correlation_at > 0 => EventId::from_u128(u128::from_le_bytes(bytes)),
            _ => self.id(),
        }
    }

    /// The entity, the scope and the kind.
    #[inline]
    #[must_use]
    pub fn names<'a>(&self, block: &'a [u8]) -> [&'a str; 3] {
        let length = self.entity_bytes + self.scope_bytes + self.kind_bytes;
        let bytes = Span { offset: self.names_at, length }.of(block);
        // Checked when the record was decoded, and a block never changes: no part is ever missing here.
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let (entity, rest) = text.split_at_checked(self.entity_bytes as usize).unwrap_or_default();
        let (scope, kind) = rest.split_at_checked(self.scope_bytes as usize).unwrap_or_default();
        [entity, scope, kind]
    }

    /// The idempotency key; empty if there is none.
    #[must_use]
    pub fn key<'a>(&self, block: &'a [u8]) -> &'a [u8] {
        Span { offset: self.key_at(), length: self.key_bytes }.of(block)
    }

    /// The encoded payload.
    #[inline]
    #[must_use]
    pub fn payload<'a>(&self, block: &'a [u8]) -> &'a [u8] {
        Span { offset: self.key_at() + self.key_bytes, length: self.payload_bytes }.of(block)
    }

    fn key_at(&self) -> u32 {
        self.names_at + self.entity_bytes + self.scope_bytes + self.kind_bytes
    }

    /// The names, the key and the payload.
    #[inline]
    pub(super) fn contents<'a>(&self, block: &'a [u8]) -> &'a [u8] {
        let length = self.end() as u32 - self.names_at;
        Span { offset: self.names_at, length }.of(block)
    }

    /// Where the payload ends, which is the last of it.
    pub(super) fn end(&self) -> usize {
        (self.key_at() + self.key_bytes + self.payload_bytes) as usize
    }

    /// The event, lent out of `block`.
    #[inline]
    #[must_use]
    pub fn view<'a>(&self, block: &'a [u8]) -> EventRef<'a> {
        let [entity, scope, kind] = self.names(block);
        EventRef {
            id: self.id(),
            version: self.version,
            time_micros: self.time_micros,
            correlation: self.correlation(block),
            entity,
            scope,
            kind,
            payload_version: self.payload_version,
            payload: self.payload(block),
            causes: Causes::from_bytes(self.causes.of(block)),
        }
    }
}

/// A run of events of one region, in position order, lent to a handler.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    blocks: Vec<Lent>,
    events: Vec<EventSpan>,
    gaps: Vec<RangeInclusive<Position>>,
    /// Memory of blocks that were read before.
    spares: Vec<Vec<u8>>,
}

/// A block that events are lent out of.
#[derive(Debug, Clone)]
struct Lent {
    bytes: Arc<Vec<u8>>,
    /// The first event that stands in a later block.
    end: usize,
}

/// Blocks whose memory is kept for the next.
const SPARES_MAX: usize = 8;
/// What is larger is given back.
const SPARE_BYTES_MAX: usize = 1 << 20;

impl Batch {
    /// Takes all events out and keeps the memory.
    pub(crate) fn clear(&mut self) {
        let blocks = self.blocks.drain(..).filter_map(|block| Arc::try_unwrap(block.bytes).ok());
        let room = SPARES_MAX.saturating_sub(self.spares.len());
        self.spares.extend(blocks.filter(|block| block.capacity() <= SPARE_BYTES_MAX).take(room));
        self.events.clear();
        self.gaps.clear();
    }

    /// Memory to read a block into: it may hold what was read before.
    pub(crate) fn spare(&mut self) -> Vec<u8> {
        self.spares.pop().unwrap_or_default()
    }

    /// Memory to add to, without what was read before.
    pub(crate) fn empty_spare(&mut self) -> Vec<u8> {
        let mut memory = self.spare();
        memory.clear();
        memory
    }

    /// Adds the block that the events are lent out of which were pushed since the last block.
    /// Takes memory for so many events at once.
    pub(crate) fn reserve(&mut self, events: usize) {
        self.events.reserve(events);
    }

    pub(crate) fn push_block(&mut self, block: Arc<Vec<u8>>) {
        self.blocks.push(Lent { bytes: block, end: self.events.len() });
    }

    /// The bytes of each block.
    #[cfg(test)]
    pub(crate) fn block_bytes(&self) -> Vec<usize> {
        self.blocks.iter().map(|block| block.bytes.len()).collect()
    }

    /// Adds an event of the block that is pushed next.
    #[inline]
    pub(crate) fn push(&mut self, event: EventSpan) {
        self.events.push(event);
    }

    /// Adds a range of positions that were numbered and never made visible.
    pub(crate) fn push_gap(&mut self, gap: RangeInclusive<Position>) {
        self.gaps.push(gap);
    }

    /// How many events the batch holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether it holds none; so it is only when it tells of gaps.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The events, in position order.
    #[must_use]
    pub fn iter(&self) -> BatchIter<'_> {
        BatchIter { batch: self, next: 0, block: 0 }
    }

    /// The event at `item`, counted from 0.
    #[must_use]
    pub fn get(&self, item: usize) -> Option<EventRef<'_>> {
        Some(self.events.get(item)?.view(self.block_of(item)?))
    }

    /// The event at `item`, with its own copy of everything.
    #[inline]
    pub(crate) fn copied(&self, item: usize) -> Option<StoredEvent> {
        Some(StoredEvent::copied(self.events.get(item)?, self.block_of(item)?))
    }

    #[inline]
    fn block_of(&self, item: usize) -> Option<&[u8]> {
        let block = self.blocks.partition_point(|block| block.end <= item);
        self.blocks.get(block).map(|block| block.bytes.as_slice())
    }

    /// The position of the first event.
    #[must_use]
    pub fn first_position(&self) -> Option<Position> {
        self.events.first().map(|event| event.position)
    }

    /// The position of the last event.
    #[must_use]
    pub fn last_position(&self) -> Option<Position> {
        self.events.last().map(|event| event.position)
    }

    /// Positions that were numbered and never made visible, told to a worker that asked for them. They lie after
    /// the batch before this one and not after this batch's last event.
    #[must_use]
    pub fn gaps(&self) -> &[RangeInclusive<Position>] {
        &self.gaps
    }
}

impl<'a> IntoIterator for &'a Batch {
    type Item = EventRef<'a>;
    type IntoIter = BatchIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The events of a [`Batch`], in position order.
#[derive(Debug, Clone)]
pub struct BatchIter<'a> {
    batch: &'a Batch,
    next: usize,
    /// The block in which the next event stands, or one before it.
    block: usize,
}

impl<'a> Iterator for BatchIter<'a> {
    type Item = EventRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let event = self.batch.events.get(self.next)?;
        while self.batch.blocks.get(self.block)?.end <= self.next {
            self.block += 1;
        }
        self.next += 1;
        Some(event.view(&self.batch.blocks[self.block].bytes))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batch.len().saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for BatchIter<'_> {}
