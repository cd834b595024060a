//! How the journal grows: zeros written ahead of the tail, and the roll to the next segment.

use super::appender::Journal;
use super::error::JournalError;
use super::frame::{FRAME_HEADER_BYTES, FrameHeader, FrameKind};
use super::scan::Tail;
use super::segment::{HEADER_BYTES, SegmentHeader, is_temporary, segment_name, temporary_name};
use crate::storage::{Access, File, Storage, StorageError, StorageErrorKind, Syncs};
use std::sync::Arc;

/// Zeros are written in pieces of this size. Linux caches a large write in large folios and then walks all the
/// blocks of a folio at every small write into it: one write of 4 MiB made commits four times as expensive.
static ZEROS: [u8; 32 << 10] = [0; 32 << 10];

impl Journal {
    /// Makes sure that `length` bytes fit behind the tail of the last segment, and that they are allocated.
    pub(super) fn make_segment_room(&mut self, length: u64) -> Result<(), JournalError> {
        let is_used = self.tail.offset > HEADER_BYTES;
        // Behind the last frame stands the seal.
        if is_used && self.tail.offset + length + FRAME_HEADER_BYTES as u64 > self.options.segment_bytes {
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
            crate::point("journal.preallocate.before_piece");
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

    /// Seals the last segment and begins the next. The old one is durable before the new one has its name: that a
    /// segment has a successor proves all of it. The new one is in the directory before the old one is sealed: that a
    /// segment is sealed proves that there is a successor.
    fn roll(&mut self) -> Result<(), JournalError> {
        let mut seal = [0; FRAME_HEADER_BYTES];
        let sealed = self.seal_frame(&mut seal);
        let header = self.successor(&sealed);
        let prepared = prepare_segment(&*self.storage, &header);
        let file = prepared.map_err(|failure| self.segment_failed(failure))?;
        crate::point("journal.roll.prepared");
        self.trim()?;
        self.write_or_refuse(&seal, self.tail.offset)?;
        crate::point("journal.roll.seal_written");
        self.tail = sealed;
        self.sync_file()?;
        crate::point("journal.roll.before_name");
        name_segment(&*self.storage, header.number).map_err(|error| self.poison_with(error))?;
        crate::point("journal.roll.named");
        self.syncs = Syncs::new(Arc::clone(&file));
        self.file = file;
        self.segment = header.number;
        crate::point("journal.roll.half_moved");
        self.tail = Tail::begin(&header);
        self.allocated = HEADER_BYTES;
        self.publish();
        Ok(())
    }

    /// Makes the frame that ends the last segment; gives the tail behind it.
    fn seal_frame(&self, bytes: &mut [u8]) -> Tail {
        let Tail { offset, next, time, chain, synced_through, .. } = self.tail;
        let mut header = FrameHeader {
            length: bytes.len() as u32,
            kind: FrameKind::Seal,
            first: next,
            count: 0,
            epoch: self.epoch,
            synced_through,
            time,
            chain,
        };
        header.chain = header.seal(bytes, self.identity.seeds.frame(self.segment, offset));
        self.tail.after(&header)
    }

    fn successor(&self, sealed: &Tail) -> SegmentHeader {
        SegmentHeader::after(self.segment, self.identity.store, sealed, self.options.segment_bytes)
    }

    fn segment_failed(&mut self, failure: Failure) -> JournalError {
        match failure {
            Failure::Harmless(error) => JournalError::from(error),
            Failure::Unknown(error) => self.poison_with(error),
        }
    }
}

/// A failure while a segment was made.
pub(super) enum Failure {
    /// There is no new segment, for sure.
    Harmless(StorageError),
    /// There may be one, or a sync failed.
    Unknown(StorageError),
}

/// Makes a segment that is whole and empty and in the directory, for sure, under its temporary name.
pub(super) fn prepare_segment(
    storage: &dyn Storage,
    header: &SegmentHeader,
) -> Result<Arc<dyn File>, Failure> {
    let temporary = temporary_name(header.number);
    if storage.exists(&temporary).map_err(Failure::Harmless)? {
        storage.remove(&temporary).map_err(Failure::Harmless)?;
    }
    let file = storage.open(&temporary, Access::Create).map_err(Failure::Harmless)?;
    file.write_at(&header.encode(), 0).map_err(Failure::Harmless)?;
    file.sync_data().map_err(Failure::Unknown)?;
    storage.sync_directory().map_err(Failure::Unknown)?;
    Ok(file)
}

/// Gives a prepared segment its name, for sure.
pub(super) fn name_segment(storage: &dyn Storage, number: u32) -> Result<(), StorageError> {
    storage.rename(&temporary_name(number), &segment_name(number))?;
    if crate::planted("segment_name_unsynced") { Ok(()) } else { storage.sync_directory() }
}

/// Ends a roll that broke off between the seal and the successor's name. The successor's header follows from the seal, so
/// that it is written again over whatever a crash has left of it; until it has its name nothing else was in it.
pub(super) fn finish_roll(
    storage: &dyn Storage,
    header: &SegmentHeader,
) -> Result<Arc<dyn File>, JournalError> {
    let file = storage.open(&temporary_name(header.number), Access::Write)?;
    file.write_at(&header.encode(), 0)?;
    file.set_length(HEADER_BYTES)?;
    file.sync_data()?;
    name_segment(storage, header.number)?;
    Ok(file)
}

/// Whether the segment `number`, which a seal promises, is there or is being made.
pub(super) fn is_under_way(storage: &dyn Storage, number: u32) -> Result<bool, StorageError> {
    let (name, temporary) = (segment_name(number), temporary_name(number));
    // Asked twice: between the first two questions a writer may have given it its name.
    Ok(storage.exists(&name)? || storage.exists(&temporary)? || storage.exists(&name)?)
}

/// Removes segments whose making was interrupted: no frame was ever in them.
pub(super) fn remove_temporaries(storage: &dyn Storage) -> Result<(), JournalError> {
    for name in storage.list()?.iter().filter(|name| is_temporary(name)) {
        storage.remove(name)?;
    }
    Ok(())
}
