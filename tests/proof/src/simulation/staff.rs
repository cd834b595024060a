//! Who works in the world: workers are hired, found to have ended, stopped, and hired wrongly.

use super::census::name_of;
use super::notes::Notes;
use super::worker::{self, Bench};
use super::world::World;
use std::sync::Arc;
use timberline::{
    Batch, CheckpointId, CursorWorkerAction, CursorWorkerConfig, CursorWorkerHandle, CursorWorkerState,
    HandlerContext, Region,
};

impl World {
    /// Hires who is missing, lets go of who has ended.
    pub(super) fn tend_workers(&mut self) {
        for number in 0..self.jobs.len() {
            let Some(life) = &mut self.life else { return };
            // To look at a worker may read the index, which is nothing that happens to the world.
            self.faults.pause(true);
            let ended = life.workers[number].take_if(|worker| has_ended(worker));
            self.faults.pause(false);
            ended.into_iter().for_each(|worker| join(worker, &self.notes));
            if life.workers[number].is_none() {
                self.hire(number);
            }
            if self.notes.is_dead() {
                return;
            }
        }
    }

    fn hire(&mut self, number: usize) {
        self.collect_reports();
        let Some(life) = &mut self.life else { return };
        self.hirings += 1;
        let bench = Bench {
            faults: Arc::clone(&self.faults),
            notes: self.notes.clone(),
            store: Arc::downgrade(&life.store),
            bug: self.plan.bug,
            restarts: self.plan.restarts,
        };
        match worker::hire(&self.jobs[number], self.hirings, &life.store, &bench) {
            Ok(worker) => life.workers[number] = Some(worker),
            Err(error) => self.notes.count(format!("CursorWorkerError::{}", name_of(&error))),
        }
    }

    pub(super) fn stop_worker(&mut self) {
        let number = self.choose(self.jobs.len());
        let Some(life) = &mut self.life else { return };
        let Some(worker) = life.workers[number].take() else { return };
        worker.stop();
        join(worker, &self.notes);
    }

    /// What must be refused, and change nothing.
    pub(super) fn hire_wrongly(&mut self) {
        let Some(life) = &mut self.life else { return };
        let handler = |_: &Batch, _: &mut HandlerContext| CursorWorkerAction::StopWithRollback;
        let tally =
            || CursorWorkerConfig::default().name("wrong").checkpoint(CheckpointId::new("tally").unwrap());
        let config = [tally(), tally().batch_size(0)][self.simulation.choose(2)].clone();
        let region = if life.workers[1].is_some() { "a" } else { "b" };
        match life.store.cursor_worker(&Region::entity_prefix(region), config, handler) {
            Ok(worker) => join(worker, &self.notes), // its checkpoint is not there yet, or it has ended since
            Err(error) => self.notes.count(format!("CursorWorkerError::{}", name_of(&error))),
        }
    }
}

fn has_ended(worker: &CursorWorkerHandle) -> bool {
    worker.status().state == CursorWorkerState::Ended
}

/// Waits for a worker's end and counts how it was.
pub(super) fn join(worker: CursorWorkerHandle, notes: &Notes) {
    match worker.join() {
        Ok(()) => notes.count("worker ended in order"),
        Err(error) => notes.count(format!("CursorWorkerError::{}", name_of(&error))),
    }
}
