//! The journal's writing side: stages records, commits them as one frame with one write, syncs, rolls and closes.

use super::encoded::{EncodedEvent, Numbers};
use super::error::{JournalError, Limited};
use super::frame::{FRAME_HEADER_BYTES, Frame, FrameHeader, FrameKind, chain_origin};
use super::options::JournalOptions;
use super::reader::{JournalReader, Published};
use super::record::{checkpoint_bytes, event_bytes, put_checkpoint, put_event};
use super::recovery::{Cut, Recovery, Survey, judge, survey, walk_last};
use super::repair::repair;
use super::scan::Tail;
use super::segment::{HEADER_BYTES, SegmentHeader, is_temporary, segment_name, temporary_name};
use super::store_id::{Identity, StoreId};
use crate::event::EventId;
use crate::position::{CheckpointId, Position};
use crate::storage::{Access, File, Storage, StorageError, StorageErrorKind, WriteLock};
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
/// use timberline::journal::{EncodedEvent, Journal, JournalOptions, Numbers, StoreId};
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
/// let staged = journal.stage_event(
///     &EncodedEvent::encode(&event, 1 << 20)?,
///     &Numbers { version: Version::new(1), ..Numbers::default() },
/// )?;
/// let committed = journal.commit()?.expect("something was staged");
/// assert_eq!(committed.frame.last(), staged.position);
/// assert_eq!(journal.sync()?, staged.position);
/// journal.close()?;
/// # std::fs::remove_dir_all(&path).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Journal {
    storage: Arc<dyn Storage>,
    _lock: Arc<WriteLock>,
    options: JournalOptions,
    identity: Identity,
    published: Arc<Published>,
    /// The last segment.
    file: Arc<dyn File>,
    segment: u32,
    /// Where the next frame goes; `synced_through` is the end of what is durable.
    tail: Tail,
    /// The next position at `tail.synced_through`.
    durable_next: u64,
    /// Up to here the file was written, with zeros behind the tail.
    allocated: u64,
    epoch: u32,
    staging: Staging,
    spares: Vec<Arc<Frame>>,
    poison: Option<StorageError>,
    closed: bool,
}

/// What was staged for the next commit.
#[derive(Debug, Default)]
struct Staging {
    /// The frame to be, its header's place left free; empty if nothing is staged.
    bytes: Vec<u8>,
    count: u32,
    time: u64,
}

/// A staged event: what it will be if the commit succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staged {
    /// Its place among all events.
    pub position: Position,
    /// Its id.
    pub id: EventId,
}

/// A place among what is staged, to go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    bytes: usize,
    count: u32,
}

/// A commit that is in the operating system's hands.
#[derive(Debug, Clone)]
pub struct Committed {
    /// What was written and where.
    pub frame: Arc<Frame>,
}

