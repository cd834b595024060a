//! What the index knows of one segment, in memory: the segment that grows, and one whose file is not written yet.

use super::names::Names;
use crate::event::EventRef;
use crate::position::{Location, Position, Version};
use foldhash::{HashMap, HashMapExt};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The lookups over the events of one segment. A place is a position counted from the part's first.
#[derive(Debug)]
pub(super) struct Part {
    segment: u32,
    first: Position,
    /// By place: where the record stands; length 0 where there is no event.
    records: Vec<Record>,
    pub(super) entities: Names,
    pub(super) scopes: Names,
    pub(super) kinds: Names,
    /// By number of the entity: the version of its newest event here.
    versions: Vec<Version>,
    keys: HashMap<Box<[u8]>, u32>,
    /// By position of the cause: the places of its effects here.
    effects: BTreeMap<Position, Vec<u32>>,
    gaps: Vec<RangeInclusive<Position>>,
    /// How many entities have their first event here.
    new_entities: u64,
}

/// One event, as numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Record {
    pub(super) offset: u32,
    /// 0 where there is no event; the offset is the gap's record's then.
    pub(super) length: u32,
    pub(super) entity: u32,
    pub(super) scope: u32,
    pub(super) kind: u32,
}

impl Part {
    pub(super) fn new(segment: u32, first: Position) -> Self {
        Self {
            segment,
            first,
            records: Vec::new(),
            entities: Names::default(),
            scopes: Names::default(),
            kinds: Names::default(),
            versions: Vec::new(),
            keys: HashMap::new(),
            effects: BTreeMap::new(),
            gaps: Vec::new(),
            new_entities: 0,
        }
    }

    pub(super) fn segment(&self) -> u32 {
        self.segment
    }

    pub(super) fn first(&self) -> Position {
        self.first
    }

    /// The last position of the part; the one before `first` if the part is empty.
    pub(super) fn last(&self) -> Position {
        Position::new(self.first.get() + self.records.len() as u64 - 1)
    }

    pub(super) fn push(&mut self, event: &EventRef<'_>, key: &[u8], location: Location) {
        let place = self.records.len() as u32;
        let entity = self.entities.note(event.entity, place);
        self.versions.resize((entity as usize + 1).max(self.versions.len()), Version::NONE);
        self.versions[entity as usize] = event.version;
        crate::point("index.part.name_noted");
        self.new_entities +=
            u64::from(event.version == Version::new(1) || crate::planted("entity_counted_twice"));
        self.records.push(Record {
            offset: location.offset,
            length: location.length,
            entity,
            scope: self.scopes.note(event.scope, place),
            kind: self.kinds.note(event.kind, place),
        });
        crate::point("index.part.record_pushed");
        if !key.is_empty() && !crate::planted("key_not_indexed") {
            self.keys.insert(key.into(), place);
        }
        for cause in event.causes.iter() {
            let places = self.effects.entry(cause.position()).or_default();
            if places.last() != Some(&place) || crate::planted("effect_indexed_twice") {
                places.push(place);
            }
        }
    }

    /// Takes in a gap whose record stands at `offset`.
    pub(super) fn push_gap(&mut self, gap: RangeInclusive<Position>, offset: u32) {
        let places = self.records.len() + gap.end().since(*gap.start()) as usize + 1;
        self.records.resize(places, Record { offset, ..Record::default() });
        self.gaps.push(gap);
    }

    pub(super) fn locate(&self, position: Position) -> Option<Location> {
        let record = self.records.get(self.place(position)?)?;
        (record.length > 0).then(|| self.location(record))
    }

    fn location(&self, record: &Record) -> Location {
        Location { segment: self.segment, offset: record.offset, length: record.length }
    }

    pub(super) fn version(&self, entity: &str) -> Option<Version> {
        Some(self.versions[self.entities.number(entity)? as usize])
    }

    pub(super) fn keyed(&self, key: &[u8]) -> Option<Position> {
        self.keys.get(key).map(|place| self.position(*place))
    }

    pub(super) fn effects(&self, cause: Position) -> impl Iterator<Item = Position> + '_ {
        self.effects.get(&cause).into_iter().flatten().map(|place| self.position(*place))
    }

    /// The idempotency keys with the places of their events, in no order.
    pub(super) fn keys(&self) -> impl ExactSizeIterator<Item = (&[u8], u32)> {
        self.keys.iter().map(|(key, place)| (&**key, *place))
    }

    /// The causes with the places of their effects, in order.
    pub(super) fn causes(&self) -> impl ExactSizeIterator<Item = (Position, &[u32])> {
        self.effects.iter().map(|(cause, places)| (*cause, places.as_slice()))
    }

    pub(super) fn gaps(&self) -> &[RangeInclusive<Position>] {
        &self.gaps
    }

    pub(super) fn new_entities(&self) -> u64 {
        self.new_entities
    }

    /// By number of the entity: the version of its newest event here.
    pub(super) fn newest_version(&self, entity: u32) -> Version {
        self.versions[entity as usize]
    }

    /// Every place's event as numbers, gaps too.
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(super) fn position(&self, place: u32) -> Position {
        Position::new(self.first.get() + u64::from(place))
    }

    /// The place of `position`, if it does not lie before the part.
    fn place(&self, position: Position) -> Option<usize> {
        (position >= self.first).then(|| position.since(self.first) as usize)
    }

    /// The first place after `position`.
    pub(super) fn place_after(&self, position: Position) -> u32 {
        if position < self.first {
            0
        } else {
            position.since(self.first) as u32 + u32::from(!crate::planted("window_begins_too_early"))
        }
    }

    /// The event at a place, if there is one.
    pub(super) fn record(&self, place: u32) -> Option<(&Record, Location)> {
        let record = self.records.get(place as usize).filter(|record| record.length > 0)?;
        Some((record, self.location(record)))
    }

    /// The place behind the last.
    pub(super) fn end(&self) -> u32 {
        self.records.len() as u32
    }
}
