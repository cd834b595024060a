//! What a caller is given for an event that was stored.

use super::{Durability, EventId};
use crate::position::{Position, Version};

/// The proof of an append. It is given only after what it says is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The event's id.
    pub id: EventId,
    /// Its place among all events.
    pub position: Position,
    /// Its place among its entity's events.
    pub version: Version,
    /// How safe the event is, at least, as of this receipt.
    pub durability: Durability,
    /// Whether the event was there already, stored by an earlier append with the same idempotency key.
    pub duplicate: bool,
}

impl Receipt {
    pub(crate) fn new(id: EventId, version: Version, durability: Durability) -> Self {
        Self { id, position: id.position(), version, durability, duplicate: false }
    }
}
