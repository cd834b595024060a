//! How a life of the process begins: the config, the store, and what its opening found.

use super::census::name_of;
use super::client::Client;
use super::faults::Class;
use super::history::{Death, Happened, Stored};
use super::world::{Life, World, stored};
use std::sync::Arc;
use timberline::{Config, Denial, OpenError, Recovery, Region, Store, StoreBuilder, gate};

/// So small that every run sees several.
const SEGMENT_BYTES: u64 = 8 << 10;
/// Openings that may fail for an injected fault before the world lets one succeed.
const OPENINGS_MAX: usize = 4;

impl World {
    /// A second writer is refused; a reader sees what is written.
    pub(super) fn open_beside(&mut self) {
        let builder = || self.builder(self.config());
        for result in [builder().open().map(drop), builder().open_read_only().map(drop)] {
            self.count_opening(&result);
        }
        let wrong = self.builder(self.config().batch_events_max(0)).open().map(drop);
        self.count_opening(&wrong);
    }

    fn count_opening<T>(&self, result: &Result<T, OpenError>) {
        match result {
            Ok(_) => self.notes.count("opened"),
            Err(error) => self.notes.count(format!("OpenError::{}", name_of(error))),
        }
    }

    pub(super) fn config(&self) -> Config {
        let config = Config::new("simulated")
            .segment_bytes(64 << 10)
            .preallocate_bytes(8 << 10)
            .commit_bytes_max(16 << 10)
            .record_bytes_max(2 << 10)
            .batch_events_max(40)
            .index_cache_bytes(64 << 10);
        let config = config.open_files_max([64, 64, 64, 4][self.choose(4)]);
        let small = self.faults.has(Class::SmallMailboxes);
        if small {
            self.notes.count("SmallMailboxes");
        }
        config.mailbox_messages(if small { 1 + self.choose(2) as u64 } else { 16 })
    }

    pub(super) fn builder(&self, config: Config) -> StoreBuilder {
        let faults = Arc::clone(&self.faults);
        let rule = gate("simulated", move |_| {
            if faults.happens(Class::GatePanics, 100) {
                panic!("simulated: a gate panics");
            }
            match faults.happens(Class::GateDenies, 40) {
                true => Err(Denial::new("simulated", "simulated")),
                false => Ok(()),
            }
        });
        let mut builder = Store::builder(config).gate(rule).record_denials(true);
        if let Some(restarts) = self.plan.restarts {
            builder = builder.pipeline_restarts(restarts);
        }
        builder.tiny_segments(SEGMENT_BYTES).simulated(self.simulation.runtime(), Arc::new(self.disk.clone()))
    }

    /// Opens the store; what fails for an injected fault is tried again, at last without faults.
    pub(super) fn open(&mut self) {
        if self.choose(40) == 1 {
            self.count_opening(&self.builder(self.config()).open_read_only());
        }
        for trial in 0.. {
            if trial >= OPENINGS_MAX {
                timberline::supervisors::failpoints::disarm();
            }
            self.faults.pause(trial >= OPENINGS_MAX);
            let opened = self.builder(self.config()).open();
            self.faults.pause(false);
            self.count_opening(&opened);
            match opened {
                _ if self.notes.is_dead() => {
                    self.notes.count_of_the_dead("crash while opening");
                    drop(opened);
                    let death = [Death::Killed, Death::PowerCut][self.choose(2)];
                    self.bury(death);
                }
                Ok(store) => return self.begin(store),
                Err(error) if trial >= OPENINGS_MAX => panic!("a healthy disk was refused: {error:?}"),
                Err(_) => self.faults.replace_disk(),
            }
        }
    }

    fn begin(&mut self, store: Store) {
        if let Some(recovery) = store.recovery() {
            self.count_recovery(&recovery);
        }
        self.notes.note(Happened::Opened(self.log(&store)));
        // What recovery kept is durable, and recovering twice is recovering once.
        if self.faults.happens(Class::CrashAtOperation, 20) {
            drop(store);
            let death = [Death::Killed, Death::PowerCut][self.choose(2)];
            self.bury(death);
            return self.open();
        }
        let clients = (0..self.plan.clients).map(|_| Client::default()).collect();
        let workers = self.jobs.iter().map(|_| None).collect();
        let reports = store.reports();
        let has_suffered = !self.faults.are_healed();
        self.life = Some(Life { has_suffered, store: Arc::new(store), reports, workers, clients });
        self.tend_workers();
    }

    fn count_recovery(&self, recovery: &Recovery) {
        let seen = [
            ("recovery created", recovery.created),
            ("recovery closed", recovery.closed),
            ("recovery after a crash", !recovery.closed && !recovery.created),
            ("recovery cut", recovery.cut.is_some()),
            ("recovery gap", recovery.gap.is_some()),
            ("recovery rewritten", recovery.rewritten_bytes > 0),
            ("recovery of several segments", recovery.segments > 1),
        ];
        seen.iter().filter(|(_, is_so)| *is_so).for_each(|(what, _)| self.notes.count(*what));
    }

    /// Everything that is stored, read without faults.
    pub(super) fn log(&self, store: &Store) -> Vec<Stored> {
        self.faults.pause(true);
        let log = store.read(&Region::all()).map(|event| stored(&event.expect("a healthy disk reads")));
        let log = log.collect();
        self.faults.pause(false);
        log
    }
}
