//! Why the journal refused: what, which file, where, and what to do.

use super::store_id::StoreId;
use crate::position::Position;
use crate::storage::{StorageError, StorageErrorKind};
use std::path::PathBuf;

/// What is over its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limited {
    /// One event's payload.
    Payload,
    /// Everything staged for one commit.
    Commit,
    /// A kind's name.
    Kind,
    /// An idempotency key.
    Key,
    /// The number of causes (a count, not bytes).
    Causes,
    /// A checkpoint's region.
    Region,
}

impl std::fmt::Display for Limited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Payload => "payload",
            Self::Commit => "commit",
            Self::Kind => "kind",
            Self::Key => "idempotency key",
            Self::Causes => "number of causes",
            Self::Region => "region",
        })
    }
}

/// Why the journal could not be opened, written or read.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file was written by a program with another format: use that program.
    #[error("{} has format version {found}, this program reads version {known}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The version that was found.
        found: u32,
        /// The version this program reads and writes.
        known: u32,
    },
    /// The file belongs to another store: move it out of the directory.
    #[error("{} belongs to store {found}, this is store {expected}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The store in whose directory it stands.
        expected: StoreId,
        /// The store it belongs to.
        found: StoreId,
    },
    /// A segment is missing: bring it back from a copy.
    #[error("segment {segment} is missing: there is no {}", path.display())]
    Missing {
        /// The segment's number.
        segment: u32,
        /// The file that should be there.
        path: PathBuf,
    },
    /// The file holds another segment than its name says: a copy; move it out of the directory.
    #[error("{} holds segment {found}, not {segment}", path.display())]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// The segment its name says.
        segment: u32,
        /// The segment its header says.
        found: u32,
    },
    /// What was once safely on the disk is damaged: bring the file back from a copy. Nothing was changed.
    #[error("{} is damaged at byte {offset} (position {position})", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The segment's number.
        segment: u32,
        /// Where the damaged record, frame or header begins, in bytes.
        offset: u64,
        /// The first position that cannot be trusted.
        position: Position,
    },
    /// There is no journal here, and a reader does not make one.
    #[error("there is no journal in {}", path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// The disk is full. Nothing of the commit was kept; commits work again when there is room.
    #[error("there is no space left for the commit")]
    NoSpace(#[source] StorageError),
    /// A write or sync failed before, so what is on disk is not known: open the journal again.
    #[error("the journal takes no more commits after a failed {}", cause.operation())]
    Poisoned {
        /// The failure that poisoned it.
        #[source]
        cause: StorageError,
    },
    /// Something is over its limit; nothing was staged.
    #[error("the {what} has {actual}, over the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: Limited,
        /// How large it is (bytes, or a count).
        actual: u64,
        /// The most that is taken.
        limit: u64,
    },
    /// The disk refused.
    #[error(transparent)]
    Storage(StorageError),
}

impl From<StorageError> for JournalError {
    fn from(error: StorageError) -> Self {
        match error.kind() {
            StorageErrorKind::NoSpace => Self::NoSpace(error),
            _ => Self::Storage(error),
        }
    }
}
