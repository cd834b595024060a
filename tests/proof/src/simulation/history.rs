//! What happened in a run, in the order in which its one thread saw it. The checkers read nothing else.

use std::borrow::Cow;
use timberline::{EventId, Expected};

/// What is stored of one event, as far as the checkers look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: EventId,
    /// Its place among all events.
    pub position: u64,
    /// Its place among its entity's events.
    pub version: u64,
    /// The number in its payload, which tells it apart: its own for a step, that of the step it answers for a reaction.
    pub number: u64,
    /// What sort of event it is.
    pub sort: Sort,
    /// Its entity.
    pub entity: Name,
    /// Its scope.
    pub scope: Name,
    /// The positions of its causes.
    pub causes: Vec<u64>,
    /// The position of the event that began its correlation.
    pub correlation: u64,
    /// When, in microseconds.
    pub time: u64,
}

/// An entity or a scope. There are few of them, and a history has each many times.
pub type Name = Cow<'static, str>;

/// The sorts of events in these worlds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A client's.
    Step,
    /// A worker's, to a step.
    Reaction,
    /// The store's, of what a gate denied.
    Denial,
}

/// Which events a worker or a reader is after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watch {
    /// All.
    All,
    /// Steps, and no reactions.
    Steps,
    /// Those of one entity.
    Entity(String),
    /// Those of entities that begin so.
    Prefix(String),
    /// Those of one scope.
    Scope(String),
}

impl Watch {
    /// Whether it is after this event.
    #[must_use]
    pub fn matches(&self, event: &Stored) -> bool {
        match self {
            Watch::All => true,
            Watch::Steps => event.sort == Sort::Step,
            Watch::Entity(entity) => event.entity == **entity,
            Watch::Prefix(prefix) => event.entity.starts_with(prefix),
            Watch::Scope(scope) => event.scope == **scope,
        }
    }
}

/// One event of a batch as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The number in its payload.
    pub number: u64,
    /// Its entity.
    pub entity: Name,
    /// What was expected of the entity.
    pub expected: Expected,
    /// No event of this kind may stand after this position.
    pub unless: Option<(Watch, u64)>,
    /// Its idempotency key.
    pub key: Option<u64>,
    /// Whether its receipt has to wait for the disk.
    pub durable: bool,
}

/// An append that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Tells appends apart; dense from 0.
    pub append: usize,
    /// The batch.
    pub items: Vec<Item>,
    /// The highest position that was visible then.
    pub written: u64,
}

/// A receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// The event's position.
    pub position: u64,
    /// Its version.
    pub version: u64,
    /// Whether it is on the disk.
    pub durable: bool,
    /// Whether it was there before.
    pub duplicate: bool,
}

/// How an append was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is stored.
    Stored(Vec<Given>),
    /// The entity is at another version; nothing was stored.
    Conflict {
        /// The item of the batch.
        item: usize,
        /// The version told.
        actual: u64,
    },
    /// An event breaks the condition; nothing was stored.
    ConditionFailed {
        /// The item of the batch.
        item: usize,
        /// The event told.
        position: u64,
    },
    /// Nothing was stored, for another reason.
    Refused(String),
    /// What became of it is not known.
    Unknown(String),
}

/// How a life of the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// The store was closed.
    Closed,
    /// The process was killed; what it wrote is in the system's hands.
    Killed,
    /// The power was cut; what was not synced may be lost.
    PowerCut,
}

/// A batch as it was handed to a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    /// Which worker: one name, one checkpoint.
    pub worker: usize,
    /// Which hiring of it, dense over the run; a hiring has incarnations.
    pub hiring: u64,
    /// Which incarnation.
    pub incarnation: u64,
    /// What the worker says is committed.
    pub committed: u64,
    /// The durable watermark.
    pub durable: u64,
    /// Where the batch ends: its last event, or what it tells of positions that hold none.
    pub end: u64,
    /// The positions handed out.
    pub positions: Vec<u64>,
}

/// What a handler said of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saying {
    /// Yes, and go on or stop.
    Yes,
    /// Roll back.
    Rollback,
    /// It panicked.
    Panic,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A store was opened, and holds this.
    Opened(Vec<Stored>),
    /// The process ended.
    Died(Death),
    /// An append was asked for.
    Asked(Asked),
    /// It was answered.
    Answered {
        /// Which.
        append: usize,
        /// How.
        answer: Answer,
    },
    /// Something was read.
    Read {
        /// What was asked for.
        watch: Watch,
        /// Only events after this position.
        after: u64,
        /// The highest position that was visible.
        written: u64,
        /// What was read: positions and numbers.
        seen: Vec<(u64, u64)>,
    },
    /// An event was asked for by its id, which stood in a receipt of this life.
    Got {
        /// Its position.
        position: u64,
        /// The number it holds, if it was found.
        found: Option<u64>,
        /// The number it was appended with.
        number: u64,
    },
    /// Everything up to this position was brought to the disk.
    Flushed(u64),
    /// A worker was hired: which, what it watches, whether it has a checkpoint, the most events of its batches.
    Hired {
        /// Which worker.
        worker: usize,
        /// Which hiring.
        hiring: u64,
        /// Its path in the tree.
        name: String,
        /// What it is after.
        watch: Watch,
        /// Whether it has a checkpoint.
        is_durable: bool,
        /// The most events of a batch.
        batch: usize,
    },
    /// A batch was handed out.
    Handed(Handed),
    /// What the handler said of its worker's last batch.
    Said {
        /// Which worker.
        worker: usize,
        /// What.
        saying: Saying,
    },
    /// A handler hung for an hour of virtual time, and goes on now.
    Hung {
        /// Its worker.
        worker: usize,
        /// The durable watermark in the middle of that hour.
        durable: u64,
        /// The other workers that live and have nothing in hand.
        others: Vec<usize>,
    },
    /// A supervisor restarts a child.
    Restarting {
        /// The child, with the supervisors above it.
        child: String,
        /// When, in nanoseconds of virtual time.
        at: u64,
        /// The budget.
        of: u32,
        /// Its window in nanoseconds; none is for life.
        within: Option<u64>,
    },
    /// Everything healed, nothing is left to happen, and the store holds this.
    Rested(Vec<Stored>),
}

/// Everything that happened in a run.
pub type History = Vec<Happened>;
