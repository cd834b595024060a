//! Why a worker's commit was refused.

use super::AppendError;
use crate::position::Position;

/// Why a worker's checkpoint and reactions were not committed.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CommitError {
    /// The checkpoint does not stand where the worker thinks: an earlier try of this commit succeeded.
    #[error("the checkpoint stands at position {at}")]
    Moved {
        /// Where it stands.
        at: Position,
    },
    /// A reaction was refused, or the disk was.
    #[error(transparent)]
    Append(#[from] AppendError),
}
