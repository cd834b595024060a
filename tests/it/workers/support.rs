//! What the tests of cursor workers share: a store to work on, handlers that tell what they saw, waits with an end.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::BufRead;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use timberline::storage::simulated::SimulatedDisk;
use timberline::supervisors::{Received, Runtime};
use timberline::{
    Batch, CheckpointId, Config, Coordinate, CursorWorkerAction, CursorWorkerConfig, CursorWorkerError,
    CursorWorkerHandle, HandlerContext, NewEvent, Payload, Region, Reports, Store,
};

pub(super) use CursorWorkerAction::{Continue, Stop, StopWithRollback};

/// No test waits longer for anything: what takes so long hangs.
pub(super) const HANGS: Duration = Duration::from_secs(60);

/// The payload of most events here: a number that tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step(pub(super) u64);

impl Payload for Step {
    const KIND: &'static str = "Step";
}

/// The payload of reactions: the number of the step it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Echo(pub(super) u64);

impl Payload for Echo {
    const KIND: &'static str = "Echo";
}

pub(super) fn at(entity: &str) -> Coordinate {
    Coordinate::new(entity, "tests").unwrap()
}

pub(super) fn step(number: u64) -> NewEvent {
    NewEvent::new(&at("walk"), &Step(number)).unwrap()
}

pub(super) fn echo(number: u64) -> NewEvent {
    NewEvent::new(&at("echo"), &Echo(number)).unwrap()
}

/// Appends the steps with these numbers, each by itself; so the first step has position 1, and so on.
pub(super) fn append(store: &Store, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        store.append_event(step(number)).unwrap();
    }
}

pub(super) fn steps() -> Region {
    Region::kind(Step::KIND)
}

pub(super) fn id(name: &str) -> CheckpointId {
    CheckpointId::new(name).unwrap()
}

/// Batches of one event, so that each is handed out, committed and rolled back by itself.
pub(super) fn one_by_one() -> CursorWorkerConfig {
    CursorWorkerConfig::default().batch_size(1)
}

/// A store in a directory of its own, with steps 1 to `count`.
pub(super) fn store_with(count: u64) -> (tempfile::TempDir, Arc<Store>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(Config::new(dir.path())).unwrap());
    append(&store, 1..=count);
    (dir, store)
}

/// A store on the simulated disk, on real threads.
pub(super) fn open_on(disk: &SimulatedDisk) -> Arc<Store> {
    open_on_with(disk, Config::new("simulated"))
}

pub(super) fn open_on_with(disk: &SimulatedDisk, config: Config) -> Arc<Store> {
    let small = config.preallocate_bytes(4 << 10);
    let store = Store::builder(small).simulated(Runtime::threads(), Arc::new(disk.clone())).open();
    Arc::new(store.unwrap())
}

/// The numbers of a batch of steps.
pub(super) fn numbers(batch: &Batch) -> Vec<u64> {
    batch.iter().map(|event| event.payload_as::<Step>().unwrap().0).collect()
}

/// What handlers saw, told to the test; it waits for the next, but not for ever.
pub(super) struct Seen<T>(Receiver<T>);

pub(super) fn seen<T>() -> (Sender<T>, Seen<T>) {
    let (tell, seen) = channel();
    (tell, Seen(seen))
}

impl<T: Debug> Seen<T> {
    #[track_caller]
    pub(super) fn next(&self) -> T {
        self.0.recv_timeout(HANGS).expect("the handler should have been called")
    }

    /// Waits for so many.
    #[track_caller]
    pub(super) fn take(&self, count: usize) -> Vec<T> {
        (0..count).map(|_| self.next()).collect()
    }

    /// What was seen and not taken, now that the worker has ended.
    pub(super) fn rest(&self) -> Vec<T> {
        self.0.try_iter().collect()
    }
}

/// A handler that tells each batch's numbers and goes on.
pub(super) fn telling(
    tell: Sender<Vec<u64>>,
) -> impl FnMut(&Batch, &mut HandlerContext) -> CursorWorkerAction {
    move |batch, _| {
        let _ = tell.send(numbers(batch));
        Continue
    }
}

