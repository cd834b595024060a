//! The journal's writing side: commits what is staged as one frame with one write, syncs, and closes.

use super::error::JournalError;
use super::frame::{FRAME_HEADER_BYTES, Frame, FrameHeader, FrameKind};
use super::options::JournalOptions;
use super::reader::{JournalReader, Published};
use super::scan::Tail;
use super::staging::Staging;
use super::store_id::{Identity, StoreId};
use crate::position::Position;
use crate::storage::{File, Storage, StorageError, StorageErrorKind, Syncs, WriteLock};
use std::sync::Arc;

/// Committed frames whose memory may be used again once nobody else holds them.
const SPARE_FRAMES_MAX: usize = 4;
/// What a frame's memory is cut back to before it is used again, in bytes.
const SPARE_BYTES_MAX: usize = 1 << 20;

/// The writing side of a journal. It has one owner; whoever else wants to read takes a [`JournalReader`].
///
/// Records are staged in memory and become one frame by [`Journal::commit`]: all of them exist afterwards, or
/// none. A commit is in the operating system's hands; [`Journal::sync`] makes it durable.
///
/// ```
/// use std::sync::Arc;
/// use timberline::journal::{Journal, JournalOptions, Numbers, StoreId};
/// use timberline::storage::{Directory, Storage};
/// use timberline::{Coordinate, NewEvent, Version};
/// # let path = std::env::temp_dir().join(format!("timberline-journal-{}", std::process::id()));
/// # let _ = std::fs::remove_dir_all(&path);
/// let storage: Arc<dyn Storage> = Arc::new(Directory::create(&path)?);
/// let lock = Arc::new(storage.lock()?);
/// let (mut journal, recovery) =
///     Journal::open(storage, lock, JournalOptions::default(), 1_700_000_000_000_000, StoreId::new([7; 16]))?;
/// assert!(recovery.created);
///
/// let event = NewEvent::raw(Coordinate::new("door-1", "house")?, "Opened", 1, b"at noon".to_vec());
/// journal.begin(1_700_000_000_000_001);
/// let numbers = Numbers { version: Version::new(1), ..Numbers::default() };
/// let staged = journal.stage_event(&event, &numbers)?;
/// let committed = journal.commit()?.expect("something was staged");
/// assert_eq!(committed.frame.last(), staged.position);
/// assert_eq!(journal.sync()?, staged.position);
/// journal.close()?;
/// # std::fs::remove_dir_all(&path).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Journal {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) _lock: Arc<WriteLock>,
    pub(super) options: JournalOptions,
    pub(super) identity: Identity,
    pub(super) published: Arc<Published>,
    /// The last segment.
    pub(super) file: Arc<dyn File>,
    /// Its syncs.
    pub(super) syncs: Arc<Syncs>,
    pub(super) segment: u32,
    /// Where the next frame goes; `synced_through` is the end of what is durable.
    pub(super) tail: Tail,
    /// The next position at `tail.synced_through`.
    pub(super) durable_next: u64,
    /// Up to here the file was written, with zeros behind the tail.
    pub(super) allocated: u64,
    pub(super) epoch: u32,
    pub(super) staging: Staging,
    pub(super) spares: Vec<Arc<Frame>>,
    /// A frame that did not fit the disk may stand at the tail, in part.
    pub(super) refused: bool,
    pub(super) poison: Option<StorageError>,
    pub(super) closed: bool,
}

/// A commit that is in the operating system's hands.
#[derive(Debug, Clone)]
pub struct Committed {
    /// What was written and where.
    pub frame: Arc<Frame>,
}

impl Journal {
    /// A reader that sees every commit of this journal as soon as [`Journal::commit`] has returned.
    #[must_use]
    pub fn reader(&self) -> JournalReader {
        JournalReader::new(self.published.clone())
    }

    /// The store's id.
    #[must_use]
    pub fn store(&self) -> StoreId {
        self.identity.store
    }

