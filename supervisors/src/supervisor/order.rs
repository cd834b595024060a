//! What a supervisor can be told.

use super::handle::{AddError, RemoveError};
use crate::control::Notice;
use crate::core::Timer;
use crate::{ChildId, ChildSpec, ExitReason, Reply};

/// What a supervisor can be told, besides the wake-up that asks it to stop.
pub(crate) enum Order {
    /// A child started, did not start, or ended. Comes through the urgent lane.
    Heard(Notice),
    /// A deadline or a pause is over.
    Due(Timer),
    /// Start one more child, last; answered when it has started or failed to.
    Add { spec: Box<ChildSpec>, reply: Reply<Result<(), AddError>> },
    /// Stop a child and forget it; answered with how it ended.
    Remove { id: ChildId, reply: Reply<Result<ExitReason, RemoveError>> },
}
