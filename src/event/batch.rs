//! A run of stored events that share the blocks they were read with.

use super::{Causes, EventId, EventRef};
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

    fn text(self, block: &[u8]) -> &str {
        // Checked when the record was decoded; a block never changes.
        std::str::from_utf8(self.of(block)).unwrap_or_default()
    }
}

/// Where the parts of one event stand in its block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSpan {
    /// The event's id.
    pub id: EventId,
    /// Its place among its entity's events.
    pub version: Version,
    /// When it was committed, in microseconds since 1970 began.
    pub time_micros: u64,
    /// The event that began its correlation.
    pub correlation: EventId,
    /// The version of the payload's type.
    pub payload_version: u16,
    /// The entity, checked to be UTF-8.
    pub entity: Span,
    /// The scope, checked to be UTF-8.
    pub scope: Span,
    /// The kind, checked to be UTF-8.
    pub kind: Span,
    /// The payload.
    pub payload: Span,
    /// The causes, 16 bytes each.
    pub causes: Span,
    /// The idempotency key; empty if there is none.
    pub key: Span,
}

impl EventSpan {
    /// The event, lent out of `block`.
    #[must_use]
    pub fn view<'a>(&self, block: &'a [u8]) -> EventRef<'a> {
        EventRef {
            id: self.id,
            version: self.version,
            time_micros: self.time_micros,
            correlation: self.correlation,
            entity: self.entity.text(block),
            scope: self.scope.text(block),
            kind: self.kind.text(block),
            payload_version: self.payload_version,
            payload: self.payload.of(block),
            causes: Causes::from_bytes(self.causes.of(block)),
        }
    }
}

/// A run of events of one region, in position order, lent to a handler.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    blocks: Vec<Arc<Vec<u8>>>,
    /// Each event with the number of its block.
    events: Vec<(u32, EventSpan)>,
    gaps: Vec<RangeInclusive<Position>>,
    /// Memory of blocks that were read before.
    spares: Vec<Vec<u8>>,
}

/// Blocks whose memory is kept for the next.
const SPARES_MAX: usize = 8;
/// What is larger is given back.
const SPARE_BYTES_MAX: usize = 1 << 20;

impl Batch {
    /// Takes all events out and keeps the memory.
    pub(crate) fn clear(&mut self) {
        let blocks = self.blocks.drain(..).filter_map(|block| Arc::try_unwrap(block).ok());
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
    pub(crate) fn push_block(&mut self, block: Arc<Vec<u8>>) {
        self.blocks.push(block);
    }

    /// The bytes of each block.
    #[cfg(test)]
    pub(crate) fn block_bytes(&self) -> Vec<usize> {
        self.blocks.iter().map(|block| block.len()).collect()
    }

    /// Adds an event of the block that is pushed next.
    #[inline]
    pub(crate) fn push(&mut self, event: EventSpan) {
        self.events.push((self.blocks.len() as u32, event));
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
        BatchIter { batch: self, next: 0 }
    }

    /// The event at `item`, counted from 0.
    #[must_use]
    pub fn get(&self, item: usize) -> Option<EventRef<'_>> {
        let (block, event) = self.events.get(item)?;
        Some(event.view(self.blocks.get(*block as usize)?))
    }

    /// The position of the first event.
    #[must_use]
    pub fn first_position(&self) -> Option<Position> {
        self.events.first().map(|(_, event)| event.id.position())
    }

    /// The position of the last event.
    #[must_use]
    pub fn last_position(&self) -> Option<Position> {
        self.events.last().map(|(_, event)| event.id.position())
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
}

impl<'a> Iterator for BatchIter<'a> {
    type Item = EventRef<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let event = self.batch.get(self.next)?;
        self.next += 1;
        Some(event)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batch.len().saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for BatchIter<'_> {}
