//! How the journal grows: zeros written ahead of the tail, and the roll to the next segment.

use super::appender::Journal;
use super::error::JournalError;
use super::scan::Tail;
use super::segment::{HEADER_BYTES, SegmentHeader, is_temporary, segment_name, temporary_name};
use crate::storage::{Access, File, Storage, StorageError, StorageErrorKind};
use std::sync::Arc;

/// Zeros are written in pieces of this size. Linux caches a large write in large folios and then walks all the
/// blocks of a folio at every small write into it: one write of 4 MiB made commits four times as expensive.
static ZEROS: [u8; 32 << 10] = [0; 32 << 10];

impl Journal {
    /// Makes sure that `length` bytes fit behind the tail of the last segment, and that they are allocated.
    pub(super) fn make_segment_room(&mut self, length: u64) -> Result<(), JournalError> {
        let is_used = self.tail.offset > HEADER_BYTES;
        if is_used && self.tail.offset + length > self.options.segment_bytes {
            self.roll()?;
        }
        let end = self.tail.offset + length;
        if end <= self.allocated {
            return Ok(());
        }
        let ahead = (self.allocated + self.options.preallocate_bytes).min(self.options.segment_bytes);
        // If not even that reaches the frame's end, the frame itself extends the file as far as it needs.
        if ahead > end { self.preallocate(ahead) } else { Ok(()) }
    }

    /// Writes zeros up to `end`, so that a sync of frames written there changes no metadata.
    fn preallocate(&mut self, end: u64) -> Result<(), JournalError> {
        while self.allocated < end {
            let piece = &ZEROS[..ZEROS.len().min((end - self.allocated) as usize)];
            match self.file.write_at(piece, self.allocated) {
                Ok(()) => self.allocated += piece.len() as u64,
                Err(error) if error.kind() == StorageErrorKind::NoSpace => {
                    return Err(JournalError::NoSpace(error));
                }
                Err(error) => return Err(self.poison_with(error)),
            }
        }
        Ok(())
    }

    /// Cuts off what stands behind the tail: zeros written ahead, or what a full disk took of a frame.
    pub(super) fn trim(&mut self) -> Result<(), JournalError> {
        self.file.set_length(self.tail.offset)?;
        self.allocated = self.tail.offset;
        Ok(())
    }

    /// Seals the last segment and begins the next. The old one is durable before the new one exists: that a
    /// segment has a successor proves all of it.
    fn roll(&mut self) -> Result<(), JournalError> {
        self.trim()?;
        self.sync_file()?;
        let header = SegmentHeader {
            number: self.segment + 1,
            store: self.identity.store,
            first: self.tail.next,
            chain: self.tail.chain,
            epoch: self.tail.epoch,
            time: self.tail.time,
            segment_bytes: self.options.segment_bytes,
            previous_bytes: self.tail.offset,
        };
        self.file = make_segment(&*self.storage, &header).map_err(|failure| match failure {
            Failure::Harmless(error) => JournalError::from(error),
            Failure::Unknown(error) => self.poison_with(error),
        })?;
        self.segment = header.number;
        self.tail = Tail::begin(&header);
        self.allocated = HEADER_BYTES;
        self.publish();
        Ok(())
    }
}

/// A failure while a segment was made.
pub(super) enum Failure {
    /// There is no new segment, for sure.
    Harmless(StorageError),
    /// There may be one, or a sync failed.
    Unknown(StorageError),
}

/// Makes a segment that is durable, whole and empty, or none: it gets its name only when it is ready.
pub(super) fn make_segment(storage: &dyn Storage, header: &SegmentHeader) -> Result<Arc<dyn File>, Failure> {
    let (temporary, name) = (temporary_name(header.number), segment_name(header.number));
    if storage.exists(&temporary).map_err(Failure::Harmless)? {
        storage.remove(&temporary).map_err(Failure::Harmless)?;
    }
    let file = storage.open(&temporary, Access::Create).map_err(Failure::Harmless)?;
    file.write_at(&header.encode(), 0).map_err(Failure::Harmless)?;
    file.sync_data().map_err(Failure::Unknown)?;
    storage.rename(&temporary, &name).map_err(Failure::Unknown)?;
    storage.sync_directory().map_err(Failure::Unknown)?;
    Ok(file)
}

/// Removes segments whose making was interrupted: no frame was ever in them.
pub(super) fn remove_temporaries(storage: &dyn Storage) -> Result<(), JournalError> {
    for name in storage.list()?.iter().filter(|name| is_temporary(name)) {
        storage.remove(name)?;
    }
    Ok(())
}
