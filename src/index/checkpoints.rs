//! The table of checkpoints: where each durable cursor stands.

use crate::position::Position;
use std::collections::BTreeMap;

/// Where a cursor stands, and over which region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The canonical bytes of the region the cursor is bound to.
    pub(crate) region: Box<[u8]>,
    /// Everything of the region up to here was handled.
    pub(crate) position: Position,
}

/// The newest checkpoint of each cursor.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    by_id: BTreeMap<Box<str>, Checkpoint>,
}

impl Checkpoints {
    pub(super) fn apply(&mut self, id: &str, checkpoint: Checkpoint) {
        match self.by_id.get_mut(id) {
            Some(stored) => *stored = checkpoint,
            None => drop(self.by_id.insert(id.into(), checkpoint)),
        }
    }

    pub(super) fn get(&self, id: &str) -> Option<&Checkpoint> {
        self.by_id.get(id)
    }
}
