//! Names seen in one part, each with a small number and the list of its events.

use foldhash::HashMap;
use std::sync::{Arc, OnceLock};

/// The distinct names of one sort (entities, scopes or kinds) in one part.
///
/// Each event looks its name up, which a hash does fastest. They are put in order only when that is asked for, once, by whoever
/// writes a file of them: who appends never pays for it.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Arc<str>, u32>,
    /// By number: the name, and the events that carry it, as places in the part, ascending.
    named: Vec<(Arc<str>, Vec<u32>)>,
    /// The name of the last event. Most events are of the same scope and kind as the one before.
    last: u32,
    /// All numbers, in the order of their names.
    in_order: OnceLock<Vec<u32>>,
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
        self.in_order.take();
        self.numbers.insert(Arc::clone(&name), number);
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

    /// The numbers of all names that begin so, in no order.
    pub(super) fn with_prefix(&self, prefix: &str) -> impl Iterator<Item = u32> {
        (0..)
            .zip(&self.named)
            .filter(move |(_, (name, _))| name.starts_with(prefix))
            .map(|(number, _)| number)
    }

    /// The names in order, each with its number. The first to ask puts them in order.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, u32)> {
        let numbers = self.in_order.get_or_init(|| self.sorted());
        numbers.iter().map(|number| (self.name(*number), *number))
    }

    fn sorted(&self) -> Vec<u32> {
        let names = (0..).zip(&self.named);
        let mut sorted: Vec<(u128, &str, u32)> =
            names.map(|(number, (name, _))| (head(name.as_bytes()), &**name, number)).collect();
        sorted.sort_unstable();
        sorted.into_iter().map(|(.., number)| number).collect()
    }
}

/// A name's first bytes as a number: two names that differ there are in the order of these, and most are told apart without
/// a look at their text.
pub(super) fn head(name: &[u8]) -> u128 {
    let mut head = [0; 16];
    let bytes = name.len().min(head.len());
    head[..bytes].copy_from_slice(&name[..bytes]);
    u128::from_be_bytes(head)
}
