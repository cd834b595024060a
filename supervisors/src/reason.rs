//! Why an actor ended.

use crate::{ChildId, Remedy};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Where in the source a panic happened.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Location {
    /// The source file, as the compiler names it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Why an actor ended.
///
/// ```
/// use supervisors::ExitReason;
/// assert!(!ExitReason::Normal.is_abnormal());
/// let panicked = ExitReason::Panicked { message: "no".into(), location: None };
/// assert!(ExitReason::StartFailed(Box::new(panicked)).is_abnormal());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ExitReason {
    /// It said that it was done.
    Normal,
    /// Its supervisor stopped it.
    Shutdown,
    /// It returned an error.
    Failed {
        /// The error it returned.
        error: Arc<dyn Error + Send + Sync>,
        /// What a restart can do for it.
        remedy: Remedy,
    },
    /// It panicked.
    Panicked {
        /// The panic's text, or `unknown panic` for a payload that is not text.
        message: String,
        /// Where; unknown for a panic that was resumed rather than raised.
        location: Option<Location>,
    },
    /// Its factory or its `started` failed, or did not end by the start deadline.
    StartFailed(Box<ExitReason>),
    /// It failed more often than its restart policy allows.
    BudgetExhausted {
        /// The child that failed too often.
        child: ChildId,
        /// How often it had been restarted.
        restarts: u32,
        /// The window of the policy; zero where it has none.
        within: Duration,
        /// Its last exit.
        last: Box<ExitReason>,
    },
    /// One of its children failed in a way that a restart cannot help, whatever the budget.
    Escalated {
        /// The child that failed.
        child: ChildId,
        /// Its last exit.
        last: Box<ExitReason>,
    },
    /// It did not stop by its deadline and was left to itself.
    Abandoned,
}

impl ExitReason {
    /// Whether this is neither a normal end nor a stop by the supervisor.
    #[must_use]
    pub fn is_abnormal(&self) -> bool {
        !matches!(self, ExitReason::Normal | ExitReason::Shutdown)
    }

    /// What stands behind failed starts and exhausted budgets.
    #[must_use]
    pub fn root_cause(&self) -> &ExitReason {
        match self {
            ExitReason::StartFailed(inner)
            | ExitReason::Escalated { last: inner, .. }
            | ExitReason::BudgetExhausted { last: inner, .. } => inner.root_cause(),
            other => other,
        }
    }

    /// The actor's own error at the root of this reason, if it is an `E`.
    #[must_use]
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        match self.root_cause() {
            ExitReason::Failed { error, .. } => error.downcast_ref(),
            _ => None,
        }
    }

    /// What a restart can do; a restart for everything but an error that says otherwise.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            ExitReason::Failed { remedy, .. } => *remedy,
            ExitReason::StartFailed(inner) => inner.remedy(),
            _ => Remedy::Restart,
        }
    }

    /// One word for the kind of end, as it is serialized.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            ExitReason::Normal => "normal",
            ExitReason::Shutdown => "shutdown",
            ExitReason::Failed { .. } => "failed",
            ExitReason::Panicked { .. } => "panicked",
            ExitReason::StartFailed(_) => "start failed",
            ExitReason::BudgetExhausted { .. } => "budget exhausted",
            ExitReason::Escalated { .. } => "escalated",
            ExitReason::Abandoned => "abandoned",
        }
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExitReason::Failed { error, .. } => write!(f, "failed: {error}"),
            ExitReason::Panicked { message, location: Some(at) } => write!(f, "panicked at {at}: {message}"),
            ExitReason::Panicked { message, location: None } => write!(f, "panicked: {message}"),
            ExitReason::Escalated { child, last } => write!(f, "{child} escalated: {last}"),
            ExitReason::StartFailed(inner) => write!(f, "start failed: {inner}"),
            ExitReason::BudgetExhausted { child, restarts, within, last } => {
                write!(f, "{child} exhausted its budget of {restarts} restarts")?;
                if !within.is_zero() {
                    write!(f, " within {within:?}")?;
                }
                write!(f, "; last: {last}")
            }
            plain => f.write_str(plain.kind()),
        }
    }
}

/// A map of the kind and the whole text: errors of actors need not be serializable themselves.
impl Serialize for ExitReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_struct("ExitReason", 2)?;
        map.serialize_field("kind", self.kind())?;
        map.serialize_field("text", &self.to_string())?;
        map.end()
    }
}
