//! The only room that touches files: a directory of plain files behind a seam that tests can fault.
//!
//! The store sees a [`Storage`] (one flat directory) and [`File`]s in it (positional reads and writes, nothing
//! with a cursor). [`Directory`] is the real one; the feature `simulation` adds a disk in memory that tells
//! what is durable from what is only cached, injects faults, and crashes.
//!
//! What stands in the place of a file but is not one (a symlink, a FIFO, a directory) is refused as
//! [`StorageErrorKind::NotAFile`], and never waited for. An interrupted call is repeated here and nowhere
//! else; every other failure is handed up with its operation and its path.
//!
//! A limit on file sizes (`ulimit -f`) makes the kernel send SIGXFSZ at the first write past it, which ends
//! the process unless it ignores that signal; Rust's runtime ignores only SIGPIPE and this crate sets no
//! signal handlers. To the journal that is a crash like any other. A process that ignores the signal
//! gets [`StorageErrorKind::NoSpace`] instead.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // this is the seam the rule points to

mod cache;
mod directory;
mod error;
mod open_files;
#[cfg(any(test, feature = "simulation"))]
pub mod simulated;
mod syncs;
#[cfg(test)]
mod tests;
mod transfer;

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

pub use cache::Cache;
pub use directory::Directory;
pub use error::{OperationKind, StorageError, StorageErrorKind};
pub use open_files::OpenFiles;
pub use syncs::Syncs;

/// The name of the file that a writer holds locked. It stays empty: nothing is lost if it is deleted.
pub const LOCK_NAME: &str = "store.lock";

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// For reading; the file must exist.
    Read,
    /// For reading and writing; the file must exist.
    Write,
    /// For reading and writing; the file must not exist and is made, empty.
    Create,
}

/// One flat directory of plain files.
///
/// Names are single path components. Methods block for as long as the disk does.
pub trait Storage: Debug + Send + Sync {
    /// Opens, or with [`Access::Create`] makes, the file `name`.
    fn open(&self, name: &str, access: Access) -> Result<Arc<dyn File>, StorageError>;

    /// The names of everything in the directory that could be ours (valid UTF-8), sorted.
    fn list(&self) -> Result<Vec<String>, StorageError>;

    /// Whether something stands under `name`, whatever it is.
    fn exists(&self, name: &str) -> Result<bool, StorageError>;

    /// Removes the file `name`. Durable after [`Storage::sync_directory`].
    fn remove(&self, name: &str) -> Result<(), StorageError>;

    /// Gives `from` the name `to` in one step, replacing what stood there. Durable after
    /// [`Storage::sync_directory`].
    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError>;

    /// Makes creations, removals and renames durable.
    fn sync_directory(&self) -> Result<(), StorageError>;

    /// Takes the writer's lock, which is held until the returned value is dropped and is never waited for:
    /// a second taker gets [`StorageErrorKind::Locked`] at once.
    fn lock(&self) -> Result<WriteLock, StorageError>;

    /// The path of `name`, for messages.
    fn path(&self, name: &str) -> PathBuf;
}

/// One open plain file. All offsets and lengths are bytes.
pub trait File: Debug + Send + Sync {
    /// Fills `buffer` from `offset` on and returns how much there was: less than asked only at the file's end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError>;

    /// Writes all of `bytes` at `offset`, extending the file if needed. After an error any part of it may
    /// have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError>;

    /// Makes everything written so far durable, the length included. After an error nothing may be assumed
    /// of what was written since the last success, and calling again proves nothing.
    fn sync_data(&self) -> Result<(), StorageError>;

    /// Cuts or extends the file with zeros.
    fn set_length(&self, length: u64) -> Result<(), StorageError>;

    /// The file's length now.
    fn length(&self) -> Result<u64, StorageError>;
}

/// Proof that this process is the directory's only writer; the lock is free again when it is dropped.
pub struct WriteLock {
    _held: Box<dyn Send + Sync>,
}

impl WriteLock {
    /// Wraps whatever a [`Storage`] holds while the lock is taken.
    pub fn new(held: impl Send + Sync + 'static) -> Self {
        Self { _held: Box::new(held) }
    }
}

impl Debug for WriteLock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("WriteLock")
    }
}
