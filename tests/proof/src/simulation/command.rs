//! The command line of the simulation: `replay FILE`, `seed PLAN SEED`, `seeds PLAN FROM COUNT`, `shrink PLAN SEED DIR`,
//! `row ID`.

use super::choices::Source;
use super::history::Happened;
use super::plan::Plan;
use super::replay::replay;
use super::run::{Outcome, run};
use super::shrink::{shrink, weight};
use super::sweep::sweep;
use crate::Effort;
use std::process::ExitCode;

/// Runs that shrinking may take.
const SHRINKING_RUNS: usize = 4_000;

/// Does what the arguments ask for, if that is the simulation's.
#[must_use]
pub fn command() -> Option<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["replay", file] => Some(show(&replay(file.as_ref()).expect("the trace can be read"))),
        ["seed", plan, seed] => Some(show(&run(Source::Seed(number(seed)), &named(plan)))),
        ["shrink", plan, seed, to] => Some(shrink_seed(plan, number(seed), to)),
        ["seeds", plan, from, count] => Some(run_seeds(plan, number(from), number(count))),
        ["row", id] => Some(run_row(id)),
        ["fingerprints", from, count] => {
            fingerprints(number(from), number(count)).iter().for_each(|line| println!("{line}"));
            Some(ExitCode::SUCCESS)
        }
        _ => None,
    }
}

/// One of the simulation's rows, in its long form.
fn run_row(id: &str) -> ExitCode {
    let row = match id {
        "R6" => super::r6(Effort::Long),
        "R7" => super::r7(Effort::Long),
        "R8" => super::r8(Effort::Long),
        "R11" => super::r11(Effort::Long),
        "R12" => super::r12(Effort::Long),
        "R14" => super::r14(Effort::Long),
        _ => panic!("a row of the simulation: R6, R7, R8, R11, R12, R14"),
    };
    println!("{row}");
    if let crate::Outcome::Ran { failures, .. } = &row.outcome {
        failures.iter().for_each(|failure| println!("WRONG: {failure}"));
    }
    if row.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

fn named(plan: &str) -> Plan {
    Plan::named(plan).expect("a plan: broad, small, busy, talkative")
}

/// Prints what happened and what was wrong.
pub fn show(outcome: &Outcome) -> ExitCode {
    for (place, happened) in outcome.history.iter().enumerate() {
        match happened {
            Happened::Opened(log) => println!("{place} Opened with {} events", log.len()),
            Happened::Rested(log) => println!("{place} Rested with {} events", log.len()),
            other => println!("{place} {other:?}"),
        }
    }
    println!("{} choices, {} steps, {:?} of virtual time", outcome.trace.len(), outcome.steps, outcome.time);
    outcome.violations.iter().for_each(|violation| println!("WRONG: {violation}"));
    if outcome.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn shrink_seed(plan: &str, seed: u64, to: &str) -> ExitCode {
    let outcome = run(Source::Seed(seed), &named(plan));
    let trace = shrink(&outcome.trace, &named(plan), SHRINKING_RUNS);
    println!("{} choices of {} are not harmless", weight(&trace), outcome.trace.len());
    let violation = outcome.violations.first().map_or("", String::as_str);
    let path = super::replay::save(to.as_ref(), plan, violation, &trace).expect("it can be written");
    println!("{}", path.display());
    ExitCode::SUCCESS
}

fn run_seeds(plan: &str, from: u64, count: u64) -> ExitCode {
    let tally = sweep(plan, from..from + count, |_| false);
    print!("{}", tally.census);
    println!("missing: {:?}", tally.census.missing());
    tally.failures.iter().for_each(|failure| println!("WRONG: {failure}"));
    println!(
        "{} runs, {} failed, {:.0} steps per second and core, {:.2} ms a run, {:.0} times real time, {} deliveries, {} operations",
        tally.runs,
        tally.failures.len(),
        tally.steps_per_second(),
        tally.busy.as_secs_f64() * 1e3 / tally.runs.max(1) as f64,
        tally.time.as_secs_f64() / tally.busy.as_secs_f64(),
        tally.deliveries,
        tally.operations
    );
    if tally.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A line for each seed: its fingerprint and that of its history.
pub(super) fn fingerprints(from: u64, count: u64) -> Vec<String> {
    let line = |seed| {
        let outcome = run(Source::Seed(seed), &Plan::broad());
        let history = format!("{:?}", outcome.history);
        let digest = history.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| {
            (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        format!("run {seed} {:016x} {digest:016x} {}", outcome.fingerprint, outcome.trace.len())
    };
    (from..from + count).map(line).collect()
}
