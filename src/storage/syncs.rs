//! The syncs of one file, from more than one thread, of which none may take for stored what another was told is lost.

use super::{File, StorageError};
use std::sync::{Arc, Mutex, PoisonError};

/// The syncs of one file, one after the other. Once one has failed all do: of two at the same time the operating
/// system may tell only one that a write was lost.
#[derive(Debug)]
pub struct Syncs {
    file: Arc<dyn File>,
    failed: Mutex<Option<StorageError>>,
}

impl Syncs {
    /// Of that file, none of whose syncs has failed yet.
    #[must_use]
    pub fn new(file: Arc<dyn File>) -> Arc<Self> {
        Arc::new(Self { file, failed: Mutex::new(None) })
    }

    /// Makes everything written to the file durable. Waits for a sync that is under way.
    ///
    /// # Errors
    /// As [`File::sync_data`]; after the first failure the same one again, and the disk is not asked.
    pub fn sync(&self) -> Result<(), StorageError> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &*failed {
            return Err(error.clone());
        }
        self.file.sync_data().inspect_err(|error| *failed = Some(error.clone()))
    }
}
