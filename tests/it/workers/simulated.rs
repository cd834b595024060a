//! A durable worker that reacts, in a simulated world with panics, rollbacks, stops, power cuts: the audit of what it
//! was handed.

use super::support::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use timberline::storage::simulated::{Seeded as DiskSeeded, SimulatedDisk};
use timberline::supervisors::simulation::{Seeded, Simulation};
use timberline::{
    Batch, Config, CursorWorkerAction, CursorWorkerConfig, CursorWorkerHandle, Durability, HandlerContext,
    Position, RestartPolicy, Store,
};

/// One batch as it was handed out: the worker, its incarnation, after which position, the steps.
#[derive(Debug, Clone)]
struct Handed {
    worker: usize,
    incarnation: u64,
    committed: Position,
    steps: Vec<u64>,
}

struct Audit {
    seed: u64,
    simulation: Simulation,
    handed: Arc<Mutex<Vec<Handed>>>,
    workers: usize,
    next_step: u64,
}

const DONE: u64 = 1_000_000;

impl Audit {
    fn new(seed: u64) -> Self {
        let simulation = Simulation::new(Seeded::new(seed));
        Self { seed, simulation, handed: Arc::default(), workers: 0, next_step: 0 }
    }

    fn open(&self, disk: &SimulatedDisk) -> Store {
        let config = Config::new("simulated").preallocate_bytes(4 << 10);
        let store = Store::builder(config).simulated(self.simulation.runtime(), Arc::new(disk.clone()));
        store.open().unwrap()
    }

    /// A worker that makes trouble with the chance of one in `trouble`; none if that is 0.
    fn worker(&mut self, store: &Store, trouble: usize) -> CursorWorkerHandle {
        self.workers += 1;
        let (worker, handed) = (self.workers, Arc::clone(&self.handed));
        let mut chance = DiskSeeded::new(self.seed * 1_000 + worker as u64);
        let policy = RestartPolicy::Bounded { max_restarts: 2, within: Duration::from_secs(60) };
        let config =
            CursorWorkerConfig::default().batch_size(1 + self.simulation.choose(3)).checkpoint(id("audited"));
        let handler = move |batch: &Batch, context: &mut HandlerContext| -> CursorWorkerAction {
            let (incarnation, committed, steps) =
                (context.incarnation(), context.committed(), numbers(batch));
            let is_done = steps.contains(&DONE);
            handed.lock().unwrap().push(Handed { worker, incarnation, committed, steps });
            for event in batch {
                context.react_to(&event, echo(event.payload_as::<Step>().unwrap().0));
            }
            match if trouble == 0 { 9 } else { chance.choose(trouble) } {
                0 => panic!("simulated"),
                1 => StopWithRollback,
                2 => Stop,
                _ if is_done => Stop,
                _ => Continue,
            }
        };
        store.cursor_worker(&steps(), config.restart(policy), handler).unwrap()
    }

    /// Opens the store, does this and that, and gives the disk of the next life.
    fn life(&mut self, disk: &SimulatedDisk) -> SimulatedDisk {
        let store = self.open(disk);
        let mut worker = self.worker(&store, 20);
        for _ in 0..40 {
            match self.simulation.choose(8) {
                0 => {
                    worker.stop();
                    let _ = worker.join();
                    worker = self.worker(&store, 20);
                }
                1 | 2 => {
                    let mut steps = self.simulation.choose(30);
                    while steps > 0 && self.simulation.step() {
                        steps -= 1;
                    }
                }
                choice => {
                    self.next_step += 1;
                    let durability = if choice < 5 { Durability::Durable } else { Durability::Buffered };
                    store.append_event(step(self.next_step).durability(durability)).unwrap();
                }
            }
            if worker.status().state == timberline::CursorWorkerState::Ended {
                worker = self.worker(&store, 20);
            }
        }
        if self.simulation.choose(3) == 0 {
            store.close().unwrap();
            return disk.clone();
        }
        let crashed = disk.crash(&mut |count| self.simulation.choose(count));
        // What the old life does until it is gone, nobody will ever know.
        let known = self.handed.lock().unwrap().len();
        drop((worker, store));
        self.handed.lock().unwrap().truncate(known);
        crashed
    }

    /// Holds everything that was handed out against the rules of delivery.
    fn check(&self, store: &Store) {
        let stored: Vec<u64> =
            store.read(&steps()).map(|event| event.unwrap().payload_as::<Step>().unwrap().0).collect();
        let handed = self.handed.lock().unwrap();
        for life in
            handed.chunk_by(|one, next| (one.worker, one.incarnation) == (next.worker, next.incarnation))
        {
            let steps: Vec<u64> = life.iter().flat_map(|handed| handed.steps.clone()).collect();
            let begin = stored.iter().position(|step| *step == steps[0]);
            let begin = begin
                .unwrap_or_else(|| panic!("seed {}: {} was handed out and vanished", self.seed, steps[0]));
            let end = begin + steps.len();
            assert_eq!(stored.get(begin..end), Some(&steps[..]), "seed {}: a life has a hole", self.seed);
        }
        for (one, next) in handed.iter().zip(handed.iter().skip(1)) {
            let (last, first) = (one.steps[one.steps.len() - 1], next.steps[0]);
            let place = |step: u64| stored.iter().position(|stored| *stored == step).unwrap();
            assert!(place(first) <= place(last) + 1, "seed {}: {last} is followed by {first}", self.seed);
            assert!(next.committed >= one.committed, "seed {}: a checkpoint went back", self.seed);
        }
        assert_eq!(echoes(store), once_each(stored), "seed {}", self.seed);
    }
}

fn audit(seed: u64) {
    let mut audit = Audit::new(seed);
    let mut disk = SimulatedDisk::new();
    for _ in 0..4 {
        disk = audit.life(&disk);
    }
    let store = audit.open(&disk);
    append(&store, [DONE]);
    let last = audit.worker(&store, 0);
    last.join().unwrap();
    audit.check(&store);
    assert!(store.verify().unwrap().is_intact(), "seed {seed}");
    store.close().unwrap();
}

/// Reactions commit in the same frame as the checkpoint: kill the process anywhere and after recovery every source event has its reaction exactly once.
#[test]
fn under_panics_rollbacks_stops_and_power_cuts_every_event_is_handled_in_order_and_every_reaction_is_there_once()
 {
    let seeds = std::env::var("TIMBERLINE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(60);
    (0..seeds).for_each(audit);
}
