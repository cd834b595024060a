//! A supervision tree that runs, seen from its root.

use super::child::SupervisorChild;
use super::family::{Family, root_node};
use super::handle_of;
use super::{ShutdownReport, SupervisorHandle};
use crate::control::{Child, Event, Household, Notice, Parent, Place};
use crate::driver::threads::Threads;
use crate::driver::{self, Ended, Hand};
use crate::report::{Hub, Reports};
use crate::rt::Mutex;
use crate::rt::atomic::{AtomicBool, Ordering};
use crate::rt::thread::{self, Thread};
use crate::spec::Settings;
use crate::tree::{State, Tree};
use crate::{ChildId, ExitReason, Runtime, SpecError};
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Why a tree did not start. Nothing of it is left running.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A child did not start; those before it were stopped again, in reverse.
    #[error("{child} did not start: {reason}")]
    Child {
        /// The child, below the supervisors between it and the root: `pipeline/writer`.
        child: ChildId,
        /// Why.
        reason: ExitReason,
    },
    /// A child's numbers cannot work; nothing was started.
    #[error("the spec of {child} cannot work: {error}")]
    Refused {
        /// The child.
        child: ChildId,
        /// Why.
        error: SpecError,
    },
    /// Two children of one supervisor have the same name; nothing was started.
    #[error("two children are named {child}")]
    DuplicateName {
        /// The name.
        child: ChildId,
    },
    /// Nothing that is left to happen can complete the start (only a simulated runtime can know).
    #[error("nothing that is left to happen in the simulation can complete the start")]
    Deadlock,
}

/// A supervision tree that runs. Dropping it stops it and joins its threads.
pub struct Running {
    runtime: Runtime,
    threads: Arc<Threads>,
    hub: Arc<Hub>,
    root: Arc<SupervisorChild>,
    listener: Arc<RootListener>,
    /// It was shut down; the drop has nothing left to do.
    finished: AtomicBool,
}

/// Stands where a root's parent would.
struct RootListener {
    root: Weak<SupervisorChild>,
    hub: Arc<Hub>,
    state: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    started: bool,
    /// How the root ended.
    ended: Option<ExitReason>,
    waiting: Vec<Thread>,
}

impl Parent for RootListener {
    fn notify(self: Arc<Self>, notice: Notice) {
        let ended = match notice.event {
            Event::Started => None,
            Event::StartFailed(reason) | Event::Exited(reason) => Some(reason),
        };
        if let (Some(reason), Some(root)) = (&ended, self.root.upgrade()) {
            root.end(reason); // before anyone hears of it: whoever does finds every call answered
            self.hub.close();
        }
        let waiting = {
            let mut heard = self.state.lock();
            heard.started |= ended.is_none();
            heard.ended = heard.ended.take().or(ended);
            std::mem::take(&mut heard.waiting)
        };
        waiting.iter().for_each(Thread::unpark);
    }
}

impl RootListener {
    /// Whether the root has started, or why it ended.
    fn begun(&self) -> Option<Result<(), ExitReason>> {
        let heard = self.state.lock();
        match &heard.ended {
            Some(reason) => Some(Err(reason.clone())),
            None => heard.started.then_some(Ok(())),
        }
    }

    fn ended(&self) -> Option<ExitReason> {
        self.state.lock().ended.clone()
    }

    /// Who waits asks once more before it parks: what came in between woke nobody.
    fn register(&self) {
        self.state.lock().waiting.push(thread::current());
    }
}

impl Running {
    pub(super) fn start(root: Arc<SupervisorChild>, runtime: &Runtime) -> Result<Running, StartError> {
        root.family.check_names()?;
        root.family.check_all().map_err(|(child, error)| StartError::Refused { child, error })?;
        let running = Running::adopt(root, runtime);
        running.root.clone().start(1);
        match running.wait_for(None, RootListener::begun) {
            Ok(Ok(())) => Ok(running),
            Ok(Err(reason)) => {
                running.finish();
                let culprit = running.root.family.culprit.lock().take();
                Err(StartError::Child {
                    child: culprit.unwrap_or_else(|| running.root.family.name.clone()),
                    reason,
                })
            }
            Err(_) => Err(StartError::Deadlock),
        }
    }

