//! A stored event, borrowed from the block it was read with.

use super::{EventId, Payload, PayloadError, StoredEvent};
use crate::position::{Position, Version};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A stored event, lent out of the block of bytes that it was read with. Copying it copies no text and no payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventRef<'a> {
    /// The event's id.
    pub id: EventId,
    /// Its place among its entity's events.
    pub version: Version,
    /// When it was committed, in microseconds since 1970 began. Never goes back within a store.
    pub time_micros: u64,
    /// The id of the event that began the correlation this one belongs to; its own id if it began one.
    pub correlation: EventId,
    /// What it tells of.
    pub entity: &'a str,
    /// What the entity stands in.
    pub scope: &'a str,
    /// The name of the payload's type.
    pub kind: &'a str,
    /// The version of the payload's type.
    pub payload_version: u16,
    /// The encoded payload.
    pub payload: &'a [u8],
    /// The events that led to this one.
    pub causes: Causes<'a>,
}

impl<'a> EventRef<'a> {
    /// Its place among all events.
    #[must_use]
    pub fn position(&self) -> Position {
        self.id.position()
    }

    /// When it was committed.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.time_micros)
    }

    /// The payload as a value of `P`; an older version is upcast.
    ///
    /// # Errors
    /// [`PayloadError`] when the event is of another kind, of a newer version, or its bytes are no `P`.
    pub fn payload_as<P: Payload>(&self) -> Result<P, PayloadError> {
        if self.kind != P::KIND {
            return Err(PayloadError::Kind { stored: self.kind.to_owned(), wanted: P::KIND });
        }
        P::decode(self.payload_version, self.payload)
    }

    /// The event with its own copy of everything.
    #[must_use]
    pub fn to_owned(&self) -> StoredEvent {
        StoredEvent::from(*self)
    }
}

/// The causes of an event, lent out of its block: 16 bytes each, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Causes<'a>(&'a [u8]);

impl<'a> Causes<'a> {
    /// Reads causes out of bytes; what is left of a last incomplete one is not seen.
    #[must_use]
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len() / 16
    }

    /// Whether the event has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their bytes, without those of a last incomplete one.
    pub(super) fn as_bytes(&self) -> &'a [u8] {
        self.0.as_chunks::<16>().0.as_flattened()
    }

    /// The ids, in the order in which they were given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EventId> + 'a {
        self.0.as_chunks::<16>().0.iter().map(|bytes| EventId::from_u128(u128::from_le_bytes(*bytes)))
    }
}
