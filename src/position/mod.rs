//! Where things stand: the position of an event in the store, its version in its entity, the id of a checkpoint.

mod checkpoint_id;

pub use checkpoint_id::{CheckpointId, CheckpointIdError};

use serde::{Deserialize, Serialize};
use std::fmt;

/// The place of an event in the order of all events of a store. Dense from 1; [`Position::START`] (0) stands
/// before the first event.
///
/// ```
/// use timberline::Position;
/// assert!(Position::START < Position::new(1));
/// assert_eq!(Position::START.next(), Position::new(1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(u64);

impl Position {
    /// Before the first event: where a reader that wants everything begins.
    pub const START: Self = Self(0);
    /// After every event a store can hold.
    pub const END: Self = Self(u64::MAX);

    /// The `number`-th event of the store; 0 is [`Position::START`].
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of this position.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position that follows. [`Position::END`] follows itself.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The position before this one. [`Position::START`] precedes itself.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// How many positions lie after `earlier`, up to and with this one; 0 when `earlier` is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The place of an event in the order of its entity's events. Dense from 1; 0 is an entity without events.
///
/// ```
/// use timberline::Version;
/// assert_eq!(Version::NONE.next(), Version::new(1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// The version of an entity that has no events.
    pub const NONE: Self = Self(0);

    /// The `number`-th event of an entity.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of this version.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The version that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Where a record stands in the journal. The index keeps it, the journal reads by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Number of the segment.
    pub segment: u32,
    /// First byte of the record in the segment.
    pub offset: u32,
    /// Bytes of the record.
    pub length: u32,
}
