//! Questions that go to the sealed segments and to the one that grows: asked so that nobody waits for a disk.

use super::gaps::{Gap, is_within};
use super::{Found, Index, IndexError, Window};
use crate::position::{Location, Position, Version};
use crate::region::Region;

/// Somewhere an [`Index`] can be looked at for a moment. What these lookups do in that moment happens in memory; the
/// disk is read afterwards.
pub(crate) trait Lookups {
    /// Looks at the index.
    fn peek<T>(&self, look: impl FnOnce(&Index) -> T) -> T;

    /// Where the record of the event at `position` stands; `None` if there is no event.
    fn locate(&self, position: Position) -> Result<Option<Location>, IndexError> {
        let (sealed, location) = self.peek(|index| match position > index.sealed.last() {
            true => (None, index.open.locate(position)),
            false => (Some(index.sealed()), None),
        });
        sealed.map_or(Ok(location), |sealed| sealed.locate(position))
    }

    /// The version of the newest event of `entity`.
    fn last_version(&self, entity: &str) -> Result<Version, IndexError> {
        let version = self.peek(|index| index.open.version(entity).ok_or_else(|| index.sealed()));
        version.or_else(|sealed| Ok(sealed.version(entity)?.unwrap_or_default()))
    }

    /// The event that was stored with this idempotency key.
    fn keyed(&self, key: &[u8]) -> Result<Option<Position>, IndexError> {
        let position = self.peek(|index| index.open.keyed(key).ok_or_else(|| index.sealed()));
        position.map_or_else(|sealed| sealed.keyed(key), |position| Ok(Some(position)))
    }

    /// The events that name `cause` as a cause, in position order, at most `limit`.
    fn effects(&self, cause: Position, limit: usize) -> Result<Vec<Position>, IndexError> {
        let look =
            |index: &Index| (index.sealed(), index.open.effects(cause).take(limit).collect::<Vec<_>>());
        let (sealed, later) = self.peek(look);
        let mut found = Vec::new();
        sealed.effects(cause, limit, &mut found)?;
        found.extend(later);
        found.truncate(limit);
        Ok(found)
    }

    /// The gaps that lie after `after` and begin not after `through`.
    fn gaps(&self, after: Position, through: Position) -> Result<Vec<Gap>, IndexError> {
        let (sealed, later) = self.peek(|index| {
            let gaps = index.open.gaps().iter();
            let later: Vec<Gap> = gaps.filter(|gap| is_within(gap, after, through)).cloned().collect();
            (index.sealed(), later)
        });
        let mut gaps = if after < sealed.last() { sealed.gaps(after, through)? } else { Vec::new() };
        gaps.extend(later);
        Ok(gaps)
    }

    /// Puts the events of `region` inside `window` into `found`, in position order, until it has `window.limit`.
    fn select(&self, region: &Region, window: Window, found: &mut Vec<Found>) -> Result<(), IndexError> {
        let mut after = window.after;
        loop {
            let sealed = self.peek(Index::sealed);
            sealed.select(region, Window { after, ..window }, found)?;
            if found.len() >= window.limit || window.through <= sealed.last() {
                return Ok(());
            }
            after = after.max(sealed.last());
            let is_done = self.peek(|index| {
                let is_same = index.sealed.last() == sealed.last();
                if is_same {
                    let left = Window { after, limit: window.limit - found.len(), ..window };
                    index.select_open(region, left, found);
                }
                is_same
            });
            // Otherwise the journal rolled meanwhile: what was open is sealed now.
            if is_done {
                return Ok(());
            }
        }
    }
}

impl Lookups for Index {
    fn peek<T>(&self, look: impl FnOnce(&Index) -> T) -> T {
        look(self)
    }
}
