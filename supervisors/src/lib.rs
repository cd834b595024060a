//! Supervised actors on threads: bounded mailboxes, restart budgets, a tree you can look at, no async runtime.
//!
//! An *actor* is private state and one closed enum of messages; it handles one message at a time. A *supervisor* starts
//! actors in order, hears of every exit as a message, and restarts what failed, within a budget. When a budget is used
//! up the supervisor itself ends, its parent decides, and in the end you are told: nothing dies in silence.
//!
//! ```text
//!   your threads                             supervision
//!        |  send, call, submit                  Running ------- tree(), reports(), wait(), shutdown()
//!        v                                         |
//!   [ mailbox ] -> actor                      supervisor        ordered start, restarts by strategy and budget,
//!        bounded     |  outbox                 |      |         stop in reverse, each within its deadline
//!                    v                     supervisor  actor
//!                 other actors              |    |       ^
//!                                        actor  actor    '--- Exit { child, incarnation, reason }: a message that
//!                                                             never waits, whatever is full
//! ```
//!
//! # Quick start
//!
//! ```
//! use std::time::Duration;
//! use supervisors::{Actor, CallError, ChildSpec, Context, Flow, Reply, RestartPolicy, Supervisor};
//!
//! /// Adds numbers; divides by them, too, which may end badly.
//! struct Calculator(u64);
//!
//! enum Message {
//!     Add(u64),
//!     DivideBy(u64, Reply<u64>),
//! }
//!
//! impl Actor for Calculator {
//!     type Message = Message;
//!     type Error = std::convert::Infallible;
//!
//!     fn handle(&mut self, message: Message, _: &mut Context<'_, Message>) -> Result<Flow, Self::Error> {
//!         match message {
//!             Message::Add(n) => self.0 += n,
//!             Message::DivideBy(n, reply) => reply.send(self.0 / n),
//!         }
//!         Ok(Flow::Continue)
//!     }
//! }
//!
//! // The factory makes each incarnation; the address stays valid over all of them.
//! let (spec, calculator) = ChildSpec::actor("calculator", || Calculator(100));
//! let budget = RestartPolicy::Bounded { max_restarts: 3, within: Duration::from_secs(60) };
//! let running = Supervisor::one_for_one("top").child(spec.restart(budget)).start()?;
//!
//! calculator.send(Message::Add(20))?;
//! assert_eq!(calculator.call(|reply| Message::DivideBy(3, reply))?, 40);
//!
//! // A panic is an exit. Whoever waits for that message hears of it, and the next incarnation goes on.
//! let answer = calculator.call(|reply| Message::DivideBy(0, reply));
//! assert!(matches!(answer, Err(CallError::ActorFailed { incarnation: 1, .. })));
//! assert_eq!(calculator.call(|reply| Message::DivideBy(4, reply))?, 25);
//!
//! println!("{}", running.tree()); // top [one for one] running #1 ...
//! assert_eq!(running.tree().find(["calculator"]).unwrap().restarts_total, 1);
//! assert!(running.shutdown().is_clean());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What restarts what
//!
//! | | decides |
//! |---|---|
//! | [`Restart`] | after which exits a child comes back: all, abnormal ones, none |
//! | [`RestartPolicy`] | how often: once, so many times in a sliding window, never |
//! | [`Strategy`] | who restarts with it: nobody, all siblings, those started after it |
//! | [`Remedy`] | what an error says of itself: restart me, stop me, escalate |
//! | [`Exhausted`] | what a used-up budget ends: the supervisor, or the child alone |
//!
//! The rules are those of Erlang's OTP, with these differences: each child has a budget of its own; a transient child
//! that ended as it should has ended for good, so that nobody waits for it; under [`Strategy::OneForOne`] restarts do
//! not wait for each other; a group whose restart failed is stopped before the pause, not after it.
//!
//! # Who runs a turn
//!
//! | [`Driver`] | a caller that finds the actor idle | all else: sends, timers, what a busy actor has queued |
//! |---|---|---|
//! | `Inline` | runs its turn | its own thread, made when first needed |
//! | `OwnThread` | wakes its thread | its own thread |
//! | `Pooled` | runs its turn | a thread of the pool that the pooled actors of the tree share |
//!
//! The actor is the same under each, and under the simulated driver of the feature `simulation`. A pool makes actors by
//! the thousand cheap: one that is idle takes about a kilobyte and no thread, one that has been sent to holds its
//! mailbox too.
//!
//! ```
//! use supervisors::{Actor, ChildSpec, Context, Driver, Flow, Reply, Runtime, Supervisor};
//!
//! struct Account(u64);
//!
//! enum Message {
//!     PayIn(u64),
//!     Balance(Reply<u64>),
//! }
//!
//! impl Actor for Account {
//!     type Message = Message;
//!     type Error = std::convert::Infallible;
//!
//!     fn handle(&mut self, message: Message, _: &mut Context<'_, Message>) -> Result<Flow, Self::Error> {
//!         match message {
//!             Message::PayIn(amount) => self.0 += amount,
//!             Message::Balance(reply) => reply.send(self.0),
//!         }
//!         Ok(Flow::Continue)
//!     }
//! }
//!
//! let mut bank = Supervisor::one_for_one("bank");
//! let mut accounts = Vec::new();
//! for number in 0..10_000 {
//!     let (spec, account) = ChildSpec::actor(format!("account {number}"), || Account(0));
//!     bank = bank.child(spec.driver(Driver::Pooled).mailbox(4));
//!     accounts.push(account);
//! }
//! let running = bank.start_on(&Runtime::threads().pool_of(2))?;
//!
//! for account in &accounts {
//!     account.send(Message::PayIn(10))?; // two threads take care of all of them
//! }
//! for account in &accounts {
//!     assert_eq!(account.call(Message::Balance)?, 10);
//! }
//! assert!(running.shutdown().is_clean());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it asks of you
//!
//! A handler that may block belongs to [`Driver::OwnThread`]. A [pooled](Driver::Pooled) one that blocks keeps a thread from
//! all the others; one that still hangs when its shutdown deadline has passed is named with that thread, and the pool gets
//! another. An [inline](Driver::Inline) actor is run by whoever finds
//! it idle, and one that blocks in its factory or in [`Actor::started`] holds up its supervisor, deadline or not.

