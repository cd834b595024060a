//! One row of the scoreboard: its figure, and how it was reached.

use std::fmt;
use std::time::Duration;

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// With the tests, in seconds.
    Short,
    /// By the `scoreboard` command, until the row's figure is reached.
    Long,
}

impl Effort {
    /// The one or the other number.
    #[must_use]
    pub fn pick<T>(self, short: T, long: T) -> T {
        match self {
            Effort::Short => short,
            Effort::Long => long,
        }
    }
}

/// What came of a row.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// So many cases were tried, and so many of them failed.
    Ran {
        /// Cases tried.
        cases: u64,
        /// What went wrong, one line for each failed case.
        failures: Vec<String>,
    },
    /// It could not be tried here, and why. Never shown as a success.
    NotRun(String),
}

/// One row of the scoreboard.
#[derive(Clone, Debug)]
pub struct Row {
    /// `R1` to `R15`.
    pub id: &'static str,
    /// What the figure is about.
    pub figure: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// What else was counted, in words.
    pub note: String,
}

impl Row {
    /// Whether it was run and nothing failed.
    #[must_use]
    pub fn holds(&self) -> bool {
        matches!(&self.outcome, Outcome::Ran { cases, failures } if *cases > 0 && failures.is_empty())
    }
}

impl Row {
    /// What went wrong, in words, each with the row's id.
    pub fn failures(&self) -> impl Iterator<Item = String> + '_ {
        let failures = match &self.outcome {
            Outcome::Ran { failures, .. } => failures.as_slice(),
            Outcome::NotRun(_) => &[],
        };
        failures.iter().filter(|why| !why.is_empty()).map(|why| format!("{}: {why}", self.id))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cases, failed) = match &self.outcome {
            Outcome::Ran { cases, failures } => (cases.to_string(), failures.len().to_string()),
            Outcome::NotRun(why) => ("not run".to_owned(), why.clone()),
        };
        let seconds = self.took.as_secs_f64();
        write!(f, "| {} | {} | {cases} | {failed} | {seconds:.1} | {} |", self.id, self.figure, self.note)
    }
}
