//! The name under which a cursor worker's place is kept.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of a durable cursor: a worker that is given one goes on where the last worker of that name committed.
///
/// ```
/// use timberline::CheckpointId;
/// assert_eq!(CheckpointId::new("mailer")?.as_str(), "mailer");
/// assert!(CheckpointId::new("").is_err());
/// assert!(CheckpointId::new("a/b").is_err());
/// # Ok::<(), timberline::CheckpointIdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CheckpointId(Box<str>);

/// Why a text cannot be a [`CheckpointId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointIdError {
    /// The text is empty.
    #[error("a checkpoint id may not be empty")]
    Empty,
    /// The text is over [`CheckpointId::BYTES_MAX`].
    #[error("a checkpoint id of {bytes} bytes is over the limit of {limit} bytes")]
    TooLong {
        /// Bytes of the refused text.
        bytes: usize,
        /// The most bytes that are taken.
        limit: usize,
    },
    /// The text holds a control character, a separator (`/`, `\`, `:`) or white space.
    #[error("the character {character:?} at byte {offset} may not stand in a checkpoint id")]
    Character {
        /// The refused character.
        character: char,
        /// Where it stands.
        offset: usize,
    },
}

impl CheckpointId {
    /// The most bytes of an id.
    pub const BYTES_MAX: usize = 128;

    /// Takes a name of 1 to [`CheckpointId::BYTES_MAX`] bytes without control characters, separators and white
    /// space.
    ///
    /// # Errors
    /// [`CheckpointIdError`] says which rule the text breaks.
    pub fn new(text: impl AsRef<str>) -> Result<Self, CheckpointIdError> {
        let text = text.as_ref();
        if text.is_empty() {
            return Err(CheckpointIdError::Empty);
        }
        if text.len() > Self::BYTES_MAX {
            return Err(CheckpointIdError::TooLong { bytes: text.len(), limit: Self::BYTES_MAX });
        }
        match text.char_indices().find(|(_, c)| is_refused(*c)) {
            Some((offset, character)) => Err(CheckpointIdError::Character { character, offset }),
            None => Ok(Self(text.into())),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_refused(c: char) -> bool {
    c.is_control() || c.is_whitespace() || matches!(c, '/' | '\\' | ':')
}

impl fmt::Display for CheckpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CheckpointId {
    type Error = CheckpointIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl From<CheckpointId> for String {
    fn from(id: CheckpointId) -> Self {
        id.0.into()
    }
}
