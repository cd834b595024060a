//! An actor runtime with supervision.

mod actor;
mod address;
mod child;
mod context;
pub(crate) mod control;
mod driver;
mod error;
mod mailbox;
mod reason;
mod reply;
pub mod rt;
mod runtime;
mod slot;
mod spec;
mod time;
mod timer;

pub use actor::{Actor, Failure, Flow, IntoActor, Remedy};
pub use address::Address;
pub use child::{ChildId, Completion};
pub use context::Context;
pub use error::{CallError, SendError, SendTimeoutError, TrySendError};
pub use reason::{ExitReason, Location};
pub use reply::{Answer, Reply, reply_box};
pub use runtime::Runtime;
pub use spec::{Backoff, ChildSpec, Driver, Exhausted, Restart, RestartPolicy};
pub use time::Time;
pub use timer::TimerId;
