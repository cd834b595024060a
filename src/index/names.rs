//! Names seen in one part, each with a small number and the list of its events.

use foldhash::HashMap;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// The distinct names of one sort (entities, scopes or kinds) in one part.
///
/// Two maps, because each event looks its name up, which a hash does fastest, and only a new name is put in order.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Arc<str>, u32>,
    ordered: BTreeMap<Arc<str>, u32>,
    /// By number: the name, and the events that carry it, as places in the part, ascending.
    named: Vec<(Arc<str>, Vec<u32>)>,
    /// The name of the last event. Most events are of the same scope and kind as the one before.
    last: u32,
}

impl Names {
    /// Notes that the event at `place` carries `name`; gives the name's number.
    pub(super) fn note(&mut self, name: &str, place: u32) -> u32 {
        let is_last = self.named.get(self.last as usize).is_some_and(|(last, _)| **last == *name);
        if !is_last {
            self.last = self.number(name).unwrap_or_else(|| self.add(name));
        }
        self.named[self.last as usize].1.push(place);
        self.last
    }

    fn add(&mut self, name: &str) -> u32 {
        let (name, number) = (Arc::<str>::from(name), self.named.len() as u32);
        self.numbers.insert(Arc::clone(&name), number);
        self.ordered.insert(Arc::clone(&name), number);
        self.named.push((name, Vec::new()));
        number
    }

    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// The events that carry the name with this number, ascending.
    pub(super) fn postings(&self, number: u32) -> &[u32] {
        &self.named[number as usize].1
    }

    /// The name with this number.
    pub(super) fn name(&self, number: u32) -> &str {
        &self.named[number as usize].0
    }

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.named.len()
    }

    /// The numbers of all names that begin so.
    pub(super) fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = u32> + 'a {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let names = self.ordered.range::<str, _>(from);
        names.take_while(move |(name, _)| name.starts_with(prefix)).map(|(_, number)| *number)
    }

    /// The names in order, each with its number.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, u32)> {
        self.ordered.iter().map(|(name, number)| (&**name, *number))
    }
}
