//! The cursor worker: moves one cursor, one batch at a time, through one handler.
//!
//! Receives: wake-ups from the indexer, nothing else.
//! Sends: `Commit` to the writer, and waits for its answer; it runs on a thread of its own and may.
//! Owns: the cursor and the batch in hand. The handler is shared by its incarnations.
//! Fails: with the handler's panic (restarted within the budget), and with a `CursorWorkerError` that ends it.
//!
//! ```text
//!            wake-up              Batch                 Continue, Stop
//!  indexer ~~~~~~~~~> woken: fetch -----> the handler ----------------> commit ---> writer
//!                       ^                     |                           |
//!                       |                     | panic     the answer: checkpoint and reactions
//!                       |                     v           are in one frame, or nothing is
//!                       '--- started <--- supervisor <------- CheckpointFailed, RolledBack
//! ```
//!
//! What holds, and why:
//!
//! - *Nothing is skipped.* The cursor moves in [`CursorWorker::commit`] only, after the handler's yes, to the end of the
//!   batch that the handler had; the next batch begins there.
//! - *Nothing that was handed to a durable worker vanishes.* It is shown events up to the durable watermark only.
//! - *Nothing is done twice in the journal.* A checkpoint and the reactions to its batch are one frame, and the writer takes a
//!   checkpoint's step only from where the checkpoint stands. So a commit whose answer was lost is simply asked for again.
//! - *A life begins where the last commit ended.* What a panic leaves behind is dropped with its incarnation; the next
//!   one reads its place from the index, which has it from the journal, and from what the last one was told.
//! - *No wake-up is lost.* Watermarks are published before workers are woken, a wake-up that comes during a turn makes
//!   another turn, and `started` wakes itself.
//! - *A stop waits for one batch at most.* A turn handles one batch and asks for the next turn by a wake-up, behind
//!   which control messages go first.

mod config;
mod error;
mod handle;
mod handler;
mod shared;

pub use config::{CursorWorkerConfig, CursorWorkerConfigError};
pub use error::CursorWorkerError;
pub(crate) use handle::HouseWatch;
pub use handle::{CursorWorkerHandle, CursorWorkerState, CursorWorkerStatus};
pub(crate) use handler::Handler;
pub use handler::{AtLeastOnce, CursorWorkerAction, HandlerContext};
pub(crate) use shared::Shared;

use crate::cursor::Cursor;
use crate::error::CommitError;
use crate::event::{Batch, NewEvent};
use crate::index::Checkpoint;
use crate::index::Window;
use crate::position::Position;
use crate::view::View;
use crate::writer;
use handler::Source;
use std::sync::Arc;
use std::time::Duration;
use supervisors::{Actor, Address, CallError, Completion, Context, Flow};

/// Nothing is told to a cursor worker but that there may be something new.
#[derive(Debug)]
pub(crate) enum Message {}

/// One incarnation of a worker.
pub(crate) struct CursorWorker {
    /// What its incarnations share.
    shared: Arc<Shared>,
    /// The read side of the store.
    view: Arc<View>,
    /// Where checkpoints and reactions go.
    writer: Address<writer::Message>,
    /// Tells why the writer is gone for good.
    pipeline: Completion,
    /// How long to wait for a commit.
    commit_deadline: Duration,
    /// Where this life stands.
    cursor: Cursor,
    /// The batch in hand; kept for its memory.
    batch: Batch,
    /// What the handler is given beside the batch.
    context: HandlerContext,
}

impl Actor for CursorWorker {
    type Message = Message;
    type Error = CursorWorkerError;

    fn started(&mut self, context: &mut Context<'_, Message>) -> Result<(), CursorWorkerError> {
        self.context.incarnation = context.incarnation();
        crate::point("cursor_worker.started.before_resume");
        self.resume()?;
        context.note(format!("goes on after position {}", self.cursor.committed()));
        context.wake_me();
        Ok(())
    }

    fn handle(&mut self, message: Message, _: &mut Context<'_, Message>) -> Result<Flow, CursorWorkerError> {
        match message {}
    }

