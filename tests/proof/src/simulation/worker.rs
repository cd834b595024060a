//! The workers: what each is after, and a handler that reacts and makes trouble.

use super::client::{number_of, probe, region};
use super::faults::{Class, Faults};
use super::history::{Handed, Happened, Saying, Watch};
use super::notes::Notes;
use super::plan::Bug;
use std::sync::{Arc, Weak};
use std::time::Duration;
use timberline::supervisors::ChildState;
use timberline::{
    Backoff, Batch, CheckpointId, Coordinate, CursorWorkerAction, CursorWorkerConfig, CursorWorkerError,
    CursorWorkerHandle, HandlerContext, NewEvent, RestartPolicy, Store,
};

const PAUSE: Backoff =
    Backoff { initial: Duration::from_millis(20), max: Duration::from_secs(1), factor: 2.0, jitter: 0.0 };

/// A worker as the plan has it.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) number: usize,
    pub(super) name: &'static str,
    pub(super) watch: Watch,
    pub(super) is_durable: bool,
    reacts: bool,
}

/// All workers of a world.
pub(super) fn jobs() -> Vec<Job> {
    let job = |number, name, watch, is_durable, reacts| Job { number, name, watch, is_durable, reacts };
    vec![
        job(0, "mailer", Watch::Steps, true, true),
        job(1, "tally", Watch::Prefix("a".into()), true, false),
        job(2, "ledger", Watch::All, true, false),
        job(3, "glance", Watch::All, false, false),
    ]
}

/// What a handler needs beside its batch.
#[derive(Clone)]
pub(super) struct Bench {
    pub(super) faults: Arc<Faults>,
    pub(super) notes: Notes,
    /// Weak: the store joins its workers.
    pub(super) store: Weak<Store>,
    pub(super) bug: Option<Bug>,
    /// Of every worker, if it is not drawn.
    pub(super) restarts: Option<RestartPolicy>,
}

/// Hires a worker for a job.
pub(super) fn hire(
    job: &Job,
    hiring: u64,
    store: &Store,
    bench: &Bench,
) -> Result<CursorWorkerHandle, CursorWorkerError> {
    let choose = |n| bench.faults.choose(n);
    let batch = 1 + choose(4);
    let restarts = match choose(4) {
        1 => RestartPolicy::Once,
        2 => RestartPolicy::Never,
        _ => RestartPolicy::Bounded { max_restarts: 2, within: Duration::from_secs(60) },
    };
    let restarts = bench.restarts.unwrap_or(restarts);
    let mut config = CursorWorkerConfig::default().name(job.name).batch_size(batch).restart(restarts);
    if job.is_durable {
        config = config.checkpoint(CheckpointId::new(job.name).unwrap());
    }
    if choose(4) == 1 {
        config = config.backoff(PAUSE);
    }
    let config = config.observe_gaps(job.number == 2);
    let watch = job.watch.clone();
    let (name, is_durable) = (format!("store/cursors/{}", job.name), job.is_durable);
    bench.notes.note(Happened::Hired { worker: job.number, hiring, name, watch, is_durable, batch });
    let (worker, reacts, bench) = (job.number, job.reacts, bench.clone());
    store.cursor_worker(&region(&job.watch), config, move |batch, context| {
        bench.handle(worker, hiring, reacts, batch, context)
    })
}

impl Bench {
    fn handle(
        &self,
        worker: usize,
        hiring: u64,
        reacts: bool,
        batch: &Batch,
        context: &mut HandlerContext,
    ) -> CursorWorkerAction {
        let durable = self.store.upgrade().map_or(u64::MAX, |store| store.durable().get());
        let gap_end = batch.gaps().last().map_or(0, |gap| gap.end().get());
        let end = batch.last_position().map_or(0, |last| last.get()).max(gap_end);
        let mut positions: Vec<u64> = batch.iter().map(|event| event.position().get()).collect();
        if self.bug == Some(Bug::LosesDeliveries) && positions.len() > 2 {
            positions.pop();
        }
        let (incarnation, committed) = (context.incarnation(), context.committed().get());
        let handed = Handed { worker, hiring, incarnation, committed, durable, end, positions };
        self.notes.note(Happened::Handed(handed));
        if reacts {
            batch.iter().for_each(|event| {
                let number = number_of(event.payload);
                let echo = Coordinate::new("echo", event.scope).unwrap();
                let event_of = NewEvent::raw(echo, "Echo", 1, number.to_le_bytes().to_vec());
                context.react_to(&event, event_of);
            });
        }
        self.trouble(worker)
    }

    /// What the handler says; mostly yes.
    fn trouble(&self, worker: usize) -> CursorWorkerAction {
        let say = |saying| self.notes.note(Happened::Said { worker, saying });
        match self.faults.at_handler() {
            Some(Class::HandlerPanics) => {
                say(Saying::Panic);
                panic!("simulated: a handler panics");
            }
            Some(Class::HandlerRollsBack) => {
                say(Saying::Rollback);
                return CursorWorkerAction::StopWithRollback;
            }
            Some(Class::HandlerStops) => {
                say(Saying::Yes);
                return CursorWorkerAction::Stop;
            }
            Some(Class::HandlerIsSlow) => self.faults.wait(Duration::from_millis(30)),
            Some(Class::HandlerHangs) => self.hang(worker),
            _ => {}
        }
        say(Saying::Yes);
        CursorWorkerAction::Continue
    }

    /// Hangs for an hour, in which others append and the other workers go on.
    fn hang(&self, worker: usize) {
        let half = Duration::from_secs(1_800);
        drop(self.store.upgrade().map(|store| store.submit_event(probe())));
        self.faults.wait(half);
        let durable = self.store.upgrade().map_or(0, |store| store.durable().get());
        self.faults.wait(half);
        let others = self.store.upgrade().map(|store| idle_workers(&store)).unwrap_or_default();
        if !others.is_empty() {
            self.notes.count("workers beside one that hangs");
        }
        self.notes.note(Happened::Hung { worker, durable, others });
    }
}

/// The jobs whose worker lives and is not in the middle of a turn: a turn may be one that waits below on the only stack.
fn idle_workers(store: &Store) -> Vec<usize> {
    let tree = store.tree();
    let cursors = tree.find(["cursors"]);
    let is_idle = |job: &&Job| {
        let worker = cursors.and_then(|cursors| cursors.child(job.name));
        worker.is_some_and(|worker| worker.state == ChildState::Running && worker.busy_since.is_none())
    };
    jobs().iter().filter(is_idle).map(|job| job.number).collect()
}
