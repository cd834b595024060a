//! How a bug is looked for: by seeds of the simulation, by a row of the scoreboard, or by tests of the crates.

use crate::simulation::{Plan, Source, replay, run};
use crate::{Effort, Row};
use std::fmt;
use std::path::Path;
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
    /// The traces that failed once.
    Traces,
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

impl Hunt {
    /// The hunt of that name, if it is one that this program makes itself.
    fn named(name: &str) -> Option<Hunt> {
        let known = super::TABLE.iter().map(|bug| bug.hunt).find(|hunt| hunt.to_string() == name);
        known.filter(|hunt| !matches!(hunt, Hunt::Tests(..)))
    }

    /// What was found; nothing if there is nothing to find. Tests are run in binaries of their own, and not here.
    #[must_use]
    pub fn go(self) -> Option<String> {
        match self {
            Hunt::Seeds(name) => seeds(name),
            Hunt::Row(id) => row(id),
            Hunt::Traces => traces(),
            Hunt::Tests(..) => None,
        }
    }
}

impl fmt::Display for Hunt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hunt::Seeds(name) => write!(f, "seeds {name}"),
            Hunt::Row(id) => write!(f, "row {id}"),
            Hunt::Traces => write!(f, "traces"),
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

fn row(id: &str) -> Option<String> {
    let rows: [(&str, fn(Effort) -> Row); 5] = [
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

fn traces() -> Option<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces");
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    files.filter_map(|file| Some((replay(&file).ok()?, file))).find_map(|(outcome, file)| {
        outcome.violations.first().map(|first| format!("{}: {first}", file.display()))
    })
}

/// `hunt WORDS` makes that hunt, whether it is in the table or not: ends with 1 and says what it found, or with 0.
pub(super) fn command() -> Option<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let found = match arguments[..] {
        ["hunt", "seeds", plan] => seeds(plan),
        ["hunt", "row", id] => row(id),
        ["hunt", "traces"] => traces(),
        _ => return None,
    };
    Some(told(found))
}

/// The hunt of that name, in a process of its own.
pub(super) fn go_named(name: &str) -> ExitCode {
    told(Hunt::named(name).unwrap_or_else(|| panic!("there is no hunt named {name}")).go())
}

fn told(found: Option<String>) -> ExitCode {
    found.iter().for_each(|found| println!("{found}"));
    if found.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
