//! Where the truth is: the journal as the index sees it, to check its files against and to rebuild them from.

use super::checkpoints::Checkpoint;
use super::header::Stretch;
use crate::error::SharedError;
use crate::event::EventRef;
use crate::position::{Location, Position};
use std::fmt::Debug;
use std::ops::RangeInclusive;

/// One record of the journal.
#[derive(Debug)]
pub(crate) enum Fact<'a> {
    /// An event, its idempotency key (empty if there is none), and where its record stands.
    Event { event: EventRef<'a>, key: &'a [u8], location: Location },
    /// Positions that no event has.
    Gap { gap: RangeInclusive<Position>, location: Location },
    /// Where a cursor stands.
    Checkpoint { id: &'a str, checkpoint: Checkpoint, segment: u32 },
}

/// The journal, for reading. Its segments are numbered from 1 and the last one grows.
pub(crate) trait Source: Debug + Send + Sync {
    /// The store's id.
    fn store(&self) -> [u8; 16];

    /// The number of the segment that grows.
    fn segments(&self) -> u32;

    /// The first position that can stand in a segment.
    fn first_of(&self, segment: u32) -> Result<Position, SharedError>;

    /// What a sealed segment's files are bound to.
    fn stretch_of(&self, segment: u32) -> Result<Stretch, SharedError>;

    /// Whether its last segment still has the frame that ends this stretch, with the same history before it.
    fn holds(&self, stretch: &Stretch) -> Result<bool, SharedError>;

    /// Gives every record of one segment, in order, from the frame on that begins at byte `from.0` with position `from.1`;
    /// from its begin on if that is 0.
    fn replay(
        &self,
        segment: u32,
        from: (u32, Position),
        sink: &mut dyn FnMut(Fact<'_>),
    ) -> Result<(), SharedError>;
}
