//! The window of a restart budget, in virtual time.

use super::support::*;
use std::sync::Arc;
use std::time::Duration;
use timberline::storage::simulated::SimulatedDisk;
use timberline::supervisors::simulation::{Seeded, Simulation};
use timberline::{
    Backoff, Config, CursorWorkerConfig, CursorWorkerError, CursorWorkerState, RestartPolicy, Store,
};

const SECOND: u64 = 1_000;

/// A store and its world, in which only what the test does happens.
struct World {
    simulation: Simulation,
    store: Store,
}

impl World {
    fn new(seed: u64) -> Self {
        let simulation = Simulation::new(Seeded::new(seed));
        let disk = Arc::new(SimulatedDisk::new());
        let config = Config::new("simulated").preallocate_bytes(4 << 10);
        let store = Store::builder(config).simulated(simulation.runtime(), disk).open().unwrap();
        Self { simulation, store }
    }

    /// Lets the time go on to that many milliseconds after the beginning.
    fn go_to(&self, began: timberline::supervisors::Time, millis: u64) {
        let gone = self.simulation.now() - began;
        self.simulation.run_for(Duration::from_millis(millis).saturating_sub(gone));
    }
}

fn bounded(max_restarts: u32, within: Duration) -> CursorWorkerConfig {
    // The deadline times the restarts must fit into the window.
    one_by_one()
        .restart(RestartPolicy::Bounded { max_restarts, within })
        .shutdown_deadline(Duration::from_millis(1))
}

/// Whether a worker lives after its handler has panicked at these times, in milliseconds, once each. It may not
/// panic again after its budget is exhausted.
#[track_caller]
fn panics_survived(config: CursorWorkerConfig, at: &[u64]) -> usize {
    let world = World::new(at.iter().sum());
    let counts = Counts::default();
    let worker = world
        .store
        .cursor_worker(&steps(), config, move |batch, _| {
            assert!(counts.count(numbers(batch)[0]) > 1, "the first time is too much");
            Continue
        })
        .unwrap();
    let began = world.simulation.now();
    for (number, millis) in at.iter().enumerate() {
        world.go_to(began, *millis);
        append(&world.store, [number as u64]);
        world.simulation.settle();
        if worker.status().state == CursorWorkerState::Ended {
            let ended = worker.join();
            assert!(matches!(ended, Err(CursorWorkerError::RestartBudgetExhausted { .. })), "{ended:?}");
            return number;
        }
    }
    worker.stop_and_join().unwrap();
    at.len()
}

/// The window slides: with `max_restarts: 2, within: 10 s`, panics at 0, 9, 9.5 s exhaust it, and panics at 0, 9, 10.5 s do not. No boundary lets through more than n.
#[test]
fn the_window_slides_panics_at_0_9_and_9_5_s_exhaust_it_and_panics_at_0_9_and_10_5_s_do_not() {
    let config = || bounded(2, Duration::from_secs(10));
    assert_eq!(panics_survived(config(), &[0, 9_000, 9_500]), 2);
    assert_eq!(panics_survived(config(), &[0, 9_000, 10_500]), 3);
    // A window that began anew at 10 s would let these through.
    assert_eq!(panics_survived(config(), &[0, 9_000, 10_500, 11_000]), 3);
    assert_eq!(panics_survived(config(), &[9_000, 9_500, 10_500]), 2);
    assert_eq!(panics_survived(config(), &[0, 9_000, 10_500, 19_500, 21_000, 30_000]), 6);
}

/// The window slides: with `max_restarts: 2, within: 10 s`, panics at 0, 9, 9.5 s exhaust it, and panics at 0, 9, 10.5 s do not. No boundary lets through more than n.
#[test]
fn no_boundary_of_the_window_lets_through_more_than_n() {
    let mut seeded = timberline::storage::simulated::Seeded::new(11);
    for _ in 0..60 {
        let most = 1 + seeded.choose(3);
        let mut now = 0;
        let at: Vec<u64> = (0..12)
            .map(|_| {
                now += SECOND / 2 * seeded.choose(16) as u64;
                now
            })
            .collect();
        let survived = panics_survived(bounded(most as u32, Duration::from_secs(10)), &at);
        // Counted from each panic by itself: no ten seconds hold more than `most` panics that were survived.
        for (first, begin) in at[..survived].iter().enumerate() {
            let inside = at[first..survived].iter().filter(|time| **time - begin < 10 * SECOND).count();
            assert!(inside <= most, "{inside} of {most} after {begin} ms: {at:?}");
        }
        if let Some(last) = at.get(survived) {
            let before = at[..survived].iter().filter(|time| last - **time <= 10 * SECOND).count();
            assert!(before >= most, "given up at {last} ms after {before} of {most}: {at:?}");
        }
    }
}

#[test]
fn once_is_one_restart_in_the_workers_life_however_long_that_is() {
    let config = || one_by_one().restart(RestartPolicy::Once);
    assert_eq!(panics_survived(config(), &[0, 365 * 24 * 3_600 * SECOND]), 1);
}

#[test]
fn a_restart_waits_as_long_as_its_backoff_says_and_the_batch_comes_after_it() {
    let world = World::new(3);
    let backoff =
        Backoff { initial: Duration::from_secs(2), max: Duration::from_secs(5), factor: 2.0, jitter: 0.0 };
    let config = bounded(3, Duration::from_secs(3_600)).backoff(backoff);
    let (tell, seen) = seen();
    let clock = world.simulation.runtime();
    let worker = world
        .store
        .cursor_worker(&steps(), config, move |_, context| {
            tell.send(clock.now()).unwrap();
            assert!(context.attempt() > 3, "not yet");
            Continue
        })
        .unwrap();
    append(&world.store, [1]);
    world.simulation.run_for(Duration::from_secs(60));
    let times = seen.rest();
    let waits: Vec<u64> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    assert_eq!(waits, [2, 4, 5]);
    worker.stop_and_join().unwrap();
}

/// A durable worker (with a `CheckpointId`) sees only durable events.
#[test]
fn a_durable_worker_that_looks_by_itself_finds_no_event_that_could_still_vanish() {
    let world = World::new(5);
    world.store.append_event(step(1).durability(timberline::Durability::Buffered)).unwrap();
    let (tell, seen) = seen();
    let worker =
        world.store.cursor_worker(&steps(), one_by_one().checkpoint(id("late")), telling(tell)).unwrap();
    // Everything that can happen without the flush timer.
    world.simulation.settle();
    assert_eq!((world.store.written().get(), world.store.durable().get()), (1, 0));
    assert_eq!(seen.rest(), Vec::<Vec<u64>>::new());
    world.simulation.run_for(Duration::from_secs(1));
    assert_eq!(seen.rest(), [[1]], "the flush wakes it");
    worker.stop_and_join().unwrap();
}
