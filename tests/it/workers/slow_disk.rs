//! A simulated disk whose syncs can be held up, while reads go on, and whose writer can fail behind a write.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use timberline::storage::simulated::SimulatedDisk;
use timberline::storage::{Access, File, Storage, StorageError, WriteLock};

/// Whether syncs wait.
#[derive(Debug, Clone, Default)]
pub(super) struct SlowSync(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    is_held: bool,
    /// Syncs that wait.
    waiting: usize,
    /// Whether who writes next panics, behind the write.
    strikes: bool,
}

impl SlowSync {
    pub(super) fn hold(&self) {
        self.state().is_held = true;
    }

    pub(super) fn release(&self) {
        self.state().is_held = false;
        self.0.1.notify_all();
    }

    /// Whether a sync waits.
    pub(super) fn holds_one(&self) -> bool {
        self.state().waiting > 0
    }

    /// Whoever writes next panics, when what it writes is written.
    pub(super) fn strike(&self) {
        self.state().strikes = true;
    }

    fn written(&self) {
        let strikes = std::mem::take(&mut self.state().strikes);
        assert!(!strikes, "it was written, and nobody hears of it");
    }

    fn wait(&self) {
        let mut state = self.state();
        state.waiting += 1;
        let mut state = self.0.1.wait_while(state, |state| state.is_held).unwrap();
        state.waiting -= 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }
}

/// The disk.
#[derive(Debug)]
pub(super) struct SlowDisk {
    pub(super) disk: SimulatedDisk,
    pub(super) slow: SlowSync,
}

#[derive(Debug)]
struct SlowFile {
    file: Arc<dyn File>,
    slow: SlowSync,
}

impl Storage for SlowDisk {
    fn open(&self, name: &str, access: Access) -> Result<Arc<dyn File>, StorageError> {
        let file = self.disk.open(name, access)?;
        Ok(Arc::new(SlowFile { file, slow: self.slow.clone() }))
    }

    fn list(&self) -> Result<Vec<String>, StorageError> {
        self.disk.list()
    }

    fn exists(&self, name: &str) -> Result<bool, StorageError> {
        self.disk.exists(name)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.disk.remove(name)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        self.disk.rename(from, to)
    }

    fn sync_directory(&self) -> Result<(), StorageError> {
        self.disk.sync_directory()
    }

    fn lock(&self) -> Result<WriteLock, StorageError> {
        self.disk.lock()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.disk.path(name)
    }
}

impl File for SlowFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError> {
        self.file.write_at(bytes, offset)?;
        self.slow.written();
        Ok(())
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        self.slow.wait();
        self.file.sync_data()
    }

    fn set_length(&self, length: u64) -> Result<(), StorageError> {
        self.file.set_length(length)
    }

    fn length(&self) -> Result<u64, StorageError> {
        self.file.length()
    }
}
