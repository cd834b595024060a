//! Panics at named places: every failpoint, at hits all over a run, under every restart policy, with callers that wait
//! and callers that are gone.
//!
//! A case is a run of the [simulation](crate::simulation) in which one point strikes. Whatever it strikes, no call may
//! hang, what was acknowledged must be there after a reopening, once and in order, the tree must be healthy or failed
//! with a reason, and in the end everything must converge: the same rules that judge every other run.

mod points;

#[cfg(feature = "failpoints")]
mod case;
#[cfg(feature = "failpoints")]
mod sweep;

pub use points::points;

use crate::{Effort, Row};
use std::process::ExitCode;

/// R5: every failpoint strikes.
#[must_use]
pub fn r5(effort: Effort) -> Row {
    #[cfg(feature = "failpoints")]
    return sweep::r5(effort);
    #[cfg(not(feature = "failpoints"))]
    return not_run(effort);
}

/// Without the feature there are no points.
#[cfg(not(feature = "failpoints"))]
fn not_run(_: Effort) -> Row {
    let why = "built without the feature failpoints".to_owned();
    let outcome = crate::Outcome::NotRun(why);
    Row { id: "R5", figure: "panics", outcome, took: std::time::Duration::ZERO, note: String::new() }
}

/// `panic POINT HIT TIMES POLICY CALLER SEED` runs one case again and prints what happened and what was wrong.
#[must_use]
pub fn command() -> Option<ExitCode> {
    #[cfg(feature = "failpoints")]
    return case::command();
    #[cfg(not(feature = "failpoints"))]
    return None;
}

/// What is wrong in the case `panic POINT HIT TIMES POLICY CALLER SEED`.
#[cfg(feature = "failpoints")]
#[must_use]
pub fn judged(words: &str) -> Option<String> {
    case::judged(words)
}

/// Without the feature no point strikes.
#[cfg(not(feature = "failpoints"))]
#[must_use]
pub fn judged(_: &str) -> Option<String> {
    None
}
