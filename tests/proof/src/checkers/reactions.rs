//! Reactions are exactly once (delivery rule 11): at rest every step has one, with it as cause and its correlation.

use crate::simulation::{Happened, History, Sort, Stored};
use std::collections::BTreeMap;

pub(super) fn check(history: &History) -> Vec<String> {
    let rested = history.iter().filter_map(|happened| match happened {
        Happened::Rested(log) => Some(log),
        _ => None,
    });
    rested.flat_map(|log| check_log(log)).collect()
}

fn check_log(log: &[Stored]) -> Vec<String> {
    let mut reactions: BTreeMap<u64, Vec<&Stored>> = BTreeMap::new();
    for event in log.iter().filter(|event| event.sort == Sort::Reaction) {
        reactions.entry(event.causes.first().copied().unwrap_or(0)).or_default().push(event);
    }
    let mut wrong = Vec::new();
    for step in log.iter().filter(|event| event.sort == Sort::Step) {
        match reactions.remove(&step.position).as_deref() {
            Some([one]) if one.correlation == step.correlation && one.number == step.number => {}
            Some([one]) => {
                wrong.push(format!("11: a reaction carries its source's correlation: {}", one.position))
            }
            None => wrong.push(format!("11: a reaction exists: none for position {}", step.position)),
            Some(many) => {
                wrong.push(format!(
                    "11: a reaction exists once: {} for position {}",
                    many.len(),
                    step.position
                ));
            }
        }
    }
    wrong.extend(reactions.keys().map(|cause| format!("11: a reaction has its source: none at {cause}")));
    wrong
}
