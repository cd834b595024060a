//! Many runs, on as many threads as there are cores, and what they came to together.

use super::census::Census;
use super::choices::Source;
use super::plan::Plan;
use super::replay::save;
use super::run::{Outcome, run};
use super::shrink::shrink;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Failures of a sweep that are shrunk and saved; more are only told.
const SAVED_MAX: usize = 3;
/// Runs that the shrinking of one failure may take.
const SHRINKING_RUNS: usize = 1_500;

/// What many runs came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Runs made.
    pub runs: u64,
    /// Steps of actors.
    pub steps: u64,
    /// Virtual time.
    pub time: Duration,
    /// Processor time of the threads that ran.
    pub busy: Duration,
    /// Events handed to handlers.
    pub deliveries: u64,
    /// What clients did.
    pub operations: u64,
    /// What was reached.
    pub census: Census,
    /// One line for each run that failed.
    pub failures: Vec<String>,
}

impl Tally {
    fn add(&mut self, seed: u64, name: &str, plan: &Plan, outcome: &Outcome) {
        self.runs += 1;
        self.steps += outcome.steps;
        self.time += outcome.time;
        self.deliveries += outcome.deliveries();
        self.operations += outcome.operations();
        self.census.add(&outcome.census);
        if let Some(first) = outcome.violations.first() {
            let place =
                if self.failures.len() < SAVED_MAX { keep(name, plan, outcome) } else { String::new() };
            self.failures.push(format!("seed {seed} of {name}: {first}{place}"));
        }
    }

    /// Steps of one core in a second.
    #[must_use]
    pub fn steps_per_second(&self) -> f64 {
        self.steps as f64 / self.busy.as_secs_f64().max(1e-9)
    }
}

/// Shrinks a failure and writes it into a file.
fn keep(name: &str, plan: &Plan, outcome: &Outcome) -> String {
    let trace = shrink(&outcome.trace, plan, SHRINKING_RUNS);
    let path = save(&traces_dir(), name, &outcome.violations.join("\n"), &trace);
    path.map_or_else(|error| format!(" ({error})"), |path| format!(" ({})", path.display()))
}

/// Where failing traces go: beside what else is built.
fn traces_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/traces")
}

/// How long this thread has run on a processor, where the system tells it: other programs' share is not ours.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

/// Runs the named plan on these seeds until `enough` says so.
#[must_use]
pub fn sweep(name: &str, seeds: Range<u64>, enough: impl Fn(&Tally) -> bool + Sync) -> Tally {
    let plan = Plan::named(name).unwrap_or_else(|| panic!("there is no plan named {name}"));
    let (next, tally) = (AtomicU64::new(seeds.start), Mutex::new(Tally::default()));
    let work = || {
        let (began, busy_before) = (Instant::now(), processor_time());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || enough(&tally.lock().unwrap()) {
                break;
            }
            let outcome = run(Source::Seed(seed), &plan);
            tally.lock().unwrap().add(seed, name, &plan, &outcome);
        }
        let busy = processor_time().zip(busy_before).map(|(after, before)| after - before);
        tally.lock().unwrap().busy += busy.unwrap_or_else(|| began.elapsed());
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(2);
    std::thread::scope(|scope| {
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    tally.into_inner().unwrap()
}
