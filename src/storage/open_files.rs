//! A bounded set of open files, so that a store of any number of segments needs a fixed number of handles.

use super::{Access, Cache, File, Storage, StorageError};
use std::sync::Arc;

/// Files opened for reading, by number, each with what is known of it; one that is not used is closed when there are
/// too many.
#[derive(Debug)]
pub struct OpenFiles<T> {
    storage: Arc<dyn Storage>,
    open: Cache<u32, Arc<T>>,
}

impl<T> OpenFiles<T> {
    /// A set that keeps at most `count_max` files open (at least one).
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, count_max: usize) -> Self {
        Self { storage, open: Cache::new(count_max) }
    }

    /// The file `number`, opened as `name(number)` if it is not open yet; then `look` says whether it is the right
    /// one, and what is to be kept of it.
    #[inline]
    pub fn get<E: From<StorageError>>(
        &self,
        number: u32,
        name: impl FnOnce(u32) -> String,
        look: impl FnOnce(Arc<dyn File>) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        if let Some(known) = self.open.get(&number) {
            return Ok(known);
        }
        // Opened outside the lock: a slow disk must not stop readers of other files.
        let known = Arc::new(look(self.storage.open(&name(number), Access::Read)?)?);
        self.open.insert(number, Arc::clone(&known));
        Ok(known)
    }
}