impl Journal {
    /// Opens the journal in `storage` for writing and recovers it, or makes a new one of id `new_store` if
    /// there is none. `lock` is the directory's, held for as long as the journal lives.
    ///
    /// Afterwards everything up to [`Recovery::last`] is durable. Reads the headers of a few segments and the
    /// last segment's frames; after a clean close only its last 64 bytes.
    ///
    /// # Errors
    /// [`JournalError`]. After all but `NoSpace` and `Storage` nothing on the disk was changed, and after
    /// those two opening again recovers the same.
    pub fn open(
        storage: Arc<dyn Storage>,
        lock: Arc<WriteLock>,
        options: JournalOptions,
        now_micros: u64,
        new_store: StoreId,
    ) -> Result<(Self, Recovery), JournalError> {
        let options = options.workable();
        let (survey, created) = match survey(&*storage)? {
            Some(survey) => (survey, false),
            None => (create(&*storage, &options, now_micros, new_store)?, true),
        };
        let mut walk = walk_last(&*storage, &survey, Access::Write)?;
        let verdict = judge(&mut walk, &survey.identity)?;
        let segment = walk.segment;
        let repaired = repair(&mut walk.window, &verdict, segment, walk.seeds, now_micros)?;
        remove_temporaries(&*storage)?;

        let mut tail = repaired.tail;
        let newest = verdict.torn.map_or(tail.epoch, |torn| torn.epoch.max(tail.epoch));
        let epoch = if repaired.gap.is_some() { tail.epoch } else { newest.saturating_add(1) };
        tail.time = tail.time.max(survey.last.time);
        let recovery = Recovery {
            created,
            closed: verdict.closed,
            segments: segment,
            last: Position::new(tail.next - 1),
            proven: Position::new(verdict.proven_next - 1),
            cut: verdict.torn.map(|torn| Cut {
                segment,
                offset: verdict.tail.offset,
                bytes: torn.end - verdict.tail.offset,
            }),
            rewritten_bytes: repaired.rewritten_bytes,
            gap: repaired.gap.map(|(first, last)| Position::new(first)..=Position::new(last)),
            epoch,
        };
        let file = walk.window.file.clone();
        let published =
            Arc::new(Published::new(storage.clone(), survey.identity.clone(), options.open_files_max));
        let journal = Self {
            storage,
            _lock: lock,
            options,
            identity: survey.identity,
            allocated: file.length()?.max(tail.offset),
            published,
            file,
            segment,
            durable_next: tail.next,
            tail,
            epoch,
            staging: Staging::default(),
            spares: Vec::new(),
            poison: None,
            closed: verdict.closed,
        };
        journal.publish();
        Ok((journal, recovery))
    }

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

    /// The failure after which no commit is taken, if there was one.
    #[must_use]
    pub fn poison(&self) -> Option<&StorageError> {
        self.poison.as_ref()
    }

    /// Sets the time of the next commit, in microseconds since 1970 began, and returns it: a time before the
    /// last commit's is raised to that. Without effect while something is staged.
    pub fn begin(&mut self, now_micros: u64) -> u64 {
        if self.staging.bytes.is_empty() {
            self.staging.time = now_micros.max(self.tail.time);
        }
        self.staging.time
    }

    /// The position that the next staged event will have.
    #[must_use]
    pub fn next_position(&self) -> Position {
        Position::new(self.tail.next + u64::from(self.staging.count))
    }

    /// The id that the next staged event will have.
    #[must_use]
    pub fn next_id(&self) -> EventId {
        let time = self.staging.time.max(self.tail.time);
        EventId::new(time / 1000, self.next_position(), self.identity.store.tag())
    }

    /// Bytes of the frame staged so far; 0 if nothing is.
    #[must_use]
    pub fn staged_bytes(&self) -> usize {
        self.staging.bytes.len()
    }

    /// How many events are staged.
    #[must_use]
    pub fn staged_count(&self) -> u32 {
        self.staging.count
    }

    /// Whether the event would push what is staged over the limit of one commit.
    #[must_use]
    pub fn would_exceed(&self, event: &EncodedEvent, numbers: &Numbers<'_>) -> bool {
        self.exceeds(event_bytes(event, numbers))
    }

    fn exceeds(&self, bytes: usize) -> bool {
        self.frame_bytes_with(bytes) > self.options.commit_bytes_max
    }

    fn frame_bytes_with(&self, bytes: usize) -> u64 {
        (self.staging.bytes.len().max(FRAME_HEADER_BYTES) + bytes) as u64
    }

    /// Adds an event to the next commit and numbers it.
    ///
    /// # Errors
    /// [`JournalError::TooLarge`] when the commit would be over its limit; what was staged before stays.
    pub fn stage_event(
        &mut self,
        event: &EncodedEvent,
        numbers: &Numbers<'_>,
    ) -> Result<Staged, JournalError> {
        self.make_room(event_bytes(event, numbers))?;
        let staged = Staged { position: self.next_position(), id: self.next_id() };
        let staging = &mut self.staging;
        put_event(
            &mut staging.bytes,
            event,
            numbers,
            staged.position.get(),
            staging.time,
            self.identity.seeds,
        );
        staging.count += 1;
        Ok(staged)
    }

