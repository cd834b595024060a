//! Lifecycle reports: what happened to which child, for bounded subscribers that may lag but never hold anyone up.

use crate::driver;
use crate::rt::Mutex;
use crate::rt::thread::{self, Thread};
use crate::{ChildId, ExitReason, Runtime, Time};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// One line of a child's life.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The supervisors above the child, outermost first, joined by `/`.
    #[serde(serialize_with = "as_text")]
    pub supervisor: Arc<str>,
    /// The child.
    pub child: ChildId,
    /// Which of its incarnations, from 1.
    pub incarnation: u64,
    /// When.
    pub at: Time,
    /// What happened.
    pub what: Lifecycle,
    /// Of a start: what the child noted of it, such as from where it goes on. Empty otherwise.
    pub note: String,
}

fn as_text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// What can happen to a child.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub enum Lifecycle {
    /// Its first incarnation takes messages.
    Started,
    /// It ended abnormally, or did not start.
    Failed {
        /// Why.
        reason: ExitReason,
    },
    /// It will be restarted; the report's incarnation is the next one.
    Restarting {
        /// Which restart of the budget this is, from 1.
        restart: u32,
        /// How many the budget has.
        of: u32,
        /// In which window; `None` for a budget for life.
        within: Option<Duration>,
        /// After this pause.
        after: Duration,
    },
    /// A later incarnation takes messages.
    Restarted,
    /// It will not be restarted, though it failed.
    GaveUp {
        /// Restarts that counted in the window; `None` when not the budget decided.
        restarts: Option<u32>,
        /// The window, if the budget decided and has one.
        within: Option<Duration>,
        /// Whether its supervisor gives up with it.
        escalates: bool,
        /// Its last exit.
        last: ExitReason,
    },
    /// It ended as it should.
    Stopped {
        /// Why.
        reason: ExitReason,
    },
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{} incarnation {}: ", self.at, self.supervisor, self.child, self.incarnation)?;
        self.what.fmt(f)?;
        if self.note.is_empty() { Ok(()) } else { write!(f, ", {}", self.note) }
    }
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lifecycle::Started => f.write_str("started"),
            Lifecycle::Restarted => f.write_str("restarted"),
            Lifecycle::Failed { reason } => write!(f, "failed: {reason}"),
            Lifecycle::Stopped { reason } => write!(f, "stopped: {reason}"),
            Lifecycle::Restarting { restart, of, within, after } => {
                write!(f, "restart {restart} of {of}")?;
                within.map_or(Ok(()), |within| write!(f, " within {within:?}"))?;
                if after.is_zero() { Ok(()) } else { write!(f, " after {after:?}") }
            }
            Lifecycle::GaveUp { last, .. } => write!(f, "gave up: {last}"),
        }
    }
}

/// What a subscriber gets.
#[derive(Clone, Debug, serde::Serialize)]
pub enum Received {
    /// A report.
    Report(Report),
    /// So many reports were dropped here because this subscriber had no room for them.
    Lagged(u64),
}

/// A subscription to the lifecycle reports of a whole tree. The oldest reports give way when it is full.
pub struct Reports {
    runtime: Runtime,
    queue: Arc<Queue>,
}

struct Queue {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    reports: VecDeque<Report>,
    lagged: u64,
    /// The tree has ended; nothing more comes.
    closed: bool,
    waiting: Option<Thread>,
}

impl Reports {
    /// The next report or gap; waits for it. `None` once the tree has ended and all was read.
    #[must_use]
    pub fn recv(&self) -> Option<Received> {
        self.next_within(None)
    }

    /// As [`recv`](Reports::recv), but waits that long at most; `None` also when nothing came.
    #[must_use]
    pub fn recv_timeout(&self, timeout: Duration) -> Option<Received> {
        self.next_within(Some(timeout))
    }

    /// What is there now.
    #[must_use]
    pub fn try_recv(&self) -> Option<Received> {
        self.queue.state.lock().next()
    }

