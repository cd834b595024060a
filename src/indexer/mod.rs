//! The indexer: applies what was committed to the index, publishes the watermarks, answers who waits, wakes who is
//! concerned.
//!
//! Receives: `Committed` and `CatchUp` from the writer.
//! Sends: wake-ups to cursor workers, which never wait; receipts into reply boxes, which never block.
//! Owns: the index. Readers look into it through the `View`; nobody else changes it.
//! Fails: when a frame cannot be read back; the pipeline is then restarted and the index caught up from the journal.

mod interests;
mod message;

pub(crate) use interests::Interests;
pub(crate) use message::{Answer, Committed, Message};

use crate::event::EventRef;
use crate::index::{Checkpoint, Index};
use crate::journal::{Frame, JournalError, JournalReader, Record};
use crate::position::{Location, Position};
use crate::view::View;
use std::sync::Arc;
use supervisors::{Actor, Context, Failure, Flow, Reply};

/// One incarnation of the indexer.
#[derive(Debug)]
pub(crate) struct Indexer {
    /// Where the index and the watermarks are published.
    view: Arc<View>,
    /// Who is woken for what.
    interests: Arc<Interests>,
}

/// Why the indexer gives up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexerError {
    /// What was just written does not read as it should.
    #[error("a committed frame cannot be indexed")]
    Frame(#[from] JournalError),
}

impl Failure for IndexerError {}

impl Actor for Indexer {
    type Message = Message;
    type Error = IndexerError;

    fn handle(&mut self, message: Message, _: &mut Context<'_, Message>) -> Result<Flow, IndexerError> {
        match message {
            Message::Committed(committed) => self.committed(committed)?,
            Message::CatchUp { reader, through, durable, reply } => {
                self.catch_up(&reader, through, durable, reply)
            }
        }
        Ok(Flow::Continue)
    }
}

impl Indexer {
    pub(crate) fn new(view: Arc<View>, interests: Arc<Interests>) -> Self {
        Self { view, interests }
    }

    fn committed(&mut self, committed: Committed) -> Result<(), IndexerError> {
        if let Some(frame) = &committed.frame {
            self.view.change(|index| self.apply(index, frame))?;
        }
        // Seen first, told second: who has a receipt can read its event.
        self.view.publish(committed.durable);
        for answer in committed.answers {
            answer.tell(committed.durable);
        }
        self.interests.wake(self.view.written(), committed.durable);
        Ok(())
    }

    fn apply(&self, index: &mut Index, frame: &Frame) -> Result<(), JournalError> {
        let mut noting = self.interests.noting();
        for record in frame.records() {
            let (location, record) = record?;
            apply(index, location, &record, frame.bytes(), |event| noting.note(event));
        }
        Ok(())
    }

    /// Takes in what the journal has and the index does not.
    fn catch_up(
        &mut self,
        reader: &JournalReader,
        through: Position,
        durable: Position,
        reply: Reply<Result<(), String>>,
    ) {
        let caught_up = self.view.change(|index| {
            if index.applied() > through {
                // Recovery cut what was visible but never durable: the index tells of events that are no more.
                *index = Index::default();
            }
            catch_up(index, reader)
        });
        self.view.publish(durable);
        self.interests.wake_all();
        reply.send(caught_up.map_err(|error| error.to_string()));
    }
}

/// Bytes read at once while catching up.
const CATCH_UP_BYTES: usize = 1 << 20;

/// Applies every record of the journal that the index does not have.
pub(crate) fn catch_up(index: &mut Index, reader: &JournalReader) -> Result<(), JournalError> {
    let mut point = reader.begin_before(index.applied().next())?;
    let mut block = reader.block();
    while reader.read_block(&mut block, point, CATCH_UP_BYTES)? {
        let mut records = block.records();
        for record in records.by_ref() {
            let (location, record) = record?;
            apply(index, location, &record, block.bytes(), |_| ());
        }
        point = records.point();
    }
    Ok(())
}

fn apply(
    index: &mut Index,
    location: Location,
    record: &Record<'_>,
    block: &[u8],
    note: impl FnOnce(&EventRef<'_>),
) {
    match record {
        Record::Event(span) => {
            let event = span.view(block);
            index.apply(&event, span.key.of(block), location);
            note(&event);
        }
        Record::Checkpoint { id, region, position } => {
            index.apply_checkpoint(id, Checkpoint { region: (*region).into(), position: *position });
        }
        Record::Gap(gap) => index.apply_gap(gap.clone(), location.segment),
    }
}
