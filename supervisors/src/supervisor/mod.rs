//! Supervisors: built, started, nested, changed while they run, and stopped.

mod actor;
mod books;
mod child;
pub(crate) mod family;
mod handle;
mod kin;
mod order;
mod running;
mod shutdown;

#[cfg(test)]
mod tests;

use crate::{ChildId, ChildSpec, Runtime, Strategy};
use child::SupervisorChild;
use family::Family;
pub use handle::{AddError, RemoveError, SupervisorHandle};
pub use running::{Running, StartError};
pub use shutdown::{Ending, Farewell, ShutdownReport};
use std::sync::Arc;

/// A supervisor that is not started yet: a strategy and its children, in start order.
///
/// ```
/// use supervisors::{Actor, ChildSpec, Context, Flow, Reply, Supervisor};
///
/// struct Greeter;
/// struct Greet(Reply<&'static str>);
/// impl Actor for Greeter {
///     type Message = Greet;
///     type Error = std::convert::Infallible;
///     fn handle(&mut self, Greet(reply): Greet, _: &mut Context<'_, Greet>) -> Result<Flow, Self::Error> {
///         reply.send("hello");
///         Ok(Flow::Continue)
///     }
/// }
///
/// let (spec, greeter) = ChildSpec::actor("greeter", || Greeter);
/// let running = Supervisor::one_for_one("top").child(spec).start()?;
/// assert_eq!(greeter.call(Greet)?, "hello");
/// assert!(running.shutdown().is_clean());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a supervisor does nothing until it is started"]
#[derive(Debug)]
pub struct Supervisor {
    family: Arc<Family>,
}

impl Supervisor {
    /// Restarts only the child that failed.
    pub fn one_for_one(name: impl Into<ChildId>) -> Supervisor {
        Supervisor { family: Family::new(name.into(), Strategy::OneForOne) }
    }

    /// Restarts all children when one failed.
    pub fn one_for_all(name: impl Into<ChildId>) -> Supervisor {
        Supervisor { family: Family::new(name.into(), Strategy::OneForAll) }
    }

    /// Restarts the child that failed and those started after it.
    pub fn rest_for_one(name: impl Into<ChildId>) -> Supervisor {
        Supervisor { family: Family::new(name.into(), Strategy::RestForOne) }
    }

    /// One more child, last in the start order.
    pub fn child(self, spec: ChildSpec) -> Supervisor {
        let (child, settings) = spec.into_parts();
        self.family.take_in(self.family.next_key(), child, settings, true);
        self
    }

    /// Starts the children in order on real threads, and returns when all have started.
    ///
    /// # Errors
    /// [`StartError`], when a child's numbers cannot work or it did not start; then those started before it have been
    /// stopped again, in reverse.
    pub fn start(self) -> Result<Running, StartError> {
        self.start_on(&Runtime::threads())
    }

    /// As [`start`](Supervisor::start), on that runtime.
    ///
    /// # Errors
    /// As [`start`](Supervisor::start).
    pub fn start_on(self, runtime: &Runtime) -> Result<Running, StartError> {
        Running::start(self.into_child(), runtime)
    }

    fn into_child(self) -> Arc<SupervisorChild> {
        SupervisorChild::new(self.family)
    }
}

impl ChildSpec {
    /// A supervisor as a child of another, and a handle on it. Unless said otherwise it may take as long to start and
    /// to stop as its children do.
    ///
    /// ```
    /// use supervisors::{ChildSpec, Supervisor};
    /// let (cursors, handle) = ChildSpec::supervisor(Supervisor::one_for_one("cursors"));
    /// let running = Supervisor::one_for_one("store").child(cursors).start()?;
    /// assert!(handle.children().is_empty());
    /// assert!(running.tree().find(["cursors"]).is_some());
    /// # Ok::<(), supervisors::StartError>(())
    /// ```
    pub fn supervisor(supervisor: Supervisor) -> (ChildSpec, SupervisorHandle) {
        let child = supervisor.into_child();
        let handle = handle_of(&child);
        (ChildSpec::from_child(child), handle)
    }
}

fn handle_of(child: &SupervisorChild) -> SupervisorHandle {
    SupervisorHandle { address: crate::Address::new(child.slot.clone()), family: child.family.clone() }
}