    /// Adds a checkpoint to the next commit: everything of `region` (its canonical bytes) up to `position` was
    /// handled.
    ///
    /// # Errors
    /// [`JournalError::TooLarge`] as for events.
    pub fn stage_checkpoint(
        &mut self,
        id: &CheckpointId,
        region: &[u8],
        position: Position,
    ) -> Result<(), JournalError> {
        self.make_room(checkpoint_bytes(id.as_str(), region, position))?;
        let next = self.next_position().get();
        put_checkpoint(&mut self.staging.bytes, (id.as_str(), region, position), next, self.identity.seeds);
        Ok(())
    }

    fn make_room(&mut self, bytes: usize) -> Result<(), JournalError> {
        let limit = self.options.commit_bytes_max;
        if self.exceeds(bytes) {
            let actual = self.frame_bytes_with(bytes);
            return Err(JournalError::TooLarge { what: Limited::Commit, actual, limit });
        }
        if self.staging.bytes.is_empty() {
            self.staging.time = self.staging.time.max(self.tail.time);
            self.staging.bytes.resize(FRAME_HEADER_BYTES, 0);
        }
        Ok(())
    }

    /// Marks what is staged now, so that a batch that fails in the middle can be taken out again.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { bytes: self.staging.bytes.len(), count: self.staging.count }
    }

    /// Takes out everything staged since `mark`.
    pub fn abandon_to(&mut self, mark: Mark) {
        self.staging.bytes.truncate(mark.bytes);
        self.staging.count = self.staging.count.min(mark.count);
    }

    /// Takes out everything staged.
    pub fn abandon_staged(&mut self) {
        self.abandon_to(Mark { bytes: 0, count: 0 });
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
        let length = self.staging.bytes.len() as u64;
        if kind == FrameKind::Commit {
            self.make_segment_room(length)?;
        }
        let header = FrameHeader {
            length: length as u32,
            kind,
            first: self.tail.next,
            count: self.staging.count,
            epoch: self.epoch,
            synced_through: self.tail.synced_through,
            time: self.staging.time,
            chain: self.tail.chain,
        };
        let offset = self.tail.offset;
        let chain = header.seal(&mut self.staging.bytes, self.identity.seeds.frame(self.segment, offset));
        self.write_or_erase(offset)?;
        self.closed = false;
        self.tail = Tail {
            offset: offset + length,
            next: header.next(),
            epoch: self.epoch,
            time: header.time,
            chain,
            synced_through: self.tail.synced_through,
        };
        self.allocated = self.allocated.max(self.tail.offset);
        self.publish();
        Ok(())
    }

    fn write_or_erase(&mut self, offset: u64) -> Result<(), JournalError> {
        let Err(error) = self.file.write_at(&self.staging.bytes, offset) else { return Ok(()) };
        if error.kind() != StorageErrorKind::NoSpace {
            return Err(self.poison_with(error));
        }
        // Its header may stand there; without it recovery takes nothing for numbered. If this fails too,
        // recovery reports a gap that nobody saw the inside of, which is harmless.
        let _ = self.file.write_at(&[0; FRAME_HEADER_BYTES], offset);
        Err(JournalError::NoSpace(error))
    }

    /// Hands the committed bytes out and takes memory for the next frame back from whoever is done with it.
    fn lend_frame(&mut self) -> Arc<Frame> {
        let count = std::mem::take(&mut self.staging.count);
        let bytes = std::mem::take(&mut self.staging.bytes);
        let offset = (self.tail.offset - bytes.len() as u64) as u32;
        let first = self.tail.next - u64::from(count);
        let (segment, time) = (self.segment, self.tail.time);
        let free = self.spares.iter_mut().position(|frame| Arc::get_mut(frame).is_some());
        let mut frame = match free {
            Some(free) => self.spares.swap_remove(free),
            None => Arc::new(Frame {
                bytes: Vec::new(),
                segment,
                offset,
                first,
                count,
                time,
                identity: self.identity.clone(),
            }),
        };
        if let Some(free) = Arc::get_mut(&mut frame) {
            self.staging.bytes = std::mem::replace(&mut free.bytes, bytes);
            self.staging.bytes.clear();
            self.staging.bytes.shrink_to(SPARE_BYTES_MAX);
            (free.segment, free.offset, free.first, free.count, free.time) =
                (segment, offset, first, count, time);
        }
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

    fn sync_file(&mut self) -> Result<(), JournalError> {
        if let Err(error) = self.file.sync_data() {
            return Err(self.poison_with(error));
        }
        self.tail.synced_through = self.tail.offset;
        self.durable_next = self.tail.next;
        Ok(())
    }

    /// Makes sure that `length` bytes fit behind the tail of the last segment, and that they are allocated.
    fn make_segment_room(&mut self, length: u64) -> Result<(), JournalError> {
        let is_used = self.tail.offset > HEADER_BYTES;
        if is_used && self.tail.offset + length > self.options.segment_bytes {
            self.roll()?;
        }
        let end = self.tail.offset + length;
        if end <= self.allocated {
            return Ok(());
        }
        let ahead = (self.allocated + self.options.preallocate_bytes).min(self.options.segment_bytes);
        if ahead <= end {
            return Ok(()); // The frame itself extends the file as far.
        }
        let zeros = vec![0; (ahead - self.allocated) as usize];
        match self.file.write_at(&zeros, self.allocated) {
            Ok(()) => self.allocated = ahead,
            Err(error) if error.kind() == StorageErrorKind::NoSpace => {
                return Err(JournalError::NoSpace(error));
            }
            Err(error) => return Err(self.poison_with(error)),
        }
        Ok(())
    }

    /// Seals the last segment and begins the next. The old one is durable before the new one exists: that a
    /// segment has a successor proves all of it.
    fn roll(&mut self) -> Result<(), JournalError> {
        if self.allocated > self.tail.offset {
            self.file.set_length(self.tail.offset)?;
            self.allocated = self.tail.offset;
        }
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
        if self.allocated > self.tail.offset {
            self.file.set_length(self.tail.offset)?;
        }
        self.staging.time = self.tail.time;
        self.staging.bytes.resize(FRAME_HEADER_BYTES, 0);
        self.write_frame(FrameKind::Close)?;
        self.sync_file()
    }

    fn refuse_poisoned(&self) -> Result<(), JournalError> {
        match &self.poison {
            Some(cause) => Err(JournalError::Poisoned { cause: cause.clone() }),
            None => Ok(()),
        }
    }

    #[cold]
    fn poison_with(&mut self, error: StorageError) -> JournalError {
        let cause = self.poison.get_or_insert(error).clone();
        JournalError::Poisoned { cause }
    }

    fn publish(&self) {
        self.published.set_tail(self.segment, self.tail.offset as u32);
    }
}

