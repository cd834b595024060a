//! Who wants to be woken for which events.

use crate::cursor_worker;
use crate::event::EventRef;
use crate::position::Position;
use crate::region::Region;
use supervisors::rt::Mutex;
use supervisors::Address;

/// The cursor workers that live, each with its region. It outlives the indexer's incarnations.
#[derive(Debug, Default)]
pub(crate) struct Interests {
    entries: Mutex<Vec<Interest>>,
}

/// One worker's interest.
#[derive(Debug)]
struct Interest {
    region: Region,
    durable_only: bool,
    worker: Address<cursor_worker::Message>,
    /// The first event of the region that the worker was not woken for.
    waiting: Option<Position>,
}

impl Interests {
    /// From now on `worker` is woken for the events of `region`.
    pub(crate) fn add(&self, region: Region, durable_only: bool, worker: Address<cursor_worker::Message>) {
        self.entries.lock().push(Interest { region, durable_only, worker, waiting: None });
    }

    /// Notes which workers an event is for.
    pub(super) fn note(&self, event: &EventRef<'_>) {
        for interest in self.entries.lock().iter_mut().filter(|interest| interest.waiting.is_none()) {
            if interest.region.matches(event.entity, event.scope, event.kind) {
                interest.waiting = Some(event.position());
            }
        }
    }

    /// Wakes the workers that may see what they wait for. Workers that have ended are forgotten.
    pub(super) fn wake(&self, written: Position, durable: Position) {
        self.entries.lock().retain_mut(|interest| interest.wake(written, durable));
    }

    /// Wakes everyone: after a restart it is not known who was woken for what.
    pub(super) fn wake_all(&self) {
        let mut entries = self.entries.lock();
        entries.retain(|interest| !interest.worker.has_ended());
        entries.iter().for_each(|interest| interest.worker.wake());
    }
}

impl Interest {
    /// Wakes the worker if it may see what it waits for; false if it has ended.
    fn wake(&mut self, written: Position, durable: Position) -> bool {
        let visible = if self.durable_only { durable } else { written };
        match self.waiting {
            Some(position) if position <= visible => {
                self.waiting = None;
                self.worker.wake();
                !self.worker.has_ended()
            }
            _ => true,
        }
    }
}
