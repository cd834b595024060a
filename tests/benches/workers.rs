//! Cursor workers: how fast they read, how soon they hear, what they cost when there is nothing to do.

use crate::measure::scratch;
use crate::{event, filled};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use timberline::{
    CheckpointId, Config, Coordinate, CursorWorkerAction, CursorWorkerConfig, CursorWorkerHandle, Durability,
    NewEvent, Region, Store,
};

/// The rate over the first or the second half of a million events, with their payloads.
pub(crate) fn scan(half: usize) -> f64 {
    let (dir, count) = (scratch(), 1_000_000);
    let store = filled(Config::new(dir.path()), count);
    let (tell, told) = channel();
    let (mut seen, mut sum) = (0_u64, 0_u64);
    let began = Instant::now();
    let config = CursorWorkerConfig::default().batch_size(4_096);
    let worker = store.cursor_worker(&Region::all(), config, move |batch, _| {
        for event in batch {
            sum += event.payload.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        }
        let before = seen;
        seen += batch.len() as u64;
        if before < count / 2 && seen >= count / 2 || seen == count {
            tell.send((Instant::now(), seen, sum)).unwrap();
        }
        CursorWorkerAction::Continue
    });
    let _worker = worker.unwrap();
    let (middle, at_middle, _) = told.recv().unwrap();
    let (end, at_end, _) = told.recv().unwrap();
    match half {
        0 => at_middle as f64 / (middle - began).as_secs_f64(),
        _ => (at_end - at_middle) as f64 / (end - middle).as_secs_f64(),
    }
}

pub(crate) fn checkpointed() -> f64 {
    let (dir, count) = (scratch(), 300_000);
    let store = filled(Config::new(dir.path()), count);
    let (tell, told) = channel();
    let mut seen = 0;
    let config =
        CursorWorkerConfig::default().batch_size(4_096).checkpoint(CheckpointId::new("bench").unwrap());
    let began = Instant::now();
    let worker = store.cursor_worker(&Region::all(), config, move |batch, _| {
        seen += batch.len() as u64;
        if seen == count {
            tell.send(()).unwrap();
        }
        CursorWorkerAction::Continue
    });
    let _worker = worker.unwrap();
    told.recv().unwrap();
    count as f64 / began.elapsed().as_secs_f64()
}

/// What else goes on while it is measured how soon a worker hears.
#[derive(Clone, Copy)]
pub(crate) struct Crowd {
    /// Workers that live; one of them is for the events that are measured.
    pub(crate) workers: u64,
    /// Whether another thread appends, one event after the other, what no worker is for.
    pub(crate) is_loaded: bool,
}

/// A thousand times, in microseconds, from before the append to inside the handler of the one worker it is for.
pub(crate) fn latency(durability: Durability, crowd: Crowd) -> Vec<f64> {
    let dir = scratch();
    let store = Store::open(Config::new(dir.path())).unwrap();
    let (tell, told) = channel();
    let (region, config) = (Region::scope("measured"), CursorWorkerConfig::default());
    let worker = store.cursor_worker(&region, config, move |_, _| {
        tell.send(Instant::now()).unwrap();
        CursorWorkerAction::Continue
    });
    let _worker = worker.unwrap();
    let _bystanders = bystanders(&store, crowd.workers - 1);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        if crowd.is_loaded {
            scope.spawn(|| load(&store, durability, &is_over));
        }
        let micros = (0..1_000).map(|number| time_to_hear(&store, number, durability, &told)).collect();
        is_over.store(true, Ordering::Relaxed);
        micros
    })
}

fn time_to_hear(store: &Store, number: u64, durability: Durability, told: &Receiver<Instant>) -> f64 {
    let coordinate = Coordinate::new(format!("entity-{number}"), "measured").unwrap();
    let event = NewEvent::raw(coordinate, "Benched", 1, vec![7; 128]).durability(durability);
    let began = Instant::now();
    store.append_event(event).unwrap();
    let heard = told.recv().unwrap();
    // Long enough for the worker to go to sleep again.
    std::thread::sleep(Duration::from_micros(300));
    (heard - began).as_secs_f64() * 1e6
}

fn load(store: &Store, durability: Durability, is_over: &AtomicBool) {
    for number in 0.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        store.append_event(event(number, durability)).unwrap();
    }
}

/// Workers, each for an entity that nobody appends to.
fn bystanders(store: &Store, count: u64) -> Vec<CursorWorkerHandle> {
    let bystander = |number| {
        let region = Region::entity(format!("bystander-{number}"));
        let config = CursorWorkerConfig::default();
        store.cursor_worker(&region, config, |_, _| CursorWorkerAction::Continue).unwrap()
    };
    (0..count).map(bystander).collect()
}

/// How many events a second are appended, a hundred at a time, beside workers that none of them is for.
pub(crate) fn appends_beside(workers: u64) -> f64 {
    let (dir, count) = (scratch(), 200_000);
    let store = Store::open(Config::new(dir.path())).unwrap();
    let _bystanders = bystanders(&store, workers);
    let began = Instant::now();
    for first in (0..count).step_by(100) {
        let batch = (first..first + 100).map(|number| event(number, Durability::Buffered));
        store.append_batch(batch.collect()).unwrap();
    }
    count as f64 / began.elapsed().as_secs_f64()
}

/// Milliseconds of CPU that 200 workers with nothing to do use in five seconds.
pub(crate) fn idle_cpu() -> f64 {
    let dir = scratch();
    let store = Store::open(Config::new(dir.path())).unwrap();
    let start = |_| {
        store
            .cursor_worker(&Region::all(), CursorWorkerConfig::default(), |_, _| CursorWorkerAction::Continue)
    };
    let workers: Vec<_> = (0..200).map(|number| start(number).unwrap()).collect();
    let before = cpu_millis();
    std::thread::sleep(Duration::from_secs(5));
    let used = cpu_millis() - before;
    drop(workers);
    used
}

/// CPU time of this process, where the system tells it.
fn cpu_millis() -> f64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0.0 };
    let of_task = |entry: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(entry.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    tasks.filter_map(of_task).sum::<f64>() / 1e6
}