    fn woken(&mut self, context: &mut Context<'_, Message>) -> Result<Flow, CursorWorkerError> {
        if self.shared.is_asked_to_stop() || !self.fetch()? {
            return Ok(Flow::Continue);
        }
        crate::point("cursor_worker.woken.fetched");
        // One batch a turn, so that a stop is heard between two.
        context.wake_me();
        context.doing("handling a batch");
        match self.hand_out() {
            CursorWorkerAction::Continue => self.commit().map(|()| Flow::Continue),
            CursorWorkerAction::Stop => self.commit().map(|()| Flow::Stop),
            CursorWorkerAction::StopWithRollback if crate::planted("rollback_commits") => {
                self.commit().map(|()| Flow::Stop)
            }
            CursorWorkerAction::StopWithRollback => {
                Err(CursorWorkerError::RolledBack { position: self.cursor.committed() })
            }
        }
    }
}

impl CursorWorker {
    pub(crate) fn new(
        shared: Arc<Shared>,
        view: Arc<View>,
        writer: Address<writer::Message>,
        pipeline: Completion,
        commit_deadline: Duration,
    ) -> Self {
        let cursor = Cursor::new(shared.region.clone(), Position::START);
        let context = HandlerContext::new(0, shared.checkpoint.clone());
        Self { shared, view, writer, pipeline, commit_deadline, cursor, batch: Batch::default(), context }
    }

    /// Goes to the last committed position: the checkpoint's, or without one what this worker committed in this process.
    fn resume(&mut self) -> Result<(), CursorWorkerError> {
        let region = self.shared.region.clone();
        self.cursor = match &self.shared.checkpoint {
            None => Cursor::new(region, self.shared.progress().committed),
            Some(id) => resume_at(&self.view, id, region)?,
        };
        crate::point("cursor_worker.resume.before_told");
        self.shared.resumed(self.cursor.committed());
        Ok(())
    }

    /// Reads the next batch; false if there is nothing to hand out.
    fn fetch(&mut self) -> Result<bool, CursorWorkerError> {
        // Durable workers see durable events only: what they were handed can never vanish.
        let durable_only = self.shared.checkpoint.is_some();
        let watermark = if durable_only && !crate::planted("buffered_for_durable_worker") {
            self.view.durable()
        } else {
            self.view.written()
        };
        if !self.cursor.is_behind(watermark) {
            return Ok(false);
        }
        crate::point("cursor_worker.fetch.before_read");
        let (after, limit) = (self.cursor.seen(), self.shared.batch_events);
        let window = Window { after, through: watermark, limit };
        self.view
            .fill(self.cursor.region(), window, self.shared.observes_gaps, &mut self.batch)
            .map_err(|error| CursorWorkerError::Read(Arc::new(error)))?;
        if self.batch.is_empty() && self.batch.gaps().is_empty() {
            self.cursor.skip_to(if crate::planted("skips_one_too_far") {
                watermark.next()
            } else {
                watermark
            });
            self.shared.skipped(self.cursor.seen());
            return Ok(false);
        }
        Ok(true)
    }

    /// The last position the batch in hand covers.
    fn batch_end(&self) -> Position {
        let gap_end = self.batch.gaps().last().map_or(Position::START, |gap| *gap.end());
        self.batch.last_position().unwrap_or(Position::START).max(gap_end)
    }

    fn hand_out(&mut self) -> CursorWorkerAction {
        self.context.reactions.clear();
        self.context.committed = self.cursor.committed();
        self.context.newest =
            self.batch.len().checked_sub(1).and_then(|last| self.batch.get(last)).map(|e| Source::of(&e));
        self.context.attempt = self.shared.handed(self.cursor.committed());
        crate::point("cursor_worker.hand_out.before_handler");
        let action = (self.shared.handler.lock())(&self.batch, &mut self.context);
        crate::point("cursor_worker.hand_out.returned");
        self.shared.returned();
        action
    }

