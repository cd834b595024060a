//! One file: what is cached, what is durable, and what a crash may leave of it.
//!
//! A sector that was written since the last sync holds, after a crash, any one of the versions it had since
//! then; sectors are independent of each other. That contains every subset, order and tearing of the
//! writes. Lengths that were not synced may be lost likewise.
//!
//! Nearly every write is synced and no crash ever asks for its versions. So writes are only put on a list, and the
//! versions of the sectors are told from it when a crash, or a sync that fails, wants to know them.

use super::pages::{Pages, SECTOR_BYTES};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One file.
#[derive(Debug, Clone, Default)]
pub(super) struct CachedFile {
    cached: Pages,
    durable: Pages,
    /// What was done since the last sync that succeeded, if no sync has failed since: then what is durable is what was
    /// cached when the first of these was done.
    changes: Vec<Change>,
    /// The versions of the sectors, once a sync has failed.
    unsynced: Unsynced,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Arc<[u8]> },
    Length(usize),
}

impl CachedFile {
    pub(super) fn is_durable(&self) -> bool {
        self.changes.is_empty() && self.unsynced.is_empty()
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
        if self.unsynced.is_empty() {
            self.changes.push(Change::Write { offset, bytes: bytes.into() });
            self.cached.write_at(bytes, offset);
        } else {
            self.unsynced.write(&mut self.cached, bytes, offset);
        }
    }

    pub(super) fn set_length(&mut self, length: usize) {
        if self.unsynced.is_empty() {
            self.changes.push(Change::Length(length));
            self.cached.set_length(length);
        } else {
            self.unsynced.set_length(&mut self.cached, length);
        }
    }

    pub(super) fn sync(&mut self) {
        self.changes.clear();
        if !self.unsynced.is_empty() {
            self.unsynced.sync(&mut self.durable);
        }
        if self.unsynced.is_empty() {
            self.durable = self.cached.clone();
        }
    }

    /// A sync failed: the kernel believes the pages clean, and no later sync will write them.
    pub(super) fn drop_dirty(&mut self) {
        self.unsynced = self.versions();
        self.changes.clear();
        self.unsynced.drop_dirty();
    }

    pub(super) fn crash(&self, choose: &mut dyn FnMut(usize) -> usize) -> CachedFile {
        let mut durable = self.durable.clone();
        self.versions().crash(&mut durable, choose);
        CachedFile { cached: durable.clone(), durable, ..CachedFile::default() }
    }

    /// Everything that sectors and length have been since the last sync.
    fn versions(&self) -> Unsynced {
        let (mut unsynced, mut cached) = (self.unsynced.clone(), self.durable.clone());
        for change in &self.changes {
            match change {
                Change::Write { offset, bytes } => unsynced.write(&mut cached, bytes, *offset),
                Change::Length(length) => unsynced.set_length(&mut cached, *length),
            }
        }
        unsynced
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
        told.unsynced.lengths.push(0); // as if one had failed: versions are told at once
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
        assert_eq!(listed.durable.to_vec(), told.durable.to_vec());
        assert_eq!(listed.durable.to_vec(), listed.to_vec());
    }
}
