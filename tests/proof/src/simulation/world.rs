//! The world: a disk, the lives of a process on it, clients and workers, and what happens to them.

use super::census::name_of;
use super::client::{Client, Desk, ENTITIES, SCOPES, have_twins, number_of};
use super::faults::{Class, Faults};
use super::history::{Death, Happened, Name, Sort, Stored};
use super::notes::Notes;
use super::plan::Plan;
use super::staff::join;
use super::worker::{self, Job};
use std::sync::Arc;
use std::time::Duration;
use timberline::storage::simulated::SimulatedDisk;
use timberline::supervisors::simulation::Simulation;
use timberline::supervisors::{Lifecycle, Received};
use timberline::{CursorWorkerHandle, Region, Reports, Store, StoredEvent};

/// One life of the process.
pub(super) struct Life {
    /// Whether it began while things went wrong.
    pub(super) has_suffered: bool,
    pub(super) store: Arc<Store>,
    pub(super) reports: Reports,
    /// A worker for each job, if one was hired.
    pub(super) workers: Vec<Option<CursorWorkerHandle>>,
    pub(super) clients: Vec<Client>,
}

/// A disk, and what happens on it.
pub(super) struct World {
    pub(super) simulation: Arc<Simulation>,
    pub(super) plan: Plan,
    pub(super) faults: Arc<Faults>,
    pub(super) notes: Notes,
    pub(super) disk: SimulatedDisk,
    pub(super) jobs: Vec<Job>,
    pub(super) life: Option<Life>,
    /// Appends asked for so far.
    pub(super) appends: usize,
    pub(super) hirings: u64,
}

impl World {
    pub(super) fn new(simulation: Arc<Simulation>, plan: Plan, notes: Notes) -> World {
        let faults = Faults::new(&simulation, &plan, notes.clone());
        let disk = SimulatedDisk::new();
        faults.attach(&simulation, &disk);
        let jobs = worker::jobs();
        World { simulation, plan, faults, notes, disk, jobs, life: None, appends: 0, hirings: 0 }
    }

    pub(super) fn choose(&self, n: usize) -> usize {
        self.simulation.choose(n)
    }

    /// All lives with faults. The last may go on when everything heals: what failed in it has to mend there.
    pub(super) fn suffer(&mut self) {
        let mut rounds = self.plan.lives * self.plan.rounds;
        while rounds > 0 {
            self.open();
            for _ in 0..self.plan.rounds.min(rounds) {
                if self.is_over() || self.wants_reopening() && self.choose(4) == 0 {
                    break;
                }
                rounds -= 1;
                self.round();
            }
            rounds = rounds.saturating_sub(1);
            if rounds > 0 || self.is_over() || self.choose(2) == 1 {
                self.end();
            }
        }
    }

    /// A client was told that this store takes no more appends.
    fn wants_reopening(&self) -> bool {
        self.life.iter().flat_map(|life| &life.clients).any(Client::wants_reopening)
    }

    /// Whether the process is dead.
    fn is_over(&self) -> bool {
        self.notes.is_dead() || self.life.is_none()
    }

    /// The actors go on, and someone does something.
    fn round(&mut self) {
        let steps = [12, 0, 1, 3, 40, 200][self.choose(6)];
        for _ in 0..steps {
            if !self.simulation.step() {
                break;
            }
            if self.has_twins_in_flight() {
                self.collect(); // who is answered in one step was stored in one turn
            }
        }
        self.collect();
        if self.is_over() {
            return;
        }
        match self.choose(12) {
            1 => self.disturb(),
            2 | 3 => self.tend_workers(),
            _ => self.act(),
        }
        self.collect();
    }

    /// Whether two appends with the same key wait for their answers.
    fn has_twins_in_flight(&self) -> bool {
        let mut keys: Vec<u64> =
            self.life.iter().flat_map(|life| &life.clients).flat_map(Client::keys).collect();
        keys.sort_unstable();
        keys.windows(2).any(|pair| pair[0] == pair[1])
    }

    fn act(&mut self) {
        let number = self.choose(self.plan.clients);
        let Some(life) = &mut self.life else { return };
        let store = Arc::clone(&life.store);
        let mut desk = Desk {
            store: &store,
            faults: &self.faults,
            notes: &self.notes,
            appends: &mut self.appends,
            batch: self.plan.batch,
            is_gone: self.plan.callers_are_gone,
        };
        life.clients[number].act(&mut desk);
    }

    /// Clients take the answers that are there; what the supervisors report is noted.
    pub(super) fn collect(&mut self) {
        if self.notes.is_dead() {
            return;
        }
        let Some(life) = &mut self.life else { return };
        life.clients.iter_mut().for_each(|client| client.collect(&self.notes));
        let keyed: Vec<_> = life.clients.iter_mut().flat_map(Client::take_keyed).collect();
        if have_twins(&keyed) {
            self.notes.count("a key twice in one turn");
        }
        self.collect_reports();
    }

