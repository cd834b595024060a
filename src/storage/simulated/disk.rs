//! The simulated disk itself: it counts and records operations, asks the hook for faults, and keeps the image.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::image::Image;
use crate::storage::transfer::{read_full, retry, write_all};
use crate::storage::{
    Access, File, LOCK_NAME, OperationKind, Storage, StorageError, StorageErrorKind, WriteLock,
};

/// One operation on the simulated disk, as the hook sees it before it takes effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// 1 for the first operation of this disk, then dense.
    pub number: u64,
    /// What is done.
    pub kind: OperationKind,
    /// The file it is done to; empty for the directory.
    pub name: Arc<str>,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// How much, in bytes.
    pub length: u64,
}

/// What a hook can do to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails with EIO. A sync that fails leaves its dirty pages marked clean, as kernels do.
    Io,
    /// It fails with ENOSPC.
    NoSpace,
    /// A write transfers only this many bytes (the caller's loop goes on with the rest).
    ShortWrite(usize),
    /// It fails with EINTR.
    Interrupted,
    /// It fails with EMFILE.
    TooManyFiles,
    /// A sync says yes and does nothing: a disk that lies.
    Lie,
    /// It and everything after it fails, without effect, until the disk is crashed.
    PowerOff,
}

impl Fault {
    fn error(self) -> io::Error {
        io::Error::from_raw_os_error(match self {
            Self::NoSpace => libc::ENOSPC,
            Self::Interrupted => libc::EINTR,
            Self::TooManyFiles => libc::EMFILE,
            Self::Io | Self::ShortWrite(_) | Self::Lie | Self::PowerOff => libc::EIO,
        })
    }
}

type Hook = Box<dyn FnMut(&Operation) -> Option<Fault> + Send>;

/// A disk in memory. Clones are handles to the same disk; [`SimulatedDisk::image`] copies its state.
///
/// ```
/// use timberline::storage::{Access, Storage, simulated::SimulatedDisk};
/// let disk = SimulatedDisk::new();
/// let file = disk.open("a", Access::Create)?;
/// file.write_at(b"hello", 0)?;
/// let everything_lost = disk.crash(&mut |count| count - 1);
/// assert!(everything_lost.list()?.is_empty());
/// file.sync_data()?;
/// disk.sync_directory()?;
/// let nothing_to_lose = disk.crash(&mut |count| count - 1);
/// assert_eq!(nothing_to_lose.list()?, ["a"]);
/// # Ok::<(), timberline::storage::StorageError>(())
/// ```
#[derive(Clone, Default)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    image: Image,
    operations: Vec<Operation>,
    images: Option<Vec<Image>>,
    hook: Option<Hook>,
    space_bytes: Option<usize>,
    powered_off: bool,
    locked: bool,
}

