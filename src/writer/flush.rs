//! How what is buffered gets to the disk: by the flush interval, beside the writer, or at once when the door asks.

use super::{Answer, Message, Writer, WriterError, poisoned, syncer};
use crate::error::AppendError;
use crate::indexer::{self, Committed};
use crate::journal::BackgroundSynced;
use crate::position::Position;
use supervisors::{Context, Reply};

impl Writer {
    pub(super) fn flush(&mut self, reply: Reply<Result<Position, AppendError>>) {
        self.needs_sync = true;
        self.answers.push(Answer::Flushed(reply));
    }

    /// What is buffered goes to the disk within the flush interval, whatever becomes of later commits, and at once when it is
    /// much: a recovery writes it again.
    pub(super) fn schedule_flush(&mut self, context: &mut Context<'_, Message>) {
        if !self.is_syncing && self.journal().unsynced_bytes() >= self.setup.flush_bytes {
            return self.begin_sync(context);
        }
        if self.journal().needs_sync() && self.flush_due.is_none() && !crate::planted("flush_not_scheduled") {
            self.flush_due = Some(context.send_after(self.setup.flush_interval, Message::FlushDue));
        }
    }

    /// Nobody waits for this sync, so that it runs beside the appends. While one takes longer than the interval, the next
    /// waits for another interval.
    pub(super) fn flush_due(&mut self, context: &mut Context<'_, Message>) {
        self.flush_due = None;
        if self.is_syncing {
            return self.schedule_flush(context);
        }
        self.begin_sync(context);
    }

    fn begin_sync(&mut self, context: &mut Context<'_, Message>) {
        if let Some(sync) = self.journal().background_sync() {
            self.is_syncing = true;
            if let Some(timer) = self.flush_due.take() {
                context.cancel(timer);
            }
            let writer = context.address().clone();
            context.send(&self.setup.syncer, syncer::Message::Sync { sync, writer });
        }
    }

    pub(super) fn synced(
        &mut self,
        synced: BackgroundSynced,
        context: &mut Context<'_, Message>,
    ) -> Result<(), WriterError> {
        self.is_syncing = false;
        let durable = self.journal().note_synced(synced).map_err(|error| poisoned(&error))?;
        let committed = Committed { frame: None, durable, answers: Vec::new() };
        context.send(&self.setup.indexer, indexer::Message::Committed(committed));
        self.schedule_flush(context);
        Ok(())
    }
}
