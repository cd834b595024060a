//! The indexer: applies what was committed to the index, publishes the watermarks, answers who waits, wakes who is
//! concerned.
//!
//! Receives: `Committed` and `CatchUp` from the writer.
//! Sends: wake-ups to cursor workers and the sealer, which never wait; receipts into reply boxes, which never block.
//! Owns: the index. Readers look into it through the `View`; nobody else changes it.
//! Fails: when a frame cannot be read back; the pipeline is then restarted and the index caught up from the journal.

mod directory;
mod interests;
mod message;
mod sealer;
mod truth;

pub(crate) use interests::Interests;
pub(crate) use message::{Answer, Committed, Message};
pub(crate) use sealer::Sealer;
pub(crate) use truth::{Truth, catch_up};

use crate::index::{Fact, Index, IndexError, IndexOptions};
use crate::journal::{Frame, JournalError, JournalReader};
use crate::position::Position;
use crate::storage::Storage;
use crate::view::View;
use std::sync::Arc;
use supervisors::{Actor, Address, Context, ExitReason, Failure, Flow};

/// What the incarnations of the indexer share.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// Where the index and the watermarks are published.
    pub(crate) view: Arc<View>,
    /// Who is woken for what.
    pub(crate) interests: Arc<Interests>,
    /// Where the files of the index are.
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) options: IndexOptions,
    /// Who writes them.
    pub(crate) sealer: Address<sealer::Message>,
}

/// One incarnation of the indexer.
#[derive(Debug)]
pub(crate) struct Indexer {
    setup: Setup,
    /// Whether this incarnation has the whole journal. Before that the index lacks what the last one failed at.
    is_caught_up: bool,
    /// Commits that came before that: what catching up takes in, and who waits for it.
    early: Vec<Committed>,
}

/// Why the indexer gives up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexerError {
    /// What was just written does not read as it should.
    #[error("a committed frame cannot be indexed")]
    Frame(#[from] JournalError),
}

/// Why the index could not be caught up with the journal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CatchUpError {
    /// The index's files could not be read or made.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl CatchUpError {
    /// What the journal or its disk said, if that is behind it.
    pub(crate) fn into_journal(self) -> Result<JournalError, Self> {
        match self {
            Self::Journal(error) => Ok(error),
            Self::Index(IndexError::Storage(error)) => Ok(error.into()),
            Self::Index(IndexError::Journal(ref source)) => source.downcast_ref().cloned().ok_or(self),
            other => Err(other),
        }
    }
}

impl Failure for IndexerError {}

impl Actor for Indexer {
    type Message = Message;
    type Error = IndexerError;

    fn handle(&mut self, message: Message, _: &mut Context<'_, Message>) -> Result<Flow, IndexerError> {
        match message {
            Message::Committed(committed) => self.committed(committed)?,
            Message::CatchUp { reader, durable, reply } => {
                reply.send(self.catch_up(&reader, durable));
            }
        }
        Ok(Flow::Continue)
    }

    fn turn_ended(&mut self, context: &mut Context<'_, Message>) -> Result<Flow, IndexerError> {
        let view = &self.setup.view;
        let (has_chores, is_behind) = view.look(|index| (index.has_chores(), index.is_behind()));
        if is_behind {
            context.doing("writing the index");
            view.change(make_room);
        }
        crate::point("indexer.turn_ended.looked");
        if has_chores {
            context.wake(&self.setup.sealer);
        }
        Ok(Flow::Continue)
    }

    fn stopping(&mut self, context: &mut Context<'_, Message>, _: &ExitReason) {
        context.doing("writing the index");
        crate::point("indexer.stopping.before_files");
        self.setup.view.change(Index::write_waiting);
        crate::point("indexer.stopping.before_open_file");
        self.setup.view.look(Index::write_open);
    }
}

impl Indexer {
    pub(crate) fn new(setup: Setup) -> Self {
        Self { setup, is_caught_up: false, early: Vec::new() }
    }

    fn committed(&mut self, mut committed: Committed) -> Result<(), IndexerError> {
        if !self.is_caught_up && !crate::planted("shown_before_caught_up") {
            // The frame may follow one that is missing. To show it would let readers and workers pass that one by.
            self.early.push(committed);
            return Ok(());
        }
        crate::point("indexer.committed.heard");
        // Of this incarnation's failure they are told as of any other's.
        let answers = std::mem::take(&mut committed.answers);
        let Setup { view, interests, .. } = &self.setup;
        if let Some(frame) = &committed.frame {
            view.change(|index| apply(index, interests, frame))?;
        }
        crate::point("indexer.committed.applied");
        // Seen first, told second: who has a receipt can read its event.
        view.publish(committed.durable);
        crate::point("indexer.committed.published");
        for answer in answers {
            crate::point("indexer.committed.before_answer");
            answer.tell(committed.durable);
        }
        crate::point("indexer.committed.answered");
        interests.wake(view.written(), committed.durable);
        Ok(())
    }

    /// Opens the index of the journal as it is now, and takes in what no file of it has. Readers go on with the old one
    /// meanwhile; it may tell of events that were never durable and that recovery has cut.
    fn catch_up(&mut self, reader: &JournalReader, durable: Position) -> Result<(), CatchUpError> {
        let Setup { view, interests, storage, options, .. } = &self.setup;
        let source = Arc::new(Truth(reader.clone()));
        crate::point("indexer.catch_up.before_open");
        let mut index = Index::open(Arc::clone(storage), source, *options)?;
        crate::point("indexer.catch_up.opened");
        catch_up(&mut index, reader, make_room)?;
        crate::point("indexer.catch_up.caught_up");
        view.change(|current| *current = index);
        view.publish(durable);
        crate::point("indexer.catch_up.published");
        interests.wake_all();
        self.is_caught_up = true;
        crate::point("indexer.catch_up.before_early");
        self.answer_early(durable);
        Ok(())
    }

    /// Who waits for a commit that catching up has taken in is told now. Of any other nobody knows what became.
    fn answer_early(&mut self, durable: Position) {
        let applied = self.setup.view.written();
        for mut committed in self.early.drain(..) {
            if crate::planted("early_told_unseen")
                || committed.frame.as_ref().is_none_or(|frame| frame.last() <= applied)
            {
                committed.answers.drain(..).for_each(|answer| answer.tell(durable));
            }
        }
    }
}

fn apply(index: &mut Index, interests: &Interests, frame: &Frame) -> Result<(), JournalError> {
    let mut noting = interests.noting();
    for record in frame.records() {
        crate::point("indexer.apply.before_record");
        let (location, record) = record?;
        let fact = truth::fact(location, &record, frame.bytes());
        if let Fact::Event { event, .. } = &fact {
            noting.note(event);
        }
        index.take(fact);
    }
    crate::point("indexer.apply.before_mark");
    index.note_frame(truth::index_mark(frame.mark()));
    Ok(())
}

/// Writes what waits in memory for its file, here and now: sealed segments must not heap up in memory while they are
/// made faster than written. What cannot be written is dropped; the journal has it.
fn make_room(index: &mut Index) {
    while index.is_behind() {
        if !index.run_chore() {
            index.shed();
        }
    }
}

#[cfg(test)]
mod tests;
