//! Why the index could not answer.

use crate::error::SharedError;
use crate::storage::StorageError;
use std::sync::Arc;

/// Why the index could not answer. It never answers wrong instead.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum IndexError {
    /// A file of the index is not what was written. It is rebuilt from the journal; callers do not see this.
    #[error("{name} is damaged at block {block}")]
    Damaged {
        /// The file.
        name: Arc<str>,
        /// The first block that is wrong.
        block: u32,
    },
    /// The disk refused a file of the index.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The journal, from which a lost part of the index is rebuilt, could not be read.
    #[error("a part of the index cannot be rebuilt from the journal")]
    Journal(#[source] SharedError),
}
