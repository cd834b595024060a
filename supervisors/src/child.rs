//! A child's name, and the wait for its end for good.

use crate::rt::Mutex;
use crate::rt::thread::{self, Thread};
use crate::{ExitReason, Runtime, driver};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The name of a child, unique under its supervisor. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildId(Arc<str>);

impl ChildId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ChildId {
    fn from(name: &str) -> ChildId {
        ChildId(name.into())
    }
}

impl From<String> for ChildId {
    fn from(name: String) -> ChildId {
        ChildId(name.into())
    }
}

impl fmt::Display for ChildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ChildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChildId({:?})", &*self.0)
    }
}

impl serde::Serialize for ChildId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Tells when a child has ended for good, which is not between two restarts. Clones wait for the same end.
#[derive(Clone)]
pub struct Completion {
    inner: Arc<Inner>,
}

struct Inner {
    runtime: OnceLock<Runtime>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    reason: Option<ExitReason>,
    waiting: Vec<Thread>,
}

impl Completion {
    pub(crate) fn new() -> Completion {
        Completion {
            inner: Arc::new(Inner { runtime: OnceLock::new(), state: Mutex::new(State::default()) }),
        }
    }

    /// Where the child runs, so that a wait on a simulated runtime can step it.
    pub(crate) fn bind(&self, runtime: &Runtime) {
        let _ = self.inner.runtime.set(runtime.clone());
    }

    /// The first reason stays.
    pub(crate) fn complete(&self, reason: &ExitReason) {
        let waiting = {
            let mut state = self.inner.state.lock();
            state.reason.get_or_insert_with(|| reason.clone());
            std::mem::take(&mut state.waiting)
        };
        waiting.iter().for_each(Thread::unpark);
    }

    /// Waits until the child has ended for good.
    ///
    /// On a simulated runtime this returns [`ExitReason::Abandoned`] when nothing that is left to happen ends the child.
    #[must_use]
    pub fn wait(&self) -> ExitReason {
        self.wait_for(None).unwrap_or(ExitReason::Abandoned)
    }

    /// Waits that long at most; `None` if the child is still there.
    #[must_use]
    pub fn wait_timeout(&self, timeout: Duration) -> Option<ExitReason> {
        self.wait_for(Some(timeout))
    }

    /// The reason, if the child has ended for good.
    #[must_use]
    pub fn try_wait(&self) -> Option<ExitReason> {
        self.inner.state.lock().reason.clone()
    }

    fn wait_for(&self, timeout: Option<Duration>) -> Option<ExitReason> {
        driver::wait(self.inner.runtime.get(), timeout, || self.try_wait(), || self.register()).ok()
    }

    fn register(&self) {
        let mut state = self.inner.state.lock();
        if state.reason.is_none() {
            state.waiting.push(thread::current());
        }
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion").field("reason", &self.try_wait()).finish()
    }
}