/// A failure while a segment was made.
enum Failure {
    /// There is no new segment, for sure.
    Harmless(StorageError),
    /// There may be one, or a sync failed.
    Unknown(StorageError),
}

/// Makes a segment that is durable, whole and empty, or none: it gets its name only when it is ready.
fn make_segment(storage: &dyn Storage, header: &SegmentHeader) -> Result<Arc<dyn File>, Failure> {
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

fn create(
    storage: &dyn Storage,
    options: &JournalOptions,
    now_micros: u64,
    store: StoreId,
) -> Result<Survey, JournalError> {
    let header = SegmentHeader {
        number: 1,
        store,
        first: 1,
        chain: chain_origin(store),
        epoch: 0,
        time: now_micros,
        segment_bytes: options.segment_bytes,
        previous_bytes: 0,
    };
    match make_segment(storage, &header) {
        Ok(_) => Ok(Survey { identity: Identity::new(store, storage), last: header }),
        Err(Failure::Harmless(error) | Failure::Unknown(error)) => Err(error.into()),
    }
}

/// Removes segments whose making was interrupted: no frame was ever in them.
fn remove_temporaries(storage: &dyn Storage) -> Result<(), JournalError> {
    for name in storage.list()?.iter().filter(|name| is_temporary(name)) {
        storage.remove(name)?;
    }
    Ok(())
}
