//! The row R9: which bugs were found, and how soon.

use super::children::{Binaries, Ended, build, hunt};
use super::hunt::{Hunt, Suite};
use super::table::{Bug, TABLE, TRACES};
use crate::{Effort, Outcome, Row};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// R9: every bug of the table, in the short form a few that are found in no time.
pub(super) fn r9(effort: Effort) -> Row {
    let began = Instant::now();
    let bugs: Vec<&Bug> = TABLE.iter().filter(|bug| effort == Effort::Long || bug.is_quick).collect();
    let row = |outcome, note| Row { id: "R9", figure: "planted bugs", outcome, took: began.elapsed(), note };
    let binaries = match build(&suites(&bugs)) {
        Ok(binaries) => binaries,
        Err(why) => return row(Outcome::NotRun(why), String::new()),
    };
    // With the tests the rows themselves say that they find nothing else; of a single strike only this does, which may
    // have become one that never comes.
    let hunts = bugs.iter().map(|bug| bug.hunt);
    let hunts = hunts.filter(|hunt| effort == Effort::Long || matches!(hunt, Hunt::Strike(_)));
    let mut failures = check_unplanted(hunts.collect(), &binaries);
    let (mut caught, mut times) = (0, Vec::new());
    for bug in &bugs {
        let (ended, took) = hunt(bug.hunt, Some(bug.name), &binaries);
        times.push(took);
        match ended {
            Ended::Empty => failures.push(format!("{} is not found by {}", bug.name, bug.hunt)),
            Ended::Found(_) | Ended::Hung => caught += 1,
        }
    }
    failures.extend(TRACES.iter().filter_map(|(bug, trace)| check_trace(bug, trace, &binaries)));
    let (bugs, traces) = (bugs.len(), TRACES.len());
    let note = format!(
        "{caught} of {bugs} found, median {:.1} s; {traces} traces show theirs again",
        median(times).as_secs_f64()
    );
    row(Outcome::Ran { cases: (bugs + traces) as u64, failures }, note)
}

/// A trace shows the bug that it once found, and nothing where that is not planted.
fn check_trace(bug: &str, trace: &'static str, binaries: &Binaries) -> Option<String> {
    let ended = |bug| hunt(Hunt::Trace(trace), bug, binaries).0;
    match (ended(Some(bug)), ended(None)) {
        (Ended::Found(_), Ended::Empty) => None,
        ended => Some(format!("the trace {trace} does not tell {bug} from the code as it is: {ended:?}")),
    }
}

/// The binaries of tests that these bugs need.
fn suites(bugs: &[&Bug]) -> Vec<Suite> {
    let needs = |suite: &Suite| bugs.iter().any(|bug| matches!(bug.hunt, Hunt::Tests(of, _) if of == *suite));
    Suite::ALL.into_iter().filter(needs).collect()
}

/// Where nothing is planted nothing may be found.
fn check_unplanted(hunts: BTreeSet<Hunt>, binaries: &Binaries) -> Vec<String> {
    let found = |of: Hunt| match hunt(of, None, binaries).0 {
        Ended::Empty => None,
        ended => Some(format!("{of} finds something where nothing is planted: {ended:?}")),
    };
    hunts.into_iter().filter_map(found).collect()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_planted_bugs_are_found_at_once() {
        let row = r9(Effort::Short);
        println!("{row}");
        assert!(row.holds(), "{:?}", row.outcome);
    }

    #[test]
    #[ignore = "run by the test above, in a process of its own"]
    fn hunts_in_another_process() {
        let Ok(name) = std::env::var(super::super::children::HUNT) else { return };
        assert_eq!(super::super::hunt::go(&name), None);
    }
}
