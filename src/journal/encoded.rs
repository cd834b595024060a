//! An event encoded on its caller's thread: everything of a record that the writer need not know to number it.

use super::error::{JournalError, Limited};
use super::wire::put_varint;
use crate::event::{AppendOptions, EventId, NewEvent, Span};
use crate::position::Version;

/// The parts of a record that are there only sometimes; the upper bits of its tag.
pub(super) const HAS_CORRELATION: u8 = 0x08;
pub(super) const HAS_CAUSES: u8 = 0x10;
pub(super) const HAS_KEY: u8 = 0x20;
pub(super) const HAS_PAYLOAD_VERSION: u8 = 0x40;

/// The caller's part of an event record.
///
/// ```
/// use timberline::journal::EncodedEvent;
/// use timberline::{Coordinate, NewEvent};
/// let event = NewEvent::raw(Coordinate::new("door-1", "house")?, "Opened", 1, vec![7; 10]);
/// let encoded = EncodedEvent::encode(&event, 10)?;
/// assert_eq!((encoded.entity(), encoded.kind()), ("door-1", "Opened"));
/// assert!(EncodedEvent::encode(&event, 9).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEvent {
    /// The payload, and behind it what stands before the payload in the record: the payload's memory goes on to hold
    /// the rest, so that an event costs one allocation.
    bytes: Vec<u8>,
    payload_bytes: usize,
    pub(super) flags: u8,
    pub(super) cause_count: usize,
    pub(super) correlation: Option<EventId>,
    entity: Span,
    scope: Span,
    kind: Span,
    key: Span,
}

impl EncodedEvent {
    /// Encodes everything of `event` but its causes by place in the batch, which the writer resolves.
    ///
    /// # Errors
    /// [`JournalError::TooLarge`] names the part that is over its limit; exactly at the limit is taken.
    pub fn encode(event: &NewEvent, payload_bytes_max: u64) -> Result<Self, JournalError> {
        check(event, payload_bytes_max)?;
        Ok(Self::of(event, event.payload.clone()))
    }

    /// As [`EncodedEvent::encode`], and takes the event's payload out of it.
    pub(crate) fn take(event: &mut NewEvent, payload_bytes_max: u64) -> Result<Self, JournalError> {
        check(event, payload_bytes_max)?;
        let payload = std::mem::take(&mut event.payload);
        Ok(Self::of(event, payload))
    }

    fn of(event: &NewEvent, payload: Vec<u8>) -> Self {
        let (entity, scope) = (event.coordinate.entity(), event.coordinate.scope());
        let key = event.options.key.as_deref().unwrap_or_default();
        let causes = &event.options.causes;
        let names = entity.len() + scope.len() + event.kind.len() + key.len();
        let payload_bytes = payload.len();
        let mut bytes = payload;
        bytes.reserve(causes.len() * 16 + names + 16);
        let mut flags = 0;
        // First, so that they adjoin the causes the writer puts before them.
        causes.iter().for_each(|cause| bytes.extend_from_slice(&cause.to_u128().to_le_bytes()));
        if event.payload_version != 1 {
            flags |= HAS_PAYLOAD_VERSION;
            put_varint(&mut bytes, u64::from(event.payload_version));
        }
        let texts = [entity.as_bytes(), scope.as_bytes(), event.kind.as_bytes()];
        texts.iter().for_each(|text| put_varint(&mut bytes, text.len() as u64));
        if !key.is_empty() {
            flags |= HAS_KEY;
            put_varint(&mut bytes, key.len() as u64);
        }
        // The texts side by side, so that a reader can check them as one.
        let [entity, scope, kind] = texts.map(|text| put(&mut bytes, text));
        let key = put(&mut bytes, key);
        let (cause_count, correlation) = (causes.len(), event.options.correlation);
        Self { bytes, payload_bytes, flags, cause_count, correlation, entity, scope, kind, key }
    }

    /// What stands before the payload, and the payload.
    pub(super) fn parts(&self) -> [&[u8]; 2] {
        let (payload, before) = self.bytes.split_at(self.payload_bytes);
        [before, payload]
    }

    /// Its bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // no event is encoded in nothing
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The entity the event belongs to.
    #[must_use]
    pub fn entity(&self) -> &str {
        self.text(self.entity)
    }

    /// The scope its entity stands in.
    #[must_use]
    pub fn scope(&self) -> &str {
        self.text(self.scope)
    }

    /// The name of its payload's type.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text(self.kind)
    }

    /// Its idempotency key; empty if it has none.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.key.of(&self.bytes)
    }

    /// Its payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        let [_, payload] = self.parts();
        payload
    }

    /// Its causes outside the batch.
    pub fn causes(&self) -> impl ExactSizeIterator<Item = EventId> + '_ {
        let [before, _] = self.parts();
        let (causes, _) = before[..self.cause_count * 16].as_chunks::<16>();
        causes.iter().map(|bytes| EventId::from_u128(u128::from_le_bytes(*bytes)))
    }

    fn text(&self, span: Span) -> &str {
        // It was a text when it was encoded.
        std::str::from_utf8(span.of(&self.bytes)).unwrap_or_default()
    }
}

fn check(event: &NewEvent, payload_bytes_max: u64) -> Result<(), JournalError> {
    let options = &event.options;
    let key_bytes = options.key.as_deref().map_or(0, <[u8]>::len);
    let cause_count = options.causes.len() + options.batch_causes.len();
    within(Limited::Payload, event.payload.len(), payload_bytes_max)?;
    within(Limited::Kind, event.kind.len(), NewEvent::KIND_BYTES_MAX as u64)?;
    within(Limited::Key, key_bytes, AppendOptions::KEY_BYTES_MAX as u64)?;
    within(Limited::Causes, cause_count, AppendOptions::CAUSES_MAX as u64)
}

fn within(what: Limited, actual: usize, limit: u64) -> Result<(), JournalError> {
    let actual = actual as u64;
    if actual <= limit { Ok(()) } else { Err(JournalError::TooLarge { what, actual, limit }) }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) -> Span {
    let span = Span { offset: out.len() as u32, length: bytes.len() as u32 };
    out.extend_from_slice(bytes);
    span
}

/// What only the writer knows of an event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Numbers<'a> {
    /// The event's place among its entity's events.
    pub version: Version,
    /// The correlation, if the event neither begins one nor was encoded with one.
    pub correlation: Option<EventId>,
    /// Its causes inside the same batch.
    pub batch_causes: &'a [EventId],
}
