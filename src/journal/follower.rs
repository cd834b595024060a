//! The reader beside another process's writer: finds by itself how far the journal goes.

use super::error::JournalError;
use super::options::JournalOptions;
use super::reader::{JournalReader, Published};
use super::recovery::{Survey, check_successor, survey, walk_last};
use super::scan::{Walk, Window};
use super::segment::{read_header, segment_name};
use crate::position::Position;
use crate::storage::{Access, Storage};
use std::sync::Arc;

/// Follows a journal that another process may be writing, and never writes itself.
///
/// What it sees is valid but not necessarily durable: if the writer's machine loses power, the writer's
/// recovery can cut what a follower has already seen.
///
/// ```
/// # use std::sync::Arc;
/// # use timberline::journal::{Journal, JournalFollower, JournalOptions, Numbers, StoreId};
/// # use timberline::storage::{Directory, Storage};
/// # use timberline::{Coordinate, NewEvent};
/// # let path = std::env::temp_dir().join(format!("timberline-follower-{}", std::process::id()));
/// # let _ = std::fs::remove_dir_all(&path);
/// # let storage: Arc<dyn Storage> = Arc::new(Directory::create(&path)?);
/// # let lock = Arc::new(storage.lock()?);
/// # let options = JournalOptions::default();
/// # let (mut journal, _) = Journal::open(storage.clone(), lock, options, 0, StoreId::new([7; 16]))?;
/// # let event = NewEvent::raw(Coordinate::new("door-1", "house")?, "Opened", 1, b"at noon".to_vec());
/// let mut follower = JournalFollower::open(storage, options)?;
/// assert_eq!(follower.last().get(), 0);
/// journal.stage_event(&event, &Numbers::default())?;
/// journal.commit()?;
/// assert_eq!(follower.refresh()?.get(), 1);
/// # std::fs::remove_dir_all(&path).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JournalFollower {
    reader: JournalReader,
    walk: Walk,
}

impl JournalFollower {
    /// Opens the journal in `storage` for reading only, without its lock.
    ///
    /// # Errors
    /// [`JournalError::Empty`] if there is none; else as [`super::Journal::open`]. A frame that is incomplete
    /// or damaged at the end is not an error: it is taken as not written yet.
    pub fn open(storage: Arc<dyn Storage>, options: JournalOptions) -> Result<Self, JournalError> {
        let Some(survey) = survey(&*storage)? else {
            return Err(JournalError::Empty { path: storage.path("") });
        };
        let mut walk = walk_last(&*storage, &survey, Access::Read)?;
        if let Some(tail) = walk.closing_frame()? {
            walk.tail = tail;
        }
        let published = Published::beside_writer(storage, survey.identity, &options);
        let mut follower = Self { reader: JournalReader::new(Arc::new(published)), walk };
        follower.refresh()?;
        if follower.walk.is_sealed {
            check_successor(&*follower.reader.published().storage, follower.walk.segment)?;
        }
        Ok(follower)
    }

    /// A reader that sees what the last [`JournalFollower::refresh`] has found.
    #[must_use]
    pub fn reader(&self) -> JournalReader {
        self.reader.clone()
    }

    /// The last position found so far.
    #[must_use]
    pub fn last(&self) -> Position {
        Position::new(self.walk.tail.next - 1)
    }

    /// The last position that the writer's own bytes prove to be on the disk.
    #[must_use]
    pub fn durable(&self) -> Position {
        Position::new(self.walk.proven_next - 1)
    }

    /// Looks for new frames and segments and returns the last position.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`] when a segment does not go on where its predecessor ends, or the disk's errors.
    pub fn refresh(&mut self) -> Result<Position, JournalError> {
        loop {
            self.walk_to_end()?;
            let published = self.reader.published();
            if !published.storage.exists(&segment_name(self.walk.segment + 1))? {
                break;
            }
            // The successor exists, so its predecessor is complete: look once more before moving on.
            self.walk_to_end()?;
            self.next_segment()?;
        }
        let Walk { segment, tail, .. } = &self.walk;
        self.reader.published().set_tail(*segment, tail.offset as u32);
        Ok(self.last())
    }

    fn walk_to_end(&mut self) -> Result<(), JournalError> {
        let window = &mut self.walk.window;
        let end = window.file.length()?.min(u64::from(u32::MAX));
        *window = Window::new(window.file.clone(), end);
        while self.walk.step()?.is_some() {}
        Ok(())
    }

    fn next_segment(&mut self) -> Result<(), JournalError> {
        let Published { storage, identity, .. } = self.reader.published();
        let number = self.walk.segment + 1;
        let file = storage.open(&segment_name(number), Access::Read)?;
        let last = read_header(&**storage, &*file, number, Some(identity.store))?;
        let tail = self.walk.tail;
        if last.first != tail.next || last.chain != tail.chain {
            return Err(identity.corrupt(self.walk.segment, tail.offset, tail.next));
        }
        let survey = Survey { identity: identity.clone(), last };
        self.walk = walk_last(&**storage, &survey, Access::Read)?;
        Ok(())
    }
}
