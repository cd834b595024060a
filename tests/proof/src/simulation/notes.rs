//! What a run writes down: its history and its census. Nothing is noted of a process that was killed.

use super::census::Census;
use super::history::{Happened, History};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Shared by the world, its hooks, and its handlers.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    history: Mutex<History>,
    census: Mutex<Census>,
    /// The process is dead: what its remains still do, nobody will ever know.
    dead: AtomicBool,
}

impl Notes {
    pub(super) fn note(&self, happened: Happened) {
        if !self.is_dead() {
            self.inner.history.lock().unwrap().push(happened);
        }
    }

    pub(super) fn count(&self, what: impl Into<String>) {
        if !self.is_dead() {
            self.count_of_the_dead(what);
        }
    }

    /// Counts what is about the death itself.
    pub(super) fn count_of_the_dead(&self, what: impl Into<String>) {
        self.inner.census.lock().unwrap().count(what);
    }

    pub(super) fn is_dead(&self) -> bool {
        self.inner.dead.load(Ordering::Relaxed)
    }

    pub(super) fn set_dead(&self, dead: bool) {
        self.inner.dead.store(dead, Ordering::Relaxed);
    }

    pub(super) fn take(&self) -> (History, Census) {
        let history = std::mem::take(&mut *self.inner.history.lock().unwrap());
        (history, std::mem::take(&mut *self.inner.census.lock().unwrap()))
    }
}
