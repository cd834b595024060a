//! Failpoints: named places at which a test makes the code panic, to see that nothing is lost by it.
//!
//! A point is one line, `point("writer.commit.synced")`. Without the feature `failpoints` it is empty and costs nothing.
//! With it, the point counts its hits in the `Script` of its thread, if there is one, and panics at the hit that the
//! script says. Threads that the runtime starts have the script of the thread that started them. A point strikes only
//! inside a turn: outside of one there is no actor that could fail, and the panic would be the caller's.
//!
//! # Where there are none
//!
//! A point stands only where code of an actor runs, behind the boundary that catches panics: in factories, handlers,
//! drops, and in a supervisor's own step. What runs between turns must not panic, for no code of an actor runs there
//! and somebody's promise would be left half done:
//!
//! - settling a slot's count: a panic between the push and the count strands a message;
//! - delivering an outbox: half of a finished turn would be sent and the other half would not;
//! - giving a notice to a parent, and what a parent that is a supervisor's family does with it: the exit would be lost;
//! - the driver's work list and the slots' own threads: other slots wait there that have nothing to do with it;
//! - the answers that refuse the replies of a failed turn: a caller would wait for ever.
//!
//! These steps call no code that is not the runtime's own. The loom models look at them instead.

#[cfg(all(feature = "failpoints", not(loom)))]
mod script;

#[cfg(all(feature = "failpoints", not(loom)))]
pub use script::{Installed, Script, Strike, disarm, point};

#[cfg(all(feature = "failpoints", not(loom)))]
pub(crate) use script::inherited;

/// A place at which a test may make the code panic. Without the feature `failpoints` there is nothing here.
#[cfg(not(all(feature = "failpoints", not(loom))))]
#[inline(always)]
pub const fn point(_name: &'static str) {}

/// From here on no point of this thread's script strikes.
#[cfg(not(all(feature = "failpoints", not(loom))))]
pub const fn disarm() {}

/// The work of a new thread, which has the script of this one.
#[cfg(not(all(feature = "failpoints", not(loom))))]
#[inline(always)]
pub(crate) fn inherited<F: FnOnce() + Send>(work: F) -> F {
    work
}