mod actor;
mod address;
mod child;
mod context;
pub(crate) mod control;
mod core;
mod driver;
mod error;
#[doc(hidden)]
pub mod failpoints;
mod mailbox;
#[cfg(test)]
mod measure;
#[cfg(any(test, loom))]
#[doc(hidden)]
pub mod nursery;
#[doc(hidden)]
pub mod planted;
mod reason;
mod reply;
mod report;
pub mod rt;
mod runtime;
/// The simulated driver: the whole tree on one thread, every interleaving a choice, time that costs nothing.
#[cfg(any(test, feature = "simulation"))]
pub mod simulation {
    pub use crate::driver::simulated::{Choices, Recorded, Seeded, Simulation};
}
mod slot;
mod spec;
mod splitmix;
mod supervisor;
mod time;
mod timer;
mod tree;

pub use self::core::SpecError;
pub use self::core::policy::Strategy;
pub use actor::{Actor, Failure, Flow, IntoActor, Remedy};
pub use address::Address;
pub use child::{ChildId, Completion};
pub use context::Context;
pub use driver::holds_a_turn;
pub use error::{CallError, SendError, SendTimeoutError, TrySendError};
pub use reason::{ExitReason, Location};
pub use reply::{Answer, Reply, reply_box};
pub use report::{Lifecycle, Received, Report, Reports};
pub use runtime::Runtime;
pub use spec::{Backoff, ChildSpec, Driver, Exhausted, Restart, RestartPolicy};
pub use supervisor::{
    AddError, Ending, Farewell, RemoveError, Running, ShutdownReport, StartError, Supervisor,
    SupervisorHandle,
};
pub use time::Time;
pub use timer::TimerId;
pub use tree::{Kind, State as ChildState, Tree, TreeNode};