    fn next_within(&self, timeout: Option<Duration>) -> Option<Received> {
        let ready = || self.queue.ready();
        driver::wait(Some(&self.runtime), timeout, ready, || self.queue.register()).ok().flatten()
    }
}

/// Ends when the tree has ended and all was read.
impl Iterator for Reports {
    type Item = Received;

    fn next(&mut self) -> Option<Received> {
        self.recv()
    }
}

impl fmt::Debug for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.queue.state.lock();
        f.debug_struct("Reports")
            .field("waiting", &state.reports.len())
            .field("lagged", &state.lagged)
            .finish()
    }
}

impl State {
    fn next(&mut self) -> Option<Received> {
        match std::mem::take(&mut self.lagged) {
            0 => self.reports.pop_front().map(Received::Report),
            lagged => Some(Received::Lagged(lagged)),
        }
    }
}

impl Queue {
    /// `Some(None)` says that nothing will ever come.
    fn ready(&self) -> Option<Option<Received>> {
        let mut state = self.state.lock();
        match state.next() {
            Some(received) => Some(Some(received)),
            None => state.closed.then_some(None),
        }
    }

    fn register(&self) {
        let mut state = self.state.lock();
        if state.reports.is_empty() && !state.closed {
            state.waiting = Some(thread::current());
        } else {
            thread::current().unpark();
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let waiting = {
            let mut state = self.state.lock();
            change(&mut state);
            state.waiting.take()
        };
        if let Some(thread) = waiting {
            thread.unpark();
        }
    }
}

/// Where supervisors tell and subscribers listen. One per tree.
#[derive(Default)]
pub(crate) struct Hub {
    subscribers: Mutex<Vec<Weak<Queue>>>,
}

impl Hub {
    /// Room for so many reports, at least one.
    pub(crate) fn subscribe(&self, runtime: &Runtime, capacity: usize) -> Reports {
        let queue = Arc::new(Queue { capacity: capacity.max(1), state: Mutex::new(State::default()) });
        self.subscribers.lock().push(Arc::downgrade(&queue));
        Reports { runtime: runtime.clone(), queue }
    }

    /// Whether anyone wants to hear of anything; a report that nobody hears is not worth its making.
    pub(crate) fn is_heard(&self) -> bool {
        tracing::enabled!(tracing::Level::ERROR) || !self.subscribers.lock().is_empty()
    }

    /// Tells all subscribers and `tracing`. Never waits for any of them.
    pub(crate) fn tell(&self, report: &Report) {
        trace(report);
        self.each(|queue| {
            queue.change(|state| {
                if state.reports.len() == queue.capacity {
                    state.reports.pop_front();
                    state.lagged += 1;
                }
                state.reports.push_back(report.clone());
            });
        });
    }

    /// The tree has ended.
    pub(crate) fn close(&self) {
        self.each(|queue| queue.change(|state| state.closed = true));
    }

    fn each(&self, mut work: impl FnMut(&Queue)) {
        self.subscribers.lock().retain(|queue| match queue.upgrade() {
            Some(queue) => {
                work(&queue);
                true
            }
            None => false,
        });
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("subscribers", &self.subscribers.lock().len()).finish()
    }
}

fn trace(Report { supervisor, child, incarnation, what, .. }: &Report) {
    match what {
        Lifecycle::Started => tracing::info!(%supervisor, %child, incarnation, "started"),
        Lifecycle::Restarted => tracing::info!(%supervisor, %child, incarnation, "restarted"),
        Lifecycle::Stopped { reason } => tracing::info!(%supervisor, %child, incarnation, %reason, "stopped"),
        Lifecycle::Failed { reason } => tracing::warn!(%supervisor, %child, incarnation, %reason, "failed"),
        Lifecycle::Restarting { restart, of, within, after } => {
            tracing::info!(%supervisor, %child, incarnation, restart, of, ?within, ?after, "restarting");
        }
        Lifecycle::GaveUp { restarts, within, escalates, last } => {
            tracing::error!(%supervisor, %child, incarnation, restarts, ?within, escalates, reason = %last, "gave up");
        }
    }
}

#[cfg(test)]
mod tests;
