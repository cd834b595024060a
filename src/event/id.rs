//! The id of an event: 128 bits that sort by time and carry the position.

use crate::position::Position;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The id of an event: 48 bits of milliseconds since 1970, 64 bits of position, 16 bits of the store's tag.
///
/// Ids of one store sort as its events do, and a lookup by id needs no index of ids. As text an id is 34
/// characters of hexadecimal, `time-position-tag`.
///
/// ```
/// use timberline::EventId;
/// let id: EventId = "0190b3c2a1f4-00000000000004d2-7f3a".parse()?;
/// assert_eq!(id.position().get(), 1234);
/// assert_eq!(id.to_string(), "0190b3c2a1f4-00000000000004d2-7f3a");
/// # Ok::<(), timberline::EventIdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId(u128);

/// Sixteen bits that tell one store's ids from another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreTag(pub u16);

/// Why a text is no [`EventId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no event id: expected 12, 16 and 4 hexadecimal digits with hyphens between")]
pub struct EventIdError {
    text: String,
}

impl EventId {
    /// The id of the event at `position` of the store with `tag`, committed `time_millis` after 1970 began.
    #[must_use]
    pub const fn new(time_millis: u64, position: Position, tag: StoreTag) -> Self {
        Self(
            ((time_millis & 0xffff_ffff_ffff) as u128) << 80 | (position.get() as u128) << 16 | tag.0 as u128,
        )
    }

    /// Where the event stands in its store.
    #[must_use]
    pub const fn position(self) -> Position {
        Position::new((self.0 >> 16) as u64)
    }

    /// When the event was committed, in milliseconds since 1970 began.
    #[must_use]
    pub const fn time_millis(self) -> u64 {
        (self.0 >> 80) as u64
    }

    /// The tag of the store that gave the id.
    #[must_use]
    pub const fn tag(self) -> StoreTag {
        StoreTag(self.0 as u16)
    }

    /// The id as a number.
    #[must_use]
    pub const fn to_u128(self) -> u128 {
        self.0
    }

    /// The id with this number.
    #[must_use]
    pub const fn from_u128(number: u128) -> Self {
        Self(number)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}-{:016x}-{:04x}", self.time_millis(), self.position().get(), self.tag().0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| EventIdError { text: text.chars().take(64).collect() })
    }
}

fn parse(text: &str) -> Option<EventId> {
    let mut parts = text.split('-');
    let time = hex(parts.next()?, 12)?;
    let position = hex(parts.next()?, 16)?;
    let tag = hex(parts.next()?, 4)?;
    let tag = StoreTag(u16::try_from(tag).ok()?);
    parts.next().is_none().then(|| EventId::new(time, Position::new(position), tag))
}

fn hex(part: &str, digits: usize) -> Option<u64> {
    let well_formed = part.len() == digits && part.bytes().all(|b| b.is_ascii_hexdigit());
    well_formed.then(|| u64::from_str_radix(part, 16).ok()).flatten()
}

impl TryFrom<String> for EventId {
    type Error = EventIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_then_by_position() {
        let id = |time, position| EventId::new(time, Position::new(position), StoreTag(7));
        let mut ids = [id(2, 1), id(1, u64::MAX), id(1, 2), id(1, 1)];
        ids.sort();
        assert_eq!(ids, [id(1, 1), id(1, 2), id(1, u64::MAX), id(2, 1)]);
    }

    #[test]
    fn texts_that_are_no_id_are_refused() {
        for text in
            ["", "-", "1-2-3", "0190b3c2a1f4-00000000000004d2-7f3a-", "+190b3c2a1f4-00000000000004d2-7f3a"]
        {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
    }
}
