//! The state of the disk: its files and their names, and all that a crash may decide between.
//!
//! What a crash may leave of a file is in `cached.rs`. Directory entries that were not synced may be lost likewise.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cached::CachedFile;

/// A disk's whole state at one moment, cheap to copy.
#[derive(Debug, Clone, Default)]
pub struct Image {
    files: BTreeMap<u64, CachedFile>,
    names: BTreeMap<Arc<str>, u64>,
    durable_names: BTreeMap<Arc<str>, u64>,
    name_changes: Vec<NameChange>,
    next_file: u64,
}

#[derive(Debug, Clone)]
struct NameChange {
    removed: Option<Arc<str>>,
    added: Option<(Arc<str>, u64)>,
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<Arc<str>, u64>) {
        if let Some(name) = &self.removed {
            names.remove(name);
        }
        if let Some((name, file)) = &self.added {
            names.insert(name.clone(), *file);
        }
    }
}

impl Image {
    /// What a power cut leaves: `choose(count)` picks one of `0..count`, 0 meaning that it reached the disk.
    #[must_use]
    pub fn crash(&self, choose: &mut dyn FnMut(usize) -> usize) -> Image {
        let mut names = self.durable_names.clone();
        for change in &self.name_changes {
            if choose(2) == 0 {
                change.apply(&mut names);
            }
        }
        let mut files = BTreeMap::new();
        for file in names.values() {
            let crashed = self.files[file].crash(choose);
            files.insert(*file, crashed);
        }
        Image {
            files,
            durable_names: names.clone(),
            names,
            name_changes: Vec::new(),
            next_file: self.next_file,
        }
    }

    /// The names of the files, sorted, as the running process sees them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(|name| &**name)
    }

    /// The bytes of `name` as the running process sees them.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        Some(self.files[self.names.get(name)?].to_vec())
    }

    /// Puts `bytes` under `name`, durable at once: for tests that damage a disk from outside.
    pub fn put(&mut self, name: &str, bytes: &[u8]) {
        let file = self.create(name);
        self.write(file, bytes, 0);
        self.sync(file);
        self.sync_names();
    }

    /// Removes `name`, durable at once.
    pub fn delete(&mut self, name: &str) {
        self.remove(name);
        self.sync_names();
    }

    /// Whether anything would be lost in the worst crash now.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.name_changes.is_empty() && self.files.values().all(CachedFile::is_durable)
    }

    pub(super) fn file(&self, name: &str) -> Option<u64> {
        self.names.get(name).copied()
    }

    pub(super) fn create(&mut self, name: &str) -> u64 {
        let file = self.next_file;
        self.next_file += 1;
        self.files.insert(file, CachedFile::default());
        self.change(NameChange { removed: None, added: Some((name.into(), file)) });
        file
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.change(NameChange { removed: Some(name.into()), added: None });
    }

    pub(super) fn rename(&mut self, from: &str, to: &str, file: u64) {
        self.change(NameChange { removed: Some(from.into()), added: Some((to.into(), file)) });
    }

    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }

    pub(super) fn sync_names(&mut self) {
        for change in self.name_changes.drain(..) {
            change.apply(&mut self.durable_names);
        }
    }

    pub(super) fn used_bytes(&self) -> usize {
        self.names.values().map(|file| self.files[file].length()).sum()
    }

    pub(super) fn length(&self, file: u64) -> usize {
        self.files[&file].length()
    }

    pub(super) fn read(&self, file: u64, buffer: &mut [u8], offset: usize) -> usize {
        self.files[&file].read_at(buffer, offset)
    }

    pub(super) fn write(&mut self, file: u64, bytes: &[u8], offset: usize) {
        self.with(file, |file| file.write(bytes, offset));
    }

    pub(super) fn set_length(&mut self, file: u64, length: usize) {
        self.with(file, |file| file.set_length(length));
    }

    pub(super) fn sync(&mut self, file: u64) {
        self.with(file, CachedFile::sync);
    }

    pub(super) fn drop_dirty(&mut self, file: u64) {
        self.with(file, CachedFile::drop_dirty);
    }

    fn with(&mut self, file: u64, act: impl FnOnce(&mut CachedFile)) {
        if let Some(file) = self.files.get_mut(&file) {
            act(file);
        }
    }
}
