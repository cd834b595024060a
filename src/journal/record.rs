//! A record: one event, checkpoint or gap as bytes, with a checksum of its own that is bound to its position.

use super::proposed::{
    self, CAUSE_BYTES, HAS_CAUSES, HAS_CORRELATION, HAS_KEY, HAS_PAYLOAD_VERSION, Numbers,
};
use super::store_id::Seeds;
use super::wire::{Bytes, VARINT_BYTES_MAX, put_varint, varint_bytes};
use crate::event::{EventId, EventSpan, NewEvent, Span, StoreTag};
use crate::position::{Position, Version};
use std::ops::RangeInclusive;

const TAG_EVENT: u8 = 1;
const TAG_CHECKPOINT: u8 = 2;
const TAG_GAP: u8 = 3;
const TAG_MASK: u8 = 0x07;
const CRC_BYTES: usize = 4;

/// One record, lent out of the block it was read with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record<'a> {
    /// An event; its spans point into the block.
    Event(EventSpan),
    /// A cursor worker's place.
    Checkpoint {
        /// The checkpoint's id.
        id: &'a str,
        /// The canonical bytes of the region it is bound to.
        region: &'a [u8],
        /// Everything of the region up to here was handled.
        position: Position,
    },
    /// Positions that were numbered, torn by a crash and never proven durable: no event will ever have them.
    Gap(RangeInclusive<Position>),
}

impl Record<'_> {
    /// How many positions the record takes.
    pub(super) fn positions(&self) -> u64 {
        match self {
            Self::Event(_) => 1,
            Self::Checkpoint { .. } => 0,
            Self::Gap(range) => range.end().since(*range.start()).saturating_add(1),
        }
    }
}

/// The record of an event, about to be put.
#[derive(Debug)]
pub(super) struct EventRecord<'a> {
    event: &'a NewEvent,
    numbers: &'a Numbers<'a>,
    correlation: Option<EventId>,
    cause_count: usize,
    body_bytes: usize,
}

impl<'a> EventRecord<'a> {
    pub(super) fn new(event: &'a NewEvent, numbers: &'a Numbers<'a>) -> Self {
        let correlation = numbers.correlation.or(event.options.correlation);
        let cause_count = event.options.causes.len() + numbers.batch_causes.len();
        let correlation_bytes = if correlation.is_some() { 16 } else { 0 };
        let causes_bytes = match cause_count {
            0 => 0,
            count => varint_bytes(count as u64) + numbers.batch_causes.len() * CAUSE_BYTES,
        };
        let numbers_bytes = 8 + varint_bytes(numbers.version.get()) + correlation_bytes + causes_bytes;
        let body_bytes = 1 + numbers_bytes + proposed::own_bytes(event);
        Self { event, numbers, correlation, cause_count, body_bytes }
    }

    /// The bytes of the whole record.
    pub(super) fn bytes(&self) -> usize {
        record_bytes(self.body_bytes)
    }

    /// Appends the record, as that of the event at `position`, committed at `time`.
    pub(super) fn put(&self, out: &mut Vec<u8>, position: u64, time: u64, seeds: Seeds) {
        let mut tag = TAG_EVENT | proposed::flags(self.event);
        if self.correlation.is_some() {
            tag |= HAS_CORRELATION;
        }
        if self.cause_count > 0 {
            tag |= HAS_CAUSES;
        }
        put_record(out, self.body_bytes, position, seeds, |out| {
            out.push(tag);
            out.extend_from_slice(&time.to_le_bytes());
            put_varint(out, self.numbers.version.get());
            self.correlation.iter().for_each(|id| put_id(out, *id));
            if self.cause_count > 0 {
                put_varint(out, self.cause_count as u64);
                self.numbers.batch_causes.iter().for_each(|id| put_id(out, *id));
            }
            proposed::put_own(out, self.event);
        });
    }
}

fn put_id(out: &mut Vec<u8>, id: EventId) {
    out.extend_from_slice(&id.to_u128().to_le_bytes());
}

