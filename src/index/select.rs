//! Which events of a part are in a region: each term walks its shortest list, the terms are merged.

use super::names::Names;
use super::part::{Part, Record};
use super::{Found, Window};
use crate::region::{EntityMatch, Region, Term};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// The most names whose lists are merged for a prefix: with more, it is cheaper to look at every event in order.
pub(super) const MERGED_NAMES_MAX: usize = 64;

/// Puts the events of `region` in `part` inside `window` into `found`, in position order, at most `window.limit`.
pub(super) fn select(part: &Part, region: &Region, window: Window, found: &mut Vec<Found>) {
    let mut places = match region.terms() {
        [term] => select_term(part, term, window),
        terms => {
            let lists = terms.iter().map(|term| select_term(part, term, window));
            merged(lists, |place| *place, window.limit)
        }
    };
    places.truncate(window.limit);
    found.reserve(places.len());
    let located = places.iter().filter_map(|place| {
        let (_, location) = part.record(*place)?;
        Some(Found { position: part.position(*place), location })
    });
    found.extend(located);
}

/// Several ascending lists as one, without what stands in more than one of them.
pub(super) fn merged<T>(
    lists: impl Iterator<Item = Vec<T>>,
    place: impl Fn(&T) -> u32,
    limit: usize,
) -> Vec<T> {
    let mut places: Vec<T> = lists.flatten().collect();
    places.sort_unstable_by_key(&place);
    places.dedup_by_key(|one| place(one));
    places.truncate(limit);
    places
}

/// What a term asks, as numbers of the part's names.
struct Wanted {
    entity: Option<u32>,
    scope: Option<u32>,
    kind: Option<u32>,
}

impl Wanted {
    fn matches(&self, record: &Record) -> bool {
        self.entity.is_none_or(|entity| entity == record.entity)
            && self.scope.is_none_or(|scope| scope == record.scope)
            && self.kind.is_none_or(|kind| kind == record.kind)
    }
}

fn select_term(part: &Part, term: &Term, window: Window) -> Vec<u32> {
    let Some(wanted) = wanted(part, term) else { return Vec::new() };
    let begin = part.place_after(window.after);
    let end = part.place_after(window.through).min(part.end());
    let keep = |place: &u32| part.record(*place).is_some_and(|(record, _)| wanted.matches(record));
    if let EntityMatch::Prefix(prefix) = &term.entity {
        let Some(numbers) = few_names(part, prefix, begin..end) else {
            let has_prefix = |record: &Record| part.entities.name(record.entity).starts_with(prefix);
            let begins_so = |place: &u32| part.record(*place).is_some_and(|(record, _)| has_prefix(record));
            return (begin..end).filter(begins_so).filter(keep).take(window.limit).collect();
        };
        let lists = numbers.iter().map(|number| part.entities.postings(*number));
        return ascending(lists, begin)
            .take_while(|place| *place < end)
            .filter(keep)
            .take(window.limit)
            .collect();
    }
    match shortest(part, &wanted) {
        Some(list) => tail(list, begin)
            .iter()
            .copied()
            .take_while(|place| *place < end)
            .filter(keep)
            .take(window.limit)
            .collect(),
        None => (begin..end).filter(keep).take(window.limit).collect(),
    }
}

/// The numbers of the entities that begin so; `None` if it is cheaper to look at every event at these places: they are fewer
/// than the names that had to be looked at, or too many names begin so.
fn few_names(part: &Part, prefix: &str, places: Range<u32>) -> Option<Vec<u32>> {
    if places.len() <= part.entities.len() {
        return None;
    }
    let numbers: Vec<u32> = part.entities.with_prefix(prefix).take(MERGED_NAMES_MAX + 1).collect();
    (numbers.len() <= MERGED_NAMES_MAX).then_some(numbers)
}

/// The term in numbers; `None` if the part does not know one of its names, and so has no event for it.
fn wanted(part: &Part, term: &Term) -> Option<Wanted> {
    let entity = match &term.entity {
        EntityMatch::Exact(entity) => Some(part.entities.number(entity)?),
        EntityMatch::Any | EntityMatch::Prefix(_) => None,
    };
    let number = |names: &Names, name: &Option<String>| match name {
        Some(name) => names.number(name).map(Some),
        None => Some(None),
    };
    Some(Wanted { entity, scope: number(&part.scopes, &term.scope)?, kind: number(&part.kinds, &term.kind)? })
}

fn shortest<'a>(part: &'a Part, wanted: &Wanted) -> Option<&'a [u32]> {
    let lists = [
        wanted.entity.map(|number| part.entities.postings(number)),
        wanted.scope.map(|number| part.scopes.postings(number)),
        wanted.kind.map(|number| part.kinds.postings(number)),
    ];
    lists.into_iter().flatten().min_by_key(|list| list.len())
}

fn tail(list: &[u32], begin: u32) -> &[u32] {
    &list[list.partition_point(|place| *place < begin)..]
}

/// The places of many ascending lists from `begin` on, ascending. No place stands in two of them.
fn ascending<'a>(lists: impl Iterator<Item = &'a [u32]>, begin: u32) -> impl Iterator<Item = u32> {
    let tails = lists.map(|list| tail(list, begin));
    let mut heads: BinaryHeap<Reverse<(u32, &[u32])>> = tails.filter_map(head).map(Reverse).collect();
    std::iter::from_fn(move || {
        let Reverse((place, rest)) = heads.pop()?;
        heads.extend(head(rest).map(Reverse));
        Some(place)
    })
}

fn head(list: &[u32]) -> Option<(u32, &[u32])> {
    list.split_first().map(|(place, rest)| (*place, rest))
}
