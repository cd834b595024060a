//! Children in start order, which is that of their keys: found, taken in and taken out at a cost that does not grow with
//! their number.

use super::event::Key;
use std::ops::{Index, IndexMut};

/// One entry a child. Who is taken out leaves an empty place, so that places stay what they are until [`Roster::tidy`].
#[derive(Clone, Debug)]
pub(crate) struct Roster<T> {
    places: Vec<(Key, Option<T>)>,
    /// Places that are empty.
    empty: usize,
    /// All places before this one are.
    first: usize,
}

impl<T> Default for Roster<T> {
    fn default() -> Roster<T> {
        Roster { places: Vec::new(), empty: 0, first: 0 }
    }
}

impl<T> Roster<T> {
    /// Takes one in, last: no key was ever higher.
    pub(crate) fn push(&mut self, key: Key, entry: T) {
        self.places.push((key, Some(entry)));
    }

    /// The first place that is not empty; [`Roster::len`] when all are.
    pub(crate) fn first(&self) -> usize {
        self.first
    }

    /// Places, empty ones too.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn position(&self, key: Key) -> Option<usize> {
        let at = self.places.binary_search_by_key(&key, |place| place.0).ok()?;
        self.places[at].1.as_ref().map(|_| at)
    }

    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.places.get(at)?.1.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let at = self.position(key)?;
        self.places[at].1.as_mut()
    }

    pub(crate) fn remove(&mut self, at: usize) -> Option<T> {
        let entry = self.places.get_mut(at)?.1.take();
        self.empty += usize::from(entry.is_some());
        while self.places.get(self.first).is_some_and(|(_, entry)| entry.is_none()) {
            self.first += 1;
        }
        entry
    }

    /// Closes the gaps once they are more than half, and says whether it did: so each costs the same, however many.
    pub(crate) fn tidy(&mut self) -> bool {
        let untidy = self.empty * 2 > self.places.len();
        if untidy {
            self.places.retain(|(_, entry)| entry.is_some());
            (self.empty, self.first) = (0, 0);
        }
        untidy
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.places.iter().filter_map(|(_, entry)| entry.as_ref())
    }

    pub(crate) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.places.iter_mut().filter_map(|(_, entry)| entry.as_mut())
    }
}

const TAKEN_OUT: &str = "a place is asked for only while its child is there";

impl<T> Index<usize> for Roster<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        self.places[at].1.as_ref().expect(TAKEN_OUT)
    }
}

impl<T> IndexMut<usize> for Roster<T> {
    fn index_mut(&mut self, at: usize) -> &mut T {
        self.places[at].1.as_mut().expect(TAKEN_OUT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_closed_when_they_are_more_than_half_and_not_before() {
        let mut roster = Roster::default();
        (0..10).for_each(|key| roster.push(Key(key), key));
        for at in 0..5 {
            assert_eq!(roster.remove(at), Some(at as u64));
            assert!(!roster.tidy());
        }
        assert_eq!((roster.first(), roster.len(), roster.position(Key(7))), (5, 10, Some(7)));
        assert_eq!(roster.remove(8), Some(8));
        assert!(roster.tidy());
        assert_eq!((roster.first(), roster.len(), roster.position(Key(7))), (0, 4, Some(2)));
        assert_eq!(roster.iter().copied().collect::<Vec<_>>(), [5, 6, 7, 9]);
    }
}
