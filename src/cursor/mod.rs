//! A cursor: where a reader of a region stands, what it asks for next, and what it may commit.
//!
//! Everything here is a decision over positions. Who reads, who handles and who commits is the cursor worker's part.

use crate::position::Position;
use crate::region::Region;

/// Where a reader of a region stands.
///
/// `committed` is what a restart goes back to; `seen` runs ahead of it: nothing of the region lies between the two
/// that was not handled.
#[derive(Debug, Clone)]
pub(crate) struct Cursor {
    region: Region,
    /// Everything of the region up to here was handled, or there was nothing.
    seen: Position,
    /// The position a later life begins after.
    committed: Position,
}

/// The region a checkpoint is bound to is not the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegionMismatch {
    /// The region of the stored checkpoint.
    pub(crate) stored: Region,
}

impl Cursor {
    /// A cursor over `region` that begins after `position`.
    pub(crate) fn new(region: Region, position: Position) -> Self {
        Self { region, seen: position, committed: position }
    }

    /// A cursor that goes on at a checkpoint that was made over `stored`.
    pub(crate) fn resume(region: Region, stored: Region, position: Position) -> Result<Self, RegionMismatch> {
        if stored == region || crate::planted("checkpoint_region_unchecked") {
            Ok(Self::new(region, position))
        } else {
            Err(RegionMismatch { stored })
        }
    }

    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    /// After which position the next batch begins.
    pub(crate) fn seen(&self) -> Position {
        self.seen
    }

    /// After which position a later life begins.
    pub(crate) fn committed(&self) -> Position {
        self.committed
    }

    /// Whether readers may see something that this cursor has not.
    pub(crate) fn is_behind(&self, watermark: Position) -> bool {
        self.seen < watermark
    }

    /// The region holds nothing between `seen` and `watermark`: skip it, there is nothing to commit.
    pub(crate) fn skip_to(&mut self, watermark: Position) {
        self.seen = self.seen.max(watermark);
    }

    /// The handler said yes to everything up to `position` and that is committed. A commit never goes back.
    pub(crate) fn commit(&mut self, position: Position) {
        self.committed = self.committed.max(position);
        self.seen = self.seen.max(position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_goes_on_after_its_checkpoint_and_never_back() {
        let at = Position::new;
        let mut cursor = Cursor::resume(Region::all(), Region::all(), at(5)).expect("the same region");
        assert_eq!((cursor.seen(), cursor.committed()), (at(5), at(5)));
        cursor.skip_to(at(9));
        assert_eq!((cursor.seen(), cursor.committed()), (at(9), at(5)));
        cursor.commit(at(12));
        cursor.commit(at(7));
        assert_eq!((cursor.seen(), cursor.committed()), (at(12), at(12)));
        assert!(!cursor.is_behind(at(12)) && cursor.is_behind(at(13)));
    }

    #[test]
    fn a_checkpoint_of_another_region_is_refused() {
        let refused = Cursor::resume(Region::all(), Region::entity("*"), Position::START);
        assert_eq!(refused.err(), Some(RegionMismatch { stored: Region::entity("*") }));
    }
}
