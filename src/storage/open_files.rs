//! A bounded set of open files, so that a store of any number of segments needs a fixed number of handles.

use super::{Access, Cache, File, Storage, StorageError};
use std::sync::Arc;

/// Files opened for reading, by number; one that is not used is closed when there are too many.
#[derive(Debug)]
pub struct OpenFiles {
    storage: Arc<dyn Storage>,
    open: Cache<u32, Arc<dyn File>>,
}

impl OpenFiles {
    /// A set that keeps at most `count_max` files open (at least one).
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, count_max: usize) -> Self {
        Self { storage, open: Cache::new(count_max) }
    }

    /// The file `number`, opened as `name(number)` if it is not open yet; then `check` says whether it is the right
    /// one.
    pub fn get<E: From<StorageError>>(
        &self,
        number: u32,
        name: impl FnOnce(u32) -> String,
        check: impl FnOnce(&dyn File) -> Result<(), E>,
    ) -> Result<Arc<dyn File>, E> {
        if let Some(file) = self.open.get(&number) {
            return Ok(file);
        }
        // Opened outside the lock: a slow disk must not stop readers of other files.
        let file = self.storage.open(&name(number), Access::Read)?;
        check(&*file)?;
        self.open.insert(number, Arc::clone(&file));
        Ok(file)
    }
}
