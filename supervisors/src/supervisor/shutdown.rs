//! How a tree ended: child by child, and which threads could not be joined.

use crate::tree::State;
use crate::{ChildId, ExitReason};
use std::fmt;

/// How a tree ended. Every thread of it was joined or is named here.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How the outermost supervisor ended.
    pub reason: ExitReason,
    /// Every child, in start order, those of a nested supervisor after it.
    pub children: Vec<Farewell>,
    /// Threads that still hang in a turn and were not joined.
    pub threads_left: Vec<String>,
}

/// How one child ended.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Farewell {
    /// Its name, after those of the supervisors between it and the root: `pipeline/writer`.
    pub child: String,
    /// How it ended.
    pub ending: Ending,
}

/// How a child ended.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub enum Ending {
    /// As it should.
    Clean,
    /// Its last incarnation panicked.
    Panicked {
        /// The panic.
        reason: ExitReason,
    },
    /// Its last incarnation failed.
    Failed {
        /// Why.
        reason: ExitReason,
    },
    /// It did not answer by its deadline.
    Abandoned {
        /// The thread that it hangs in, if it had one in hand.
        thread: Option<String>,
        /// What it said it was doing; empty if it said nothing.
        doing: &'static str,
    },
}

impl ShutdownReport {
    /// Whether every child and the root ended as they should, and no thread is left.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let clean = |farewell: &Farewell| matches!(farewell.ending, Ending::Clean);
        !self.reason.is_abnormal() && self.threads_left.is_empty() && self.children.iter().all(clean)
    }

    /// How that child ended: `pipeline/writer`.
    #[must_use]
    pub fn child(&self, path: &str) -> Option<&Ending> {
        self.children.iter().find(|farewell| farewell.child == path).map(|farewell| &farewell.ending)
    }
}

impl Farewell {
    pub(super) fn new(
        id: &ChildId,
        state: State,
        reason: ExitReason,
        hung: Option<(Option<String>, &'static str)>,
    ) -> Farewell {
        let ending = match (state, hung) {
            (State::Abandoned, hung) => {
                let (thread, doing) = hung.unwrap_or_default();
                Ending::Abandoned { thread, doing }
            }
            _ if !reason.is_abnormal() => Ending::Clean,
            _ if matches!(reason.root_cause(), ExitReason::Panicked { .. }) => Ending::Panicked { reason },
            _ => Ending::Failed { reason },
        };
        Farewell { child: id.as_str().to_owned(), ending }
    }

    pub(super) fn below(mut self, supervisor: &ChildId) -> Farewell {
        self.child = format!("{supervisor}/{}", self.child);
        self
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        for Farewell { child, ending } in &self.children {
            write!(f, "\n  {child}: {ending}")?;
        }
        self.threads_left.iter().try_for_each(|thread| write!(f, "\n  thread left behind: {thread}"))
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Clean => f.write_str("clean"),
            Ending::Panicked { reason } | Ending::Failed { reason } => write!(f, "{reason}"),
            Ending::Abandoned { thread, doing } => {
                write!(f, "abandoned")?;
                thread.as_ref().map_or(Ok(()), |thread| write!(f, " on thread {thread}"))?;
                if doing.is_empty() { Ok(()) } else { write!(f, ", doing: {doing}") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abandoned_child_is_told_of_with_its_thread_and_what_it_did() {
        let told = |thread: Option<&str>, doing| {
            Ending::Abandoned { thread: thread.map(str::to_owned), doing }.to_string()
        };
        assert_eq!(told(Some("7"), "syncing"), "abandoned on thread 7, doing: syncing");
        assert_eq!(told(None, ""), "abandoned");
    }
}
