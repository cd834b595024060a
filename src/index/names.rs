//! Names seen in one part, each with a small number and the list of its events.

use super::texts::Texts;
use smallvec::SmallVec;
use std::sync::OnceLock;

/// Places of events, ascending. The few of a name that is rare take no memory of their own.
type Places = SmallVec<[u32; 4]>;

/// The distinct names of one sort (entities, scopes or kinds) in one part.
///
/// Each event looks its name up, which a hash does fastest. They are put in order only when that is asked for, once, by whoever
/// writes a file of them: who appends never pays for it.
#[derive(Debug, Default)]
pub(super) struct Names {
    texts: Texts,
    /// By number: the events that carry the name, as places in the part.
    postings: Vec<Places>,
    /// The name of the last event. Most events are of the same scope and kind as the one before.
    last: u32,
    /// All numbers, in the order of their names.
    in_order: OnceLock<Vec<u32>>,
}

impl Names {
    /// Notes that the event at `place` carries `name`; gives the name's number.
    pub(super) fn note(&mut self, name: &str, place: u32) -> u32 {
        let is_last = !self.postings.is_empty() && *self.name(self.last) == *name;
        if !is_last {
            self.last = self.texts.add(name);
            if self.texts.len() > self.postings.len() {
                self.postings.push(Places::new());
                self.in_order.take();
            }
        }
        self.postings[self.last as usize].push(place);
        self.last
    }

    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.texts.number(name)
    }

    /// The events that carry the name with this number, ascending.
    pub(super) fn postings(&self, number: u32) -> &[u32] {
        &self.postings[number as usize]
    }

    /// The name with this number.
    pub(super) fn name(&self, number: u32) -> &str {
        self.texts.text(number)
    }

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.postings.len()
    }

    /// The numbers of all names that begin so, in no order. Until the names were put in order each is looked at.
    pub(super) fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = u32> + 'a {
        let begins_so = move |number: &u32| self.name(*number).starts_with(prefix);
        let (sorted, unsorted) = match self.in_order.get() {
            Some(numbers) => (numbers.as_slice(), 0..0),
            None => ([].as_slice(), 0..self.len() as u32),
        };
        let begin = sorted.partition_point(|number| self.name(*number) < prefix);
        sorted[begin..].iter().copied().take_while(begins_so).chain(unsorted.filter(begins_so))
    }

    /// The names in order, each with its number. The first to ask puts them in order.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, u32)> {
        let numbers = self.in_order.get_or_init(|| self.sorted());
        numbers.iter().map(|number| (self.name(*number), *number))
    }

    fn sorted(&self) -> Vec<u32> {
        let names = (0..self.len() as u32).map(|number| (self.name(number), number));
        let mut sorted: Vec<(u128, &str, u32)> =
            names.map(|(name, number)| (head(name.as_bytes()), name, number)).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_with_a_prefix_are_the_same_before_and_after_they_are_in_order() {
        let texts = ["tree-1", "a", "tree", "tree-2", "tref", "", "zebra", "tree-1/leaf"];
        for prefix in ["", "t", "tree", "tree-1", "tree-3", "z", "zz"] {
            let mut names = Names::default();
            for (place, text) in (0..).zip(texts) {
                names.note(text, place);
            }
            let naive: Vec<u32> = (0..)
                .zip(texts)
                .filter(|(_, text)| text.starts_with(prefix))
                .map(|(number, _)| number)
                .collect();
            assert_eq!(found(&names, prefix), naive, "{prefix:?} before");
            assert!(names.iter().map(|(name, _)| name).is_sorted());
            assert_eq!(found(&names, prefix), naive, "{prefix:?} after");
            let added = names.note("tree-9", 9);
            assert_eq!(found(&names, prefix).contains(&added), "tree-9".starts_with(prefix), "a new one");
        }
    }

    fn found(names: &Names, prefix: &str) -> Vec<u32> {
        let mut numbers: Vec<u32> = names.with_prefix(prefix).collect();
        numbers.sort_unstable();
        numbers
    }
}
