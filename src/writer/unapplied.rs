//! What is stored, or about to be, and not in the index yet: the writer's checks must see it all the same.

use crate::event::{Coordinate, NewEvent, Receipt};
use crate::index::Checkpoint;
use crate::position::Position;
use crate::region::Region;
use foldhash::HashMap;
use std::borrow::Cow;

/// Entries that an emptied map may keep room for: emptying it costs its room, at every commit.
const ROOM_MAX: usize = 256;

/// What a condition's region is held against.
#[derive(Debug)]
struct Noted {
    position: Position,
    coordinate: Coordinate,
    kind: Cow<'static, str>,
}

/// The facts of events that the index does not know yet.
#[derive(Debug, Default)]
pub(super) struct Unapplied {
    keys: HashMap<Box<[u8]>, Receipt>,
    checkpoints: HashMap<Box<str>, Checkpoint>,
    events: Vec<Noted>,
}

impl Unapplied {
    pub(super) fn clear(&mut self) {
        clear(&mut self.keys);
        crate::point("writer.clear.half_cleared");
        self.checkpoints.clear();
        self.events.clear();
    }

    /// Notes an event that got these numbers.
    pub(super) fn note(&mut self, event: NewEvent, receipt: Receipt) {
        let NewEvent { coordinate, kind, options, .. } = event;
        if let Some(key) = options.key.filter(|_| !crate::planted("key_not_noted")) {
            self.keys.insert(key, receipt);
        }
        crate::point("writer.note.half_noted");
        self.events.push(Noted { position: receipt.position, coordinate, kind });
    }

    pub(super) fn note_checkpoint(&mut self, id: &str, checkpoint: Checkpoint) {
        self.checkpoints.insert(id.into(), checkpoint);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.checkpoints.is_empty()
    }

    /// Takes over what `staged` noted; it was committed.
    pub(super) fn absorb(&mut self, staged: &mut Self) {
        if self.is_empty() {
            return std::mem::swap(self, staged);
        }
        self.keys.extend(staged.keys.drain());
        crate::point("writer.absorb.half_absorbed");
        self.checkpoints.extend(staged.checkpoints.drain());
        self.events.append(&mut staged.events);
    }

    /// The entities of the noted events, one for each event.
    pub(super) fn entities(&self) -> impl Iterator<Item = &str> {
        self.events.iter().map(|event| event.coordinate.entity())
    }

    pub(super) fn keyed(&self, key: &[u8]) -> Option<Receipt> {
        self.keys.get(key).copied()
    }

    pub(super) fn checkpoint(&self, id: &str) -> Option<&Checkpoint> {
        self.checkpoints.get(id)
    }

    /// The first event of `region` after `after`.
    pub(super) fn first_in(&self, region: &Region, after: Position) -> Option<Position> {
        let mut later = self.events.iter().filter(|event| event.position > after);
        let found = later
            .find(|event| region.matches(event.coordinate.entity(), event.coordinate.scope(), &event.kind));
        found.map(|event| event.position)
    }
}

fn clear<K, V>(map: &mut HashMap<K, V>) {
    match map.capacity() <= ROOM_MAX {
        true => map.clear(),
        false => *map = HashMap::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Durability, EventId, StoreTag};
    use crate::position::Version;
    use crate::{Config, Store};

    #[test]
    fn what_was_noted_is_found_by_region_behind_a_position_and_by_name() {
        let mut unapplied = Unapplied::default();
        for (position, entity) in [(5, "door-1"), (7, "door-2"), (9, "door-1")] {
            let event = NewEvent::raw(Coordinate::new(entity, "house").unwrap(), "Opened", 1, Vec::new());
            let id = EventId::new(0, Position::new(position), StoreTag(0));
            unapplied.note(event, Receipt::new(id, Version::new(position), Durability::Buffered));
        }
        unapplied
            .note_checkpoint("mailer", Checkpoint { region: (*b"all").into(), position: Position::new(4) });
        let first =
            |region: &Region, after| unapplied.first_in(region, Position::new(after)).map(Position::get);
        assert_eq!([4, 5, 8, 9].map(|after| first(&Region::all(), after)), [Some(5), Some(7), Some(9), None]);
        assert_eq!(first(&Region::entity("door-1"), 5), Some(9));
        assert_eq!(first(&Region::kind("Closed"), 0), None);
        assert!(unapplied.entities().eq(["door-1", "door-2", "door-1"]));
        let checkpoint = |id| unapplied.checkpoint(id).map(|checkpoint| checkpoint.position.get());
        assert_eq!((checkpoint("mailer"), checkpoint("other")), (Some(4), None));
    }

    #[test]
    fn what_the_index_knows_is_not_kept_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Config::new(dir.path())).unwrap();
        let coordinate = Coordinate::new("door-1", "house").unwrap();
        for number in 0..3 {
            let event = NewEvent::raw(coordinate.clone(), "Opened", 1, vec![number]);
            store.append_event(event).unwrap();
        }
        let other = Coordinate::new("door-2", "house").unwrap();
        store.append_event(NewEvent::raw(other, "Opened", 1, Vec::new())).unwrap();
        assert_eq!(coordinate.clones(), 1, "nobody else has the coordinate of what was appended before");
    }
}
