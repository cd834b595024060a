//! The real disk: a directory of the operating system, through std's positional I/O.

use std::fs;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::transfer::{read_full, retry, write_all};
use super::{Access, File, LOCK_NAME, OperationKind, Storage, StorageError, StorageErrorKind, WriteLock};

/// A directory of the operating system.
///
/// ```
/// use timberline::storage::{Access, Directory, Storage};
/// # let path = std::env::temp_dir().join(format!("timberline-directory-{}", std::process::id()));
/// let directory = Directory::create(&path)?;
/// let file = directory.open("a", Access::Create)?;
/// file.write_at(b"hello", 0)?;
/// file.sync_data()?;
/// directory.sync_directory()?;
/// assert_eq!(directory.list()?, ["a"]);
/// # std::fs::remove_dir_all(&path).unwrap();
/// # Ok::<(), timberline::storage::StorageError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Opens the directory at `path`, making it and its missing parents durable first.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let path = path.into();
        make_directories(&path).map_err(|error| StorageError::new(OperationKind::Create, &path, error))?;
        Self::open(path)
    }

    /// Opens the directory at `path`, which must exist.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let path = path.into();
        let metadata =
            fs::metadata(&path).map_err(|error| StorageError::new(OperationKind::Open, &path, error))?;
        match metadata.is_dir() {
            true => Ok(Self { path }),
            false => Err(StorageError::not_a_file(OperationKind::Open, &path)),
        }
    }

    fn failed(&self, operation: OperationKind, name: &str) -> impl Fn(io::Error) -> StorageError {
        let path = self.path(name);
        move |error| StorageError::new(operation, &path, error)
    }
}

/// Makes `path` and what is missing above it; each new name is synced in its parent.
fn make_directories(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || fs::exists(path)? {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    make_directories(parent)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => result?,
    }
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    fs::File::open(parent)?.sync_all()
}

/// Opens without following a symlink and without waiting for a FIFO's other end.
fn open_plain(path: &Path, access: Access) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(access != Access::Read).create_new(access == Access::Create);
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC).open(path)
}

impl Storage for Directory {
    fn open(&self, name: &str, access: Access) -> Result<Arc<dyn File>, StorageError> {
        let operation = if access == Access::Create { OperationKind::Create } else { OperationKind::Open };
        let failed = self.failed(operation, name);
        let handle = retry(|| open_plain(&self.path(name), access)).map_err(&failed)?;
        if !handle.metadata().map_err(&failed)?.is_file() {
            return Err(StorageError::not_a_file(operation, &self.path(name)));
        }
        Ok(Arc::new(PlainFile { handle, path: self.path(name) }))
    }

    fn list(&self) -> Result<Vec<String>, StorageError> {
        let failed = |error| StorageError::new(OperationKind::List, &self.path, error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            names.extend(entry.map_err(failed)?.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn exists(&self, name: &str) -> Result<bool, StorageError> {
        match fs::symlink_metadata(self.path(name)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.failed(OperationKind::Exists, name)(error)),
        }
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        retry(|| fs::remove_file(self.path(name))).map_err(self.failed(OperationKind::Remove, name))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        retry(|| fs::rename(self.path(from), self.path(to))).map_err(self.failed(OperationKind::Rename, to))
    }

    fn sync_directory(&self) -> Result<(), StorageError> {
        retry(|| fs::File::open(&self.path)?.sync_all())
            .map_err(|error| StorageError::new(OperationKind::SyncDirectory, &self.path, error))
    }

    fn lock(&self) -> Result<WriteLock, StorageError> {
        let path = self.path(LOCK_NAME);
        let failed = self.failed(OperationKind::Lock, LOCK_NAME);
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC);
        let handle = retry(|| options.open(&path)).map_err(&failed)?;
        if !handle.metadata().map_err(&failed)?.is_file() {
            return Err(StorageError::not_a_file(OperationKind::Lock, &path));
        }
        match handle.try_lock() {
            Ok(()) => Ok(WriteLock::new(HeldLock(handle))),
            Err(fs::TryLockError::Error(error)) => Err(failed(error)),
            Err(fs::TryLockError::WouldBlock) => Err(StorageError::with_kind(
                OperationKind::Lock,
                &path,
                StorageErrorKind::Locked,
                io::ErrorKind::WouldBlock.into(),
            )),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// The locked file. It is unlocked, not only closed: a process that this one is just starting shares it until its
/// exec, and would hold the lock as long.
struct HeldLock(fs::File);

impl Drop for HeldLock {
    fn drop(&mut self) {
        // Closing the file, which follows, unlocks it too unless someone shares it.
        let _ = self.0.unlock();
    }
}

/// One open file of the operating system.
#[derive(Debug)]
struct PlainFile {
    handle: fs::File,
    path: PathBuf,
}

impl PlainFile {
    #[cold]
    fn failed(&self, operation: OperationKind, error: io::Error) -> StorageError {
        StorageError::new(operation, &self.path, error)
    }
}

impl File for PlainFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError> {
        read_full(buffer, offset, |buffer, offset| self.handle.read_at(buffer, offset))
            .map_err(|error| self.failed(OperationKind::Read, error))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError> {
        write_all(bytes, offset, |bytes, offset| self.handle.write_at(bytes, offset))
            .map_err(|error| self.failed(OperationKind::Write, error))
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        self.handle.sync_data().map_err(|error| self.failed(OperationKind::Sync, error))
    }

    fn set_length(&self, length: u64) -> Result<(), StorageError> {
        retry(|| self.handle.set_len(length)).map_err(|error| self.failed(OperationKind::SetLength, error))
    }

    fn length(&self) -> Result<u64, StorageError> {
        match self.handle.metadata() {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) => Err(self.failed(OperationKind::Length, error)),
        }
    }
}
