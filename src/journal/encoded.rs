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
    pub(super) bytes: Vec<u8>,
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
        let options = &event.options;
        let key = options.key.as_deref().unwrap_or_default();
        let cause_count = options.causes.len() + options.batch_causes.len();
        within(Limited::Payload, event.payload.len(), payload_bytes_max)?;
        within(Limited::Kind, event.kind.len(), NewEvent::KIND_BYTES_MAX as u64)?;
        within(Limited::Key, key.len(), AppendOptions::KEY_BYTES_MAX as u64)?;
        within(Limited::Causes, cause_count, AppendOptions::CAUSES_MAX as u64)?;
        Ok(Self::of(event, key))
    }

    fn of(event: &NewEvent, key: &[u8]) -> Self {
        let (entity, scope) = (event.coordinate.entity(), event.coordinate.scope());
        let causes = &event.options.causes;
        let names = entity.len() + scope.len() + event.kind.len() + key.len();
        let mut bytes = Vec::with_capacity(causes.len() * 16 + names + event.payload.len() + 16);
        let mut flags = 0;
        // First, so that they adjoin the causes the writer puts before them.
        causes.iter().for_each(|cause| bytes.extend_from_slice(&cause.to_u128().to_le_bytes()));
        if event.payload_version != 1 {
            flags |= HAS_PAYLOAD_VERSION;
            put_varint(&mut bytes, u64::from(event.payload_version));
        }
        let entity = put_prefixed(&mut bytes, entity.as_bytes());
        let scope = put_prefixed(&mut bytes, scope.as_bytes());
        let kind = put_prefixed(&mut bytes, event.kind.as_bytes());
        let mut key_span = Span::default();
        if !key.is_empty() {
            flags |= HAS_KEY;
            key_span = put_prefixed(&mut bytes, key);
        }
        bytes.extend_from_slice(&event.payload);
        let (cause_count, correlation) = (causes.len(), event.options.correlation);
        Self { bytes, flags, cause_count, correlation, entity, scope, kind, key: key_span }
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

    /// Its causes outside the batch.
    pub fn causes(&self) -> impl ExactSizeIterator<Item = EventId> + '_ {
        let (causes, _) = self.bytes[..self.cause_count * 16].as_chunks::<16>();
        causes.iter().map(|bytes| EventId::from_u128(u128::from_le_bytes(*bytes)))
    }

    fn text(&self, span: Span) -> &str {
        // It was a text when it was encoded.
        std::str::from_utf8(span.of(&self.bytes)).unwrap_or_default()
    }
}

fn within(what: Limited, actual: usize, limit: u64) -> Result<(), JournalError> {
    let actual = actual as u64;
    if actual <= limit { Ok(()) } else { Err(JournalError::TooLarge { what, actual, limit }) }
}

fn put_prefixed(out: &mut Vec<u8>, bytes: &[u8]) -> Span {
    put_varint(out, bytes.len() as u64);
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
