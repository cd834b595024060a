//! An actor runtime with supervision.

mod actor;
mod address;
mod child;
mod context;
pub(crate) mod control;
mod core;
mod driver;
mod error;
mod mailbox;
#[cfg(test)]
mod measure;
#[cfg(any(test, loom))]
#[doc(hidden)]
pub mod nursery;
#[cfg(loom)]
#[doc(hidden)]
pub mod planted;
#[cfg(not(loom))]
mod planted;
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
