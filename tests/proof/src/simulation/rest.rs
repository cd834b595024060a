//! The end of a run: everything heals, and everything must converge.

use super::client::{Client, ENTITIES, probe, region, step};
use super::history::{Happened, Stored, Watch};
use super::world::{World, stored};
use std::collections::{BTreeMap, BTreeSet};
use timberline::supervisors::CallError;
use timberline::{
    AppendError, AppendOptions, CursorWorkerState, Durability, EventId, GraphOptions, Region, Retry, Store,
};

/// A world that takes more steps than this to come to rest never will.
const STEPS_MAX: u64 = 200_000;
/// Of every so many events the effects are looked up.
const EFFECTS_OF_EACH: u64 = 4;
/// Trials until a store takes appends again.
const TRIALS_MAX: usize = 4;

impl World {
    /// Heals everything, waits for rest, and looks at what is there.
    pub(super) fn recover(&mut self) {
        self.faults.heal();
        // Before anything is opened again: whatever failed, the supervisors have mended it, or have said that they cannot.
        self.settle();
        self.reopen_until_it_works();
        self.settle();
        self.hire_all();
        self.settle();
        self.end_quietly();
        self.settle();
        self.check_workers();
        let Some(life) = &self.life else { panic!("the store is open") };
        let store = std::sync::Arc::clone(&life.store);
        let log = self.log(&store);
        self.check_store(&store, &log);
        self.notes.note(Happened::Rested(log.clone()));
        drop(store);
        self.close_cleanly(&log);
    }

    /// The disk is healthy: a store that takes no appends does when it is opened again.
    fn reopen_until_it_works(&mut self) {
        for _ in 0..TRIALS_MAX {
            if self.life.is_none() {
                self.open();
            }
            let Some(life) = &self.life else { continue };
            let probe = life.store.append_event(probe());
            match probe {
                Ok(_) => return,
                Err(error) if error.retry() == Retry::Never => panic!("a probe is refused: {error}"),
                Err(error) if has_not_answered(&error) => {
                    panic!("a store that says it works is silent: {error}")
                }
                Err(_) => self.close_anyhow(),
            }
        }
        panic!("a store on a healthy disk takes no appends");
    }

    fn close_anyhow(&mut self) {
        let Some(life) = &self.life else { return };
        let _ = life.store.close();
        self.collect();
        self.life = None;
        self.notes.note(Happened::Died(super::history::Death::Closed));
    }

    /// Runs until nothing is left to happen; then nobody may be waiting.
    fn settle(&mut self) {
        let begun = self.simulation.steps();
        while self.simulation.step() {
            assert!(self.simulation.steps() - begun < STEPS_MAX, "the world does not come to rest");
        }
        self.collect();
        let waiting = self.life.iter().flat_map(|life| &life.clients).map(Client::waits_for);
        let waiting: usize = waiting.sum();
        assert_eq!(waiting, 0, "appends wait for answers that nothing can give");
    }

    fn hire_all(&mut self) {
        for _ in 0..3 {
            self.tend_workers();
            self.settle();
        }
    }

    /// Appends for which nobody waits until the disk has them: they must get there by themselves, and to the workers,
    /// also to one that comes between two of them.
    fn end_quietly(&mut self) {
        const TALLY: usize = 1;
        let tally = self.life.as_mut().and_then(|life| life.workers[TALLY].take());
        tally.into_iter().for_each(|worker| {
            worker.stop();
            super::staff::join(worker, &self.notes);
        });
        self.append_buffered("a0", u64::MAX - 2);
        self.tend_workers();
        self.append_buffered("b0", u64::MAX - 3);
    }

    fn append_buffered(&self, entity: &str, number: u64) {
        let Some(life) = &self.life else { panic!("the store is open") };
        let options = AppendOptions::new().durability(Durability::Buffered);
        let event = step(entity, "s0", number, false).with(options);
        life.store.append_event(event).expect("a healthy store stores");
    }

    fn check_workers(&self) {
        let Some(life) = &self.life else { panic!("the store is open") };
        for (job, worker) in self.jobs.iter().zip(&life.workers) {
            let status = worker.as_ref().unwrap_or_else(|| panic!("{} is not hired", job.name)).status();
            assert!(status.state == CursorWorkerState::Idle, "{} did not converge: {status:?}", job.name);
        }
    }