    /// Makes the batch done: checkpoint and reactions in one frame, then the cursor.
    fn commit(&mut self) -> Result<(), CursorWorkerError> {
        let end = self.batch_end();
        let reactions = if crate::planted("reactions_lost") {
            Vec::new()
        } else {
            std::mem::take(&mut self.context.reactions)
        };
        if self.shared.checkpoint.is_some() || !reactions.is_empty() {
            self.commit_in_journal(end, reactions)?;
        }
        crate::point("cursor_worker.commit.answered");
        self.cursor.commit(end);
        crate::point("cursor_worker.commit.before_told");
        self.shared.done(end, self.batch.len());
        Ok(())
    }

    fn commit_in_journal(
        &mut self,
        end: Position,
        reactions: Vec<NewEvent>,
    ) -> Result<(), CursorWorkerError> {
        let checkpoint = self.shared.checkpoint.as_ref().map(|id| writer::Advance {
            id: id.clone(),
            region: self.shared.region.to_bytes().into(),
            from: self.cursor.committed(),
            to: if crate::planted("checkpoint_one_too_far") { end.next() } else { end },
        });
        loop {
            let (checkpoint, reactions) = (checkpoint.clone(), reactions.clone());
            crate::point("cursor_worker.commit.before_call");
            let answer = self.writer.call_within(self.commit_deadline, |reply| {
                writer::Message::Commit(writer::Commit { checkpoint, reactions, reply })
            });
            match answer {
                Ok(Ok(())) => return Ok(()),
                // An earlier try of this very commit succeeded, and its answer was lost with the index that gave it.
                Ok(Err(CommitError::Moved { at })) if at == end => {
                    self.tell_view(end);
                    return Ok(());
                }
                // The writer failed in the middle, and what became of the commit is in the journal. Its next
                // incarnation refuses what was done already, so asking again is safe.
                Err(CallError::ActorFailed { .. }) if crate::planted("lost_answer_taken_for_yes") => {
                    return Ok(());
                }
                Err(CallError::ActorFailed { .. }) if self.shared.checkpoint.is_some() => continue,
                Ok(Err(cause)) => return Err(self.checkpoint_failed(cause.to_string())),
                Err(cause) => return Err(self.checkpoint_failed(self.cause_of(&cause))),
            }
        }
    }

    /// Whoever goes on with this checkpoint in this process begins behind `position`, even where the index does not have it back.
    fn tell_view(&self, position: Position) {
        if let Some(id) = &self.shared.checkpoint {
            let region = self.shared.region.to_bytes().into();
            self.view.tell(id, Checkpoint { region, position });
        }
    }

    /// The pipeline's own reason, if it has given up: that the writer is gone says nothing.
    fn cause_of(&self, unanswered: &CallError) -> String {
        let reason = self.pipeline.try_wait().filter(|_| *unanswered == CallError::Stopped);
        reason.map_or_else(|| unanswered.to_string(), |reason| reason.to_string())
    }

    fn checkpoint_failed(&self, cause: String) -> CursorWorkerError {
        let id = self.shared.checkpoint.as_ref().map(ToString::to_string).unwrap_or_default();
        CursorWorkerError::CheckpointFailed { id, cause }
    }
}

/// A cursor at the checkpoint named `id`, or at the beginning if there is none.
pub(crate) fn resume_at(
    view: &View,
    id: &crate::CheckpointId,
    region: crate::Region,
) -> Result<Cursor, CursorWorkerError> {
    let Some(checkpoint) = view.checkpoint(id) else { return Ok(Cursor::new(region, Position::START)) };
    let mismatch = |stored| CursorWorkerError::CheckpointRegionMismatch {
        id: id.clone(),
        stored: Box::new(stored),
        requested: Box::new(region.clone()),
    };
    let stored =
        crate::Region::from_bytes(&checkpoint.region).map_err(|_| mismatch(crate::Region::nothing()))?;
    Cursor::resume(region.clone(), stored, checkpoint.position).map_err(|refused| mismatch(refused.stored))
}
