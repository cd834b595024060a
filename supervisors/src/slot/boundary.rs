//! The failure boundary: a panic in user code ends here as a reason, and replies that it dropped are answered.
//!
//! A reply that is dropped inside is not answered at once but when the handler has returned, because only then is it
//! known whether the actor failed; and because under loom nothing may be locked while a panic unwinds.

use crate::planted::{self, Bug};
use crate::rt;
use crate::{CallError, ExitReason, reason::Location};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::{Arc, Once};

/// A reply box that nobody answered.
pub(crate) trait Unanswered: Send + Sync {
    fn refuse(&self, error: CallError);
}

rt::thread_local! {
    /// How many boundaries this thread stands in.
    static DEPTH: Cell<usize> = Cell::new(0);
    /// Replies dropped in them, each boundary's above those of the boundary around it.
    static DROPPED: RefCell<Vec<Arc<dyn Unanswered>>> = RefCell::new(Vec::new());
}

std::thread_local! {
    /// What the hook saw of the panic that is unwinding.
    static LAST: RefCell<Option<(String, Option<Location>)>> = const { RefCell::new(None) };
    /// The boundaries of this thread, for the hook, which runs outside of loom's threads too.
    static SUPERVISED: Cell<usize> = const { Cell::new(0) };
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
    if DEPTH.with(Cell::get) > 0 && !planted::is(Bug::VerdictTooEarly) {
        DROPPED.with(|dropped| dropped.borrow_mut().push(reply));
    } else {
        reply.refuse(CallError::NoReply);
    }
}

fn catch<T>(work: impl FnOnce() -> T) -> (Result<T, ExitReason>, usize) {
    static HOOK: Once = Once::new();
    if !cfg!(loom) {
        HOOK.call_once(chain_hook); // loom's threads share one, so that the hook could not tell them apart
    }
    let mark = DROPPED.with(|dropped| dropped.borrow().len());
    enter(1);
    let caught = catch_unwind(AssertUnwindSafe(work));
    enter(usize::MAX); // one less
    (caught.map_err(panicked), mark)
}

fn enter(by: usize) {
    DEPTH.with(|depth| depth.set(depth.get().wrapping_add(by)));
    SUPERVISED.with(|depth| depth.set(depth.get().wrapping_add(by)));
}

fn answer_above(mark: usize, verdict: impl FnOnce() -> CallError) {
    let above = DROPPED.with(|dropped| {
        let mut dropped = dropped.borrow_mut();
        if dropped.len() > mark { dropped.split_off(mark) } else { Vec::new() }
    });
    if !above.is_empty() {
        let verdict = verdict();
        above.iter().for_each(|reply| reply.refuse(verdict.clone()));
    }
}

fn panicked(payload: Box<dyn Any + Send>) -> ExitReason {
    let seen = LAST.with(|last| last.borrow_mut().take());
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
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    LAST.with(|last| last.borrow_mut().take());
}

/// Panics of supervised code are told by the report and not printed; all others go where they went before.
fn chain_hook() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if SUPERVISED.try_with(Cell::get).unwrap_or(0) > 0 { remember(info) } else { before(info) }
    }));
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
