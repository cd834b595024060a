//! The exhaustive search: every run that deviates from the harmless one in at most so many choices.

use std::sync::{Arc, Mutex};
use timberline::supervisors::simulation::Choices;

/// Goes through all runs with at most so many choices that are not harmless.
#[derive(Debug)]
pub struct Deviations {
    depth: usize,
    /// Runs still to be made, each with what it does otherwise: at which choice, what.
    open: Vec<Vec<(usize, usize)>>,
    /// What the run in hand deviates in, and how many possibilities each of its choices had.
    current: Option<Deviating>,
}

/// The choices of one such run.
#[derive(Clone, Debug)]
pub struct Deviating {
    deviations: Vec<(usize, usize)>,
    widths: Arc<Mutex<Vec<u32>>>,
}

impl Deviations {
    /// All runs with at most `depth` deviations, the harmless run first.
    #[must_use]
    pub fn new(depth: usize) -> Deviations {
        Deviations { depth, open: vec![Vec::new()], current: None }
    }

    /// The choices of the next run, once the one before was made; `None` when all were.
    pub fn next_run(&mut self) -> Option<Deviating> {
        self.branch();
        let deviations = self.open.pop()?;
        let run = Deviating { deviations, widths: Arc::default() };
        self.current = Some(run.clone());
        Some(run)
    }

    /// What the last run could have done otherwise behind its last deviation is open now.
    fn branch(&mut self) {
        let Some(Deviating { deviations, widths }) = self.current.take() else { return };
        if deviations.len() == self.depth {
            return;
        }
        let begin = deviations.last().map_or(0, |(at, _)| at + 1);
        for (at, width) in widths.lock().unwrap().iter().enumerate().skip(begin).rev() {
            for choice in tried(*width as usize) {
                let mut next = deviations.clone();
                next.push((at, choice));
                self.open.push(next);
            }
        }
    }
}

/// All other possibilities where there are few, and three where there are many.
fn tried(width: usize) -> Vec<usize> {
    match width {
        0..=8 => (1..width).rev().collect(),
        _ => vec![width - 1, width / 2, 1],
    }
}

impl Choices for Deviating {
    fn choose(&mut self, n: usize) -> usize {
        let mut widths = self.widths.lock().unwrap();
        let at = widths.len();
        widths.push(u32::try_from(n).unwrap_or(u32::MAX));
        self.deviations.iter().find(|(place, _)| *place == at).map_or(0, |(_, choice)| *choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_deviations_among_three_choices_of_two_are_seven_runs() {
        let mut search = Deviations::new(2);
        let mut seen = Vec::new();
        while let Some(mut choices) = search.next_run() {
            seen.push([choices.choose(2), choices.choose(2), choices.choose(2)]);
        }
        seen.sort_unstable();
        assert_eq!(seen, [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1], [1, 0, 0], [1, 0, 1], [1, 1, 0]]);
    }
}
