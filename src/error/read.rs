//! Why a read failed.

use super::SharedError;
use crate::position::Position;

/// Why an event could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// What the disk gave is not what was written.
    #[error("the record at position {position} is damaged")]
    Corrupt {
        /// The event that cannot be read.
        position: Position,
        /// What the journal said.
        source: SharedError,
    },
    /// The disk refused.
    #[error("the disk refused")]
    Storage {
        /// What the disk said.
        source: SharedError,
    },
    /// The region has more terms than a region may have.
    #[error("the region has {terms} terms, over the limit of {limit}")]
    Region {
        /// How many it has.
        terms: usize,
        /// The most that are taken.
        limit: usize,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}
