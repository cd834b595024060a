//! The crash rules: durable receipts survive, what survives is a prefix of what was issued, batches are whole.

use super::{Life, at};
use crate::simulation::{Answer, Death, Happened, Sort};
use std::collections::BTreeSet;

pub(super) fn check(lives: &[Life<'_>]) -> Vec<String> {
    lives.iter().flat_map(check_life).collect()
}

fn check_life(life: &Life<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    // Before the next opening that succeeded the power may have been cut in one that did not.
    let was_cut = life.happened.contains(&Happened::Died(Death::PowerCut));
    if life.after.len() < life.before.len() || life.after[..life.before.len()] != *life.before {
        wrong.push("what was there at the opening is there at the next: a prefix is missing".to_owned());
    }
    let flushed = life.happened.iter().filter_map(|happened| match happened {
        Happened::Flushed(position) => Some(*position),
        _ => None,
    });
    let flushed = flushed.max().unwrap_or(0);
    for happened in life.happened {
        match happened {
            Happened::Answered { append, answer: Answer::Stored(given) } => {
                for given in given {
                    let is_safe = given.durable || given.position <= flushed || !was_cut;
                    if is_safe && at(life.after, given.position).is_none() {
                        wrong.push(format!(
                            "a receipt's event survives: append {append}, {given:?}, power cut: {was_cut}"
                        ));
                    }
                }
            }
            Happened::Asked(asked) => wrong.extend(check_whole(asked, life)),
            _ => {}
        }
    }
    wrong.extend(check_issued(life));
    wrong.extend(check_order(life));
    wrong
}

/// A batch is whole or absent.
fn check_whole(asked: &crate::simulation::Asked, life: &Life<'_>) -> Option<String> {
    let unkeyed = asked.items.iter().filter(|item| item.key.is_none());
    let there: Vec<bool> = unkeyed.map(|item| life.steps.contains_key(&item.number)).collect();
    let is_torn = there.iter().any(|there| *there) && there.iter().any(|there| !there);
    is_torn.then(|| format!("a batch is whole or absent: append {}", asked.append))
}

/// Nothing is stored that nobody asked for, and nothing twice.
fn check_issued(life: &Life<'_>) -> Vec<String> {
    let issued: BTreeSet<u64> = life
        .happened
        .iter()
        .filter_map(|happened| match happened {
            Happened::Asked(asked) => Some(asked),
            _ => None,
        })
        .flat_map(|asked| asked.items.iter().map(|item| item.number))
        .collect();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    let begin = life.before.len().min(life.after.len());
    for event in life.after.iter().filter(|event| event.sort == Sort::Step) {
        if !seen.insert(event.number) && event.number < u64::MAX - 9 {
            wrong.push(format!("an event is stored once: position {}", event.position));
        }
    }
    for event in life.after[begin..].iter().filter(|event| event.sort == Sort::Step) {
        if !issued.contains(&event.number) && event.number < u64::MAX - 9 {
            wrong.push(format!("what is stored was asked for: position {}", event.position));
        }
    }
    wrong
}

/// What survives is a prefix of what was acknowledged: if an event is there, all before it are.
fn check_order(life: &Life<'_>) -> Vec<String> {
    let last = life.after.last().map_or(0, |event| event.position);
    let receipts = life.happened.iter().filter_map(|happened| match happened {
        Happened::Answered { append, answer: Answer::Stored(given) } => Some((append, given)),
        _ => None,
    });
    let lost = receipts.flat_map(|(append, given)| given.iter().map(move |given| (append, given)));
    let lost = lost.filter(|(_, given)| given.position < last && at(life.after, given.position).is_none());
    lost.map(|(append, given)| format!("what survives is a prefix: append {append}, {given:?}, last {last}"))
        .collect()
}
