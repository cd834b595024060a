//! The rows of the scoreboard that the simulation fills.

use super::choices::Source;
use super::command::fingerprints;
use super::deviations::Deviations;
use super::plan::{Bug, Plan};
use super::run::run;
use super::shrink::{shrink, weight};
use super::sweep::{Tally, sweep};
use crate::{Effort, Outcome, Row};
use std::process::Command;
use std::time::Instant;

/// A counterexample may have so many choices that are not harmless.
const CHOICES_MAX: usize = 20;
/// Runs that shrinking may take: about half a minute in release.
const SHRINKING_RUNS: usize = 4_000;

fn row(id: &'static str, figure: &'static str, began: Instant, outcome: Outcome, note: String) -> Row {
    Row { id, figure, outcome, took: began.elapsed(), note }
}

fn of_tally(id: &'static str, figure: &'static str, began: Instant, tally: Tally, note: String) -> Row {
    row(id, figure, began, Outcome::Ran { cases: tally.runs, failures: tally.failures }, note)
}

/// R6: how fast the simulation is, with faults on.
#[must_use]
pub fn r6(effort: Effort) -> Row {
    let began = Instant::now();
    let tally = sweep("broad", 0..effort.pick(30, 3_000), |_| false);
    let speed = tally.steps_per_second();
    let times = tally.time.as_secs_f64() / tally.busy.as_secs_f64();
    let note = format!("{speed:.0} steps per second and core; {times:.0} times real time");
    of_tally("R6", "simulation speed", began, tally, note)
}

/// R7: seeds, and an exhaustive search of a small world; in the long form every fault, branch and error is reached.
#[must_use]
pub fn r7(effort: Effort) -> Row {
    let began = Instant::now();
    let mut tally = sweep("broad", 0..effort.pick(100, 100_000), |_| false);
    let seeds = tally.runs;
    let searched = search(effort.pick(1, 2), effort.pick(150, 60_000), &mut tally);
    let missing = tally.census.missing();
    if effort == Effort::Long && !missing.is_empty() {
        tally.failures.push(format!("never reached: {}", missing.join(", ")));
    }
    let note = format!("{seeds} seeds, {searched}; never reached: {}", missing.len());
    of_tally("R7", "simulation breadth", began, tally, note)
}

/// Every run of the small world with at most so many deviations, up to a limit.
fn search(depth: usize, limit: u64, tally: &mut Tally) -> String {
    let mut search = Deviations::new(depth);
    for number in 0..limit {
        let Some(choices) = search.next_run() else {
            return format!("all {number} runs with at most {depth} deviations");
        };
        let outcome = run(Source::Deviating(choices), &Plan::small());
        tally.runs += 1;
        tally.census.add(&outcome.census);
        let violation = outcome.violations.first();
        tally.failures.extend(violation.map(|first| format!("run {number} of the search: {first}")));
    }
    format!("the first {limit} runs with at most {depth} deviations")
}

/// R8: the same seeds here and in another process.
#[must_use]
pub fn r8(effort: Effort) -> Row {
    let (began, count) = (Instant::now(), effort.pick(10, 1_000));
    let here = fingerprints(0, count);
    let outcome = match elsewhere(count) {
        Err(error) => Outcome::NotRun(error.to_string()),
        Ok(there) => {
            let differs = |(here, there): (&String, Option<&String>)| {
                (Some(here) != there).then(|| format!("{here} here, {there:?} there"))
            };
            let there = |place| there.get(place);
            let failures = here.iter().enumerate().filter_map(|(place, line)| differs((line, there(place))));
            Outcome::Ran { cases: count, failures: failures.collect() }
        }
    };
    row("R8", "determinism", began, outcome, "choices, steps and histories".into())
}