    fn adopt(root: Arc<SupervisorChild>, runtime: &Runtime) -> Running {
        let hub = Arc::new(Hub::default());
        let state = Mutex::new(Heard::default());
        let listener = Arc::new(RootListener { root: Arc::downgrade(&root), hub: hub.clone(), state });
        let threads = Threads::new(root.family.name.as_str());
        let parent: Arc<dyn Parent> = listener.clone();
        let home = Household {
            runtime: runtime.clone(),
            threads: threads.clone(),
            parent: Arc::downgrade(&parent),
            path: "".into(),
        };
        let place = Place::new(Arc::new(home), 0);
        root.family.move_in(place.clone(), hub.clone());
        root.clone().adopt(place, &Settings::default());
        Running { runtime: runtime.clone(), threads, hub, root, listener, finished: AtomicBool::new(false) }
    }

    /// Where it runs.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// A handle on the outermost supervisor.
    #[must_use]
    pub fn handle(&self) -> SupervisorHandle {
        handle_of(&self.root)
    }

    /// A snapshot of the whole tree. Waits for no child, whatever it is doing.
    #[must_use]
    pub fn tree(&self) -> Tree {
        let at = self.runtime.now();
        let state = match self.listener.ended() {
            None => State::Running,
            Some(reason) if reason.is_abnormal() => State::Failed,
            Some(_) => State::Stopped,
        };
        Tree { at, root: root_node(&*self.root, &self.root.family, state, at) }
    }

    /// Subscribes to the lifecycle reports of the whole tree from now on, with room for so many unread ones.
    #[must_use]
    pub fn reports(&self, capacity: usize) -> Reports {
        let reports = self.hub.subscribe(&self.runtime, capacity);
        if self.listener.ended().is_some() {
            self.hub.close();
        }
        reports
    }

    /// Waits until the tree has ended by itself, and says why: an exhausted budget, or a failure that escalated.
    ///
    /// On a simulated runtime this returns [`ExitReason::Abandoned`] when nothing that is left to happen ends the tree.
    #[must_use]
    pub fn wait(&self) -> ExitReason {
        self.wait_for(None, RootListener::ended).unwrap_or(ExitReason::Abandoned)
    }

    /// As [`wait`](Running::wait), that long at most.
    #[must_use]
    pub fn wait_timeout(&self, timeout: Duration) -> Option<ExitReason> {
        self.wait_for(Some(timeout), RootListener::ended).ok()
    }

    /// Why the tree ended, if it has.
    #[must_use]
    pub fn try_wait(&self) -> Option<ExitReason> {
        self.listener.ended()
    }

    /// Stops all children in reverse order, each within its deadline, joins the threads, and says how it went.
    ///
    /// Blocks for as long as the children take, at most for the sum of their deadlines; not to be called from a turn
    /// of a child of this tree. A second call finds everything stopped and says the same.
    #[must_use = "the report says what was still wrong"]
    pub fn shutdown(&self) -> ShutdownReport {
        self.finish()
    }

    fn finish(&self) -> ShutdownReport {
        self.finished.store(true, Ordering::Release);
        if self.listener.ended().is_none() {
            self.root.clone().stop(1, Hand::Ring);
        }
        let reason = self.wait_for(None, RootListener::ended).unwrap_or_else(|_| {
            self.root.clone().end(&ExitReason::Abandoned);
            ExitReason::Abandoned
        });
        let threads_left = self.threads.join_all();
        ShutdownReport { reason, children: self.root.family.farewells(), threads_left }
    }

    fn wait_for<T>(
        &self,
        timeout: Option<Duration>,
        ready: impl Fn(&RootListener) -> Option<T>,
    ) -> Result<T, Ended> {
        let listener = &self.listener;
        driver::wait(Some(&self.runtime), timeout, || ready(listener), || listener.register())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.finished.load(Ordering::Acquire) {
            let report = self.finish();
            if !report.is_clean() {
                tracing::warn!(%report, "a tree was dropped and did not end cleanly");
            }
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("root", &self.root.family.name)
            .field("ended", &self.try_wait())
            .finish()
    }
}

impl Family {
    /// Refuses two children of one name, here and below.
    pub(super) fn check_names(&self) -> Result<(), StartError> {
        if let Some(child) = self.twice.get() {
            return Err(StartError::DuplicateName { child: child.clone() });
        }
        for kin in self.kin.lock().iter() {
            kin.child.family().map_or(Ok(()), |family| family.check_names())?;
        }
        Ok(())
    }

    /// Refuses numbers that cannot work, here and below.
    pub(super) fn check_all(&self) -> Result<(), (ChildId, SpecError)> {
        for kin in self.kin.lock().iter() {
            super::kin::check(&kin.terms.settings).map_err(|error| (kin.child.id().clone(), error))?;
            kin.child.family().map_or(Ok(()), |family| family.check_all())?;
        }
        Ok(())
    }
}
