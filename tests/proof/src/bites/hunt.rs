//! How a bug is looked for: by seeds of the simulation, by a row of the scoreboard, or by tests of the crates.

use crate::simulation::{Plan, Source, run};
use crate::{Effort, Row};
use std::fmt;
use std::process::ExitCode;

/// Seeds that are tried before a hunt gives up.
const SEEDS_MAX: u64 = 3_000;

/// How a bug is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hunt {
    /// Seeds of that plan, until one fails.
    Seeds(&'static str),
    /// A row of the scoreboard in its short form.
    Row(&'static str),
    /// The tests of a package that `cargo test` finds with these arguments.
    Tests {
        /// The package.
        package: &'static str,
        /// Which tests.
        of: &'static str,
    },
}

impl Hunt {
    /// What was found; nothing if there is nothing to find. Tests are run by cargo and not here.
    #[must_use]
    pub fn go(self) -> Option<String> {
        match self {
            Hunt::Seeds(name) => seeds(name),
            Hunt::Row(id) => row(id),
            Hunt::Tests { .. } => None,
        }
    }
}

impl fmt::Display for Hunt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hunt::Seeds(name) => write!(f, "seeds {name}"),
            Hunt::Row(id) => write!(f, "row {id}"),
            Hunt::Tests { package, of } => write!(f, "tests {package} {of}"),
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
    let rows: [(&str, fn(Effort) -> Row); 6] = [
        ("R1", crate::sweeps::r1),
        ("R2", crate::sweeps::r2),
        ("R3", crate::sweeps::r3),
        ("R4", crate::sweeps::r4),
        ("R5", crate::panics::r5),
        ("R13", crate::fuzzing::r13),
    ];
    let (_, run) = rows.iter().find(|(known, _)| *known == id).unwrap_or_else(|| panic!("no row {id}"));
    let row = run(Effort::Short);
    if row.holds() { None } else { Some(row.failures().next().unwrap_or_else(|| row.to_string())) }
}

/// `hunt seeds PLAN`, `hunt row ID`: ends with 1 and says what it found, or with 0.
pub(super) fn command() -> Option<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let found = match arguments[..] {
        ["hunt", "seeds", plan] => seeds(plan),
        ["hunt", "row", id] => row(id),
        _ => return None,
    };
    found.iter().for_each(|found| println!("{found}"));
    Some(if found.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
