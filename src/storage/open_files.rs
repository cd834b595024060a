//! A bounded set of open files, so that a store of any number of segments needs a fixed number of handles.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Access, File, Storage, StorageError};

/// Files opened for reading, by number; the one unused for longest is closed when there are too many.
#[derive(Debug)]
pub struct OpenFiles {
    storage: Arc<dyn Storage>,
    count_max: usize,
    // Most recently used last. A handful of entries: a walk is cheaper than a map.
    open: Mutex<Vec<(u32, Arc<dyn File>)>>,
}

impl OpenFiles {
    /// A set that keeps at most `count_max` files open (at least one).
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, count_max: usize) -> Self {
        Self { storage, count_max: count_max.max(1), open: Mutex::default() }
    }

    /// The file `number`, opened as `name(number)` if it is not open yet.
    pub fn get(&self, number: u32, name: impl FnOnce(u32) -> String) -> Result<Arc<dyn File>, StorageError> {
        if let Some(file) = self.lookup(number) {
            return Ok(file);
        }
        // Opened outside the lock: a slow disk must not stop readers of other files.
        let file = self.storage.open(&name(number), Access::Read)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= self.count_max {
            open.remove(0);
        }
        open.push((number, file.clone()));
        Ok(file)
    }

    fn lookup(&self, number: u32) -> Option<Arc<dyn File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let at = open.iter().rposition(|(other, _)| *other == number)?;
        let last = open.len() - 1;
        open[at..].rotate_left(1);
        Some(open[last].1.clone())
    }
}
