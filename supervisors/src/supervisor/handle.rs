//! A handle on a running supervisor: add, remove, look.

use super::family::{Family, root_node};
use super::kin::check;
use super::order::Order;
use crate::control::{Child, Phase};
use crate::tree::{State, Tree, TreeNode};
use crate::{Address, CallError, ChildId, ChildSpec, ExitReason, SpecError, Time};
use std::fmt;
use std::sync::Arc;

/// A handle on a supervisor, valid over its restarts. Clones are the same supervisor.
#[derive(Clone)]
pub struct SupervisorHandle {
    pub(super) address: Address<Order>,
    pub(super) family: Arc<Family>,
}

/// Why a child was not added. Its address answers `Stopped`.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// A child of that name is there, and has not ended for good.
    #[error("a child of that name is there")]
    AlreadyThere,
    /// Its numbers cannot work.
    #[error("the child spec cannot work: {0}")]
    Refused(#[from] SpecError),
    /// It did not start; it is not restarted either.
    #[error("the child did not start: {0}")]
    DidNotStart(ExitReason),
    /// It was removed before it had started.
    #[error("the child was removed before it had started")]
    Removed,
    /// The supervisor is stopping, or has ended.
    #[error("the supervisor is stopping or has ended")]
    Stopped,
    /// The calling thread holds the supervisor's turn, or nothing that is left to happen can answer.
    #[error("the supervisor cannot be waited for here: {0}")]
    Call(CallError),
}

/// Why a child was not removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoveError {
    /// There is no child of that name.
    #[error("there is no child of that name")]
    Unknown,
    /// The calling thread is in that child's turn and would wait for itself.
    #[error("a child cannot wait for its own end")]
    OwnTurn,
    /// The supervisor has ended.
    #[error("the supervisor is stopping or has ended")]
    Stopped,
    /// The supervisor cannot be waited for here.
    #[error("the supervisor cannot be waited for here: {0}")]
    Call(CallError),
}

impl SupervisorHandle {
    /// Starts one more child, last in the order, and waits until it has started or failed to. A child of that name
    /// that has ended for good makes room for it.
    ///
    /// Should the supervisor itself be restarted, children that were added are gone, and their addresses answer
    /// `Stopped`.
    ///
    /// # Errors
    /// See [`AddError`].
    ///
    /// ```
    /// use supervisors::{Actor, ChildSpec, Context, Flow, Supervisor};
    /// struct Quiet;
    /// impl Actor for Quiet {
    ///     type Message = ();
    ///     type Error = std::convert::Infallible;
    ///     fn handle(&mut self, _: (), _: &mut Context<'_, ()>) -> Result<Flow, Self::Error> { Ok(Flow::Continue) }
    /// }
    /// let running = Supervisor::one_for_one("top").start().unwrap();
    /// let (spec, address) = ChildSpec::actor("quiet", || Quiet);
    /// running.handle().add(spec).unwrap();
    /// address.send(()).unwrap();
    /// running.handle().remove(&"quiet".into()).unwrap();
    /// assert!(address.send(()).is_err());
    /// ```
    pub fn add(&self, spec: ChildSpec) -> Result<(), AddError> {
        check(spec.settings())?;
        if let Some(family) = spec.family() {
            family.check_all().map_err(|(_, error)| error)?;
        }
        match self.address.call(|reply| Order::Add { spec: Box::new(spec), reply }) {
            Ok(outcome) => outcome,
            Err(CallError::Stopped | CallError::NoReply | CallError::ActorFailed { .. }) => {
                Err(AddError::Stopped)
            }
            Err(other) => Err(AddError::Call(other)),
        }
    }

    /// Stops the child, waits until it is down or abandoned, and forgets it. Says how it ended.
    ///
    /// # Errors
    /// See [`RemoveError`].
    pub fn remove(&self, id: &ChildId) -> Result<ExitReason, RemoveError> {
        let found = self.family.find(id);
        if found.is_some_and(|(_, child, ended)| !ended && child.is_held()) {
            return Err(RemoveError::OwnTurn);
        }
        match self.address.call(|reply| Order::Remove { id: id.clone(), reply }) {
            Ok(outcome) => outcome,
            Err(CallError::Stopped | CallError::NoReply | CallError::ActorFailed { .. }) => {
                Err(RemoveError::Stopped)
            }
            Err(other) => Err(RemoveError::Call(other)),
        }
    }

    /// Asks for the child to be stopped and forgotten, and does not wait for it; its
    /// [`Completion`](crate::Completion) tells when it has ended. Waits only while the supervisor's mailbox is full.
    ///
    /// When it returns an idle supervisor has heard of it, so that how the child ends from here on is how it was stopped.
    pub fn stop(&self, id: &ChildId) {
        self.address.call_without_waiting(|reply| Order::Remove { id: id.clone(), reply });
    }

    /// The names of the children, in start order.
    #[must_use]
    pub fn children(&self) -> Vec<ChildId> {
        self.family.kin.lock().iter().map(|kin| kin.child.id().clone()).collect()
    }

    /// A snapshot of this supervisor and all below it. Waits for no child and for no supervisor.
    ///
    /// Before the supervisor was started it has no clock; then times are zero.
    ///
    /// ```
    /// use supervisors::{ChildSpec, Supervisor};
    /// let (inner, _) = ChildSpec::supervisor(Supervisor::one_for_one("inner"));
    /// let (outer, handle) = ChildSpec::supervisor(Supervisor::one_for_one("outer").child(inner));
    /// let running = Supervisor::one_for_one("top").child(outer).start()?;
    /// assert!(handle.tree().root.child("inner").is_some());
    /// # drop(running);
    /// # Ok::<(), supervisors::StartError>(())
    /// ```
    #[must_use]
    pub fn tree(&self) -> Tree {
        let at = self.now();
        let slot = &self.address.slot;
        let state = match slot.snapshot().phase {
            Phase::Down => State::New,
            Phase::Starting => State::Starting,
            Phase::Running => State::Running,
            Phase::Stopping => State::Stopping,
            Phase::Ended => State::Stopped,
        };
        Tree { at, root: root_node(&**slot, &self.family, state, at) }
    }

    /// The part of [`SupervisorHandle::tree`] that begins at the child of that name, at a cost that does not grow with
    /// the number of children.
    ///
    /// ```
    /// use supervisors::{ChildSpec, Supervisor};
    /// let (inner, _) = ChildSpec::supervisor(Supervisor::one_for_one("inner"));
    /// let running = Supervisor::one_for_one("top").child(inner).start()?;
    /// assert!(running.handle().child(&"inner".into()).is_some());
    /// assert!(running.handle().child(&"outer".into()).is_none());
    /// # Ok::<(), supervisors::StartError>(())
    /// ```
    #[must_use]
    pub fn child(&self, id: &ChildId) -> Option<TreeNode> {
        self.family.node(id, self.now())
    }

    fn now(&self) -> Time {
        self.family.home.get().map(|home| home.place.runtime.now()).unwrap_or_default()
    }
}

impl fmt::Debug for SupervisorHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SupervisorHandle").field(&self.family.name).finish()
    }
}
