//! How to start and restart a child.

use crate::control::Child;
use crate::slot::Slot;
use crate::supervisor::family::Family;
use crate::{Actor, Address, ChildId, Completion, ExitReason, IntoActor};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How often a child may be restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub enum RestartPolicy {
    /// One restart in the child's life.
    Once,
    /// So many restarts within any window of that length; the window slides.
    Bounded {
        /// Restarts within the window, at most.
        max_restarts: u32,
        /// The length of the window.
        within: Duration,
    },
    /// No restart.
    Never,
}

/// After which exits a child is restarted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub enum Restart {
    /// After every exit.
    #[default]
    Permanent,
    /// After abnormal exits.
    Transient,
    /// After none.
    Temporary,
}

/// What runs the turns of a child.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub enum Driver {
    /// A caller that finds the actor idle runs its turn; its own thread, made when first needed, runs the rest.
    #[default]
    Inline,
    /// Always its own thread: for handlers that may block.
    OwnThread,
    /// A caller that finds the actor idle runs its turn, as under `Inline`; one of the threads that the pooled actors of
    /// the tree share runs the rest, and watches its timers. For actors by the thousand: no number of them, busy or
    /// not, makes more threads than [`Runtime::pool_of`](crate::Runtime::pool_of) says.
    ///
    /// A handler that blocks keeps a thread of the pool from all the others. A supervisor may be pooled too, where there
    /// are many; then the deadlines of its children are seen when a thread of the pool is free.
    Pooled,
}

/// What happens when a child's budget is exhausted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub enum Exhausted {
    /// Its supervisor gives up too.
    #[default]
    Escalate,
    /// The child ends for good; its supervisor and its siblings go on.
    EndChild,
}

/// How long to wait before a restart: `initial`, times `factor` after each failure, at most `max`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Backoff {
    /// Before the first restart.
    pub initial: Duration,
    /// Before any restart, at most.
    pub max: Duration,
    /// What the wait grows by from one failure to the next; at least 1.
    pub factor: f64,
    /// The share of the wait that is drawn at random, from 0 to 1.
    pub jitter: f64,
}

/// How a child is run and how it is ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) mailbox: usize,
    pub(crate) turn_limit: usize,
    pub(crate) driver: Driver,
    /// As asked for; unless asked for, 5 s for an actor and as long as it takes for a supervisor.
    pub(crate) shutdown: Option<Duration>,
    /// As asked for; unless asked for, 30 s for an actor and as long as it takes for a supervisor.
    pub(crate) start_deadline: Option<Duration>,
    pub(crate) restart: RestartPolicy,
    pub(crate) kind: Restart,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) when_exhausted: Exhausted,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            mailbox: 64,
            turn_limit: 64,
            driver: Driver::default(),
            shutdown: None,
            start_deadline: None,
            restart: RestartPolicy::Bounded { max_restarts: 3, within: Duration::from_secs(60) },
            kind: Restart::default(),
            backoff: None,
            when_exhausted: Exhausted::default(),
        }
    }
}

/// How to start and restart one child. A spec that is dropped unstarted ends its address: callers get `Stopped`.
#[must_use = "a spec does nothing until a supervisor starts it"]
pub struct ChildSpec {
    child: Unstarted,
    pub(crate) settings: Settings,
}

/// A child that nobody has started yet; ends it when nobody ever does, so that no caller waits for ever.
struct Unstarted(Option<Arc<dyn Child>>);

impl Unstarted {
    fn child(&self) -> &Arc<dyn Child> {
        self.0.as_ref().expect("the child is taken only together with the spec")
    }
}

impl Drop for Unstarted {
    fn drop(&mut self) {
        if let Some(child) = self.0.take() {
            child.end(&ExitReason::Shutdown);
        }
    }
}

