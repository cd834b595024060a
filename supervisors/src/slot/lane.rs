//! The urgent lane: what a supervisor and its children tell each other. Taken before any message, and never full.

use crate::control::Notice;
use crate::rt::Mutex;
use crate::rt::atomic::{AtomicUsize, Ordering};
use std::collections::VecDeque;

/// Its length is bounded by what exists: a start and a stop of the slot itself, and two notices of each child.
pub(super) struct Lane {
    queue: Mutex<VecDeque<Urgent>>,
    /// So that a runner sees without the lock that nothing is urgent.
    length: AtomicUsize,
}

#[derive(Debug)]
pub(super) enum Urgent {
    /// Make and start that incarnation. Counted by the role that comes with it.
    Start(u64),
    /// End that incarnation in good order.
    Stop(u64),
    /// Of a child.
    Notice(Notice),
}

impl Lane {
    pub(super) fn new() -> Lane {
        Lane { queue: Mutex::new(VecDeque::new()), length: AtomicUsize::new(0) }
    }

    pub(super) fn push(&self, urgent: Urgent) {
        let mut queue = self.queue.lock();
        queue.push_back(urgent);
        self.length.store(queue.len(), Ordering::Release);
    }

    pub(super) fn pop(&self) -> Option<Urgent> {
        if self.length.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut queue = self.queue.lock();
        let first = queue.pop_front();
        self.length.store(queue.len(), Ordering::Release);
        first
    }

    pub(super) fn clear(&self) {
        let left = std::mem::take(&mut *self.queue.lock());
        self.length.store(0, Ordering::Release);
        drop(left);
    }
}
