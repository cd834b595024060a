//! Who wants to be woken for which events.

use super::directory::Directory;
use crate::cursor_worker;
use crate::event::EventRef;
use crate::position::Position;
use crate::region::Region;
use std::collections::BTreeMap;
use supervisors::Address;
use supervisors::rt::{Mutex, MutexGuard};

/// Fewer entries are not worth looking through.
const CROWDED_MIN: usize = 16;

/// The cursor workers that live, each with its region. It outlives the indexer's incarnations.
#[derive(Debug, Default)]
pub(crate) struct Interests {
    book: Mutex<Book>,
}

/// What an event costs here is what the workers cost that it is for, not what all of them cost.
#[derive(Debug, Default)]
struct Book {
    /// By number, so that workers are woken in the order in which they came.
    entries: BTreeMap<u64, Interest>,
    /// With as many entries as this those that have ended are looked for.
    crowded: usize,
    /// The number of the next entry.
    next: u64,
    /// Finds the entries that an event is for.
    directory: Directory,
    /// The entries that wait for something, each once.
    waiting: Vec<u64>,
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
        self.book.lock().add(Interest { region, durable_only, worker, waiting });
    }

    /// Takes note of the events of one commit.
    pub(super) fn noting(&self) -> Noting<'_> {
        Noting { book: self.book.lock() }
    }

    /// Wakes the workers that may see what they wait for. Workers that have ended are forgotten.
    pub(super) fn wake(&self, written: Position, durable: Position) {
        self.book.lock().wake(written, durable);
    }

    /// Wakes everyone: after a restart it is not known who was woken for what.
    pub(super) fn wake_all(&self) {
        let mut book = self.book.lock();
        book.forget_ended();
        book.entries.values().for_each(|interest| interest.worker.wake());
    }
}

/// Notes which workers the events of a commit are for.
pub(super) struct Noting<'a> {
    book: MutexGuard<'a, Book>,
}

impl Noting<'_> {
    pub(super) fn note(&mut self, event: &EventRef<'_>) {
        let Book { entries, directory, waiting, .. } = &mut *self.book;
        for number in directory.owners(event.entity, event.scope, event.kind) {
            if let Some(interest) = entries.get_mut(&number) {
                if interest.waiting.is_none() && !crate::planted("wake_up_lost") {
                    waiting.push(number);
                }
                crate::point("indexer.note.book_locked");
                interest.note(event.position());
            }
        }
    }
}

impl Book {
    fn add(&mut self, interest: Interest) {
        // Those whose events never came were not looked at since they ended.
        if self.entries.len() >= self.crowded {
            self.forget_ended();
            self.crowded = (self.entries.len() * 2).max(CROWDED_MIN);
        }
        let number = self.next;
        self.next += 1;
        self.directory.add(number, &interest.region);
        self.waiting.push(number);
        self.entries.insert(number, interest);
    }

    fn wake(&mut self, written: Position, durable: Position) {
        crate::point("indexer.wake.book_locked");
        let Self { entries, directory, waiting, .. } = self;
        waiting.retain(|number| {
            let Some(interest) = entries.get_mut(number) else { return false };
            if interest.worker.has_ended() {
                directory.remove(*number, &interest.region);
                entries.remove(number);
                return false;
            }
            interest.wake(written, durable);
            interest.waiting.is_some()
        });
    }

    fn forget_ended(&mut self) {
        let Self { entries, directory, waiting, .. } = self;
        entries.retain(|number, interest| {
            let has_ended = interest.worker.has_ended();
            if has_ended {
                directory.remove(*number, &interest.region);
            }
            !has_ended
        });
        waiting.retain(|number| entries.contains_key(number));
    }
}

impl Interest {
    fn note(&mut self, event: Position) {
        let first = self.waiting.map_or(event, |(first, _)| first);
        self.waiting = Some((first, event));
    }

    /// Wakes the worker if it may see the first event it waits for. What it may not see yet, it goes on waiting for.
    fn wake(&mut self, written: Position, durable: Position) {
        let visible = if self.durable_only && !crate::planted("woken_too_early") { durable } else { written };
        if let Some((first, last)) = self.waiting
            && first <= visible
        {
            self.waiting = (last.min(written) > visible && !crate::planted("waiting_forgotten"))
                .then(|| (visible.next(), last.min(written)));
            self.worker.wake();
        }
    }
}
