//! Where an event belongs: its entity and its scope.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Where an event belongs: the entity it tells of, and the scope that entity stands in.
///
/// Versions are counted per entity, whatever the scope. Cloning is cheap.
///
/// ```
/// use timberline::Coordinate;
/// let coordinate = Coordinate::new("order-7", "shop")?;
/// assert_eq!((coordinate.entity(), coordinate.scope()), ("order-7", "shop"));
/// assert!(Coordinate::new("", "shop").is_err());
/// # Ok::<(), timberline::CoordinateError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(String, String)", into = "(String, String)")]
pub struct Coordinate {
    /// The entity and behind it the scope: one piece of memory to share, and to put into a record.
    names: Arc<str>,
    entity_bytes: u16,
}

/// Why two texts cannot be a [`Coordinate`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoordinateError {
    /// The entity or the scope is empty.
    #[error("the {part} may not be empty")]
    Empty {
        /// `entity` or `scope`.
        part: &'static str,
    },
    /// The entity or the scope is over its limit.
    #[error("the {part} has {bytes} bytes, over the limit of {limit} bytes")]
    TooLong {
        /// `entity` or `scope`.
        part: &'static str,
        /// Bytes of the refused text.
        bytes: usize,
        /// The most bytes that are taken.
        limit: usize,
    },
    /// The entity or the scope holds a control character.
    #[error("the {part} holds the control character {character:?} at byte {offset}")]
    Control {
        /// `entity` or `scope`.
        part: &'static str,
        /// The refused character.
        character: char,
        /// Where it stands.
        offset: usize,
    },
}

impl Coordinate {
    /// The most bytes of an entity's name.
    pub const ENTITY_BYTES_MAX: usize = 8 * 1024;
    /// The most bytes of a scope's name.
    pub const SCOPE_BYTES_MAX: usize = 1024;

    /// An event's place: `entity` and `scope` are texts without control characters, at least one byte long.
    ///
    /// # Errors
    /// [`CoordinateError`] says which part breaks which rule.
    pub fn new(entity: impl AsRef<str>, scope: impl AsRef<str>) -> Result<Self, CoordinateError> {
        let (entity, scope) = (entity.as_ref(), scope.as_ref());
        check("entity", entity, Self::ENTITY_BYTES_MAX)?;
        check("scope", scope, Self::SCOPE_BYTES_MAX)?;
        Ok(Self { names: [entity, scope].concat().into(), entity_bytes: entity.len() as u16 })
    }

    /// What the event tells of; its events are numbered by version.
    #[must_use]
    pub fn entity(&self) -> &str {
        &self.names[..usize::from(self.entity_bytes)]
    }

    /// What the entity stands in: a tenant, a repository, a device.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.names[usize::from(self.entity_bytes)..]
    }

    /// The entity, shared.
    /// The entity and behind it the scope.
    pub(crate) fn names(&self) -> &str {
        &self.names
    }

    /// How many clones there are, this one included.
    #[cfg(test)]
    pub(crate) fn clones(&self) -> usize {
        Arc::strong_count(&self.names)
    }
}

impl Ord for Coordinate {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.entity(), self.scope()).cmp(&(other.entity(), other.scope()))
    }
}

impl PartialOrd for Coordinate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn check(part: &'static str, text: &str, limit: usize) -> Result<(), CoordinateError> {
    if text.is_empty() {
        return Err(CoordinateError::Empty { part });
    }
    if text.len() > limit {
        return Err(CoordinateError::TooLong { part, bytes: text.len(), limit });
    }
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((offset, character)) => Err(CoordinateError::Control { part, character, offset }),
        None => Ok(()),
    }
}

impl fmt::Debug for Coordinate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coordinate").field("entity", &self.entity()).field("scope", &self.scope()).finish()
    }
}

impl fmt::Display for Coordinate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scope(), self.entity())
    }
}

impl TryFrom<(String, String)> for Coordinate {
    type Error = CoordinateError;

    fn try_from((entity, scope): (String, String)) -> Result<Self, Self::Error> {
        Self::new(entity, scope)
    }
}

impl From<Coordinate> for (String, String) {
    fn from(coordinate: Coordinate) -> Self {
        (coordinate.entity().to_owned(), coordinate.scope().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_told_apart_and_ordered_by_entity_and_then_by_scope() {
        let names = [("a", "bc"), ("ab", "c"), ("ab", "d"), ("b", "a"), ("é", "ü")];
        let coordinates = names.map(|(entity, scope)| Coordinate::new(entity, scope).unwrap());
        assert!(coordinates.is_sorted_by(|left, right| left < right));
        let parts = coordinates.each_ref().map(|coordinate| (coordinate.entity(), coordinate.scope()));
        assert_eq!(parts, names);
    }

    #[test]
    fn the_longest_names_that_are_taken_stay_what_they_are() {
        let (entity, scope) =
            ("e".repeat(Coordinate::ENTITY_BYTES_MAX), "s".repeat(Coordinate::SCOPE_BYTES_MAX));
        let coordinate = Coordinate::new(&entity, &scope).unwrap();
        assert_eq!((coordinate.entity(), coordinate.scope()), (entity.as_str(), scope.as_str()));
        assert!(format!("{coordinate:?}").ends_with("s\" }"));
    }
}
