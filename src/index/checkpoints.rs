//! The table of checkpoints: where each durable cursor stands; and what else is true of a store as of some position.

use super::bytes::{Bytes, put_prefixed, put_varint};
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

/// What is true as of the end of a segment, and cannot be told from the segment alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    /// Different entities so far.
    pub(super) entities: u64,
    /// Positions without an event so far.
    pub(super) gap_positions: u64,
    /// The newest checkpoint of each cursor.
    checkpoints: BTreeMap<Box<str>, Checkpoint>,
}

impl State {
    pub(super) fn apply(&mut self, id: &str, checkpoint: Checkpoint) {
        match self.checkpoints.get_mut(id) {
            Some(stored) if !crate::planted("first_checkpoint_stays") => *stored = checkpoint,
            Some(_) => {}
            None => drop(self.checkpoints.insert(id.into(), checkpoint)),
        }
    }

    pub(super) fn checkpoint(&self, id: &str) -> Option<&Checkpoint> {
        self.checkpoints.get(id)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, self.entities);
        put_varint(&mut out, self.gap_positions);
        put_varint(&mut out, self.checkpoints.len() as u64);
        for (id, checkpoint) in &self.checkpoints {
            put_prefixed(&mut out, id.as_bytes());
            put_prefixed(&mut out, &checkpoint.region);
            put_varint(&mut out, checkpoint.position.get());
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Bytes::new(bytes);
        let (entities, gap_positions) = (fields.varint()?, fields.varint()?);
        let mut state = Self { entities, gap_positions, ..Self::default() };
        for _ in 0..fields.varint()? {
            let id = std::str::from_utf8(fields.prefixed()?).ok()?;
            let region = fields.prefixed()?.into();
            state.apply(id, Checkpoint { region, position: Position::new(fields.varint()?) });
        }
        fields.is_at_end().then_some(state)
    }
}
