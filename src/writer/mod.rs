//! The writer: the only one that appends to the journal and numbers events.
//!
//! Receives: `Append` from the gate, `Commit` from cursor workers, `Flush` from the door, its own `FlushDue`, `Synced`
//! from the syncer.
//! Sends: `Committed` to the indexer, with those who wait for it; `CatchUp`, once, when it starts; `Sync` to the syncer.
//! Owns: the journal, the newest versions, and what the index does not know yet.
//! Fails: poisoned by a failed sync (escalates); anything else restarts it, and it recovers from the disk.

mod error;
mod flush;
mod limits;
mod message;
mod plan;
mod syncer;
mod unapplied;
mod versions;

pub(crate) use error::WriterError;
pub(crate) use limits::{Limits, check};
pub(crate) use message::{Advance, Append, Commit, Message};
pub(crate) use syncer::Syncer;

use crate::error::{AppendError, BatchReceipts, CommitError, Receipts, SharedError};
use crate::event::{Durability, EventId, NewEvent, Receipt};
use crate::index::Checkpoint;
use crate::indexer::{self, Answer, Committed};
use crate::journal::{self, Frame, Journal, JournalError, JournalOptions, Numbers, StoreId};
use crate::position::Version;
use crate::storage::{Storage, WriteLock};
use crate::view::View;
use plan::{Known, Step};
use std::sync::{Arc, Weak};
use std::time::Duration;
use supervisors::{Actor, Address, Context, Flow, TimerId};
use unapplied::Unapplied;
use versions::Versions;

/// The longest that a sync is put off so that more may share it.
const SHARING_MAX: Duration = Duration::from_millis(1);

/// What the incarnations of the writer share.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) storage: Arc<dyn Storage>,
    /// The directory's lock, which the journal holds too, so that no writer outlives it. Weak here: what is left of a
    /// writer that has ended must not keep the directory locked after the store is closed.
    pub(crate) lock: Weak<WriteLock>,
    /// The id of the store, if there is none yet.
    pub(crate) new_store: StoreId,
    pub(crate) options: JournalOptions,
    pub(crate) limits: Limits,
    pub(crate) flush_interval: Duration,
    pub(crate) flush_bytes: u64,
    pub(crate) view: Arc<View>,
    pub(crate) indexer: Address<indexer::Message>,
    pub(crate) syncer: Address<syncer::Message>,
}

/// One incarnation of the writer.
#[derive(Debug)]
pub(crate) struct Writer {
    setup: Setup,
    /// The truth; opened when the writer starts.
    journal: Option<Journal>,
    /// The newest versions, those of staged events too.
    versions: Versions,
    /// What this turn has staged.
    staged: Unapplied,
    /// What was committed and is not in the index yet.
    unapplied: Unapplied,
    /// What becomes of the batch in hand; kept for its memory.
    steps: Vec<Step>,
    /// Who waits for the commit that ends this turn.
    answers: Vec<Answer>,
    /// Whether someone of them waits for the disk.
    needs_sync: bool,
    /// `FlushDue`, while it is on its way.
    flush_due: Option<TimerId>,
    /// Whether the syncer is at work for this incarnation.
    is_syncing: bool,
}

impl Actor for Writer {
    type Message = Message;
    type Error = WriterError;

    fn started(&mut self, context: &mut Context<'_, Message>) -> Result<(), WriterError> {
        context.doing("recovering the journal");
        crate::point("writer.started.before_open");
        let now = context.runtime().wall_micros();
        let Setup { storage, lock, options, new_store, .. } = &self.setup;
        let lock = lock.upgrade().ok_or(WriterError::Unlocked)?;
        let (journal, recovery) = Journal::open(Arc::clone(storage), lock, *options, now, *new_store)
            .map_err(|error| WriterError::Open(Arc::new(error)))?;
        let (reader, durable) = (journal.reader(), journal.durable());
        self.setup.view.recovered(reader.clone(), recovery);
        crate::point("writer.started.recovered");
        self.journal = Some(journal);
        let caught_up = self.setup.indexer.call(|reply| indexer::Message::CatchUp { reader, durable, reply });
        caught_up
            .map_err(|error| WriterError::Indexer { why: error.to_string() })?
            .map_err(WriterError::of_catch_up)
    }