/// The bytes of a checkpoint's record.
pub(super) fn checkpoint_bytes(id: &str, region: &[u8], position: Position) -> usize {
    record_bytes(checkpoint_body_bytes(id, region, position))
}

fn checkpoint_body_bytes(id: &str, region: &[u8], position: Position) -> usize {
    1 + varint_bytes(position.get()) + varint_bytes(id.len() as u64) + id.len() + region.len()
}

fn record_bytes(body_bytes: usize) -> usize {
    varint_bytes(body_bytes as u64) + CRC_BYTES + body_bytes
}

/// Appends a checkpoint, which takes no position; `next` is the position that comes after it.
pub(super) fn put_checkpoint(
    out: &mut Vec<u8>,
    (id, region, position): (&str, &[u8], Position),
    next: u64,
    seeds: Seeds,
) {
    put_record(out, checkpoint_body_bytes(id, region, position), next, seeds, |out| {
        out.push(TAG_CHECKPOINT);
        put_varint(out, position.get());
        put_varint(out, id.len() as u64);
        out.extend_from_slice(id.as_bytes());
        out.extend_from_slice(region);
    });
}

/// Appends a gap of `count` positions from `first` on.
pub(super) fn put_gap(out: &mut Vec<u8>, first: u64, count: u32, seeds: Seeds) {
    put_record(out, 1 + varint_bytes(u64::from(count)), first, seeds, |out| {
        out.push(TAG_GAP);
        put_varint(out, u64::from(count));
    });
}

fn put_record(
    out: &mut Vec<u8>,
    body_bytes: usize,
    position: u64,
    seeds: Seeds,
    put_body: impl FnOnce(&mut Vec<u8>),
) {
    out.reserve(record_bytes(body_bytes));
    put_varint(out, body_bytes as u64);
    let crc_at = out.len();
    out.extend_from_slice(&[0; CRC_BYTES]);
    put_body(out);
    let body_at = crc_at + CRC_BYTES;
    debug_assert_eq!(out.len() - body_at, body_bytes);
    let crc = seeds.record(position, &out[body_at..]);
    out[crc_at..body_at].copy_from_slice(&crc.to_le_bytes());
}

/// Where the record at the begin of some bytes ends; `None` if there are too few to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Bytes before the body: its length and its checksum.
    pub(super) body_at: usize,
    /// Bytes of the whole record.
    pub(super) total: usize,
}

/// Reads a record's length. `Err` means that no record begins here.
#[inline]
pub(super) fn extent(bytes: &[u8]) -> Result<Option<Extent>, Damaged> {
    let mut cursor = Bytes::new(bytes);
    let Some(body_bytes) = cursor.varint() else {
        return if bytes.len() < VARINT_BYTES_MAX { Ok(None) } else { Err(Damaged) };
    };
    let body_bytes = u32::try_from(body_bytes).map_err(|_| Damaged)?;
    if body_bytes == 0 {
        return Err(Damaged);
    }
    let body_at = cursor.position() + CRC_BYTES;
    Ok(Some(Extent { body_at, total: body_at + body_bytes as usize }))
}

/// Bytes that are not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

/// What decoding needs to know of a record's surroundings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) position: u64,
    pub(super) seeds: Seeds,
    pub(super) tag: StoreTag,
    /// Whether the checksum is to be computed; not for bytes this process has just written.
    pub(super) checked: bool,
}

/// The body of the record `block[at..at + extent.total]`, if it is what was written at this place.
#[inline]
fn body<'a>(block: &'a [u8], at: usize, extent: Extent, place: &Place) -> Result<&'a [u8], Damaged> {
    let record = block.get(at..at + extent.total).ok_or(Damaged)?;
    let body = &record[extent.body_at..];
    let crc = Bytes::new(&record[extent.body_at - CRC_BYTES..]).u32().ok_or(Damaged)?;
    let holds = crate::planted("record_checksum_unchecked")
        || !place.checked
        || place.seeds.record(place.position, body) == crc;
    if holds { Ok(body) } else { Err(Damaged) }
}

