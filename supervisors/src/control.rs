//! What a supervisor can do to a child, and what it hears of it. None of it ever blocks.

use crate::driver::Hand;
use crate::driver::threads::Threads;
use crate::spec::Settings;
use crate::supervisor::family::Family;
use crate::{ChildId, Completion, ExitReason, Runtime, Time};
use std::fmt;
use std::sync::{Arc, Weak};

/// A child as its supervisor sees it. Every method returns at once, whatever the child is doing.
pub(crate) trait Child: Send + Sync {
    /// The child's name.
    fn id(&self) -> &ChildId;
    /// Tells when it has ended for good.
    fn completion(&self) -> Completion;
    /// The mailbox's capacity, until the first message was sent.
    fn set_capacity(&self, messages: usize);
    /// Where it lives; once, before the first `start`.
    fn adopt(self: Arc<Self>, place: Place, settings: &Settings);
    /// Start an incarnation, numbered from 1. Only of a child that is down. Answered by `Started` or `StartFailed`.
    fn start(self: Arc<Self>, incarnation: u64);
    /// Stop that incarnation in good order. Answered by an `Exited`; ignored when that incarnation is no more.
    /// `hand` says whether this thread may run it: not where someone must see a deadline for it pass.
    fn stop(self: Arc<Self>, incarnation: u64, hand: Hand);
    /// It will not be started again: closes the mailbox and drops what is queued (its callers get `Stopped`), lets
    /// the own thread end, and completes with the reason. Of a child that is not down this abandons it: no notice
    /// follows, and its thread, if it hangs in it, is not joined.
    fn end(self: Arc<Self>, reason: &ExitReason);
    /// What it is doing.
    fn snapshot(&self) -> ChildSnapshot;
    /// Whether the calling thread is in one of its turns, and would wait for itself if it waited for the child.
    fn is_held(&self) -> bool;
    /// Of a supervisor: its children.
    fn family(&self) -> Option<Arc<Family>> {
        None
    }
}

/// Where a child lives.
#[derive(Clone)]
pub(crate) struct Place {
    home: Arc<Household>,
    /// The name of this child in its parent's notices.
    key: u64,
}

/// What the children of one supervisor have in common.
#[derive(Clone)]
pub(crate) struct Household {
    /// The clock and the driver.
    pub(crate) runtime: Runtime,
    /// The threads of the tree that this child belongs to.
    pub(crate) threads: Arc<Threads>,
    /// Who hears of its starts and exits; the root has a listener of its own. Weak: who looks after a child holds it,
    /// and a child that has outlived its tree has nobody to tell.
    pub(crate) parent: Weak<dyn Parent>,
    /// The supervisors above it, outermost first, joined by `/`. Names its thread and its reports.
    pub(crate) path: Arc<str>,
}

impl std::ops::Deref for Place {
    type Target = Household;

    fn deref(&self) -> &Household {
        &self.home
    }
}

impl Place {
    pub(crate) fn new(home: Arc<Household>, key: u64) -> Place {
        Place { home, key }
    }

    /// The same, where another hears of the child.
    pub(crate) fn with_parent(&self, parent: Weak<dyn Parent>) -> Place {
        Place { home: Arc::new(Household { parent, ..(*self.home).clone() }), key: self.key }
    }

    /// Tells the parent, if there is one left.
    pub(crate) fn tell_parent(&self, incarnation: u64, event: Event) {
        if let Some(parent) = self.parent.upgrade() {
            parent.notify(Notice { key: self.key, incarnation, event });
        }
    }
}

/// Who hears of a child. Never blocks: each child has a reserved place in the lane.
pub(crate) trait Parent: Send + Sync {
    fn notify(self: Arc<Self>, notice: Notice);
}

/// What a supervisor hears of a child.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    /// The child, as its place names it.
    pub(crate) key: u64,
    /// The incarnation that this is about.
    pub(crate) incarnation: u64,
    /// What happened.
    pub(crate) event: Event,
}

/// What happened to an incarnation.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Its `started` returned `Ok`.
    Started,
    /// Its factory or its `started` failed; it is down. The reason is always a `StartFailed`.
    StartFailed(ExitReason),
    /// It ended after it was started; it is down.
    Exited(ExitReason),
}

/// In which state an incarnation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) enum Phase {
    /// No incarnation: before the first start, and after each exit.
    Down,
    /// In its factory or its `started`.
    Starting,
    /// Takes messages.
    Running,
    /// In its `stopping`.
    Stopping,
    /// Ended for good.
    Ended,
}

/// What a child is doing at one moment; read without waiting for it, so the fields may be of slightly different moments.
#[derive(Clone, Debug)]
pub(crate) struct ChildSnapshot {
    pub(crate) phase: Phase,
    pub(crate) incarnation: u64,
    /// Messages waiting.
    pub(crate) depth: usize,
    /// The most messages that a turn found waiting.
    pub(crate) high_water: usize,
    /// Messages the mailbox holds.
    pub(crate) capacity: usize,
    /// Turns run so far.
    pub(crate) turns: u64,
    /// When the turn in hand began, if one is in hand. Of an inline actor: when a snapshot first saw it.
    pub(crate) busy_since: Option<Time>,
    /// What the incarnation noted of its start.
    pub(crate) note: String,
    /// What its handler says it is doing; empty unless it said so in this turn.
    pub(crate) doing: &'static str,
    /// The thread that runs the turn in hand.
    pub(crate) thread: Option<String>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("path", &self.path).field("key", &self.key).finish_non_exhaustive()
    }
}
