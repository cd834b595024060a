//! The lookups of one sealed segment, out of its file.

use super::checkpoints::State;
use super::column::Column;
use super::directory::{Directory, LONG_BYTES, Node, key_of, prefix_of};
use super::filter;
use super::gaps::{Gap, gaps_within};
use super::header::{Content, Stretch};
use super::postings::{Places, Postings, Spot, Stand};
use super::seal::{GAP_BIT, OFFSET_SHIFT};
use super::table::Table;
use super::{Found, IndexError, Sort};
use crate::position::{Location, Position, Version};
use std::ops::Range;

/// A segment's file, as lookups.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sealed<'a> {
    pub(super) table: &'a Table,
    /// Whether a merge said that the name is there: then the filter is not asked.
    pub(super) is_named: bool,
}

/// What a file knows of a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// The name's place in the order of names.
    pub(super) rank: u32,
    pub(super) postings: Postings,
    /// An entity's newest version in the segment.
    pub(super) version: Version,
    /// Where a long name's full text stands in the heap, and its bytes.
    text: Option<(u64, u64)>,
}

impl Entry {
    pub(super) fn decode(sort: Sort, leaf: &Node, at: u32, stretch: &Stretch) -> Option<Self> {
        let mut value = leaf.value(at)?;
        let postings = Postings::decode(&mut value, sort.steps(stretch))?;
        let version = if sort == Sort::Entity { Version::new(value.varint()?) } else { Version::NONE };
        let is_long = leaf.key(at)?.len() == LONG_BYTES;
        let text = if is_long { Some((value.varint()?, value.varint()?)) } else { None };
        Some(Self { rank: leaf.base.checked_add(at)?, postings, version, text })
    }
}

impl<'a> Sealed<'a> {
    pub(super) fn new(table: &'a Table) -> Self {
        Self { table, is_named: false }
    }

    fn first(&self) -> u64 {
        self.table.header.stretch.first
    }

    /// The place behind the last.
    pub(super) fn end(&self) -> u32 {
        let Range { start, end } = self.first()..self.table.header.stretch.last.saturating_add(1);
        end.saturating_sub(start).try_into().unwrap_or(u32::MAX)
    }

    pub(super) fn position(&self, place: u32) -> Position {
        Position::new(self.first() + u64::from(place))
    }

    /// The first place after `position`.
    pub(super) fn place_after(&self, position: Position) -> u32 {
        let places = position.get().saturating_add(1).saturating_sub(self.first());
        places.try_into().unwrap_or(u32::MAX)
    }

    pub(super) fn locate(&self, position: Position) -> Result<Option<Location>, IndexError> {
        let place = self.place_after(position.previous());
        if place >= self.end() {
            return Ok(None);
        }
        self.location(&mut Column::new(self.table, Content::Offsets), place)
    }

    /// Where the record at a place stands. Its length is the bytes up to the next record: the record itself knows
    /// better.
    fn location(&self, offsets: &mut Column<'_>, place: u32) -> Result<Option<Location>, IndexError> {
        let offset = offsets.get(place)?;
        if offset & GAP_BIT != 0 {
            return Ok(None);
        }
        let offset = offset >> OFFSET_SHIFT;
        let stretch = &self.table.header.stretch;
        let next = match place + 1 {
            next if next < self.end() => u64::from(offsets.get(next)? >> OFFSET_SHIFT),
            _ => stretch.end,
        };
        let length = next.checked_sub(u64::from(offset)).and_then(|length| u32::try_from(length).ok());
        let length = self.table.sound(self.table.header.section(Content::Offsets).block, length)?;
        Ok(Some(Location { segment: stretch.last_segment, offset, length }))
    }

    /// Adds the events at these places to `found`.
    pub(super) fn found(&self, spots: &[Spot], found: &mut Vec<Found>) -> Result<(), IndexError> {
        let mut offsets = Column::new(self.table, Content::Offsets);
        let segment = self.table.header.stretch.last_segment;
        found.reserve(spots.len());
        for Spot { place, stand } in spots {
            let location = match stand {
                Some(Stand { offset, length }) => {
                    Some(Location { segment, offset: *offset, length: *length })
                }
                None => self.location(&mut offsets, *place)?,
            };
            found.extend(location.map(|location| Found { position: self.position(*place), location }));
        }
        Ok(())
    }