impl ChildSpec {
    /// A child and the address of its slot, which stays valid over restarts.
    ///
    /// The factory makes the actor of each incarnation. It returns the actor or, where making it can fail, a
    /// `Result<A, A::Error>`.
    ///
    /// ```
    /// use supervisors::{Actor, ChildSpec, Context, Flow, RestartPolicy};
    /// struct Quiet;
    /// impl Actor for Quiet {
    ///     type Message = String;
    ///     type Error = std::convert::Infallible;
    ///     fn handle(&mut self, _: String, _: &mut Context<'_, String>) -> Result<Flow, Self::Error> {
    ///         Ok(Flow::Continue)
    ///     }
    /// }
    /// let (spec, address) = ChildSpec::actor("quiet", || Quiet);
    /// let spec = spec.restart(RestartPolicy::Once).mailbox(16);
    /// assert_eq!(address.child().as_str(), "quiet");
    /// drop(spec); // it was never started
    /// assert!(address.send("anyone?".into()).is_err());
    /// ```
    pub fn actor<F, T>(
        id: impl Into<ChildId>,
        mut factory: F,
    ) -> (ChildSpec, Address<<T::Actor as Actor>::Message>)
    where
        F: FnMut() -> T + Send + 'static,
        T: IntoActor,
    {
        let slot = Slot::for_actor(id.into(), move || factory().into_actor(), None);
        (ChildSpec::from_child(slot.clone()), Address::new(slot))
    }

    pub(crate) fn from_child(child: Arc<dyn Child>) -> ChildSpec {
        ChildSpec { child: Unstarted(Some(child)), settings: Settings::default() }
    }

    /// The child itself, for the supervisor that from now on answers for its end.
    pub(crate) fn into_parts(mut self) -> (Arc<dyn Child>, Settings) {
        let child = self.child.0.take().expect("the child is taken only together with the spec");
        (child, self.settings.clone())
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Of a supervisor: its children.
    pub(crate) fn family(&self) -> Option<Arc<Family>> {
        self.child.child().family()
    }

    /// The child's name.
    #[must_use]
    pub fn id(&self) -> &ChildId {
        self.child.child().id()
    }

    /// How often it may be restarted; 3 times within 60 s unless said otherwise.
    pub fn restart(mut self, policy: RestartPolicy) -> ChildSpec {
        self.settings.restart = policy;
        self
    }

    /// After which exits it is restarted; all of them unless said otherwise.
    pub fn kind(mut self, kind: Restart) -> ChildSpec {
        self.settings.kind = kind;
        self
    }

    /// Messages its mailbox holds; 64 unless said otherwise. It has no effect once a message was sent.
    pub fn mailbox(mut self, messages: usize) -> ChildSpec {
        self.settings.mailbox = messages;
        self.child.child().set_capacity(messages);
        self
    }

    /// Messages of one turn, at most; 64 unless said otherwise.
    pub fn turn_limit(mut self, messages: usize) -> ChildSpec {
        self.settings.turn_limit = messages;
        self
    }

    /// How long it may take to stop before it is abandoned; 5 s unless said otherwise.
    pub fn shutdown(mut self, deadline: Duration) -> ChildSpec {
        self.settings.shutdown = Some(deadline);
        self
    }

    /// How long its factory and its `started` may take; 30 s unless said otherwise.
    pub fn start_deadline(mut self, deadline: Duration) -> ChildSpec {
        self.settings.start_deadline = Some(deadline);
        self
    }

    /// A wait before each restart; none unless asked for.
    pub fn backoff(mut self, backoff: Backoff) -> ChildSpec {
        self.settings.backoff = Some(backoff);
        self
    }

    /// What runs its turns; [`Driver::Inline`] unless said otherwise.
    pub fn driver(mut self, driver: Driver) -> ChildSpec {
        self.settings.driver = driver;
        self
    }

    /// What happens when its budget is exhausted; its supervisor gives up too unless said otherwise.
    pub fn when_exhausted(mut self, exhausted: Exhausted) -> ChildSpec {
        self.settings.when_exhausted = exhausted;
        self
    }

    /// Tells when the child has ended for good.
    #[must_use]
    pub fn completion(&self) -> Completion {
        self.child.child().completion()
    }
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec").field("id", self.id()).field("settings", &self.settings).finish()
    }
}