impl SimulatedDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A disk in the given state, with nothing recorded and no faults.
    #[must_use]
    pub fn from_image(image: Image) -> Self {
        Self { state: Arc::new(Mutex::new(State { image, ..State::default() })) }
    }

    /// Asks `hook` before every operation. It runs under the disk's lock and must not use the disk.
    ///
    /// ```
    /// use timberline::storage::{Access, Storage, StorageErrorKind, simulated::{Fault, SimulatedDisk}};
    /// let disk = SimulatedDisk::new();
    /// disk.set_hook(|operation| (operation.number == 2).then_some(Fault::NoSpace));
    /// let file = disk.open("a", Access::Create)?;
    /// assert_eq!(file.write_at(b"x", 0).unwrap_err().kind(), StorageErrorKind::NoSpace);
    /// file.write_at(b"x", 0)?;
    /// # Ok::<(), timberline::storage::StorageError>(())
    /// ```
    pub fn set_hook(&self, hook: impl FnMut(&Operation) -> Option<Fault> + Send + 'static) {
        self.state().hook = Some(Box::new(hook));
    }

    /// No more faults; power is back.
    pub fn heal(&self) {
        let mut state = self.state();
        state.hook = None;
        state.powered_off = false;
    }

    /// Limits the sum of all files' lengths; `None` is no limit.
    pub fn set_space_bytes(&self, space_bytes: Option<usize>) {
        self.state().space_bytes = space_bytes;
    }

    /// Keeps a copy of the state from before every operation from now on, for [`SimulatedDisk::images`].
    pub fn keep_images(&self) {
        self.state().images = Some(Vec::new());
    }

    /// The states kept, oldest first, ending with the present one.
    #[must_use]
    pub fn images(&self) -> Vec<Image> {
        let state = self.state();
        let mut images = state.images.clone().unwrap_or_default();
        images.push(state.image.clone());
        images
    }

    /// Everything done so far.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        self.state().operations.clone()
    }

    /// A copy of the state now.
    #[must_use]
    pub fn image(&self) -> Image {
        self.state().image.clone()
    }

    /// A new disk holding what a power cut now could leave; see [`Image::crash`].
    #[must_use]
    pub fn crash(&self, choose: &mut dyn FnMut(usize) -> usize) -> SimulatedDisk {
        Self::from_image(self.image().crash(choose))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path_of(name: &str) -> PathBuf {
        PathBuf::from("simulated").join(name)
    }

    /// Runs one operation under the lock, repeated while it is interrupted.
    fn run<T>(
        &self,
        kind: OperationKind,
        name: &str,
        mut act: impl FnMut(&mut State) -> io::Result<T>,
    ) -> Result<T, StorageError> {
        let name = Arc::from(name);
        let attempt = || {
            let mut state = self.state();
            state.step(kind, &name, 0, 0)?;
            act(&mut state)
        };
        retry(attempt).map_err(|error| StorageError::new(kind, &Self::path_of(&name), error))
    }
}

impl fmt::Debug for SimulatedDisk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let names: Vec<_> = state.image.names().collect();
        formatter.debug_struct("SimulatedDisk").field("files", &names).finish_non_exhaustive()
    }
}

impl State {
    /// Records the operation; `Ok(Some(count))` is a write, or a sync, that shall be short.
    fn step(
        &mut self,
        kind: OperationKind,
        name: &Arc<str>,
        offset: u64,
        length: u64,
    ) -> io::Result<Option<usize>> {
        if self.powered_off {
            return Err(Fault::PowerOff.error());
        }
        let number = self.operations.len() as u64 + 1;
        let operation = Operation { number, kind, name: Arc::clone(name), offset, length };
        if let Some(images) = &mut self.images {
            images.push(self.image.clone());
        }
        let fault = self.hook.as_mut().and_then(|hook| hook(&operation));
        self.operations.push(operation);
        match fault {
            None => Ok(None),
            Some(Fault::ShortWrite(count)) if kind == OperationKind::Write => Ok(Some(count)),
            Some(Fault::Lie) if kind == OperationKind::Sync => Ok(Some(0)),
            Some(Fault::ShortWrite(_) | Fault::Lie) => Ok(None),
            Some(fault) => {
                self.powered_off = fault == Fault::PowerOff;
                Err(fault.error())
            }
        }
    }

    fn existing(&self, name: &str) -> io::Result<u64> {
        self.image.file(name).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// How many of `length` bytes at `offset` still fit.
    fn room(&self, file: u64, offset: usize, length: usize) -> usize {
        let Some(space) = self.space_bytes else { return length };
        let end_max = self.image.length(file) + space.saturating_sub(self.image.used_bytes());
        length.min(end_max.saturating_sub(offset))
    }
}

impl Storage for SimulatedDisk {
    fn open(&self, name: &str, access: Access) -> Result<Arc<dyn File>, StorageError> {
        let kind = if access == Access::Create { OperationKind::Create } else { OperationKind::Open };
        let file = self.run(kind, name, |state| match (access, state.image.file(name)) {
            (Access::Create, Some(_)) => Err(io::ErrorKind::AlreadyExists.into()),
            (Access::Create, None) => Ok(state.image.create(name)),
            _ => state.existing(name),
        })?;
        Ok(Arc::new(SimulatedFile { disk: self.clone(), file, name: name.into() }))
    }