    /// Whether there is an event at each place, in turn.
    pub(super) fn presence(&self) -> impl FnMut(u32) -> Result<bool, IndexError> + use<'a> {
        let mut offsets = Column::new(self.table, Content::Offsets);
        move |place| Ok(offsets.get(place)? & GAP_BIT == 0)
    }

    /// What is known of a name; the filter is asked first, unless a merge was.
    pub(super) fn known(&self, sort: Sort, name: &[u8]) -> Result<Option<Entry>, IndexError> {
        let key = key_of(name);
        if !self.is_named && !self.table.may_hold(filter::hash(sort, &key))? {
            return Ok(None);
        }
        match Directory::new(self.table, sort.section()).find(&key)? {
            Some((leaf, at)) => self.decoded(sort, &leaf, at).map(Some),
            None => Ok(None),
        }
    }

    fn decoded(&self, sort: Sort, leaf: &Node, at: u32) -> Result<Entry, IndexError> {
        let entry = Entry::decode(sort, leaf, at, &self.table.header.stretch);
        self.table.sound(self.table.header.section(sort.section()).block, entry)
    }

    /// The ranks of the entities whose name begins so; long prefixes are held against the names themselves.
    pub(super) fn ranks_with(&self, prefix: &str) -> Result<Vec<Range<u32>>, IndexError> {
        let directory = Directory::new(self.table, Content::Entities);
        let head = prefix_of(prefix.as_bytes());
        if head.len() == prefix.len() {
            return Ok(vec![directory.ranks_with(head)?]);
        }
        let mut ranks = Vec::new();
        let mut names = directory.walk_from(head)?;
        while let Some((leaf, at)) = names.next(self.table)? {
            let entry = self.decoded(Sort::Entity, leaf, at)?;
            let key = self.table.sound(0, leaf.key(at))?;
            if !key.starts_with(head) {
                break;
            }
            let name = match entry.text {
                Some((at, count)) => self.table.bytes(Content::Heap, at, count)?,
                None => key,
            };
            if name.starts_with(prefix.as_bytes()) {
                ranks.push(entry.rank..entry.rank + 1);
            }
        }
        Ok(ranks)
    }

    /// What is known of the entities whose name begins so, if they are at most `most`.
    pub(super) fn entries_with(&self, prefix: &str, most: usize) -> Result<Vec<Entry>, IndexError> {
        let mut entries = Vec::new();
        let head = prefix_of(prefix.as_bytes());
        let mut names = Directory::new(self.table, Content::Entities).walk_from(head)?;
        while entries.len() < most
            && let Some((leaf, at)) = names.next(self.table)?
        {
            if !self.table.sound(0, leaf.key(at))?.starts_with(head) {
                break;
            }
            entries.push(self.decoded(Sort::Entity, leaf, at)?);
        }
        Ok(entries)
    }

    pub(super) fn places(&self, postings: Postings, begin: u32) -> Result<Places<'a>, IndexError> {
        Places::from(self.table, postings, begin)
    }

    /// The event with this idempotency key.
    pub(super) fn keyed(&self, key: &[u8]) -> Result<Option<Position>, IndexError> {
        Ok(self.known(Sort::Key, key)?.map(|entry| self.position(entry.postings.first)))
    }

    /// The effects of `cause` in this segment, at most `limit`.
    pub(super) fn effects(&self, cause: Position, limit: usize) -> Result<Vec<Position>, IndexError> {
        let known = self.known(Sort::Cause, &cause.get().to_be_bytes())?;
        let Some(entry) = known else { return Ok(Vec::new()) };
        let (mut places, mut found) = (self.places(entry.postings, 0)?, Vec::new());
        while found.len() < limit
            && let Some(spot) = places.next()?
        {
            found.push(self.position(spot.place));
        }
        Ok(found)
    }

    pub(super) fn gaps(&self, after: Position, through: Position) -> Result<Vec<Gap>, IndexError> {
        gaps_within(self.table, after, through)
    }

    /// What was true at the end of the segment, if the file knows.
    pub(super) fn state(&self) -> Result<Option<State>, IndexError> {
        Ok(State::decode(self.table.all_bytes_once(Content::State)?))
    }
}
