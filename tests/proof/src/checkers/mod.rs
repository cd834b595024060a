//! Judges of histories: pure, and each itself tried on histories that break its rules.
//!
//! The process has one thread in a simulation, so a history is in the order in which things happened, and the
//! positions are the order of all events. What was stored is known from a full read at each opening and at the end.

mod appends;
mod budgets;
mod crashes;
mod deliveries;
mod reactions;
mod reads;
#[cfg(test)]
mod tests;

use crate::simulation::{Happened, History, Sort, Stored};
use std::collections::HashMap;

/// Everything that is wrong with a history; each line begins with the rule that it breaks.
#[must_use]
pub fn check(history: &History) -> Vec<String> {
    let lives = lives(history);
    let mut wrong = appends::check(history, &lives);
    wrong.extend(crashes::check(&lives));
    wrong.extend(reads::check(&lives));
    wrong.extend(deliveries::check(history));
    wrong.extend(reactions::check(history));
    wrong.extend(budgets::check(history));
    wrong
}

/// One life of the process: what the store held when it began, what happened, and what it holds at the next opening.
struct Life<'a> {
    before: &'a [Stored],
    happened: &'a [Happened],
    after: &'a [Stored],
    /// The steps of `after`, by their numbers.
    steps: HashMap<u64, &'a Stored>,
}

/// Every look at the whole store, and its place in the history.
fn logs(history: &History) -> Vec<(usize, &[Stored])> {
    let all = history.iter().enumerate();
    let logs = all.filter_map(|(place, happened)| match happened {
        Happened::Opened(log) | Happened::Rested(log) => Some((place, &log[..])),
        _ => None,
    });
    logs.collect()
}

/// The lives of a history that have both ends.
fn lives(history: &History) -> Vec<Life<'_>> {
    let logs = logs(history);
    let pairs = logs.iter().zip(logs.iter().skip(1));
    pairs.map(|((begin, before), (end, after))| Life::new(before, &history[begin + 1..*end], after)).collect()
}

impl<'a> Life<'a> {
    fn new(before: &'a [Stored], happened: &'a [Happened], after: &'a [Stored]) -> Self {
        let steps = after.iter().filter(|event| event.sort == Sort::Step);
        Self { before, happened, after, steps: steps.map(|event| (event.number, event)).collect() }
    }
}

/// The event at a position.
fn at(log: &[Stored], position: u64) -> Option<&Stored> {
    log.binary_search_by_key(&position, |event| event.position).ok().map(|place| &log[place])
}
