//! The children as the decisions see them: in start order, with the questions that every step asks answered without a
//! look at all of them.

use super::child::{Child, State};
use super::event::Key;
use super::roster::Roster;
use std::ops::{Index, IndexMut, Range};

#[derive(Clone, Debug, Default)]
pub(super) struct Children {
    roster: Roster<Child>,
    /// How many are down, and how many are starting.
    down: usize,
    starting: usize,
    /// No child before this place is down.
    first_down: usize,
    /// No child from this place on must come down.
    up_end: usize,
}

impl Children {
    pub(super) fn new(children: impl IntoIterator<Item = Child>) -> Children {
        let mut all = Children::default();
        for child in children {
            all.push(child);
        }
        all
    }

    /// Takes one in, last; its place.
    pub(super) fn push(&mut self, child: Child) -> usize {
        let at = self.roster.len();
        self.count(at, child.state);
        self.roster.push(child.key, child);
        at
    }

    pub(super) fn set_state(&mut self, at: usize, state: State) {
        let before = std::mem::replace(&mut self.roster[at].state, state);
        self.forget(before);
        self.count(at, state);
    }

    fn count(&mut self, at: usize, state: State) {
        self.down += usize::from(state == State::Down);
        self.starting += usize::from(state == State::Starting);
        if state == State::Down {
            self.first_down = self.first_down.min(at);
        }
        if state.must_come_down() {
            self.up_end = self.up_end.max(at + 1);
        }
    }

    fn forget(&mut self, state: State) {
        self.down -= usize::from(state == State::Down);
        self.starting -= usize::from(state == State::Starting);
    }

    /// Takes one out. Its place stays empty until the next [`Children::tidy`].
    pub(super) fn remove(&mut self, at: usize) -> Option<Child> {
        let child = self.roster.remove(at)?;
        self.forget(child.state);
        Some(child)
    }

    /// Closes gaps; places may change.
    pub(super) fn tidy(&mut self) {
        if self.roster.tidy() {
            (self.first_down, self.up_end) = (0, self.roster.len());
        }
    }

    /// From the first child to the end.
    pub(super) fn all(&self) -> Range<usize> {
        self.roster.first()..self.roster.len()
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Child> {
        self.roster.iter()
    }

    /// The places of the children that are so.
    pub(super) fn places(&self, is_so: impl Fn(&Child) -> bool) -> Vec<usize> {
        self.all().filter(|at| self.is(*at, &is_so)).collect()
    }

    pub(super) fn position(&self, key: Key) -> Option<usize> {
        self.roster.position(key)
    }

    /// The first child after that place.
    pub(super) fn after(&self, at: usize) -> Option<&Child> {
        (at + 1..self.roster.len()).find_map(|at| self.roster.get(at))
    }

    pub(super) fn is_one_starting(&self, mut within: Range<usize>) -> bool {
        self.starting > 0 && within.any(|at| self.is(at, |child| child.state == State::Starting))
    }

    pub(super) fn first_down(&mut self, within: Range<usize>) -> Option<usize> {
        if self.down == 0 {
            return None;
        }
        let mut unknown = within.start.max(self.first_down)..within.end;
        let first = unknown.find(|at| self.is(*at, |child| child.state == State::Down));
        if within.start <= self.first_down.max(self.roster.first()) {
            self.first_down = self.first_down.max(first.unwrap_or(within.end));
        }
        first
    }

    /// The last child that is up or whose exit is not decided yet.
    pub(super) fn last_to_come_down(&mut self, within: Range<usize>) -> Option<usize> {
        let mut unknown = within.start..within.end.min(self.up_end);
        let last = unknown.rfind(|at| self.is(*at, |child| child.state.must_come_down()));
        if within.end >= self.up_end {
            self.up_end = self.up_end.min(last.map_or(within.start, |at| at + 1));
        }
        last
    }

    fn is(&self, at: usize, is_so: impl Fn(&Child) -> bool) -> bool {
        self.roster.get(at).is_some_and(is_so)
    }
}

impl Index<usize> for Children {
    type Output = Child;

    fn index(&self, at: usize) -> &Child {
        &self.roster[at]
    }
}

/// Not for the state: see [`Children::set_state`].
impl IndexMut<usize> for Children {
    fn index_mut(&mut self, at: usize) -> &mut Child {
        &mut self.roster[at]
    }
}
