//! A store that is only read, also beside a process that writes it.

use super::graph::{self, CausalGraph, GraphOptions};
use super::reader::Reader;
use super::{builder, stats};
use crate::config::Config;
use crate::error::{OpenError, ReadError};
use crate::event::{EventId, StoredEvent};
use crate::index::{Index, IndexError, IndexOptions};
use crate::indexer;
use crate::journal::{JournalError, JournalFollower, JournalOptions, VerifyReport};
use crate::position::{Position, Version};
use crate::region::Region;
use crate::storage::{Directory, Storage, StorageErrorKind};
use crate::store::Stats;
use crate::tree::index_options;
use crate::view::{View, read_error};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use supervisors::Runtime;
use supervisors::rt::Mutex;

/// What an index that cannot be opened says of the store.
fn index_error(error: IndexError, dir: &Path) -> OpenError {
    match &error {
        IndexError::Journal(cause) => match cause.downcast_ref::<JournalError>() {
            Some(cause) => builder::journal_error(cause, dir),
            None => OpenError::Storage { source: Arc::new(error) },
        },
        _ => OpenError::Storage { source: Arc::new(error) },
    }
}

/// A store opened for reading only. It starts no actor and writes nothing.
///
/// It sees what was there when it was opened; [`ReadOnlyStore::refresh`] follows the writer.
#[derive(Debug)]
pub struct ReadOnlyStore {
    view: Arc<View>,
    /// Looks for what another process has written; only `refresh` locks it.
    follower: Mutex<JournalFollower>,
    dir: PathBuf,
}

impl ReadOnlyStore {
    pub(super) fn open(dir: &Path) -> Result<Self, OpenError> {
        let storage = Directory::open(dir).map_err(|error| match error.kind() {
            StorageErrorKind::NotFound => OpenError::NoStore { path: dir.to_owned() },
            _ => builder::storage_error(error, dir),
        })?;
        Self::open_on(dir, Arc::new(storage), Runtime::threads())
    }

    /// As `open`, on any disk and any clock.
    pub(super) fn open_on(
        dir: &Path,
        storage: Arc<dyn Storage>,
        runtime: Runtime,
    ) -> Result<Self, OpenError> {
        let options = IndexOptions { writes: false, ..index_options(&Config::new(dir)) };
        let follower = JournalFollower::open(Arc::clone(&storage), JournalOptions::default())
            .map_err(|error| builder::journal_error(&error, dir))?;
        let view = Arc::new(View::new(runtime));
        view.follows(follower.reader());
        let source = Arc::new(indexer::Truth(follower.reader()));
        let index = Index::open(storage, source, options).map_err(|error| index_error(error, dir))?;
        view.change(|current| *current = index);
        let store = Self { view, follower: Mutex::new(follower), dir: dir.to_owned() };
        store.follow().map_err(|error| builder::journal_error(&error, dir))?;
        Ok(store)
    }

    /// Takes in what the writer has written since; gives the highest position that can be read now.
    ///
    /// # Errors
    /// [`ReadError`] when a frame is damaged or the disk refuses. A frame that is being written is not an error: it is
    /// not there yet.
    pub fn refresh(&self) -> Result<Position, ReadError> {
        self.follow().map_err(|error| read_error(error, self.view.written().next()))?;
        Ok(self.view.written())
    }

    fn follow(&self) -> Result<(), JournalError> {
        let mut follower = self.follower.lock();
        follower.refresh()?;
        self.view.change(|index| indexer::catch_up(index, &follower.reader(), Index::shed_written))?;
        self.view.publish(follower.durable());
        Ok(())
    }

    /// The event with this id; `None` if no such event can be read.
    ///
    /// # Errors
    /// [`ReadError`] when its record is damaged or the disk refuses.
    pub fn get(&self, id: EventId) -> Result<Option<StoredEvent>, ReadError> {
        self.view.get(id)
    }

    /// The events of a region, in position order.
    pub fn read(&self, region: &Region) -> Reader {
        Reader::new(Ok(&self.view), region.clone())
    }

    /// The events of one entity, by version.
    pub fn entity(&self, entity: &str) -> Reader {
        self.read(&Region::entity(entity))
    }

    /// The version of an entity's newest event that can be read.
    ///
    /// # Errors
    /// [`ReadError`] when what is lost of the index cannot be rebuilt, because the journal cannot be read.
    pub fn last_version(&self, entity: &str) -> Result<Version, ReadError> {
        self.view.version(entity)
    }

    /// The highest position that can be read.
    #[must_use]
    pub fn written(&self) -> Position {
        self.view.written()
    }

    /// The highest position that the writer has proven to be on the disk.
    #[must_use]
    pub fn durable(&self) -> Position {
        self.view.durable()
    }

    /// As [`Store::causes_with`](crate::Store::causes_with).
    ///
    /// # Errors
    /// [`ReadError`] when a record is damaged or the disk refuses.
    pub fn causes(&self, id: EventId, options: GraphOptions) -> Result<CausalGraph, ReadError> {
        graph::causes(&self.view, id, options)
    }

    /// As [`Store::effects_with`](crate::Store::effects_with).
    ///
    /// # Errors
    /// [`ReadError`] when a record is damaged or the disk refuses.
    pub fn effects(&self, id: EventId, options: GraphOptions) -> Result<CausalGraph, ReadError> {
        graph::effects(&self.view, id, options)
    }

    /// As [`Store::verify`](crate::Store::verify).
    ///
    /// # Errors
    /// [`ReadError`] when the disk refuses; damage is in the report.
    pub fn verify(&self) -> Result<VerifyReport, ReadError> {
        stats::verify(&self.view)
    }

    /// How much the store holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        stats::of(&self.view)
    }

    /// Where the store lives.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}
