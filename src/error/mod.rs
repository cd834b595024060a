//! What can go wrong, one enum per operation: what happened, where, and what the caller can do.

mod append;
mod commit;
mod open;
mod read;

pub use append::{AppendError, Denial, Retry};
pub(crate) use append::{BatchReceipts, Receipts};
pub(crate) use commit::CommitError;
pub use open::OpenError;
pub use read::ReadError;

use std::error::Error;
use std::sync::Arc;

/// A cause that several errors can share.
pub type SharedError = Arc<dyn Error + Send + Sync + 'static>;
