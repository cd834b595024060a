//! Which events of a sealed segment are in a region: the shortest list is walked, the columns say the rest.

use super::column::Column;
use super::header::Content;
use super::postings::{Postings, Spot};
use super::sealed::{Entry, Sealed};
use super::select::{MERGED_NAMES_MAX, merged};
use super::{Found, IndexError, Sort, Window};
use crate::region::{EntityMatch, Region, Term};
use std::ops::Range;

/// Puts the events of `region` in the segment inside `window` into `found`, in position order, at most
/// `window.limit`.
pub(super) fn select(
    sealed: Sealed<'_>,
    region: &Region,
    window: Window,
    found: &mut Vec<Found>,
) -> Result<(), IndexError> {
    let spots = match region.terms() {
        [term] => select_term(sealed, term, window)?,
        terms => {
            let lists = terms.iter().map(|term| select_term(sealed, term, window));
            merged(lists.collect::<Result<Vec<_>, _>>()?.into_iter(), |spot| spot.place, window.limit)
        }
    };
    sealed.found(&spots, found)
}

/// What a term asks, in the segment's own terms.
struct Wanted<'a> {
    /// The lists that hold at least everything that is asked for; the shortest is walked.
    lists: Vec<Postings>,
    /// What must hold of a place: the value of this column lies in one of these ranges.
    tests: Vec<(Column<'a>, Vec<Range<u32>>)>,
}

fn select_term(sealed: Sealed<'_>, term: &Term, window: Window) -> Result<Vec<Spot>, IndexError> {
    let mut wanted = Wanted { lists: Vec::new(), tests: Vec::new() };
    let names = [
        (Sort::Entity, exact(&term.entity)),
        (Sort::Scope, term.scope.as_deref()),
        (Sort::Kind, term.kind.as_deref()),
    ];
    for (sort, name) in names {
        let Some(name) = name else { continue };
        let Some(entry) = sealed.known(sort, name.as_bytes())? else { return Ok(Vec::new()) };
        wanted.demand(sealed, sort, entry);
    }
    let range = sealed.place_after(window.after)..sealed.place_after(window.through).min(sealed.end());
    if let EntityMatch::Prefix(prefix) = &term.entity {
        return select_prefix(sealed, prefix, wanted, range, window.limit);
    }
    // What is walked as a list needs no test.
    let shortest = wanted.lists.iter().enumerate().min_by_key(|(_, list)| list.count);
    let shortest = shortest.map(|(at, list)| (at, *list));
    match shortest {
        Some((at, list)) => {
            drop(wanted.tests.swap_remove(at));
            let mut found = Vec::new();
            wanted.walk(sealed, list, &range, window.limit, &mut found)?;
            Ok(found)
        }
        None => wanted.sweep(sealed, range, window.limit),
    }
}

fn exact(entity: &EntityMatch) -> Option<&str> {
    match entity {
        EntityMatch::Exact(name) => Some(name),
        EntityMatch::Any | EntityMatch::Prefix(_) => None,
    }
}

fn select_prefix<'a>(
    sealed: Sealed<'a>,
    prefix: &str,
    mut wanted: Wanted<'a>,
    range: Range<u32>,
    limit: usize,
) -> Result<Vec<Spot>, IndexError> {
    let ranks = sealed.ranks_with(prefix)?;
    let names: usize = ranks.iter().map(|ranks| ranks.len()).sum();
    if names == 0 {
        return Ok(Vec::new());
    }
    let is_short = prefix.len() < super::directory::NAME_BYTES_MAX / 2;
    if names <= MERGED_NAMES_MAX && is_short {
        let mut lists = Vec::new();
        for entry in sealed.entries_with(prefix, names)? {
            let mut found = Vec::new();
            wanted.walk(sealed, entry.postings, &range, limit, &mut found)?;
            lists.push(found);
        }
        return Ok(merged(lists.into_iter(), |spot| spot.place, limit));
    }
    wanted.tests.push((Column::new(sealed.table, Content::EntityColumn), ranks));
    match wanted.lists.iter().min_by_key(|list| list.count).copied() {
        Some(list) => {
            let mut found = Vec::new();
            wanted.walk(sealed, list, &range, limit, &mut found)?;
            Ok(found)
        }
        None => wanted.sweep(sealed, range, limit),
    }
}

impl<'a> Wanted<'a> {
    fn demand(&mut self, sealed: Sealed<'a>, sort: Sort, entry: Entry) {
        let content = match sort {
            Sort::Entity => Content::EntityColumn,
            Sort::Scope => Content::ScopeColumn,
            _ => Content::KindColumn,
        };
        self.lists.push(entry.postings);
        let one = entry.rank..entry.rank.saturating_add(1);
        self.tests.push((Column::new(sealed.table, content), vec![one]));
    }

    fn holds(&mut self, place: u32) -> Result<bool, IndexError> {
        for (column, ranges) in &mut self.tests {
            let value = column.get(place)?;
            if !ranges.iter().any(|range| range.contains(&value)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The places of a list inside `range` of which everything holds.
    fn walk(
        &mut self,
        sealed: Sealed<'_>,
        list: Postings,
        range: &Range<u32>,
        limit: usize,
        found: &mut Vec<Spot>,
    ) -> Result<(), IndexError> {
        let mut places = sealed.places(list, range.start)?;
        found.reserve(limit.min(places.left()));
        while found.len() < limit
            && let Some(spot) = places.next()?.filter(|spot| spot.place < range.end)
        {
            if self.holds(spot.place)? {
                found.push(spot);
            }
        }
        Ok(())
    }

    /// All places inside `range` with an event of which everything holds.
    fn sweep(
        &mut self,
        sealed: Sealed<'_>,
        range: Range<u32>,
        limit: usize,
    ) -> Result<Vec<Spot>, IndexError> {
        let (mut found, mut is_event) = (Vec::new(), sealed.presence());
        for place in range {
            if found.len() >= limit {
                break;
            }
            if self.holds(place)? && is_event(place)? {
                found.push(Spot::of(place));
            }
        }
        Ok(found)
    }
}
