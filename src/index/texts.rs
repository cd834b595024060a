//! Distinct texts, each with a small number: found by their hashes, and side by side in one piece of memory.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Distinct texts, numbered from 0 in the order in which they came.
///
/// Where most events bring a text that was not seen for long, what each costs are misses of the processor's caches. So a
/// text has no memory of its own, and its place stands with its hash.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    entries: HashTable<Entry>,
    hasher: RandomState,
    all: String,
    /// By number: where the text ends in `all`.
    ends: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u32,
    number: u32,
    begin: u32,
    end: u32,
}

/// The table tells texts apart by the upper bits of a hash, and finds their places by the lower ones.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Texts {
    /// The number of a text; `None` if it is not there.
    pub(crate) fn number(&self, text: &str) -> Option<u32> {
        self.find(self.hash(text), text)
    }

    /// The number of a text, which is added if it is not there.
    pub(crate) fn add(&mut self, text: &str) -> u32 {
        let hash = self.hash(text);
        self.find(hash, text).unwrap_or_else(|| self.insert(hash, text))
    }

    fn hash(&self, text: &str) -> u32 {
        self.hasher.hash_one(text) as u32
    }

    fn find(&self, hash: u32, text: &str) -> Option<u32> {
        let is_it =
            |entry: &Entry| entry.hash == hash && self.all[entry.begin as usize..entry.end as usize] == *text;
        self.entries.find(spread(hash), is_it).map(|entry| entry.number)
    }

    fn insert(&mut self, hash: u32, text: &str) -> u32 {
        let (number, begin) = (self.ends.len() as u32, self.all.len() as u32);
        self.all.push_str(text);
        let end = self.all.len() as u32;
        self.ends.push(end);
        self.entries
            .insert_unique(spread(hash), Entry { hash, number, begin, end }, |entry| spread(entry.hash));
        number
    }

    /// The text with this number.
    pub(crate) fn text(&self, number: u32) -> &str {
        let number = number as usize;
        let begin = number.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.all[begin..self.ends[number] as usize]
    }

    /// How many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of all texts.
    pub(crate) fn bytes(&self) -> usize {
        self.all.len()
    }

    /// Takes all texts out; the memory stays for others.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.all.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_keeps_its_number_however_many_come() {
        let mut texts = Texts::default();
        let text = |number: u32| "é".repeat(number as usize % 7) + &number.to_string();
        for number in 0..5_000 {
            assert_eq!(texts.number(&text(number)), None);
            assert_eq!(texts.add(&text(number)), number);
        }
        assert_eq!(texts.add(""), 5_000);
        assert!(
            (0..5_000).all(|number| texts.add(&text(number)) == number && texts.text(number) == text(number))
        );
        assert_eq!((texts.text(5_000), texts.len()), ("", 5_001));
        assert_eq!(texts.bytes(), (0..5_000).map(|number| text(number).len()).sum());
    }

    #[test]
    fn texts_of_one_hash_are_told_apart() {
        let mut texts = Texts::default();
        assert_eq!([texts.insert(7, "one"), texts.insert(7, "two")], [0, 1]);
        assert_eq!(
            [texts.find(7, "one"), texts.find(7, "two"), texts.find(7, "six")],
            [Some(0), Some(1), None]
        );
    }

    #[test]
    fn what_was_cleared_begins_anew() {
        let mut texts = Texts::default();
        ["one", "two"].iter().for_each(|text| _ = texts.add(text));
        texts.clear();
        assert_eq!((texts.number("one"), texts.add("two"), texts.text(0)), (None, 0, "two"));
    }
}
