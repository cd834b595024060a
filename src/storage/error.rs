//! What can go wrong with a file, sorted by what the caller can do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was being done to a file or to the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // each is the verb it names
pub enum OperationKind {
    Open,
    Create,
    Read,
    Write,
    Sync,
    SetLength,
    Length,
    List,
    Exists,
    Remove,
    Rename,
    SyncDirectory,
    Lock,
}

impl fmt::Display for OperationKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Open => "open",
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::SetLength => "set the length of",
            Self::Length => "get the length of",
            Self::List => "list",
            Self::Exists => "look for",
            Self::Remove => "remove",
            Self::Rename => "rename",
            Self::SyncDirectory => "sync the directory",
            Self::Lock => "lock",
        })
    }
}

/// Why it failed, as far as a caller can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StorageErrorKind {
    /// The disk, the quota or the file-size limit is full. Try again when there is room.
    NoSpace,
    /// Nothing stands under that name.
    NotFound,
    /// The process may not do this.
    PermissionDenied,
    /// Another process, or another store in this one, is the writer.
    Locked,
    /// The process or the machine has no file handle left. Try again when some were closed.
    TooManyFiles,
    /// Something else stands there: a symlink, a FIFO, a directory, a device.
    NotAFile,
    /// Anything else; the source says what.
    Other,
}

impl StorageErrorKind {
    fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => return Self::TooManyFiles,
            Some(libc::EFBIG | libc::EDQUOT) => return Self::NoSpace,
            Some(libc::ELOOP | libc::ENXIO | libc::EISDIR | libc::ENOTDIR) => return Self::NotAFile,
            _ => {}
        }
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::NoSpace
            }
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::PermissionDenied,
            _ => Self::Other,
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::NoSpace => "there is no space left; free some and try again",
            Self::NotFound => "it does not exist",
            Self::PermissionDenied => "permission denied",
            Self::Locked => "another writer holds it; close that one first",
            Self::TooManyFiles => "too many files are open; raise the limit or close some",
            Self::NotAFile => "what stands there is not a plain file",
            Self::Other => "the system refused",
        }
    }
}

/// A failed operation on a file: what was tried, where, and why it failed.
///
/// ```
/// use timberline::storage::{Directory, StorageErrorKind};
/// let error = Directory::open("/nowhere/at/all").unwrap_err();
/// assert_eq!(error.kind(), StorageErrorKind::NotFound);
/// assert!(error.to_string().contains("/nowhere/at/all"));
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[error("could not {operation} {}: {}", path.display(), kind.advice())]
pub struct StorageError {
    operation: OperationKind,
    path: PathBuf,
    kind: StorageErrorKind,
    // Shared, because a poisoned journal tells every later caller the same cause.
    source: Arc<io::Error>,
}

impl StorageError {
    pub(crate) fn new(operation: OperationKind, path: &Path, source: io::Error) -> Self {
        let kind = StorageErrorKind::of(&source);
        Self::with_kind(operation, path, kind, source)
    }

    pub(crate) fn with_kind(
        operation: OperationKind,
        path: &Path,
        kind: StorageErrorKind,
        source: io::Error,
    ) -> Self {
        Self { operation, path: path.to_path_buf(), kind, source: Arc::new(source) }
    }

    pub(crate) fn not_a_file(operation: OperationKind, path: &Path) -> Self {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "not a plain file");
        Self::with_kind(operation, path, StorageErrorKind::NotAFile, source)
    }

    /// What was being done.
    #[must_use]
    pub fn operation(&self) -> OperationKind {
        self.operation
    }

    /// The file or directory it was done to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why it failed.
    #[must_use]
    pub fn kind(&self) -> StorageErrorKind {
        self.kind
    }
}
