//! A stored event with its own copy of everything.

use super::{Causes, EventId, EventRef, Payload, PayloadError};
use crate::position::{Position, Version};
use std::time::SystemTime;

/// A stored event that owns its texts and its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    id: EventId,
    version: Version,
    time_micros: u64,
    correlation: EventId,
    payload_version: u16,
    entity_bytes: u32,
    scope_bytes: u32,
    /// Entity, scope and kind, one behind the other: one allocation for three texts.
    text: Box<str>,
    payload: Box<[u8]>,
    causes: Box<[u8]>,
}

impl StoredEvent {
    /// The event as it is lent to handlers.
    #[must_use]
    pub fn view(&self) -> EventRef<'_> {
        EventRef {
            id: self.id,
            version: self.version,
            time_micros: self.time_micros,
            correlation: self.correlation,
            entity: self.entity(),
            scope: self.scope(),
            kind: self.kind(),
            payload_version: self.payload_version,
            payload: &self.payload,
            causes: Causes::from_bytes(&self.causes),
        }
    }

    /// The event's id.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.id
    }

    /// Its place among all events.
    #[must_use]
    pub fn position(&self) -> Position {
        self.id.position()
    }

    /// Its place among its entity's events.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// When it was committed. Never goes back within a store.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        self.view().time()
    }

    /// When it was committed, in microseconds since 1970 began.
    #[must_use]
    pub fn time_micros(&self) -> u64 {
        self.time_micros
    }

    /// The id of the event that began the correlation this one belongs to.
    #[must_use]
    pub fn correlation(&self) -> EventId {
        self.correlation
    }

    /// What it tells of.
    #[must_use]
    pub fn entity(&self) -> &str {
        &self.text[..self.entity_bytes as usize]
    }

    /// What the entity stands in.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.text[self.entity_bytes as usize..][..self.scope_bytes as usize]
    }

    /// The name of the payload's type.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.text[(self.entity_bytes + self.scope_bytes) as usize..]
    }

    /// The version of the payload's type.
    #[must_use]
    pub fn payload_version(&self) -> u16 {
        self.payload_version
    }

    /// The encoded payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The events that led to this one.
    #[must_use]
    pub fn causes(&self) -> Vec<EventId> {
        Causes::from_bytes(&self.causes).iter().collect()
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
        let causes: Vec<u8> = event.causes.iter().flat_map(|id| id.to_u128().to_le_bytes()).collect();
        let mut text = String::with_capacity(event.entity.len() + event.scope.len() + event.kind.len());
        text.extend([event.entity, event.scope, event.kind]);
        Self {
            id: event.id,
            version: event.version,
            time_micros: event.time_micros,
            correlation: event.correlation,
            payload_version: event.payload_version,
            entity_bytes: event.entity.len() as u32,
            scope_bytes: event.scope.len() as u32,
            text: text.into(),
            payload: event.payload.into(),
            causes: causes.into(),
        }
    }
}
