//! How a bug is looked for: by seeds of the simulation, by a row of the scoreboard or one case of it, or by tests of
//! the crates.

use crate::simulation::{Plan, Source, replay, run, traces};
use crate::{Effort, Row};
use std::fmt;
use std::process::ExitCode;

/// Seeds that are tried before a hunt gives up.
const SEEDS_MAX: u64 = 600;

/// How a bug is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hunt {
    /// Seeds of that plan, until one fails.
    Seeds(&'static str),
    /// A row of the scoreboard in its short form.
    Row(&'static str),
    /// A committed trace, which once failed for it.
    Trace(&'static str),
    /// A point that strikes: `POINT HIT TIMES POLICY CALLER SEED`, one case of the row R5 in its long form.
    Strike(&'static str),
    /// Tests of a crate.
    Tests(Suite, &'static str),
}

/// A binary of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suite {
    /// The unit tests of the actor runtime.
    Supervisors,
    /// The unit tests of the store.
    Store,
    /// The integration tests of the store.
    Integration,
}

impl Suite {
    /// All of them.
    pub const ALL: [Suite; 3] = [Suite::Supervisors, Suite::Store, Suite::Integration];

    /// What cargo calls it: its package, and which of its targets.
    #[must_use]
    pub fn target(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Suite::Supervisors => ("supervisors", &["--lib"]),
            Suite::Store => ("timberline", &["--lib"]),
            Suite::Integration => ("timberline", &["--test", "it"]),
        }
    }
}

impl fmt::Display for Hunt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hunt::Seeds(name) => write!(f, "seeds {name}"),
            Hunt::Row(id) => write!(f, "row {id}"),
            Hunt::Trace(name) => write!(f, "trace {name}"),
            Hunt::Strike(case) => write!(f, "panic {case}"),
            Hunt::Tests(suite, of) => write!(f, "tests {suite:?} {of}"),
        }
    }
}

fn seeds(name: &str) -> Option<String> {
    let plan = Plan::named(name).unwrap_or_else(|| panic!("there is no plan named {name}"));
    (0..SEEDS_MAX).find_map(|seed| {
        let outcome = run(Source::Seed(seed), &plan);
        outcome.violations.first().map(|first| format!("seed {seed} of {name}: {first}"))
    })
}

fn trace(name: &str) -> Option<String> {
    let outcome = replay(&traces().join(format!("{name}.trace"))).expect("the trace can be read");
    outcome.violations.first().cloned()
}

/// A row that may be hunted with.
type Hunted = (&'static str, fn(Effort) -> Row);

fn row(id: &str) -> Option<String> {
    let rows: [Hunted; 5] = [
        ("R1", crate::sweeps::r1),
        ("R2", crate::sweeps::r2),
        ("R3", crate::sweeps::r3),
        ("R4", crate::sweeps::r4),
        ("R5", crate::panics::r5),
    ];
    let (_, run) = rows.iter().find(|(known, _)| *known == id).unwrap_or_else(|| panic!("no row {id}"));
    let row = run(Effort::Short);
    if row.holds() { None } else { Some(row.failures().next().unwrap_or_else(|| row.to_string())) }
}

/// `hunt WORDS`: ends with 1 and says what it found, or with 0.
pub(super) fn command() -> Option<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (first, words) = arguments.split_first()?;
    (first == "hunt").then(|| match go(&words.join(" ")) {
        None => ExitCode::SUCCESS,
        Some(found) => {
            println!("{found}");
            ExitCode::FAILURE
        }
    })
}

/// Makes the hunt of that name; what it found. Tests are run in binaries of their own, and not here.
pub(super) fn go(name: &str) -> Option<String> {
    match name.split_once(' ') {
        Some(("seeds", plan)) => seeds(plan),
        Some(("row", id)) => row(id),
        Some(("trace", name)) => trace(name),
        Some(("panic", _)) => crate::panics::judged(name),
        _ => panic!("there is no hunt {name}; seeds PLAN, row ID, trace NAME, or panic CASE"),
    }
}
