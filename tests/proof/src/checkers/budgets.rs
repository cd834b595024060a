//! Restart budgets (delivery rule 10): in no window are there more restarts than the policy allows.

use crate::simulation::{Happened, History};
use std::collections::BTreeMap;

pub(super) fn check(history: &History) -> Vec<String> {
    let mut restarts: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for happened in history {
        match happened {
            Happened::Opened(_) | Happened::Died(_) => restarts.clear(),
            // A new hiring has a budget of its own.
            Happened::Hired { name, .. } => drop(restarts.remove(&name[..])),
            Happened::Restarting { child, at, of, within } => {
                let times = restarts.entry(child).or_default();
                times.push(*at);
                let counted = within.map_or(times.len(), |within| {
                    times.iter().filter(|time| at.saturating_sub(**time) < within).count()
                });
                if counted > *of as usize {
                    wrong
                        .push(format!("10: restarts stay in the budget: {child}, {counted} of {of} at {at}"));
                }
            }
            _ => {}
        }
    }
    wrong
}