    fn list(&self) -> Result<Vec<String>, StorageError> {
        self.run(OperationKind::List, "", |state| Ok(state.image.names().map(String::from).collect()))
    }

    fn exists(&self, name: &str) -> Result<bool, StorageError> {
        self.run(OperationKind::Exists, name, |state| Ok(state.image.file(name).is_some()))
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.run(OperationKind::Remove, name, |state| {
            state.existing(name)?;
            state.image.remove(name);
            Ok(())
        })
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        self.run(OperationKind::Rename, from, |state| {
            let file = state.existing(from)?;
            state.image.rename(from, to, file);
            Ok(())
        })
    }

    fn sync_directory(&self) -> Result<(), StorageError> {
        self.run(OperationKind::SyncDirectory, "", |state| {
            state.image.sync_names();
            Ok(())
        })
    }

    fn lock(&self) -> Result<WriteLock, StorageError> {
        let taken =
            self.run(OperationKind::Lock, LOCK_NAME, |state| Ok(std::mem::replace(&mut state.locked, true)))?;
        match taken {
            false => Ok(WriteLock::new(HeldLock { disk: self.clone() })),
            true => Err(StorageError::with_kind(
                OperationKind::Lock,
                &Self::path_of(LOCK_NAME),
                StorageErrorKind::Locked,
                io::ErrorKind::WouldBlock.into(),
            )),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        Self::path_of(name)
    }
}

struct HeldLock {
    disk: SimulatedDisk,
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        self.disk.state().locked = false;
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    file: u64,
    name: Arc<str>,
}

impl SimulatedFile {
    fn failed(&self, kind: OperationKind) -> impl Fn(io::Error) -> StorageError {
        move |error| StorageError::new(kind, &SimulatedDisk::path_of(&self.name), error)
    }

    fn read_some(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.step(OperationKind::Read, &self.name, offset, buffer.len() as u64)?;
        Ok(state.image.read(self.file, buffer, offset as usize))
    }

    fn write_some(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        let short = state.step(OperationKind::Write, &self.name, offset, bytes.len() as u64)?;
        let asked = short.unwrap_or(bytes.len()).min(bytes.len());
        let count = state.room(self.file, offset as usize, asked);
        if count == 0 && asked > 0 {
            return Err(Fault::NoSpace.error());
        }
        state.image.write(self.file, &bytes[..count], offset as usize);
        Ok(count)
    }

    fn sync_once(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let stepped = state.step(OperationKind::Sync, &self.name, 0, 0);
        match &stepped {
            Ok(None) => state.image.sync(self.file),
            Ok(Some(_)) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted || state.powered_off => {}
            Err(_) => state.image.drop_dirty(self.file),
        }
        stepped.map(|_| ())
    }
}

impl File for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError> {
        read_full(buffer, offset, |buffer, offset| self.read_some(buffer, offset))
            .map_err(self.failed(OperationKind::Read))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError> {
        write_all(bytes, offset, |bytes, offset| self.write_some(bytes, offset))
            .map_err(self.failed(OperationKind::Write))
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        retry(|| self.sync_once()).map_err(self.failed(OperationKind::Sync))
    }

    fn set_length(&self, length: u64) -> Result<(), StorageError> {
        self.disk.run(OperationKind::SetLength, &self.name, |state| {
            if state.room(self.file, 0, length as usize) < length as usize {
                return Err(Fault::NoSpace.error());
            }
            state.image.set_length(self.file, length as usize);
            Ok(())
        })
    }

    fn length(&self) -> Result<u64, StorageError> {
        self.disk.run(OperationKind::Length, &self.name, |state| Ok(state.image.length(self.file) as u64))
    }
}
