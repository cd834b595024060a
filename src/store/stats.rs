//! How much a store holds, and whether it is whole.

use crate::error::ReadError;
use crate::index::Index;
use crate::journal::VerifyReport;
use crate::position::Position;
use crate::view::{View, read_error};

/// How much a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Events that readers see.
    pub events: u64,
    /// Different entities.
    pub entities: u64,
    /// The highest position that readers see.
    pub written: Position,
    /// The highest position that is known to be on the disk.
    pub durable: Position,
    /// Segments of the journal.
    pub segments: u64,
    /// Bytes of the journal, without what is only reserved.
    pub bytes: u64,
}

pub(super) fn of(view: &View) -> Stats {
    let (written, gaps, entities) =
        view.look(|index: &Index| (index.applied(), index.gap_count(), index.entity_count()));
    let (segments, bytes) = view.reader().ok().and_then(|reader| reader.extent().ok()).unwrap_or_default();
    Stats { events: written.get() - gaps, entities, written, durable: view.durable(), segments, bytes }
}

pub(super) fn verify(view: &View) -> Result<VerifyReport, ReadError> {
    view.reader()?.verify(&mut |_| ()).map_err(|error| read_error(error, Position::START))
}