    /// The last position that was committed.
    #[must_use]
    pub fn last(&self) -> Position {
        Position::new(self.tail.next - 1)
    }

    /// The last position that is durable.
    #[must_use]
    pub fn durable(&self) -> Position {
        Position::new(self.durable_next - 1)
    }

    /// Whether anything was committed that is not durable yet, checkpoints included.
    #[must_use]
    pub fn needs_sync(&self) -> bool {
        self.tail.synced_through < self.tail.offset
    }

    /// Bytes of the last segment that were committed and are not durable yet.
    #[must_use]
    pub fn unsynced_bytes(&self) -> u64 {
        self.tail.offset - self.tail.synced_through
    }

    /// The failure after which no commit is taken, if there was one.
    #[must_use]
    pub fn poison(&self) -> Option<&StorageError> {
        self.poison.as_ref()
    }

    /// Writes everything staged as one frame; `None` if nothing is. It is readable at once, and durable after
    /// the next [`Journal::sync`].
    ///
    /// # Errors
    /// Whatever the error, nothing is staged afterwards and the numbers are as before. After
    /// [`JournalError::NoSpace`] and [`JournalError::Storage`] the journal goes on working; after
    /// [`JournalError::Poisoned`] it takes no more commits.
    pub fn commit(&mut self) -> Result<Option<Committed>, JournalError> {
        if self.staging.bytes.is_empty() {
            return Ok(None);
        }
        let result = self.write_frame(FrameKind::Commit);
        if result.is_err() {
            self.abandon_staged();
        }
        result.map(|()| Some(Committed { frame: self.lend_frame() }))
    }

    fn write_frame(&mut self, kind: FrameKind) -> Result<(), JournalError> {
        self.refuse_poisoned()?;
        self.forget_refused()?;
        let length = self.staging.bytes.len() as u64;
        if kind == FrameKind::Commit {
            self.make_segment_room(length)?;
        }
        crate::point("journal.write.room_made");
        let header = FrameHeader {
            length: length as u32,
            kind,
            first: self.tail.next,
            count: self.staging.count,
            epoch: self.epoch,
            synced_through: if crate::planted("proof_ahead_of_sync") {
                self.tail.offset
            } else {
                self.tail.synced_through
            },
            time: self.staging.time,
            chain: if crate::planted("chain_not_continued") { [0; 16] } else { self.tail.chain },
        };
        let offset = self.tail.offset;
        let chain = header.seal(&mut self.staging.bytes, self.identity.seeds.frame(self.segment, offset));
        let bytes = std::mem::take(&mut self.staging.bytes);
        crate::point("journal.write.sealed");
        let written = self.write_or_refuse(&bytes, offset);
        self.staging.bytes = bytes;
        written?;
        crate::point("journal.write.written");
        self.closed = false;
        self.tail = Tail {
            offset: offset + length,
            next: header.next(),
            epoch: self.epoch,
            time: header.time,
            chain,
            synced_through: self.tail.synced_through,
        };
        crate::point("journal.write.tail_moved");
        self.allocated = self.allocated.max(self.tail.offset);
        self.publish();
        Ok(())
    }

    /// Writes a frame's bytes at the tail, or nothing that counts.
    pub(super) fn write_or_refuse(&mut self, bytes: &[u8], offset: u64) -> Result<(), JournalError> {
        let Err(error) = self.file.write_at(bytes, offset) else { return Ok(()) };
        if error.kind() != StorageErrorKind::NoSpace {
            return Err(self.poison_with(error));
        }
        self.refused = true;
        // Without its header recovery takes nothing for numbered. Failing here is harmless: it is done again.
        let _ = self.file.write_at(&[0; FRAME_HEADER_BYTES], offset);
        Err(JournalError::NoSpace(error))
    }

