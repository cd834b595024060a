//! The words of a child spec that decisions depend on.

pub(crate) use crate::{Backoff, Exhausted, Remedy, Restart, RestartPolicy, Time};

/// Who restarts with a child that is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Nobody: the children do not depend on each other.
    OneForOne,
    /// All its siblings: stopped in reverse order and started again in order.
    OneForAll,
    /// The siblings that were started after it, in the same way.
    RestForOne,
}
