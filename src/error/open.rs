//! Why a store could not be opened.

use super::SharedError;
use crate::config::ConfigError;
use crate::position::Position;
use std::path::PathBuf;

/// Why a store could not be opened. Nothing on the disk was changed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A number in the config cannot work.
    #[error("the config cannot work")]
    Config(#[from] ConfigError),
    /// Another process, or another store in this one, has the directory open for writing.
    #[error("{} is open for writing elsewhere; it can be opened read-only", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The directory has no store, and a store opened read-only is not created.
    #[error("{} holds no store", path.display())]
    NoStore {
        /// The directory.
        path: PathBuf,
    },
    /// The files are of a format this program does not know.
    #[error("{} is of format version {found}; this program knows {known}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The version that was found.
        found: u32,
        /// The version this program reads and writes.
        known: u32,
    },
    /// A file is there that belongs to another store or is no file of a store.
    #[error("{} does not belong here: {why}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What tells that.
        why: String,
    },
    /// A segment is missing.
    #[error("{} is missing", path.display())]
    Missing {
        /// The file that should be there.
        path: PathBuf,
    },
    /// What was once safely on the disk is damaged. Bring the file back from a copy.
    #[error("{} is damaged at byte {offset} (position {position})", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The first damaged byte, or the begin of the damaged frame.
        offset: u64,
        /// The first position that cannot be read.
        position: Position,
    },
    /// There is no room on the disk.
    #[error("no space left to open the store")]
    NoSpace {
        /// What the disk said.
        source: SharedError,
    },
    /// The disk refused.
    #[error("the disk refused")]
    Storage {
        /// What the disk said.
        source: SharedError,
    },
    /// An actor of the store did not start.
    #[error("the store did not start: {reason}")]
    Start {
        /// The exit reason of the child that did not start.
        reason: String,
    },
}
