//! One file: what is cached, what is durable, and what a crash may leave of it.
//!
//! A sector that was written since the last sync holds, after a crash, any one of the versions it had since
//! then; sectors are independent of each other. That contains every subset, order and tearing of the
//! writes. Lengths that were not synced may be lost likewise.
//!
//! Nearly every write is synced and no crash ever asks for its versions. So only what a write has replaced is put on a
//! list; what is durable, and the versions of the sectors since, are told from it when a crash, or a sync that fails,
//! wants to know them.

use super::pages::{Pages, SECTOR_BYTES};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One file.
#[derive(Debug, Clone, Default)]
pub(super) struct CachedFile {
    cached: Pages,
    /// What was done since the last sync, unless one has failed: undone, what is cached is what is durable.
    changes: Vec<Change>,
    failed: Option<Box<Failed>>,
}

/// What a change has replaced.
#[derive(Debug, Clone)]
enum Change {
    /// So many bytes were written from `offset` on.
    Write { offset: usize, count: usize, replaced: Arc<[u8]>, length: usize },
    /// The length was set.
    Length { before: Pages },
}

/// What a change did.
enum Done {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

/// What is durable and what the sectors have been since, once a sync has failed.
#[derive(Debug, Clone, Default)]
struct Failed {
    durable: Pages,
    unsynced: Unsynced,
}

impl CachedFile {
    pub(super) fn is_durable(&self) -> bool {
        self.changes.is_empty() && self.failed.is_none()
    }

    pub(super) fn length(&self) -> usize {
        self.cached.length()
    }

    pub(super) fn read_at(&self, buffer: &mut [u8], offset: usize) -> usize {
        self.cached.read_at(buffer, offset)
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        self.cached.to_vec()
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        if bytes.is_empty() {
            return;
        }
        if let Some(failed) = &mut self.failed {
            return failed.unsynced.write(&mut self.cached, bytes, offset);
        }
        let (count, length) = (bytes.len(), self.cached.length());
        let replaced = self.cached.range(offset, count).into();
        self.changes.push(Change::Write { offset, count, replaced, length });
        self.cached.write_at(bytes, offset);
    }

    pub(super) fn set_length(&mut self, length: usize) {
        if let Some(failed) = &mut self.failed {
            return failed.unsynced.set_length(&mut self.cached, length);
        }
        self.changes.push(Change::Length { before: self.cached.clone() });
        self.cached.set_length(length);
    }

    pub(super) fn sync(&mut self) {
        self.changes.clear();
        if let Some(failed) = &mut self.failed {
            failed.unsynced.sync(&mut failed.durable);
        }
        self.failed.take_if(|failed| failed.unsynced.is_empty());
    }

    /// A sync failed: the kernel believes the pages clean, and no later sync will write them.
    pub(super) fn drop_dirty(&mut self) {
        let mut failed = self.versions();
        failed.unsynced.drop_dirty();
        self.changes.clear();
        self.failed = (!failed.unsynced.is_empty()).then(|| Box::new(failed));
    }

    pub(super) fn crash(&self, choose: &mut dyn FnMut(usize) -> usize) -> CachedFile {
        let Failed { mut durable, unsynced } = self.versions();
        unsynced.crash(&mut durable, choose);
        CachedFile { cached: durable, ..CachedFile::default() }
    }

