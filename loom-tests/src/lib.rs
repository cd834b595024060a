//! Runs loom models of the `supervisors` crate, counts what they explored, and shows that each of them bites.
//!
//! The models stand in `tests/` and run by `cargo loom`. A model that finds nothing is only worth as much as what it
//! would find: for each there is a bug that can be planted in the shipped code, and a test that the model then fails.

/// How a model is explored, and that it is.
#[cfg(loom)]
pub mod explore {
    use std::process::Command;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use supervisors::planted::{Bug, plant};

    /// The variable that names the bug to plant.
    const PLANTED: &str = "PLANTED";

    /// All bugs, by their names.
    const BUGS: [Bug; 13] = [
        Bug::CountBeforePush,
        Bug::ResignTooEarly,
        Bug::DownElects,
        Bug::LeftInTheMailbox,
        Bug::StopsTheDead,
        Bug::NoticeNeedsRoom,
        Bug::RegistersBlindly,
        Bug::VerdictTooEarly,
        Bug::KeepsTheRest,
        Bug::ExitInAStopIsLost,
        Bug::PoolStaysParked,
        Bug::PoolEndsAsleep,
        Bug::RoomIsNotTold,
    ];

    /// Explores every execution with at most that many preemptions, and asserts that there are as many as there were
    /// when the model was written, or more.
    ///
    /// # Panics
    /// When an execution fails, deadlocks, or fewer were explored.
    pub fn explore(
        name: &str,
        preemptions: usize,
        at_least: usize,
        model: impl Fn() + Sync + Send + 'static,
    ) {
        let planted = std::env::var(PLANTED).ok();
        plant(BUGS.into_iter().find(|bug| planted.as_deref() == Some(&format!("{bug:?}"))));
        let explored = Arc::new(AtomicUsize::new(0));
        let counter = explored.clone();
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(preemptions);
        builder.max_branches = 20_000;
        builder.check(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            model();
        });
        let explored = explored.load(Ordering::Relaxed);
        println!("{name}: {explored} executions with at most {preemptions} preemptions");
        assert!(explored >= at_least, "{name}: {explored} executions, {at_least} expected");
    }

    /// The model of that test fails when the bug is planted. It runs in a process of its own, because what a bug
    /// leaves behind may be a process that cannot go on.
    ///
    /// # Panics
    /// When the model holds in spite of the bug.
    pub fn bites(test: &str, bug: Bug) {
        let program = std::env::current_exe().expect("a test knows its program");
        let output = Command::new(program)
            .args([test, "--exact", "--nocapture"])
            .env(PLANTED, format!("{bug:?}"))
            .output()
            .expect("a program that runs can run again");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("running 1 test"), "there is no test {test}");
        assert!(!output.status.success(), "{test} does not find {bug:?}");
    }
}
