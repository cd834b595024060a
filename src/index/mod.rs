//! The index: lookups derived from the journal. It can be thrown away and built again.
//!
//! Its door is narrow on purpose: what is committed goes in by [`Index::apply`] and its siblings, answers come out by
//! position. It is made of one [`Part`] per segment, so that what it keeps of a segment can move as a whole.

mod checkpoints;
mod names;
mod part;
mod select;

pub(crate) use checkpoints::Checkpoint;

use crate::event::EventRef;
use crate::position::{Location, Position, Version};
use crate::region::Region;
use checkpoints::Checkpoints;
use part::Part;
use std::ops::RangeInclusive;

/// An event that answers a query, and where its record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) position: Position,
    pub(crate) location: Location,
}

/// Which events of a region are asked for: those after `after` and up to `through`, at most `limit`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) after: Position,
    pub(crate) through: Position,
    pub(crate) limit: usize,
}

/// Lookups over everything that was applied.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// One part per segment, in position order; the last one grows.
    parts: Vec<Part>,
    checkpoints: Checkpoints,
    gaps: Vec<RangeInclusive<Position>>,
    applied: Position,
}

impl Index {
    /// The last position that was applied.
    pub(crate) fn applied(&self) -> Position {
        self.applied
    }

    /// Takes the next event in. Events come in position order; one that is not the next is not taken twice.
    pub(crate) fn apply(&mut self, event: &EventRef<'_>, key: &[u8], location: Location) {
        if event.position() <= self.applied {
            return;
        }
        self.part_for(location.segment, event.position()).push(event, key, location);
        self.applied = event.position();
    }

    /// Takes in that a range of positions was numbered and never made visible.
    pub(crate) fn apply_gap(&mut self, gap: RangeInclusive<Position>, segment: u32) {
        if *gap.end() <= self.applied {
            return;
        }
        self.part_for(segment, *gap.start()).push_gap(gap.end().since(*gap.start()) + 1);
        self.applied = *gap.end();
        self.gaps.push(gap);
    }

    /// Takes in where a cursor stands now.
    pub(crate) fn apply_checkpoint(&mut self, id: &str, checkpoint: Checkpoint) {
        self.checkpoints.apply(id, checkpoint);
    }

    /// Where the cursor named `id` stands.
    pub(crate) fn checkpoint(&self, id: &str) -> Option<&Checkpoint> {
        self.checkpoints.get(id)
    }

    /// Where the record of the event at `position` stands; `None` if there is no event.
    pub(crate) fn locate(&self, position: Position) -> Option<Location> {
        self.part_of(position)?.locate(position)
    }

    /// The version of the newest event of `entity`.
    pub(crate) fn version(&self, entity: &str) -> Version {
        self.parts.iter().rev().find_map(|part| part.version(entity)).unwrap_or_default()
    }

    /// The event that was stored with this idempotency key.
    pub(crate) fn keyed(&self, key: &[u8]) -> Option<Position> {
        self.parts.iter().rev().find_map(|part| part.keyed(key))
    }

    /// The events that name `cause` as a cause, in position order, at most `limit`.
    pub(crate) fn effects(&self, cause: Position, limit: usize) -> Vec<Position> {
        let later = self.parts.iter().skip_while(|part| part.last() < cause);
        later.flat_map(|part| part.effects(cause)).take(limit).collect()
    }

    /// The gaps that lie after `after` and begin not after `through`.
    pub(crate) fn gaps(&self, after: Position, through: Position) -> Vec<RangeInclusive<Position>> {
        let begin = self.gaps.partition_point(|gap| *gap.end() <= after);
        self.gaps[begin..].iter().take_while(|gap| *gap.start() <= through).cloned().collect()
    }

    /// Puts the events of `region` inside `window` into `found`, in position order.
    pub(crate) fn select(&self, region: &Region, window: Window, found: &mut Vec<Found>) {
        let begin = self.parts.partition_point(|part| part.last() <= window.after);
        for part in &self.parts[begin..] {
            if found.len() >= window.limit || part.first() > window.through {
                return;
            }
            let left = Window { limit: window.limit - found.len(), ..window };
            select::select(part, region, left, found);
        }
    }

    /// How many different entities have events.
    pub(crate) fn entity_count(&self) -> usize {
        let mut names: Vec<&str> = self.parts.iter().flat_map(Part::entity_names).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    }

    /// How many positions hold no event.
    pub(crate) fn gap_count(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.end().since(*gap.start()) + 1).sum()
    }

    fn part_of(&self, position: Position) -> Option<&Part> {
        let at = self.parts.partition_point(|part| part.last() < position);
        self.parts.get(at).filter(|part| part.first() <= position)
    }

    fn part_for(&mut self, segment: u32, position: Position) -> &mut Part {
        if self.parts.last().is_none_or(|part| part.segment() != segment) {
            self.parts.push(Part::new(segment, position));
        }
        let last = self.parts.len() - 1;
        &mut self.parts[last]
    }
}

#[cfg(test)]
mod tests;