    /// What is durable, and everything that sectors and length have been since the last sync.
    fn versions(&self) -> Failed {
        if let Some(failed) = &self.failed {
            return Failed::clone(failed);
        }
        let (mut cached, mut unsynced) = (self.cached.clone(), Unsynced::default());
        let mut done: Vec<Done> = self.changes.iter().rev().map(|change| change.undo(&mut cached)).collect();
        let durable = cached.clone();
        for change in done.drain(..).rev() {
            match change {
                Done::Write { offset, bytes } => unsynced.write(&mut cached, &bytes, offset),
                Done::Length(length) => unsynced.set_length(&mut cached, length),
            }
        }
        Failed { durable, unsynced }
    }
}

impl Change {
    /// Undoes it, and says what it was.
    fn undo(&self, cached: &mut Pages) -> Done {
        match self {
            Change::Write { offset, count, replaced, length } => {
                let bytes = cached.range(*offset, *count);
                cached.set_length(*length);
                if !replaced.is_empty() {
                    cached.write_at(replaced, *offset);
                }
                Done::Write { offset: *offset, bytes }
            }
            Change::Length { before } => {
                let length = cached.length();
                *cached = before.clone();
                Done::Length(length)
            }
        }
    }
}

/// What is cached and not durable.
#[derive(Debug, Clone, Default)]
struct Unsynced {
    /// Sectors written since they were last synced.
    dirty: BTreeMap<usize, DirtySector>,
    /// Lengths the file has had since it was last synced.
    lengths: Vec<usize>,
}

#[derive(Debug, Clone, Default)]
struct DirtySector {
    versions: Vec<Arc<[u8; SECTOR_BYTES]>>,
    /// A sync failed: the kernel believes the page clean, and no later sync will write it.
    dropped: bool,
}

impl Unsynced {
    fn is_empty(&self) -> bool {
        self.dirty.is_empty() && self.lengths.is_empty()
    }

    fn write(&mut self, cached: &mut Pages, bytes: &[u8], offset: usize) {
        let length = cached.length();
        cached.write_at(bytes, offset);
        for sector in offset / SECTOR_BYTES..=(offset + bytes.len() - 1) / SECTOR_BYTES {
            self.touch(cached, sector);
        }
        if cached.length() != length {
            self.lengths.push(cached.length());
        }
    }

    fn touch(&mut self, cached: &Pages, sector: usize) {
        let version = Arc::new(cached.sector(sector));
        let dirty = self.dirty.entry(sector).or_default();
        dirty.versions.push(version);
        dirty.dropped = false;
    }

    fn set_length(&mut self, cached: &mut Pages, length: usize) {
        cached.set_length(length);
        self.lengths.push(length);
        let cut: Vec<usize> = self.dirty.range(length / SECTOR_BYTES..).map(|(sector, _)| *sector).collect();
        for sector in cut {
            self.touch(cached, sector);
        }
    }

    fn sync(&mut self, durable: &mut Pages) {
        for length in self.lengths.drain(..) {
            durable.set_length(length);
        }
        self.dirty.retain(|sector, dirty| {
            if let (false, Some(newest)) = (dirty.dropped, dirty.versions.last()) {
                durable.set_sector(*sector, newest);
            }
            dirty.dropped
        });
    }

    fn drop_dirty(&mut self) {
        for dirty in self.dirty.values_mut() {
            dirty.dropped = true;
        }
    }

    fn crash(&self, durable: &mut Pages, choose: &mut dyn FnMut(usize) -> usize) {
        let lengths = self.lengths.len();
        let lost = if lengths == 0 { 0 } else { choose(lengths + 1) };
        for length in &self.lengths[..lengths - lost] {
            durable.set_length(*length);
        }
        for (sector, dirty) in &self.dirty {
            let lost = choose(dirty.versions.len() + 1);
            if let Some(reached) = (dirty.versions.len() - lost).checked_sub(1) {
                durable.set_sector(*sector, &dirty.versions[reached]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crash_may_leave_is_the_same_whether_a_sync_has_failed_before_or_not() {
        let (mut listed, mut told) = (CachedFile::default(), CachedFile::default());
        let mut failed = Failed::default();
        failed.unsynced.lengths.push(0); // as if one had failed: versions are told at once
        told.failed = Some(Box::new(failed));
        listed.set_length(0);
        for file in [&mut listed, &mut told] {
            file.write(&[1; 1_300], 100);
            file.set_length(700);
            file.write(&[2; 600], 400);
            file.set_length(5_000);
            file.write(&[3; 9], 4_990);
        }
        for lost in 0..4 {
            let crashed = |file: &CachedFile| {
                let mut choices = Vec::new();
                let left = file.crash(&mut |count| {
                    choices.push(count);
                    lost.min(count - 1)
                });
                (left.to_vec(), choices)
            };
            assert_eq!(crashed(&listed), crashed(&told), "{lost} lost");
        }
        listed.sync();
        told.sync();
        assert!(listed.is_durable() && told.is_durable());
        let left = |file: &CachedFile| file.crash(&mut |count| count - 1).to_vec();
        assert_eq!(left(&listed), left(&told));
        assert_eq!(left(&listed), listed.to_vec());
    }
}