/// The first `count` steps a new worker with this config is handed.
#[track_caller]
pub(super) fn first_steps(store: &Store, config: CursorWorkerConfig, count: usize) -> Vec<u64> {
    let (tell, seen) = seen();
    let worker = store.cursor_worker(&steps(), config, telling(tell)).unwrap();
    let mut first = Vec::new();
    while first.len() < count {
        first.extend(seen.next());
    }
    joined_after_stop(worker).unwrap();
    first
}

/// The next lifecycle report that tells all of these.
#[track_caller]
pub(super) fn reported(reports: &Reports, tells: &[&str]) -> String {
    let mut told = Vec::new();
    while let Some(received) = reports.recv_timeout(HANGS) {
        let Received::Report(report) = received else { panic!("reports were lost") };
        let text = report.to_string();
        if tells.iter().all(|wanted| text.contains(wanted)) {
            return text;
        }
        told.push(text);
    }
    panic!("{tells:?} was not reported, but:\n{}", told.join("\n"));
}

/// Joins, and fails instead of hanging.
#[track_caller]
pub(super) fn joined(worker: CursorWorkerHandle) -> Result<(), CursorWorkerError> {
    within("join", move || worker.join())
}

#[track_caller]
pub(super) fn joined_after_stop(worker: CursorWorkerHandle) -> Result<(), CursorWorkerError> {
    within("stop_and_join", move || worker.stop_and_join())
}

/// Does something on another thread and fails if it does not end.
#[track_caller]
pub(super) fn within<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = channel();
    let thread = std::thread::spawn(move || drop(tell.send(work())));
    match told.recv_timeout(HANGS) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("{what} hangs"),
        Err(RecvTimeoutError::Disconnected) => std::panic::resume_unwind(thread.join().unwrap_err()),
    }
}

/// Looks until it is so; for what is told by no event.
#[track_caller]
pub(super) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < HANGS, "{what}: it never was so");
        std::thread::yield_now();
    }
}

/// How often each number was handed out, counted by the handlers of all lives.
#[derive(Clone, Default)]
pub(super) struct Counts(Arc<Mutex<BTreeMap<u64, u32>>>);

impl Counts {
    /// Counts it, and says how often it was counted.
    pub(super) fn count(&self, number: u64) -> u32 {
        let mut counts = self.0.lock().unwrap();
        let count = counts.entry(number).or_default();
        *count += 1;
        *count
    }

    pub(super) fn all(&self) -> BTreeMap<u64, u32> {
        self.0.lock().unwrap().clone()
    }
}

/// The place of a checkpoint as a program sees it: the first step that a new worker with its id is handed.
#[track_caller]
pub(super) fn next_of(store: &Store, name: &str) -> u64 {
    first_steps(store, one_by_one().checkpoint(id(name)), 1)[0]
}

/// Every step that has an echo, with the number of its echoes.
pub(super) fn echoes(store: &Store) -> BTreeMap<u64, u32> {
    let counts = Counts::default();
    for event in store.read(&Region::kind(Echo::KIND)) {
        counts.count(event.unwrap().payload_as::<Echo>().unwrap().0);
    }
    counts.all()
}

/// Each of these numbers, once.
pub(super) fn once_each(numbers: impl IntoIterator<Item = u64>) -> BTreeMap<u64, u32> {
    numbers.into_iter().map(|number| (number, 1)).collect()
}

/// The variable that tells a child process what to do; without it the helper tests do nothing.
const CHILD: &str = "TIMBERLINE_WORKERS_CHILD";

/// This binary again, running only the helper test `name` with `input`; what it prints can be read line by line.
pub(super) struct Process {
    child: Child,
    lines: std::io::Lines<std::io::BufReader<ChildStdout>>,
}

impl Process {
    pub(super) fn start(name: &str, input: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
            .env(CHILD, input)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next thing the child told; what the test harness prints is passed over.
    #[track_caller]
    pub(super) fn told(&mut self) -> String {
        let mut told = self
            .lines
            .by_ref()
            .map_while(Result::ok)
            .filter_map(|line| line.split_once("child: ").map(|(_, told)| told.to_owned()));
        told.next().expect("the child should have told something")
    }

    /// kill -9.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) fn wait(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

/// What this process was started for as a child; `None` in a usual run of the tests.
pub(super) fn child_input() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// Tells the parent. One write, so that a kill leaves whole lines.
pub(super) fn tell_parent(what: impl std::fmt::Display) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    out.write_all(format!("child: {what}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}
