//! The row R5: which cases there are, and how many of them fail.

use super::case::{CALLERS, POLICIES, SHORT_SEEDS, Setting};
use super::points;
use crate::{Effort, Outcome, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use timberline::supervisors::failpoints::Strike;

/// A point strikes once, or so often that every budget is used up.
const TIMES: [u64; 2] = [1, 4];
/// Runs that are looked through for hits of a rare point.
const SEEDS_MAX: u64 = 60;

type Case = (Strike, Setting);

/// R5: points x hits x policies x callers.
pub(super) fn r5(effort: Effort) -> Row {
    let (began, points) = (Instant::now(), points());
    let (cases, unreached) = cases(&points, effort);
    let failures = Mutex::new(Vec::new());
    each(&cases, |(strike, setting)| {
        let wrong = setting.judge(*strike);
        failures.lock().unwrap().extend(wrong);
    });
    let mut failures = failures.into_inner().unwrap();
    failures.extend(unreached.iter().map(|point| format!("{point} was never reached")));
    let note = format!("{} points, {} never reached", points.len(), unreached.len());
    let outcome = Outcome::Ran { cases: cases.len() as u64, failures };
    Row { id: "R5", figure: "panics", outcome, took: began.elapsed(), note }
}

/// All cases, and the points for which there is none.
fn cases(points: &[&'static str], effort: Effort) -> (Vec<Case>, Vec<&'static str>) {
    let hits = Hits::count(points, effort.pick(40, SEEDS_MAX));
    let mut cases = Vec::new();
    for (number, point) in points.iter().enumerate() {
        match effort {
            Effort::Short => cases.extend(hits.some(point, number)),
            Effort::Long => cases.extend(hits.all(point)),
        }
    }
    let struck: BTreeSet<&str> = cases.iter().map(|(strike, _)| strike.point).collect();
    (cases, points.iter().copied().filter(|point| !struck.contains(point)).collect())
}

/// How often each point is hit in runs in which none strikes.
struct Hits(Vec<(Setting, BTreeMap<&'static str, u64>)>);

impl Hits {
    /// Looks at more and more seeds, until every point was hit in some run of each setting or the seeds are used up.
    fn count(points: &[&'static str], seeds: u64) -> Hits {
        let mut found = Vec::new();
        for policy in 0..POLICIES.len() {
            for caller in 0..CALLERS.len() {
                let mut missing: BTreeSet<&str> = points.iter().copied().collect();
                for seed in 0..seeds {
                    let setting = Setting { policy, caller, seed };
                    let hits = setting.run(None).hits;
                    missing.retain(|point| !hits.contains_key(point));
                    found.push((setting, hits));
                    if missing.is_empty() && seed + 1 >= SHORT_SEEDS {
                        break;
                    }
                }
            }
        }
        Hits(found)
    }

    /// A few cases of a point: which, depends on its number, so that over all points every setting comes.
    fn some(&self, point: &'static str, number: usize) -> Vec<Case> {
        let all = self.all(point);
        let step = (all.len() / SHORT_CASES).max(1);
        all.into_iter().skip(number % step).step_by(step).take(SHORT_CASES).collect()
    }

    /// Each policy, each caller, once and so often that the budget is used up, at hits spread over the runs that come
    /// there.
    fn all(&self, point: &'static str) -> Vec<Case> {
        let mut cases = Vec::new();
        for (policy, caller) in (0..POLICIES.len()).flat_map(|p| (0..CALLERS.len()).map(move |c| (p, c))) {
            let runs: Vec<(Setting, u64)> = self
                .0
                .iter()
                .filter(|(setting, _)| (setting.policy, setting.caller) == (policy, caller))
                .filter_map(|(setting, hits)| Some((*setting, *hits.get(point)?)))
                .collect();
            for (times, number) in TIMES.iter().flat_map(|times| (0..HITS).map(move |n| (*times, n))) {
                let Some((setting, hits)) = runs.get(number % runs.len().max(1)) else { continue };
                let hit = 1 + (number as u64 * hits / HITS as u64).min(hits - 1);
                let case = (Strike { point, hit, times }, *setting);
                if !cases.contains(&case) {
                    cases.push(case);
                }
            }
        }
        cases
    }
}

/// Hits at which a point strikes in each setting, at most.
const HITS: usize = 6;
/// Cases of a point in the short form.
const SHORT_CASES: usize = 4;

/// Does it for each case, on as many threads as there are cores.
fn each(cases: &[Case], work: impl Fn(&Case) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(2);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(case);
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wherever_the_code_panics_no_caller_hangs_and_nothing_acknowledged_is_lost() {
        let row = r5(Effort::Short);
        println!("{row}");
        assert!(row.holds(), "{:?}", row.outcome);
    }
}