/// The fingerprints as another process has them: the scoreboard, or the tests.
fn elsewhere(count: u64) -> std::io::Result<Vec<String>> {
    let mut command = Command::new(std::env::current_exe()?);
    match cfg!(test) {
        true => command.args(["--ignored", "--nocapture", "tells_another_process_its_fingerprints"]),
        false => command.args(["fingerprints", "0", &count.to_string()]),
    };
    let output = command.env("PROOF_FINGERPRINTS", count.to_string()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // The harness of the tests prints in front of the first line.
    let lines = text.lines().filter_map(|line| line.find("run ").map(|begin| line[begin..].to_owned()));
    Ok(lines.filter(|line| line.split(' ').count() == 5).collect())
}

/// R11: deliveries against the rules.
#[must_use]
pub fn r11(effort: Effort) -> Row {
    let (began, target) = (Instant::now(), effort.pick(10_000, 10_000_000));
    let tally = sweep("busy", 0..u64::MAX, |tally| tally.deliveries >= target);
    let note = format!("{} deliveries audited", tally.deliveries);
    of_tally("R11", "delivery audit", began, tally, note)
}

/// R12: histories of concurrent appends, conditional appends and reads.
#[must_use]
pub fn r12(effort: Effort) -> Row {
    let began = Instant::now();
    let tally = sweep("talkative", 0..effort.pick(6, 10_000), |_| false);
    let note = format!("{} operations a history", tally.operations / tally.runs.max(1));
    of_tally("R12", "histories", began, tally, note)
}

/// R14: a bug is found, and its trace shrinks to a few choices that still show it.
#[must_use]
pub fn r14(effort: Effort) -> Row {
    let began = Instant::now();
    let bugs: &[Bug] = effort.pick(&[Bug::LosesDeliveries], &[Bug::LosesDeliveries, Bug::SyncsNothing]);
    // With the tests a small world: theirs is a slow build.
    let small = Plan { lives: 1, rounds: 12, ..Plan::broad() };
    let (plan, runs_max) = effort.pick((small, 1_500), (Plan::broad(), SHRINKING_RUNS));
    let found: Vec<Result<usize, String>> =
        bugs.iter().map(|bug| counterexample(*bug, &plan, runs_max)).collect();
    let failures = found.iter().filter_map(|result| result.as_ref().err().cloned()).collect();
    let weights: Vec<String> = found.iter().flatten().map(ToString::to_string).collect();
    let note = format!("{} choices", weights.join(" and "));
    row("R14", "counterexamples", began, Outcome::Ran { cases: bugs.len() as u64, failures }, note)
}

/// How many choices the shrunk trace of a bug has.
fn counterexample(bug: Bug, plan: &Plan, runs_max: usize) -> Result<usize, String> {
    let plan = Plan { bug: Some(bug), ..plan.clone() };
    let found = (0..1_000).map(|seed| run(Source::Seed(seed), &plan)).find(|run| !run.violations.is_empty());
    let found = found.ok_or_else(|| format!("{bug:?} is not found in 1,000 seeds"))?;
    let trace = shrink(&found.trace, &plan, runs_max);
    match weight(&trace) {
        weight @ 0..=CHOICES_MAX => Ok(weight),
        weight => Err(format!("{bug:?} shrinks to {weight} choices")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(row: &Row) {
        println!("{row}");
        assert!(row.holds(), "{row}: {:?}", row.outcome);
    }

    #[test]
    fn the_whole_store_converges_after_every_fault_and_under_every_interleaving_tried() {
        check(&r7(Effort::Short));
    }

    #[test]
    fn a_seed_runs_the_same_in_two_processes() {
        check(&r8(Effort::Short));
    }

    #[test]
    #[ignore = "run by the test above, in a process of its own"]
    fn tells_another_process_its_fingerprints() {
        let count = std::env::var("PROOF_FINGERPRINTS").map_or(0, |count| count.parse().unwrap());
        fingerprints(0, count).iter().for_each(|line| println!("{line}"));
    }

    #[test]
    fn every_delivery_keeps_the_rules() {
        check(&r11(Effort::Short));
    }

    #[test]
    fn histories_agree_with_the_order_of_positions() {
        check(&r12(Effort::Short));
    }

    #[test]
    fn a_bug_shrinks_to_a_few_choices() {
        check(&r14(Effort::Short));
    }

    #[test]
    fn bytes_of_a_fuzzer_drive_a_run() {
        let bytes = (0..4_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert_eq!(run(Source::Bytes(bytes), &Plan::broad()).violations, Vec::<String>::new());
    }

    #[test]
    fn a_run_is_replayed_by_its_trace() {
        let first = run(Source::Seed(3), &Plan::broad());
        let again = run(Source::Trace(first.trace.clone()), &Plan::broad());
        assert_eq!((first.fingerprint, first.history), (again.fingerprint, again.history));
    }
}
