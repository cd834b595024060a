//! Who wants to be woken for which events.

use crate::cursor_worker;
use crate::event::EventRef;
use crate::position::Position;
use crate::region::Region;
use supervisors::Address;
use supervisors::rt::{Mutex, MutexGuard};

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
    /// The first and the last event of the region that the worker was not woken for.
    waiting: Option<(Position, Position)>,
}

impl Interests {
    /// From now on `worker` is woken for the events of `region`.
    pub(crate) fn add(&self, region: Region, durable_only: bool, worker: Address<cursor_worker::Message>) {
        // What was applied and not shown yet was noted for those who were here. It may be for this one too.
        let waiting = Some((Position::START.next(), Position::END));
        self.entries.lock().push(Interest { region, durable_only, worker, waiting });
    }

    /// Takes note of the events of one commit.
    pub(super) fn noting(&self) -> Noting<'_> {
        Noting { entries: self.entries.lock() }
    }

    /// Wakes the workers that may see what they wait for. Workers that have ended are forgotten.
    pub(super) fn wake(&self, written: Position, durable: Position) {
        let mut entries = self.entries.lock();
        entries.retain(|interest| interest.waiting.is_none() || !interest.worker.has_ended());
        entries.iter_mut().for_each(|interest| interest.wake(written, durable));
    }

    /// Wakes everyone: after a restart it is not known who was woken for what.
    pub(super) fn wake_all(&self) {
        let mut entries = self.entries.lock();
        entries.retain(|interest| !interest.worker.has_ended());
        entries.iter().for_each(|interest| interest.worker.wake());
    }
}

/// Notes which workers the events of a commit are for.
pub(super) struct Noting<'a> {
    entries: MutexGuard<'a, Vec<Interest>>,
}

impl Noting<'_> {
    pub(super) fn note(&mut self, event: &EventRef<'_>) {
        for interest in self.entries.iter_mut() {
            if interest.region.matches(event.entity, event.scope, event.kind) {
                let first = interest.waiting.map_or(event.position(), |(first, _)| first);
                interest.waiting = Some((first, event.position()));
            }
        }
    }
}

impl Interest {
    /// Wakes the worker if it may see the first event it waits for. What it may not see yet, it goes on waiting for.
    fn wake(&mut self, written: Position, durable: Position) {
        let visible = if self.durable_only { durable } else { written };
        if let Some((first, last)) = self.waiting
            && first <= visible
        {
            self.waiting = (last.min(written) > visible).then(|| (visible.next(), last.min(written)));
            self.worker.wake();
        }
    }
}
