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
    "workers beside one that hangs",
    "append stored",
    "append duplicate",
    "a key twice in one turn",
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
    "AppendError::Storage",
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
    "CursorWorkerError::Abandoned",
    "CursorWorkerError::Failed",
    "CursorWorkerError::Closed",
    "CloseError::Failed",
    "CloseError::Closed",
];

/// What the simulation cannot reach, because it damages no file and its clients never wait wrongly: each with the file
/// of the tests that make it.
pub const ELSEWHERE: &[(&str, &str)] = &[
    ("AppendError::Payload", "tests/it/store/payload.rs"),
    ("AppendError::Full", "tests/it/store/append.rs"),
    ("AppendError::WouldDeadlock", "tests/proof/src/simulation/census.rs"),
    ("OpenError::Format", "tests/it/store/damage.rs"),
    ("OpenError::Foreign", "tests/it/store/damage.rs"),
    ("OpenError::Missing", "tests/it/store/damage.rs"),
    ("OpenError::Corrupt", "tests/it/store/damage.rs"),
    ("ReadError::Corrupt", "tests/it/store/damage.rs"),
    ("CursorWorkerError::WouldDeadlock", "tests/it/workers/reactions.rs"),
    ("CloseError::WouldDeadlock", "tests/it/store/close.rs"),
];

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::sync::{Arc, OnceLock, Weak};
    use timberline::storage::simulated::SimulatedDisk;
    use timberline::supervisors::simulation::{Seeded, Simulation};
    use timberline::{AppendError, Config, Coordinate, NewEvent, Store, gate};

    fn text_of(path: &str) -> String {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
    }

    /// The variants of an enum, out of its source.
    fn variants(path: &str, name: &str) -> Vec<String> {
        let text = text_of(path);
        let begin = text.find(&format!("pub enum {name} {{")).unwrap();
        let body = text[begin..].lines().skip(1).take_while(|line| *line != "}");
        let begins = body
            .filter_map(|line| line.strip_prefix("    "))
            .filter(|line| line.starts_with(char::is_uppercase));
        begins
            .map(|line| format!("{name}::{}", line.split(|c: char| !c.is_alphanumeric()).next().unwrap()))
            .collect()
    }

    #[test]
    fn every_variant_of_the_public_errors_is_reached_here_or_made_by_a_test_elsewhere() {
        let enums = [
            ("src/error/append.rs", "AppendError"),
            ("src/error/open.rs", "OpenError"),
            ("src/error/read.rs", "ReadError"),
            ("src/cursor_worker/error.rs", "CursorWorkerError"),
            ("src/store/builder.rs", "CloseError"),
        ];
        for variant in enums.iter().flat_map(|(path, name)| variants(path, name)) {
            let elsewhere = ELSEWHERE.iter().find(|(name, _)| *name == variant);
            let is_made = elsewhere.is_some_and(|(name, path)| text_of(path).contains(*name));
            let is_known = REQUIRED.contains(&&variant[..]);
            assert!(is_made || is_known, "nothing makes {variant}");
        }
    }

    #[test]
    fn a_gate_that_appends_through_its_own_store_is_refused() {
        let simulation = Simulation::new(Seeded::new(1));
        let own: Arc<OnceLock<Weak<Store>>> = Arc::default();
        let (inner, refused) = (Arc::clone(&own), Arc::new(OnceLock::new()));
        let event = || NewEvent::raw(Coordinate::new("a", "s").unwrap(), "Step", 1, Vec::new());
        let told = Arc::clone(&refused);
        let rule = gate("appends", move |_| {
            let store = inner.get().and_then(Weak::upgrade);
            let answer = store.map(|store| store.append_event(event()));
            told.set(matches!(answer, Some(Err(AppendError::WouldDeadlock)))).unwrap();
            Ok(())
        });
        let builder = Store::builder(Config::new("simulated")).gate(rule);
        let store = builder.simulated(simulation.runtime(), Arc::new(SimulatedDisk::new())).open().unwrap();
        let store = Arc::new(store);
        own.set(Arc::downgrade(&store)).unwrap();
        store.append_event(event()).unwrap();
        assert_eq!(refused.get(), Some(&true));
        store.close().unwrap();
    }
}
