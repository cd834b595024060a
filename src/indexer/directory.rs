//! Which regions an event is in, found by the event's names and not by asking every region.

use crate::region::{EntityMatch, Region, Term};
use foldhash::HashMap;
use std::iter;

/// Terms of regions, each with the number of its owner, filed under the one name that narrows it most.
#[derive(Debug, Default)]
pub(super) struct Directory {
    by_entity: HashMap<String, Vec<Filed>>,
    by_kind: HashMap<String, Vec<Filed>>,
    by_scope: HashMap<String, Vec<Filed>>,
    /// What names nothing, or only how an entity begins.
    unnamed: Vec<Filed>,
}

#[derive(Debug)]
struct Filed {
    owner: u64,
    term: Term,
}

impl Directory {
    /// Files the terms of a region.
    pub(super) fn add(&mut self, owner: u64, region: &Region) {
        for term in region.terms() {
            let filed = Filed { owner, term: term.clone() };
            match self.drawer(term) {
                Some((drawer, name)) => drawer.entry(name.to_owned()).or_default().push(filed),
                None => self.unnamed.push(filed),
            }
        }
    }

    /// Takes out what [`Directory::add`] filed.
    pub(super) fn remove(&mut self, owner: u64, region: &Region) {
        for term in region.terms() {
            let Some((drawer, name)) = self.drawer(term) else {
                self.unnamed.retain(|filed| filed.owner != owner);
                continue;
            };
            if let Some(list) = drawer.get_mut(name) {
                list.retain(|filed| filed.owner != owner);
                if list.is_empty() {
                    drawer.remove(name);
                }
            }
        }
    }

    /// The owners of the regions that an event with these names is in. One whose region has several terms may come
    /// several times.
    pub(super) fn owners(&self, entity: &str, scope: &str, kind: &str) -> impl Iterator<Item = u64> {
        let asked = self.asked(entity, scope, kind);
        asked.filter(move |filed| filed.term.matches(entity, scope, kind)).map(|filed| filed.owner)
    }

    /// The terms that such an event has to be compared with.
    fn asked(&self, entity: &str, scope: &str, kind: &str) -> impl Iterator<Item = &Filed> {
        let named = [self.by_entity.get(entity), self.by_kind.get(kind), self.by_scope.get(scope)];
        named.into_iter().flatten().chain(iter::once(&self.unnamed)).flatten()
    }

    /// Where a term is filed, and under which name.
    fn drawer<'t>(&mut self, term: &'t Term) -> Option<(&mut HashMap<String, Vec<Filed>>, &'t str)> {
        match (&term.entity, &term.kind, &term.scope) {
            (EntityMatch::Exact(entity), _, _) => Some((&mut self.by_entity, entity)),
            (_, Some(kind), _) => Some((&mut self.by_kind, kind)),
            (_, _, Some(scope)) => Some((&mut self.by_scope, scope)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Every conjunction over a few names.
    fn conjunctions() -> Vec<Region> {
        let (all, entity, prefix) = (Region::all, Region::entity, Region::entity_prefix);
        let mut found = Vec::new();
        for entities in [all(), entity("a"), entity("ab"), prefix("a"), prefix("b")] {
            for scopes in [all(), Region::scope("s"), Region::scope("t")] {
                for kinds in [all(), Region::kind("k"), Region::kind("l")] {
                    found.push(entities.clone().and(scopes.clone()).and(kinds));
                }
            }
        }
        found
    }

    /// Every union of two of them, with a number.
    fn unions() -> Vec<(u64, Region)> {
        let terms = conjunctions();
        let with_each =
            |one: &Region| terms.iter().map(|other| one.clone().or(other.clone())).collect::<Vec<_>>();
        (0..).zip(terms.iter().flat_map(with_each)).collect()
    }

    #[track_caller]
    fn check(directory: &Directory, regions: &[(u64, Region)], (entity, scope, kind): (&str, &str, &str)) {
        let found: BTreeSet<u64> = directory.owners(entity, scope, kind).collect();
        let is_in = |(owner, region): &(u64, Region)| region.matches(entity, scope, kind).then_some(*owner);
        let wanted: BTreeSet<u64> = regions.iter().filter_map(is_in).collect();
        assert_eq!(found, wanted, "{entity} {scope} {kind}");
    }

    #[test]
    fn an_event_is_for_those_whose_region_it_is_in_and_who_have_not_left() {
        let (mut directory, regions) = (Directory::default(), unions());
        regions.iter().for_each(|(owner, region)| directory.add(*owner, region));
        let (left, stayed): (Vec<_>, Vec<_>) = regions.into_iter().partition(|(owner, _)| owner % 3 == 0);
        left.iter().for_each(|(owner, region)| directory.remove(*owner, region));
        for entity in ["a", "ab", "b", "other"] {
            for scope in ["s", "t", "other"] {
                for kind in ["k", "l", "other"] {
                    check(&directory, &stayed, (entity, scope, kind));
                }
            }
        }
    }

    #[test]
    fn an_event_is_compared_with_nobody_who_names_another_entity_kind_or_scope() {
        let mut directory = Directory::default();
        for number in 0..1_000 {
            directory.add(number, &Region::entity(format!("entity-{number}")));
            directory.add(number, &Region::kind(format!("Kind{number}")));
            directory.add(number, &Region::scope(format!("scope-{number}")));
        }
        assert_eq!(directory.asked("entity-7", "scope-8", "Kind9").count(), 3);
        assert_eq!(directory.asked("other", "other", "Other").count(), 0);
    }

    #[test]
    fn who_has_left_leaves_nothing_behind() {
        let region =
            Region::entity("a").or(Region::kind("k")).or(Region::scope("s")).or(Region::entity_prefix("p"));
        let mut directory = Directory::default();
        directory.add(1, &region);
        directory.remove(1, &region);
        let Directory { by_entity, by_kind, by_scope, unnamed } = directory;
        assert!(by_entity.is_empty() && by_kind.is_empty() && by_scope.is_empty() && unnamed.is_empty());
    }
}