    /// Every lookup against a full read.
    fn check_store(&self, store: &Store, log: &[Stored]) {
        let report = store.verify().expect("a healthy disk reads");
        assert!(report.is_intact(), "{:?}", report.problems);
        assert_eq!(report.events, log.len() as u64, "verification counts other events than a read");
        let last = log.last().map_or(0, |event| event.position);
        assert_eq!(report.last.get(), report.events + report.gap_positions, "positions are not dense");
        assert!(last <= report.last.get());
        assert_eq!(store.written(), report.last);
        assert_eq!(store.durable(), report.last, "at rest everything is on the disk");
        let entities: BTreeSet<&str> = log.iter().map(|event| &*event.entity).collect();
        assert_eq!(store.stats().entities, entities.len() as u64, "the entities are counted");
        let mut watches = vec![Watch::Steps, Watch::Prefix("a".into()), Watch::Scope("s1".into())];
        watches.extend(ENTITIES.iter().map(|entity| Watch::Entity((*entity).into())));
        watches.iter().for_each(|watch| check_region(store, log, watch));
        for entity in ENTITIES {
            let version = log.iter().filter(|event| event.entity == entity).count() as u64;
            assert_eq!(store.last_version(entity).unwrap().get(), version, "the version of {entity}");
        }
        check_ids(store, log);
    }

    /// Closes; what is opened then, for reading or writing, holds the same.
    fn close_cleanly(&mut self, log: &[Stored]) {
        let Some(life) = self.life.take() else { panic!("the store is open") };
        for worker in life.workers.into_iter().flatten() {
            worker.stop();
            super::staff::join(worker, &self.notes);
        }
        let report = life.store.close().expect("a healthy store closes");
        // What had used up its budget before everything healed is told.
        assert!(report.is_clean() || life.has_suffered, "{report}");
        drop(life.store);
        let reader = self.builder(self.config()).open_read_only().expect("it is there");
        let read = reader.read(&Region::all()).map(|event| stored(&event.unwrap()));
        assert!(read.eq(log.iter().cloned()), "opened for reading it holds something else");
        let store = self.builder(self.config()).open().expect("a closed store opens");
        assert!(store.recovery().is_some_and(|recovery| recovery.closed), "it was closed");
        self.count_closed();
        assert!(self.log(&store) == log, "opened again the store holds something else");
        store.close().expect("it closes again");
    }

    fn count_closed(&self) {
        self.notes.count("recovery closed");
    }
}

/// Whether the caller's time was over before anything was said. At rest nothing can be so slow.
fn has_not_answered(error: &AppendError) -> bool {
    let deadline = CallError::DeadlineExceeded.to_string();
    matches!(error, AppendError::Indeterminate { why } if *why == deadline)
}

fn check_region(store: &Store, log: &[Stored], watch: &Watch) {
    let read: Vec<u64> = store.read(&region(watch)).map(|event| event.unwrap().position().get()).collect();
    let naive: Vec<u64> =
        log.iter().filter(|event| watch.matches(event)).map(|event| event.position).collect();
    assert_eq!(read, naive, "the index answers otherwise for {watch:?}");
}

/// Each event by its id, and the effects of some.
fn check_ids(store: &Store, log: &[Stored]) {
    let mut effects: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for event in log {
        event.causes.iter().for_each(|cause| effects.entry(*cause).or_default().push(event.position));
    }
    for id in log.iter().map(|event| event.id) {
        let found = store.get(id).unwrap().map(|event| event.position());
        assert_eq!(found, Some(id.position()), "an event is not found by its id");
        if id.position().get().is_multiple_of(EFFECTS_OF_EACH) {
            check_effects(store, id, effects.remove(&id.position().get()).unwrap_or_default());
        }
    }
}

fn check_effects(store: &Store, id: EventId, mut naive: Vec<u64>) {
    let graph = store.effects_with(id, GraphOptions::new().depth(1)).unwrap();
    let positions = graph.nodes.iter().map(|node| node.id.position().get());
    let mut seen: Vec<u64> = positions.filter(|at| *at != id.position().get()).collect();
    seen.sort_unstable();
    naive.dedup();
    assert_eq!(seen, naive, "the effects of {id}");
}
