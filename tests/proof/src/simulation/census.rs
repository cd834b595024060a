//! Counts what was reached: fault classes, branches of recovery, variants of errors.

use std::collections::BTreeMap;
use std::fmt;

/// How often each thing that has a name was reached.
#[derive(Clone, Debug, Default)]
pub struct Census {
    counts: BTreeMap<String, u64>,
}

/// What a sweep must have reached, beside every fault class, or it fails.
const REQUIRED: &[&str] = &[
    "recovery created",
    "recovery closed",
    "recovery after a crash",
    "recovery cut",
    "recovery gap",
    "recovery rewritten",
    "recovery of several segments",
    "crash while opening",
    "append stored",
    "append duplicate",
    "AppendError::Conflict",
    "AppendError::ConditionFailed",
    "AppendError::Denied",
    "AppendError::GatePanicked",
    "AppendError::TooLarge",
    "AppendError::Count",
    "AppendError::Empty",
    "AppendError::UnknownCause",
    "AppendError::BatchCause",
    "AppendError::NoSpace",
    "AppendError::Indeterminate",
    "AppendError::Poisoned",
    "AppendError::Failed",
    "AppendError::Closed",
    "OpenError::Locked",
    "OpenError::NoStore",
    "OpenError::NoSpace",
    "OpenError::Storage",
    "OpenError::Start",
    "OpenError::Config",
    "ReadError::Storage",
    "ReadError::Closed",
    "ReadError::Region",
    "CursorWorkerError::RestartBudgetExhausted",
    "CursorWorkerError::RolledBack",
    "CursorWorkerError::CheckpointFailed",
    "CursorWorkerError::CheckpointRegionMismatch",
    "CursorWorkerError::AlreadyRunning",
    "CursorWorkerError::Config",
    "CursorWorkerError::Read",
    "CursorWorkerError::Failed",
    "CursorWorkerError::Closed",
    "CloseError::Failed",
    "CloseError::Closed",
];

/// What a world without threads and without damage cannot reach, each with the test that makes it.
pub const ELSEWHERE: &[(&str, &str)] = &[];

impl Census {
    /// Counts one.
    pub fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }

    /// Adds another one's counts.
    pub fn add(&mut self, other: &Census) {
        for (what, count) in &other.counts {
            *self.counts.entry(what.clone()).or_default() += count;
        }
    }

    /// How often.
    #[must_use]
    pub fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// What a sweep should have reached and did not.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let classes = super::Class::ALL.iter().map(|class| format!("{class:?}"));
        let required = REQUIRED.iter().map(|what| (*what).to_owned());
        classes.chain(required).filter(|what| self.of(what) == 0).collect()
    }
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts.iter().try_for_each(|(what, count)| writeln!(f, "{count:>10} {what}"))
    }
}

/// The name of an error's variant.
pub(super) fn name_of(error: &impl fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
