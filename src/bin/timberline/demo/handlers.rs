//! What the demo's workers do with a batch.

use super::projection;
use crate::payload::{AuthorJoined, Committed, ImportFinished, author_name};
use indicatif::ProgressBar;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use supervisors::rt::channel::Sender;
use timberline::{
    Batch, Coordinate, CursorWorkerAction, EventRef, HandlerContext, NewEvent, Payload, Version,
};

/// The batches on whose first delivery the stumbling worker panics, counted from 1 within a run.
const STUMBLES_AT: [u64; 3] = [1, 3, 9];

/// How far a worker has come.
pub(super) struct Progress {
    bar: ProgressBar,
    /// The run whose end is waited for.
    run: u64,
    arrived: Sender<()>,
}

impl Progress {
    pub(super) fn new(bar: ProgressBar, run: u64, arrived: Sender<()>) -> Self {
        Self { bar, run, arrived }
    }

    /// A batch was handed out and will not be done.
    fn seen(&self) {
        self.bar.tick();
    }

    /// A batch is done: shows it, and tells the demo when it was the last.
    fn done(&self, batch: &Batch) -> CursorWorkerAction {
        self.bar.inc(batch.len() as u64);
        let is_end = |event: EventRef<'_>| {
            event.payload_as::<ImportFinished>().is_ok_and(|finished| finished.run >= self.run)
        };
        if batch.iter().any(is_end) {
            // One place is enough: a message that waits there already says the same.
            let _ = self.arrived.try_send(());
        }
        CursorWorkerAction::Continue
    }
}

/// Reacts to every batch with what it adds to the projection. The reaction is in the frame of the checkpoint, so each
/// change is counted exactly once, however often the worker is restarted.
pub(super) fn lines(
    scope: &str,
    progress: Progress,
) -> impl FnMut(&Batch, &mut HandlerContext) -> CursorWorkerAction + Send + use<> {
    let place = Coordinate::new("lines", scope);
    move |batch, context| {
        let step = projection::step(batch).unwrap_or_else(|error| panic!("a change cannot be read: {error}"));
        if let (Some(step), Ok(place)) = (step, &place) {
            context.react(reaction(place, &step));
        }
        progress.done(batch)
    }
}

/// Reacts to the first commit of every author.
pub(super) fn roster(
    scope: &str,
    progress: Progress,
) -> impl FnMut(&Batch, &mut HandlerContext) -> CursorWorkerAction + Send + use<> {
    let place = Coordinate::new("roster", scope);
    move |batch, context| {
        let is_first =
            |event: &EventRef<'_>| event.kind == Committed::KIND && event.version == Version::new(1);
        for event in batch.iter().filter(is_first) {
            let commit: Committed =
                event.payload_as().unwrap_or_else(|error| panic!("a commit cannot be read: {error}"));
            let author = event.entity.strip_prefix("author:").map(str::to_owned);
            let author = author.unwrap_or_else(|| author_name(commit.email.as_bytes()));
            let joined = AuthorJoined { author, name: commit.author, commit: commit.commit };
            if let Ok(place) = &place {
                context.react_to(&event, reaction(place, &joined));
            }
        }
        progress.done(batch)
    }
}

/// Does nothing but panic now and then, on the first delivery of a batch; the second goes well.
pub(super) fn stumbling(
    progress: Progress,
    stumbles: Arc<AtomicU64>,
) -> impl FnMut(&Batch, &mut HandlerContext) -> CursorWorkerAction + Send {
    let done = AtomicU64::new(0);
    move |batch, context| {
        let number = done.load(Ordering::SeqCst) + 1;
        if context.attempt() == 1 && STUMBLES_AT.contains(&number) {
            stumbles.fetch_add(1, Ordering::SeqCst);
            panic!("stumbled over batch {number}, on purpose");
        }
        done.store(number, Ordering::SeqCst);
        progress.done(batch)
    }
}

/// Panics always.
pub(super) fn doomed(
    progress: Progress,
) -> impl FnMut(&Batch, &mut HandlerContext) -> CursorWorkerAction + Send {
    move |_, context| {
        // Asked as a whole, so that the closure owns all of it: who waits for this worker must not be told too early.
        progress.seen();
        panic!("cannot be helped: attempt {} failed like the others, on purpose", context.attempt())
    }
}

fn reaction<P: Payload>(place: &Coordinate, payload: &P) -> NewEvent {
    // A panic is the worker's way to say that it cannot do its work: its supervisor hears of it.
    NewEvent::new(place, payload).unwrap_or_else(|error| panic!("a reaction cannot be written: {error}"))
}