    /// Makes sure that a refused frame cannot come back: a power cut could join its header to records of the next
    /// frame at the same place, if those are the same.
    fn forget_refused(&mut self) -> Result<(), JournalError> {
        if !self.refused || crate::planted("refused_frame_kept") {
            return Ok(());
        }
        match self.file.write_at(&[0; FRAME_HEADER_BYTES], self.tail.offset) {
            Ok(()) => self.sync_file()?,
            Err(error) if error.kind() == StorageErrorKind::NoSpace => {
                return Err(JournalError::NoSpace(error));
            }
            Err(error) => return Err(self.poison_with(error)),
        }
        self.refused = false;
        Ok(())
    }

    /// Hands the committed bytes out and takes memory for the next frame back from whoever is done with it.
    fn lend_frame(&mut self) -> Arc<Frame> {
        let count = std::mem::take(&mut self.staging.count);
        let bytes = std::mem::take(&mut self.staging.bytes);
        let offset = (self.tail.offset - bytes.len() as u64) as u32;
        let first = self.tail.next - u64::from(count);
        let (segment, time) = (self.segment, self.tail.time);
        crate::point("journal.lend.taken");
        let free = self.spares.iter_mut().position(|frame| Arc::get_mut(frame).is_some());
        let mut frame = match free {
            Some(free) => self.spares.swap_remove(free),
            None => Arc::new(Frame::empty(self.identity.clone())),
        };
        let free = Arc::get_mut(&mut frame).expect("it is new, or was just seen to be nobody else's");
        self.staging.bytes = std::mem::replace(&mut free.bytes, bytes);
        self.staging.bytes.clear();
        self.staging.bytes.shrink_to(SPARE_BYTES_MAX);
        (free.segment, free.offset, free.first, free.count, free.time) =
            (segment, offset, first, count, time);
        if self.spares.len() < SPARE_FRAMES_MAX {
            self.spares.push(frame.clone());
        }
        frame
    }

    /// Makes everything committed durable and returns the last durable position. One fsync, or none if there
    /// is nothing to make durable.
    ///
    /// # Errors
    /// [`JournalError::Poisoned`]: it is not known what is durable; the sync is not tried again.
    pub fn sync(&mut self) -> Result<Position, JournalError> {
        self.refuse_poisoned()?;
        if self.needs_sync() {
            self.sync_file()?;
        }
        Ok(self.durable())
    }

    pub(super) fn sync_file(&mut self) -> Result<(), JournalError> {
        crate::point("journal.sync.before");
        if !crate::planted("journal_skips_sync")
            && let Err(error) = self.syncs.sync()
        {
            return Err(self.poison_with(error));
        }
        crate::point("journal.sync.done");
        self.tail.synced_through = self.tail.offset;
        self.durable_next = self.tail.next;
        Ok(())
    }

    /// Syncs, and writes a last frame that proves everything, so that the next open has nothing to scan.
    ///
    /// # Errors
    /// As [`Journal::sync`] and [`Journal::commit`]; the journal is as after a crash then, with nothing
    /// durable lost. What is staged is dropped.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.abandon_staged();
        self.sync()?;
        if self.closed {
            return Ok(());
        }
        self.trim()?;
        crate::point("journal.close.trimmed");
        self.staging.time = self.tail.time;
        self.staging.bytes.resize(FRAME_HEADER_BYTES, 0);
        self.write_frame(FrameKind::Close)?;
        crate::point("journal.close.frame_written");
        self.sync_file()
    }

    pub(super) fn refuse_poisoned(&self) -> Result<(), JournalError> {
        match &self.poison {
            Some(cause) if !crate::planted("poison_ignored") => {
                Err(JournalError::Poisoned { cause: cause.clone() })
            }
            _ => Ok(()),
        }
    }

    #[cold]
    pub(super) fn poison_with(&mut self, error: StorageError) -> JournalError {
        let cause = self.poison.get_or_insert(error).clone();
        JournalError::Poisoned { cause }
    }

    pub(super) fn publish(&self) {
        self.published.set_tail(self.segment, self.tail.offset as u32);
    }
}
