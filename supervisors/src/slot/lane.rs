//! Lanes beside the mailbox that are never full: the urgent one, for what a supervisor and its children tell each other,
//! which is taken before any message; and that of the slots that wait for room.

use crate::control::Notice;
use crate::rt::Mutex;
use crate::rt::atomic::{AtomicUsize, Ordering};
use std::collections::VecDeque;

/// Its length is bounded by what exists: a start and a stop of the slot itself, and two notices of each child; or each
/// other slot once.
pub(super) struct Lane<T> {
    queue: Mutex<VecDeque<T>>,
    /// So that a runner sees without the lock that there is nothing.
    length: AtomicUsize,
}

/// Room for less than that is given back; who needs more will need it again.
const ROOM_KEPT: usize = 8;

#[derive(Debug)]
pub(super) enum Urgent {
    /// Make and start that incarnation. Counted by the role that comes with it.
    Start(u64),
    /// End that incarnation in good order.
    Stop(u64),
    /// Of a child.
    Notice(Notice),
}

impl<T> Default for Lane<T> {
    fn default() -> Lane<T> {
        Lane { queue: Mutex::new(VecDeque::new()), length: AtomicUsize::new(0) }
    }
}

impl<T> Lane<T> {
    pub(super) fn push(&self, item: T) {
        let mut queue = self.queue.lock();
        queue.push_back(item);
        self.length.store(queue.len(), Ordering::Release);
    }

    pub(super) fn pop(&self) -> Option<T> {
        if self.length.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut queue = self.queue.lock();
        let first = queue.pop_front();
        if queue.is_empty() && queue.capacity() < ROOM_KEPT {
            *queue = VecDeque::new(); // an actor that is idle, as most are, holds no memory for what is urgent
        }
        self.length.store(queue.len(), Ordering::Release);
        first
    }

    pub(super) fn clear(&self) {
        let left = std::mem::take(&mut *self.queue.lock());
        self.length.store(0, Ordering::Release);
        drop(left);
    }
}