    /// Before a name is given to another child, too: a report tells only the name.
    pub(super) fn collect_reports(&self) {
        let Some(life) = &self.life else { return };
        while let Some(received) = life.reports.try_recv() {
            if let Received::Report(report) = received
                && let Lifecycle::Restarting { of, within, .. } = report.what
            {
                self.notes.note(Happened::Restarting {
                    child: format!("{}/{}", report.supervisor, report.child),
                    at: report.at.as_nanos(),
                    of,
                    within: within.map(|within| within.as_nanos() as u64),
                });
            }
        }
    }

    /// Something happens to the process, the clock, or the workers.
    fn disturb(&mut self) {
        match self.choose(12) {
            1 if self.faults.happens(Class::Kill, 2) => self.bury(Death::Killed),
            2 if self.faults.happens(Class::PowerCut, 2) => self.bury(Death::PowerCut),
            3 | 4 if self.faults.happens(Class::ClockJumps, 1) => {
                let hours = [1, -1, 24 * 365, -24 * 365][self.choose(4)];
                self.simulation.set_wall_clock(hours * 3_600_000_000);
            }
            5 => self.close(),
            6 => self.stop_worker(),
            7 => self.open_beside(),
            8 => drop(self.simulation.run_for(Duration::from_millis(150))),
            9 => self.hire_wrongly(),
            _ => {}
        }
    }

    /// The life ends, if it has not.
    fn end(&mut self) {
        if self.notes.is_dead() {
            let death = [Death::PowerCut, Death::Killed][self.choose(2)];
            return self.bury(death);
        }
        if self.life.is_none() {
            return;
        }
        match self.choose(3) {
            1 if self.faults.has(Class::Kill) => self.bury(Death::Killed),
            2 if self.faults.has(Class::PowerCut) => self.bury(Death::PowerCut),
            _ => self.close(),
        }
    }

    /// Closes the store in good order; what is in flight is answered or said to be unknown.
    fn close(&mut self) {
        let Some(life) = &self.life else { return };
        let store = Arc::clone(&life.store);
        if let Err(error) = store.close() {
            self.notes.count(format!("CloseError::{}", name_of(&error)));
        }
        if self.notes.is_dead() {
            drop(store);
            let death = [Death::Killed, Death::PowerCut][self.choose(2)];
            return self.bury(death);
        }
        self.collect();
        self.try_after_close(&store);
        if let Some(mut life) = self.life.take() {
            let waiting: usize = life.clients.iter().map(Client::waits_for).sum();
            assert_eq!(waiting, 0, "a closed store owes answers");
            life.workers.iter_mut().filter_map(Option::take).for_each(|worker| join(worker, &self.notes));
        }
        self.notes.note(Happened::Died(Death::Closed));
        self.faults.replace_disk();
    }

    /// After a close every call says so.
    fn try_after_close(&self, store: &Store) {
        let append = store.append_event(super::client::step("a0", "s0", u64::MAX, false));
        let error = append.expect_err("a closed store takes nothing");
        self.notes.count(format!("AppendError::{}", name_of(&error)));
        let read = store.read(&Region::all()).next();
        let error = read.expect("it says something").expect_err("a closed store reads nothing");
        self.notes.count(format!("ReadError::{}", name_of(&error)));
        let again = store.close().expect_err("it is closed");
        self.notes.count(format!("CloseError::{}", name_of(&again)));
        let config = timberline::CursorWorkerConfig::default();
        let worker = store.cursor_worker(&Region::all(), config, |_, _| timberline::CursorWorkerAction::Stop);
        let error = worker.expect_err("a closed store hires nobody");
        self.notes.count(format!("CursorWorkerError::{}", name_of(&error)));
    }

    /// The process dies; what is left of it is dropped before the next one comes.
    pub(super) fn bury(&mut self, death: Death) {
        self.notes.set_dead(true);
        self.simulation.halt();
        let image = self.disk.image();
        drop(self.life.take());
        let image = match death {
            Death::PowerCut => image.crash(&mut |n| self.simulation.choose(n)),
            _ => image,
        };
        self.disk = SimulatedDisk::from_image(image);
        self.faults.replace_disk();
        self.faults.attach(&self.simulation, &self.disk);
        self.simulation.revive();
        self.notes.set_dead(false);
        self.notes.note(Happened::Died(death));
    }
}

/// A name as the history has it: those of these worlds are known.
fn name(text: &str) -> Name {
    let mut known = ENTITIES.into_iter().chain(SCOPES).chain(["echo"]);
    known.find(|known| *known == text).map_or_else(|| Name::Owned(text.to_owned()), Name::Borrowed)
}

/// An event as the history has it.
pub(super) fn stored(event: &StoredEvent) -> Stored {
    let sort = match event.kind() {
        "Step" => Sort::Step,
        "Echo" => Sort::Reaction,
        _ => Sort::Denial,
    };
    Stored {
        id: event.id(),
        position: event.position().get(),
        version: event.version().get(),
        number: if sort == Sort::Denial { 0 } else { number_of(event.payload()) },
        sort,
        entity: name(event.entity()),
        scope: name(event.scope()),
        causes: event.causes().iter().map(|id| id.position().get()).collect(),
        correlation: event.correlation().position().get(),
        time: event.time_micros(),
    }
}
