//! Why the writer gives up.

use crate::journal::JournalError;
use std::sync::Arc;
use supervisors::{Failure, Remedy};

/// Why the writer gives up.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum WriterError {
    /// The journal could not be opened.
    #[error("the journal could not be opened: {0}")]
    Open(Arc<JournalError>),
    /// The store was closed, and the directory may be another's.
    #[error("the directory is not locked for this store any more")]
    Unlocked,
    /// The disk failed in the middle: what is on it is not known before it is read again.
    #[error("{why}")]
    Poisoned { why: String },
    /// The journal took less than it said it would.
    #[error("an event could not be staged: {0}")]
    Stage(Arc<JournalError>),
    /// The index could not be caught up with the journal.
    #[error("the index could not be caught up: {0}")]
    CatchUp(Arc<JournalError>),
    /// The indexer did not answer.
    #[error("the index could not be caught up: {why}")]
    Indexer { why: String },
}

impl Failure for WriterError {
    fn remedy(&self) -> Remedy {
        match self {
            // What is damaged on the disk is damaged the next time too.
            Self::CatchUp(error) if matches!(**error, JournalError::Corrupt { .. }) => Remedy::Escalate,
            Self::CatchUp(_) | Self::Indexer { .. } | Self::Stage(_) => Remedy::Restart,
            // A restart would read through the same page cache that lost the writes.
            Self::Open(_) | Self::Unlocked | Self::Poisoned { .. } => Remedy::Escalate,
        }
    }
}
