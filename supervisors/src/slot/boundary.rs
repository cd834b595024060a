//! The failure boundary: a panic in user code ends here as a reason, and replies that it dropped are answered.
//!
//! A reply that is dropped inside is not answered at once but when the handler has returned, because only then is it
//! known whether the actor failed; and because under loom nothing may be locked while a panic unwinds.

use crate::planted::{self, Bug};
use crate::rt;
use crate::{CallError, ExitReason, reason::Location};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A reply box that nobody answered.
pub(crate) trait Unanswered: Send + Sync {
    fn refuse(&self, error: CallError);
}

rt::thread_local! {
    static INSIDE: Inside = const { Inside { depth: Cell::new(0), parked: Cell::new(0) } };
    /// Replies dropped in them, each boundary's above those of the boundary around it.
    static DROPPED: RefCell<Vec<Arc<dyn Unanswered>>> = const { RefCell::new(Vec::new()) };
}

/// Apart from the replies, because it needs no destructor and is touched around every handler.
struct Inside {
    /// How many boundaries this thread stands in.
    depth: Cell<usize>,
    /// How many replies are in `DROPPED`.
    parked: Cell<usize>,
}

/// Runs user code. A panic is a reason; replies dropped unanswered get the verdict on the outcome.
pub(crate) fn protect<T>(
    work: impl FnOnce() -> Result<T, ExitReason>,
    verdict: impl FnOnce(Option<&ExitReason>) -> CallError,
) -> Result<T, ExitReason> {
    let (caught, mark) = catch(work);
    let outcome = caught.unwrap_or_else(Err);
    answer_above(mark, || verdict(outcome.as_ref().err()));
    outcome
}

/// Drops things of which callers may be waiting, and tells those that.
pub(crate) fn dropping(verdict: CallError, work: impl FnOnce()) {
    let (caught, mark) = catch(work);
    answer_above(mark, || verdict);
    if let Err(reason) = caught {
        tracing::warn!(%reason, "a value panicked while it was dropped");
    }
}

/// Drops a value whose drop may panic; the replies in it stay with the boundary around.
pub(crate) fn drop_caught<T>(value: T) {
    if let (Err(reason), _) = catch(|| drop(value)) {
        tracing::warn!(%reason, "a value panicked while it was dropped");
    }
}

/// A reply was dropped: its verdict is the boundary's, or `NoReply` where there is none.
pub(crate) fn dropped_unanswered(reply: Arc<dyn Unanswered>) {
    let inside = INSIDE.with(|inside| inside.depth.get() > 0);
    if !inside || planted::is(Bug::VerdictTooEarly) {
        return reply.refuse(CallError::NoReply);
    }
    DROPPED.with(|dropped| dropped.borrow_mut().push(reply));
    INSIDE.with(|inside| inside.parked.set(inside.parked.get() + 1));
}

/// Runs it inside a boundary; also how many replies had been parked before.
fn catch<T>(work: impl FnOnce() -> T) -> (Result<T, ExitReason>, usize) {
    #[cfg(not(loom))]
    hook::chain();
    let mark = INSIDE.with(|inside| {
        inside.depth.set(inside.depth.get() + 1);
        inside.parked.get()
    });
    let caught = catch_unwind(AssertUnwindSafe(work));
    INSIDE.with(|inside| inside.depth.set(inside.depth.get() - 1));
    (caught.map_err(panicked), mark)
}

fn answer_above(mark: usize, verdict: impl FnOnce() -> CallError) {
    if INSIDE.with(|inside| inside.parked.get()) > mark {
        refuse_above(mark, &verdict());
    }
}

#[cold]
fn refuse_above(mark: usize, verdict: &CallError) {
    INSIDE.with(|inside| inside.parked.set(mark));
    let above = DROPPED.with(|dropped| dropped.borrow_mut().split_off(mark));
    above.iter().for_each(|reply| reply.refuse(verdict.clone()));
}

fn panicked(payload: Box<dyn Any + Send>) -> ExitReason {
    let seen = hook::take();
    let text = text_of(&*payload);
    drop_payload(payload);
    let (message, location) = match (text, seen) {
        (text, Some((seen, location))) => (text.unwrap_or(seen), location),
        (text, None) => (text.unwrap_or_else(unknown), None),
    };
    ExitReason::Panicked { message, location }
}

fn text_of(payload: &(dyn Any + Send)) -> Option<String> {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
}

fn unknown() -> String {
    "unknown panic".to_owned()
}

/// A payload may panic when it is dropped, and so may the payload of that panic: the second one is not dropped.
fn drop_payload(payload: Box<dyn Any + Send>) {
    INSIDE.with(|inside| inside.depth.set(inside.depth.get() + 1));
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    INSIDE.with(|inside| inside.depth.set(inside.depth.get() - 1));
    hook::take();
}

/// The panic hook: panics of supervised code are told by the report and not printed; all others go where they went
/// before.
#[cfg(not(loom))]
mod hook {
    use super::{INSIDE, Location, unknown};
    use std::cell::RefCell;
    use std::panic::PanicHookInfo;
    use std::sync::Once;

    std::thread_local! {
        /// What the hook saw of the panic that is unwinding.
        static LAST: RefCell<Option<(String, Option<Location>)>> = const { RefCell::new(None) };
    }

    /// Once in the life of the process.
    pub(super) fn chain() {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                let supervised = INSIDE.try_with(|inside| inside.depth.get() > 0).unwrap_or(false);
                if supervised { remember(info) } else { before(info) }
            }));
        });
    }

    pub(super) fn take() -> Option<(String, Option<Location>)> {
        LAST.with(|last| last.borrow_mut().take())
    }

    fn remember(info: &PanicHookInfo<'_>) {
        let location = info.location().map(|at| Location {
            file: at.file().to_owned(),
            line: at.line(),
            column: at.column(),
        });
        let message = info.payload_as_str().map_or_else(unknown, str::to_owned);
        // A panic while the last one is being read must not become a second panic.
        let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = Some((message, location))));
    }
}

/// Loom's threads share one, so that a hook could not tell them apart: their panics have no location.
#[cfg(loom)]
mod hook {
    pub(super) fn take() -> Option<(String, Option<super::Location>)> {
        None
    }
}