/// Decodes the record `block[at..at + extent.total]`; the spans of an event point into `block`.
#[inline]
pub(super) fn decode<'a>(
    block: &'a [u8],
    at: usize,
    extent: Extent,
    place: &Place,
) -> Result<Record<'a>, Damaged> {
    let body = body(block, at, extent, place)?;
    let body_at = at + extent.body_at;
    match body[0] & TAG_MASK {
        TAG_EVENT => event(body, body_at, place).map(Record::Event),
        TAG_CHECKPOINT if body[0] == TAG_CHECKPOINT => checkpoint(body),
        TAG_GAP if body[0] == TAG_GAP => gap(body, place.position),
        _ => None,
    }
    .ok_or(Damaged)
}

#[inline]
fn event(body: &[u8], body_at: usize, place: &Place) -> Option<EventSpan> {
    let mut fields = Bytes::new(body);
    let at = |fields: &Bytes<'_>| (body_at + fields.position()) as u32;
    let tag = fields.byte()?;
    let time_micros = fields.u64()?;
    let version = Version::new(fields.varint()?);
    let mut correlation_at = 0;
    if tag & HAS_CORRELATION != 0 {
        correlation_at = at(&fields);
        fields.take(CAUSE_BYTES)?;
    }
    let causes = if tag & HAS_CAUSES != 0 { causes(&mut fields, body_at)? } else { Span::default() };
    let payload_version =
        if tag & HAS_PAYLOAD_VERSION != 0 { u16::try_from(fields.varint()?).ok()? } else { 1 };
    let [entity_bytes, scope_bytes, kind_bytes] = [fields.small()?, fields.small()?, fields.small()?];
    let key_bytes = if tag & HAS_KEY != 0 { fields.small()? } else { 0 };
    let names_at = at(&fields);
    let kind_at = entity_bytes.checked_add(scope_bytes)?;
    let names = fields.take(kind_at.checked_add(kind_bytes)? as usize)?;
    are_texts(names, [entity_bytes, kind_at])?;
    fields.take(key_bytes as usize)?;
    let payload_bytes = (body.len() - fields.position()) as u32;
    let (position, tag) = (Position::new(place.position), place.tag);
    Some(EventSpan {
        position,
        version,
        time_micros,
        causes,
        correlation_at,
        names_at,
        entity_bytes,
        scope_bytes,
        kind_bytes,
        key_bytes,
        payload_bytes,
        payload_version,
        tag,
    })
}

fn causes(fields: &mut Bytes<'_>, body_at: usize) -> Option<Span> {
    let count = usize::try_from(fields.varint()?).ok()?;
    let offset = (body_at + fields.position()) as u32;
    let length = fields.take(count.checked_mul(CAUSE_BYTES)?)?.len() as u32;
    Some(Span { offset, length })
}

/// Checks that the bytes are texts that adjoin at `ends`.
#[inline]
fn are_texts(bytes: &[u8], ends: [u32; 2]) -> Option<()> {
    // Names are mostly ASCII, which is told much faster than UTF-8 in general.
    if bytes.is_ascii() {
        return Some(());
    }
    let text = std::str::from_utf8(bytes).ok()?;
    ends.iter().all(|end| text.is_char_boundary(*end as usize)).then_some(())
}

fn checkpoint(body: &[u8]) -> Option<Record<'_>> {
    let mut fields = Bytes::new(body);
    fields.byte()?;
    let position = Position::new(fields.varint()?);
    let id = std::str::from_utf8(fields.prefixed()?).ok()?;
    let region = fields.take(body.len() - fields.position())?;
    Some(Record::Checkpoint { id, region, position })
}

fn gap(body: &[u8], first: u64) -> Option<Record<'static>> {
    let mut fields = Bytes::new(body);
    fields.byte()?;
    let count = fields.varint().filter(|count| (1..=u64::from(u32::MAX)).contains(count))?;
    let last = first.checked_add(count - 1)?;
    fields.is_at_end().then(|| Record::Gap(Position::new(first)..=Position::new(last)))
}
