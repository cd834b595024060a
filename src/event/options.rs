//! What a caller may ask of an append: expectation, condition, key, causes, correlation, durability.

use super::EventId;
use crate::position::{Position, Version};
use crate::region::Region;

/// What the caller believes of the entity before the append; checked exactly, inside the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expected {
    /// Anything.
    #[default]
    Any,
    /// The entity has no events.
    Empty,
    /// The entity has at least one event.
    Exists,
    /// The entity's newest event has this version.
    Version(u64),
}

impl Expected {
    /// Whether an entity whose newest event is `actual` is as expected.
    #[must_use]
    pub fn holds(self, actual: Version) -> bool {
        match self {
            Self::Any => true,
            Self::Empty => actual == Version::NONE,
            Self::Exists => actual > Version::NONE,
            Self::Version(version) => actual == Version::new(version),
        }
    }
}

/// A condition over more than one entity: no event of `region` stands after `after`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What must not have changed.
    pub region: Region,
    /// The last position the caller has seen.
    pub after: Position,
}

/// How safe an event is when its receipt is given.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
pub enum Durability {
    /// In the operating system's hands: safe from a crash of the process, not from a power cut.
    Buffered,
    /// On the disk.
    #[default]
    Durable,
}

/// What a caller asks of one append. The default asks nothing.
///
/// ```
/// use timberline::{AppendOptions, Durability, Expected};
/// let options = AppendOptions::new()
///     .expect(Expected::Version(3))
///     .idempotency_key("payment-17")
///     .durability(Durability::Buffered);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use]
pub struct AppendOptions {
    pub(crate) expected: Expected,
    pub(crate) condition: Option<Condition>,
    pub(crate) key: Option<Box<[u8]>>,
    pub(crate) causes: Vec<EventId>,
    pub(crate) batch_causes: Vec<u32>,
    pub(crate) correlation: Option<EventId>,
    pub(crate) durability: Option<Durability>,
}

impl AppendOptions {
    /// The most bytes of an idempotency key.
    pub const KEY_BYTES_MAX: usize = 256;
    /// The most causes of one event.
    pub const CAUSES_MAX: usize = 1024;

    /// Asks nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses with a conflict unless the entity is as `expected`.
    pub fn expect(mut self, expected: Expected) -> Self {
        self.expected = expected;
        self
    }

    /// Refuses when an event of `region` stands after position `after`.
    pub fn unless(mut self, region: Region, after: Position) -> Self {
        self.condition = Some(Condition { region, after });
        self
    }

    /// Makes the append safe to repeat: an append with a key that was used before gives the first receipt and
    /// adds nothing. 1 to [`AppendOptions::KEY_BYTES_MAX`] bytes; the limit is checked by the append.
    pub fn idempotency_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.key = Some(key.as_ref().into());
        self
    }

    /// Adds causes: events of this store that led to this one.
    pub fn caused_by(mut self, causes: impl IntoIterator<Item = EventId>) -> Self {
        self.causes.extend(causes);
        self
    }

    /// Adds a cause inside the same batch, by its place there, counted from 0. It must stand earlier in the batch.
    pub fn caused_by_item(mut self, item: u32) -> Self {
        self.batch_causes.push(item);
        self
    }

    /// Sets the correlation. Without it an event shares the correlation of its first cause inside the batch, or
    /// begins one of its own.
    pub fn correlated(mut self, correlation: EventId) -> Self {
        self.correlation = Some(correlation);
        self
    }

    /// Sets what the receipt waits for; without it the store's config decides. A batch waits for the strongest of
    /// its events.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }
}
