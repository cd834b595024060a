//! What a handler is given and what it answers.

use crate::event::{Batch, EventRef, NewEvent};
use crate::position::{CheckpointId, Position};

/// What a handler says of the batch it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum CursorWorkerAction {
    /// The batch is done: commit, and go on.
    Continue,
    /// The batch is done: commit, and end.
    Stop,
    /// The batch is not done: commit nothing, and end. The next worker gets the same batch.
    StopWithRollback,
}

/// The user's code: a function of a batch and its context. It runs on the worker's own thread and may block.
pub(crate) type Handler = dyn FnMut(&Batch, &mut HandlerContext) -> CursorWorkerAction + Send;

/// Proof, to be handed to code with effects outside the store, that its caller knows those effects happen at least
/// once and may happen again.
///
/// ```
/// use timberline::AtLeastOnce;
/// fn send_mail(_knows: AtLeastOnce, to: &str) { /* keyed by something the receiver can tell apart */ }
/// # let _ = send_mail;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AtLeastOnce {
    /// How often this batch was handed out, with this time, as far as this process knows.
    pub attempt: u32,
}

/// What a handler can know and do beside its batch.
#[derive(Debug)]
pub struct HandlerContext {
    pub(super) attempt: u32,
    pub(super) incarnation: u64,
    pub(super) committed: Position,
    pub(super) checkpoint: Option<CheckpointId>,
    /// The event that a reaction without a named source answers.
    pub(super) newest: Option<Source>,
    pub(super) reactions: Vec<NewEvent>,
}

/// What a reaction inherits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    id: crate::EventId,
    correlation: crate::EventId,
}

impl Source {
    pub(super) fn of(event: &EventRef<'_>) -> Self {
        Self { id: event.id, correlation: event.correlation }
    }

    fn attribute(self, mut event: NewEvent) -> NewEvent {
        let options = &mut event.options;
        options.correlation.get_or_insert(if crate::planted("reaction_begins_correlation") {
            self.id
        } else {
            self.correlation
        });
        if options.causes.is_empty() && options.batch_causes.is_empty() {
            options.causes.push(self.id);
        }
        event
    }
}

impl HandlerContext {
    pub(super) fn new(incarnation: u64, checkpoint: Option<CheckpointId>) -> Self {
        let committed = Position::START;
        Self { attempt: 1, incarnation, committed, checkpoint, newest: None, reactions: Vec::new() }
    }

    /// Appends `event` when the batch is committed, in the same frame as the checkpoint, so exactly once. Its source is
    /// the newest event of the batch; where a batch has several, [`HandlerContext::react_to`] names one.
    ///
    /// Correlation and cause are filled in from the source unless the event names its own. A batch that is rolled
    /// back, or whose handler panics, leaves no reaction. Gates are not asked: a reaction is the program's own word.
    /// A reaction that the store must refuse (a conflict, a cause it does not know, a payload over its limit) fails the
    /// batch: [`CursorWorkerError::CheckpointFailed`](crate::CursorWorkerError::CheckpointFailed).
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use timberline::*;
    /// # #[derive(Serialize, Deserialize)] struct Felled { tree: u32 }
    /// # impl Payload for Felled { const KIND: &'static str = "Felled"; }
    /// # #[derive(Serialize, Deserialize)] struct Planted;
    /// # impl Payload for Planted { const KIND: &'static str = "Planted"; }
    /// # let dir = tempfile::tempdir()?;
    /// # let store = Store::open(Config::new(dir.path()))?;
    /// # let stand = Coordinate::new("stand-4", "north-wood")?;
    /// let felled = store.append(&stand, &Felled { tree: 17 })?;
    /// let config = CursorWorkerConfig::default().checkpoint(CheckpointId::new("forester")?);
    /// let answered = stand.clone();
    /// let worker = store.cursor_worker(&Region::kind("Felled"), config, move |_batch, context| {
    ///     context.react(NewEvent::new(&answered, &Planted).expect("it can be encoded"));
    ///     CursorWorkerAction::Stop
    /// })?;
    /// worker.join()?;
    ///
    /// let planted = store.read(&Region::kind("Planted")).next().expect("one reaction")?;
    /// assert_eq!((planted.causes(), planted.correlation()), (vec![felled.id], felled.id));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn react(&mut self, event: NewEvent) {
        let attributed = match self.newest {
            Some(source) => source.attribute(event),
            None => event,
        };
        self.reactions.push(attributed);
    }

    /// As [`HandlerContext::react`], for the named source.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use timberline::*;
    /// # #[derive(Serialize, Deserialize)] struct Felled { tree: u32 }
    /// # impl Payload for Felled { const KIND: &'static str = "Felled"; }
    /// # #[derive(Serialize, Deserialize)] struct Planted;
    /// # impl Payload for Planted { const KIND: &'static str = "Planted"; }
    /// # let dir = tempfile::tempdir()?;
    /// # let store = Store::open(Config::new(dir.path()))?;
    /// # let stand = Coordinate::new("stand-4", "north-wood")?;
    /// store.append_batch((1..=3).map(|tree| NewEvent::new(&stand, &Felled { tree })).collect::<Result<_, _>>()?)?;
    /// let config = CursorWorkerConfig::default().checkpoint(CheckpointId::new("forester")?);
    /// let answered = stand.clone();
    /// let worker = store.cursor_worker(&Region::kind("Felled"), config, move |batch, context| {
    ///     for event in batch {
    ///         context.react_to(&event, NewEvent::new(&answered, &Planted).expect("it can be encoded"));
    ///     }
    ///     CursorWorkerAction::Stop
    /// })?;
    /// worker.join()?;
    ///
    /// // One tree for each, whatever crashed in between.
    /// let answered = store.read(&Region::kind("Planted")).map(|event| Ok(event?.causes()[0].position().get()));
    /// assert_eq!(answered.collect::<Result<Vec<_>, ReadError>>()?, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn react_to(&mut self, source: &EventRef<'_>, event: NewEvent) {
        self.reactions.push(Source::of(source).attribute(event));
    }

    /// How often this batch was handed out, with this time, as far as this process knows; from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// To be handed to code with effects outside the store.
    #[must_use]
    pub fn at_least_once(&self) -> AtLeastOnce {
        AtLeastOnce { attempt: self.attempt }
    }

    /// Which life of the worker this is, from 1.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// The position that is committed: everything of the region up to here is done.
    #[must_use]
    pub fn committed(&self) -> Position {
        self.committed
    }

    /// The worker's checkpoint id, if it has one.
    #[must_use]
    pub fn checkpoint(&self) -> Option<&CheckpointId> {
        self.checkpoint.as_ref()
    }
}