    fn handle(&mut self, message: Message, context: &mut Context<'_, Message>) -> Result<Flow, WriterError> {
        match message {
            Message::Append(append) => self.append(append, context)?,
            Message::Commit(commit) => self.commit_batch(commit, context)?,
            Message::Flush(reply) => self.flush(reply),
            Message::FlushDue => self.flush_due(context),
            Message::Synced(synced) => self.synced(synced, context)?,
        }
        Ok(Flow::Continue)
    }

    fn turn_ended(&mut self, context: &mut Context<'_, Message>) -> Result<Flow, WriterError> {
        self.commit(context)?;
        Ok(Flow::Continue)
    }

    fn stopping(&mut self, context: &mut Context<'_, Message>, _: &supervisors::ExitReason) {
        crate::point("writer.stopping.before_close");
        context.doing("closing the journal");
        if let Some(journal) = self.journal.take()
            && let Err(error) = journal.close()
        {
            self.setup.view.close_failed(error.to_string());
        }
    }
}

impl Writer {
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            setup,
            journal: None,
            versions: Versions::default(),
            staged: Unapplied::default(),
            unapplied: Unapplied::default(),
            steps: Vec::new(),
            answers: Vec::new(),
            needs_sync: false,
            flush_due: None,
            is_syncing: false,
        }
    }

    fn journal(&mut self) -> &mut Journal {
        self.journal.as_mut().expect("no message comes before the writer has started")
    }

    /// Stages a batch, or refuses it whole.
    fn append(&mut self, append: Append, context: &mut Context<'_, Message>) -> Result<(), WriterError> {
        self.make_room(&append.events, context)?;
        match self.stage(append.events, append.durability, context)? {
            Ok(receipts) => self.answers.extend(append.reply.map(|reply| Answer::Receipts(reply, receipts))),
            Err(refusal) => {
                if let Some(reply) = append.reply {
                    self.refuse(Answer::Refused(reply, refusal));
                }
            }
        }
        Ok(())
    }

    /// A refusal may be owed to what this turn has staged. It is a fact only once that is committed.
    fn refuse(&mut self, refused: Answer) {
        if self.journal().staged_bytes() > 0 && !crate::planted("refusal_told_early") {
            self.answers.push(refused);
        } else {
            let durable = self.journal().durable();
            refused.tell(durable);
        }
    }

    /// Stages a worker's reactions and its checkpoint, or refuses both.
    fn commit_batch(
        &mut self,
        commit: Commit,
        context: &mut Context<'_, Message>,
    ) -> Result<(), WriterError> {
        crate::point("writer.commit_batch.heard");
        // A reaction passes no gate, so what is checked of every proposed event is checked here.
        if let Err(refusal) = check(&commit.reactions, &self.setup.limits) {
            commit.reply.send(Err(refusal.into()));
            return Ok(());
        }
        self.make_room(&commit.reactions, context)?;
        match self.stage_commit(commit.reactions, commit.checkpoint, context)? {
            Ok(()) => self.answers.push(Answer::Done(commit.reply)),
            Err(refusal) => self.refuse(Answer::Undone(commit.reply, refusal)),
        }
        Ok(())
    }

    fn stage_commit(
        &mut self,
        events: Vec<NewEvent>,
        checkpoint: Option<Advance>,
        context: &Context<'_, Message>,
    ) -> Result<Result<(), CommitError>, WriterError> {
        self.forget_applied();
        if let Some(advance) = &checkpoint {
            let at = self.known().checkpoint(&advance.id);
            if at != advance.from && !crate::planted("checkpoint_step_unchecked") {
                return Ok(Err(CommitError::Moved { at }));
            }
        }
        if let Err(refusal) = self.stage(events, Durability::Durable, context)? {
            return Ok(Err(refusal.into()));
        }
        if let Some(advance) = checkpoint.filter(|_| !crate::planted("checkpoint_not_staged")) {
            crate::point("writer.stage_commit.before_checkpoint");
            self.stage_checkpoint(advance)?;
        }
        Ok(Ok(()))
    }

    fn stage_checkpoint(&mut self, advance: Advance) -> Result<(), WriterError> {
        let Advance { id, region, to, .. } = advance;
        self.journal().stage_checkpoint(&id, &region, to).map_err(Arc::new).map_err(WriterError::Stage)?;
        self.staged.note_checkpoint(id.as_str(), Checkpoint { region, position: to });
        self.needs_sync = true;
        Ok(())
    }

    /// Gives a batch its numbers and puts it into the frame, or refuses it whole.
    fn stage(
        &mut self,
        events: Vec<NewEvent>,
        durability: Durability,
        context: &Context<'_, Message>,
    ) -> Result<Receipts, WriterError> {
        self.forget_applied();
        let mut steps = std::mem::take(&mut self.steps);
        let Self { setup, journal, staged, unapplied, versions, .. } = self;
        let known = Known::new(staged, unapplied, &setup.view, journal.as_ref());
        let planned = plan::plan(&events, &known, versions, &mut steps);
        let staged = match planned {
            Ok(()) => self.stage_steps(events, &steps, durability, context).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        };
        self.steps = steps;
        staged
    }

    fn stage_steps(
        &mut self,
        events: Vec<NewEvent>,
        steps: &[Step],
        durability: Durability,
        context: &Context<'_, Message>,
    ) -> Result<BatchReceipts, WriterError> {
        if self.journal().staged_bytes() == 0 {
            self.journal().begin(context.runtime().wall_micros());
        }
        let is_batch = events.len() > 1;
        let mut receipts = BatchReceipts::with_capacity(events.len());
        let mut correlations = Vec::with_capacity(if is_batch { events.len() } else { 0 });
        for (event, step) in events.into_iter().zip(steps) {
            let (receipt, correlation) = match *step {
                Step::Store(version) => self.stage_event(event, version, &receipts, &correlations)?,
                Step::Known(receipt) => (receipt, receipt.id),
                Step::SameAs(item) => (Receipt { duplicate: true, ..receipts[item] }, correlations[item]),
            };
            receipts.push(receipt);
            // Only a later event of the batch asks for it.
            if is_batch {
                correlations.push(correlation);
            }
        }
        self.needs_sync |= durability == Durability::Durable && self.reaches_past_durable(&receipts);
        Ok(receipts)
    }

    /// Stages one event of a batch; gives its receipt and its correlation.
    fn stage_event(
        &mut self,
        event: NewEvent,
        version: Version,
        receipts: &[Receipt],
        correlations: &[EventId],
    ) -> Result<(Receipt, EventId), WriterError> {
        let options = &event.options;
        let batch_causes: Vec<EventId> =
            options.batch_causes.iter().map(|item| receipts[*item as usize].id).collect();
        // Without a correlation of its own an event shares that of its first cause inside the batch.
        let inherited = options.batch_causes.first().map(|item| correlations[*item as usize]);
        let correlation = options.correlation.or(inherited);
        let numbers = Numbers { version, correlation, batch_causes: &batch_causes };
        let staged =
            self.journal().stage_event(&event, &numbers).map_err(Arc::new).map_err(WriterError::Stage)?;
        let receipt = Receipt::new(staged.id, version, Durability::Buffered);
        self.staged.note(event, receipt);
        Ok((receipt, correlation.unwrap_or(staged.id)))
    }

    fn reaches_past_durable(&mut self, receipts: &[Receipt]) -> bool {
        let durable = self.journal().durable();
        receipts.iter().any(|receipt| receipt.position > durable)
    }

    fn known(&self) -> Known<'_> {
        Known::new(&self.staged, &self.unapplied, &self.setup.view, self.journal.as_ref())
    }

    /// The index has everything that was committed: what was kept beside it is not needed any more.
    fn forget_applied(&mut self) {
        if self.setup.view.written() >= self.journal().last() || crate::planted("unapplied_forgotten_early") {
            self.unapplied.clear();
            if self.staged.is_empty() {
                self.versions.forget_much();
            }
        }
    }

    /// Commits what is staged if this batch does not fit into the same frame.
    fn make_room(
        &mut self,
        events: &[NewEvent],
        context: &mut Context<'_, Message>,
    ) -> Result<(), WriterError> {
        let staged = self.journal().staged_bytes() as u64;
        if staged == 0 {
            return Ok(());
        }
        let staged = (staged, self.journal().staged_count().into());
        let more = (events.iter().map(journal::proposed_bytes).sum(), events.len() as u64);
        if self.setup.limits.have_room(staged, more) { Ok(()) } else { self.commit(context) }
    }

    /// One write and at most one sync for everything that is staged; then the indexer is told.
    fn commit(&mut self, context: &mut Context<'_, Message>) -> Result<(), WriterError> {
        if self.journal().staged_bytes() == 0 && !self.needs_sync && self.answers.is_empty() {
            return Ok(());
        }
        context.doing("committing");
        let committed = match self.journal().commit() {
            Ok(committed) => committed,
            Err(error @ JournalError::Poisoned { .. }) => return Err(poisoned(&error)),
            Err(error) => {
                self.refuse_all(error);
                self.schedule_flush(context);
                return Ok(());
            }
        };
        crate::point("writer.commit.written");
        if std::mem::take(&mut self.needs_sync) && !crate::planted("reply_before_sync") {
            self.sync(context)?;
        }
        crate::point("writer.commit.synced");
        self.unapplied.absorb(&mut self.staged);
        self.tell(committed.map(|committed| committed.frame), context);
        Ok(())
    }

    /// Whoever is answered now, or came while the disk was busy, is likely to come again: the next sync is worth waiting for
    /// them, for no longer than a sync takes. One caller alone never waits.
    fn sync(&mut self, context: &mut Context<'_, Message>) -> Result<(), WriterError> {
        context.doing("syncing");
        let began = context.runtime().now();
        self.journal().sync().map_err(|error| poisoned(&error))?;
        let took = context.runtime().now() - began;
        context.expect_messages(self.answers.len() + context.address().depth(), took.min(SHARING_MAX));
        Ok(())
    }

    fn tell(&mut self, frame: Option<Arc<Frame>>, context: &mut Context<'_, Message>) {
        let journal = self.journal();
        let durable = if crate::planted("durable_too_early") { journal.last() } else { journal.durable() };
        // As many are likely to wait for the next commit.
        let next = Vec::with_capacity(self.answers.len());
        let answers = std::mem::replace(&mut self.answers, next);
        context.send(&self.setup.indexer, indexer::Message::Committed(Committed { frame, durable, answers }));
        crate::point("writer.tell.sent");
        self.schedule_flush(context);
    }

    /// The disk refused before anything was written: nothing of this turn is stored, and everyone is told so.
    fn refuse_all(&mut self, error: JournalError) {
        self.staged.entities().for_each(|entity| self.versions.take_back(entity));
        self.staged.clear();
        self.needs_sync = false;
        let is_full = matches!(error, JournalError::NoSpace(_));
        let source: SharedError = Arc::new(error);
        let refusal = if is_full { AppendError::NoSpace { source } } else { AppendError::Storage { source } };
        for answer in self.answers.drain(..) {
            answer.refuse(&refusal);
        }
    }
}

fn poisoned(error: &JournalError) -> WriterError {
    WriterError::Poisoned { why: error.to_string() }
}
