//! An actor runtime with supervision.

mod actor;
mod address;
mod child;
mod context;
pub(crate) mod control;
mod driver;
mod error;
mod mailbox;
#[cfg(any(test, loom))]
#[doc(hidden)]
pub mod nursery;
mod reason;
mod reply;
pub mod rt;
mod runtime;
/// The simulated driver: the whole tree on one thread, every interleaving a choice, time that costs nothing.
#[cfg(any(test, feature = "simulation"))]
pub mod simulation {
    pub use crate::driver::simulated::{Choices, Recorded, Seeded, Simulation};
}
mod slot;
mod spec;
mod time;
mod timer;

pub use actor::{Actor, Failure, Flow, IntoActor, Remedy};
pub use address::Address;
pub use child::{ChildId, Completion};
pub use context::Context;
pub use driver::holds_a_turn;
pub use error::{CallError, SendError, SendTimeoutError, TrySendError};
pub use reason::{ExitReason, Location};
pub use reply::{Answer, Reply, reply_box};
pub use runtime::Runtime;
pub use spec::{Backoff, ChildSpec, Driver, Exhausted, Restart, RestartPolicy};
pub use time::Time;
pub use timer::TimerId;
