//! A stored event with its own copy of everything.

use super::{Causes, EventId, EventRef, EventSpan, Payload, PayloadError, Span};
use crate::position::{Position, Version};
use std::fmt;
use std::time::SystemTime;

/// A stored event that owns its texts and its payload.
#[derive(Clone)]
pub struct StoredEvent {
    span: EventSpan,
    correlation: EventId,
    /// The causes and what `span` tells of, one behind the other: one allocation for all of it.
    bytes: Box<[u8]>,
}

impl StoredEvent {
    /// The event that `span` tells of, copied out of its block.
    #[inline]
    pub(crate) fn copied(span: &EventSpan, block: &[u8]) -> Self {
        let (causes, contents) = (span.causes.of(block), span.contents(block));
        let mut bytes = Vec::with_capacity(causes.len() + contents.len());
        bytes.extend_from_slice(causes);
        bytes.extend_from_slice(contents);
        let own = Self::span_after(causes.len(), *span);
        Self { span: own, correlation: span.correlation(block), bytes: bytes.into() }
    }

    /// The event that `span` tells of, whose record alone is in `bytes`: nothing is copied.
    pub(crate) fn of_record(span: EventSpan, mut bytes: Vec<u8>) -> Self {
        bytes.truncate(span.end());
        let correlation = span.correlation(&bytes);
        Self { span: EventSpan { correlation_at: 0, ..span }, correlation, bytes: bytes.into() }
    }

    /// A span over bytes that begin with the causes and go on with the names.
    fn span_after(causes_bytes: usize, span: EventSpan) -> EventSpan {
        let length = causes_bytes as u32;
        EventSpan { causes: Span { offset: 0, length }, names_at: length, correlation_at: 0, ..span }
    }

    /// The event as it is lent to handlers.
    #[must_use]
    pub fn view(&self) -> EventRef<'_> {
        EventRef { correlation: self.correlation, ..self.span.view(&self.bytes) }
    }

    /// The event's id.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.span.id()
    }

    /// Its place among all events.
    #[must_use]
    pub fn position(&self) -> Position {
        self.span.position
    }

    /// Its place among its entity's events.
    #[must_use]
    pub fn version(&self) -> Version {
        self.span.version
    }

    /// When it was committed. Never goes back within a store.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        self.view().time()
    }

    /// When it was committed, in microseconds since 1970 began.
    #[must_use]
    pub fn time_micros(&self) -> u64 {
        self.span.time_micros
    }

    /// The id of the event that began the correlation this one belongs to.
    #[must_use]
    pub fn correlation(&self) -> EventId {
        self.correlation
    }

    /// What it tells of.
    #[must_use]
    pub fn entity(&self) -> &str {
        self.span.names(&self.bytes)[0]
    }

    /// What the entity stands in.
    #[must_use]
    pub fn scope(&self) -> &str {
        self.span.names(&self.bytes)[1]
    }

    /// The name of the payload's type.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.span.names(&self.bytes)[2]
    }

    /// The version of the payload's type.
    #[must_use]
    pub fn payload_version(&self) -> u16 {
        self.span.payload_version
    }

    /// The encoded payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.span.payload(&self.bytes)
    }

    /// The events that led to this one.
    #[must_use]
    pub fn causes(&self) -> Vec<EventId> {
        Causes::from_bytes(self.span.causes.of(&self.bytes)).iter().collect()
    }

    /// The payload as a value of `P`; an older version is upcast.
    ///
    /// # Errors
    /// [`PayloadError`] when the event is of another kind, of a newer version, or its bytes are no `P`.
    pub fn payload_as<P: Payload>(&self) -> Result<P, PayloadError> {
        self.view().payload_as()
    }
}

impl From<EventRef<'_>> for StoredEvent {
    fn from(event: EventRef<'_>) -> Self {
        let causes = event.causes.as_bytes();
        let names = [event.entity, event.scope, event.kind];
        let [entity, scope, kind] = names.map(str::as_bytes);
        let [entity_bytes, scope_bytes, kind_bytes] = names.map(|name| name.len() as u32);
        let span = EventSpan {
            position: event.position(),
            version: event.version,
            time_micros: event.time_micros,
            causes: Span::default(),
            correlation_at: 0,
            names_at: 0,
            entity_bytes,
            scope_bytes,
            kind_bytes,
            key_bytes: 0,
            payload_bytes: event.payload.len() as u32,
            payload_version: event.payload_version,
            tag: event.id.tag(),
        };
        let bytes = [causes, entity, scope, kind, event.payload].concat();
        let span = Self::span_after(causes.len(), span);
        Self { span, correlation: event.correlation, bytes: bytes.into() }
    }
}

impl PartialEq for StoredEvent {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl Eq for StoredEvent {}

impl fmt::Debug for StoredEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoredEvent").field(&self.view()).finish()
    }
}
