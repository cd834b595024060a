//! Opens and closes a store.

use super::Store;
use super::workers::Claims;
use crate::config::Config;
use crate::error::{AppendError, OpenError};
use crate::gates::{Gate, GateSet};
use crate::journal::JournalError;
use crate::storage::{Directory, Storage, StorageError, StorageErrorKind};
use crate::tree::{self, Plan};
use crate::writer::WriterError;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use supervisors::rt::Mutex;
use supervisors::{ExitReason, RestartPolicy, Runtime, ShutdownReport, StartError};

/// A store that is about to be opened, with gates.
///
/// ```no_run
/// use timberline::{Config, Denial, Store, gate};
/// let store = Store::builder(Config::new("events"))
///     .gate(gate("small", |proposal| match proposal.payload().len() {
///         0..=1_000 => Ok(()),
///         bytes => Err(Denial::new("large", format!("{bytes} bytes"))),
///     }))
///     .record_denials(true)
///     .open()?;
/// # Ok::<(), timberline::OpenError>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing is opened before `open`"]
pub struct StoreBuilder {
    config: Config,
    gates: GateSet,
    records_denials: bool,
    runtime: Option<Runtime>,
    storage: Option<Arc<dyn Storage>>,
    /// Smaller than a config may ask for.
    segment_bytes: Option<u64>,
    /// Of each part of the pipeline and of the sealer, instead of the house's own.
    restarts: Option<RestartPolicy>,
}

/// What was wrong when a store was closed. Every thread was joined all the same, or is named in the report.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CloseError {
    /// The store had failed before, or its last sync did. What has a durable receipt is safe.
    #[error("the store had failed: {reason}")]
    Failed {
        /// The exit reason of the tree's root, or what the disk said.
        reason: String,
        /// How the actors ended.
        report: Box<ShutdownReport>,
    },
    /// A handler tried to close the store that waits for it.
    #[error("refused: a handler may not close its own store")]
    WouldDeadlock,
    /// The store was closed before.
    #[error("the store is closed")]
    Closed,
}

impl StoreBuilder {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            gates: GateSet::default(),
            records_denials: false,
            runtime: None,
            storage: None,
            segment_bytes: None,
            restarts: None,
        }
    }

    /// Adds a gate behind those added before.
    pub fn gate(mut self, gate: impl Gate) -> Self {
        self.gates.push(Box::new(gate));
        self
    }

    /// Whether every gate is heard even after a no, so that a denial has all reasons.
    pub fn collect_denials(mut self, collects: bool) -> Self {
        self.gates.collect_denials(collects);
        self
    }

    /// Whether a denial is recorded as a [`DeniedProposal`](crate::DeniedProposal), an event of its own.
    pub fn record_denials(mut self, records: bool) -> Self {
        self.records_denials = records;
        self
    }

    /// Runs the store on another runtime and another disk, so that both can be simulated.
    #[cfg(feature = "simulation")]
    pub fn simulated(mut self, runtime: Runtime, storage: Arc<dyn Storage>) -> Self {
        self.runtime = Some(runtime);
        self.storage = Some(storage);
        self
    }

    /// Segments far smaller than a config may ask for, so that a simulation soon sees many of them.
    #[cfg(feature = "simulation")]
    pub fn tiny_segments(mut self, bytes: u64) -> Self {
        self.segment_bytes = Some(bytes);
        self
    }

    /// How often each part of the pipeline is restarted, so that a simulation sees what other budgets would do.
    #[cfg(feature = "simulation")]
    pub fn pipeline_restarts(mut self, policy: RestartPolicy) -> Self {
        self.restarts = Some(policy);
        self
    }

    /// Opens the store for reading only, on the simulated disk.
    ///
    /// # Errors
    /// As [`Store::open_read_only`]; [`OpenError::NoStore`] without a simulated disk.
    #[cfg(feature = "simulation")]
    pub fn open_read_only(self) -> Result<super::ReadOnlyStore, OpenError> {
        let dir = self.config.dir();
        let (Some(storage), Some(runtime)) = (self.storage, self.runtime) else {
            return Err(OpenError::NoStore { path: dir.to_owned() });
        };
        super::ReadOnlyStore::open_on(dir, storage, runtime)
    }

    /// Opens the store; see [`Store::open`].
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(mut self) -> Result<Store, OpenError> {
        self.config.validate()?;
        if let Some(bytes) = self.segment_bytes {
            let config = &mut self.config;
            (config.segment_bytes, config.preallocate_bytes) = (bytes, bytes / 8);
            config.commit_bytes_max = config.commit_bytes_max.min(bytes / 2);
        }
        let dir = self.config.dir().to_owned();
        let storage = match self.storage {
            Some(storage) => storage,
            None => Arc::new(Directory::create(&dir).map_err(|error| storage_error(error, &dir))?),
        };
        let lock = Arc::new(storage.lock().map_err(|error| storage_error(error, &dir))?);
        let call_deadline = self.config.call_deadline;
        let plan = Plan {
            config: self.config,
            storage,
            lock: Arc::downgrade(&lock),
            gates: self.gates,
            records_denials: self.records_denials,
            restarts: self.restarts,
            runtime: self.runtime.unwrap_or_else(Runtime::threads),
        };
        let house = tree::start(plan).map_err(|error| start_error(&error, &dir))?;
        Ok(Store {
            house,
            lock: Mutex::new(Some(lock)),
            closed: AtomicBool::new(false),
            call_deadline,
            dir,
            next_worker: AtomicU64::new(0),
            claims: Claims::default(),
        })
    }
}

/// Closes a store.
pub(super) fn close(store: &Store) -> Result<ShutdownReport, CloseError> {
    if supervisors::holds_a_turn() {
        return Err(CloseError::WouldDeadlock);
    }
    if store.closed.swap(true, Ordering::AcqRel) {
        return Err(CloseError::Closed);
    }
    let failed = store.house.running.try_wait().map(|reason| failure(&reason).to_string());
    let report = store.house.running.shutdown();
    let failed = failed.or_else(|| store.house.view.close_failure());
    drop(store.lock.lock().take());
    match failed {
        Some(reason) => Err(CloseError::Failed { reason, report: Box::new(report) }),
        None => Ok(report),
    }
}

/// What an append is told of a tree that has ended.
pub(super) fn failure(reason: &ExitReason) -> AppendError {
    match reason.downcast_ref::<WriterError>() {
        Some(WriterError::Poisoned { why }) => AppendError::Poisoned { why: why.clone() },
        _ => AppendError::Failed { reason: reason.to_string() },
    }
}

fn start_error(error: &StartError, dir: &Path) -> OpenError {
    let cause = match error {
        StartError::Child { reason, .. } => reason.downcast_ref::<WriterError>(),
        _ => None,
    };
    match cause {
        Some(WriterError::Open(journal) | WriterError::CatchUp(journal)) => journal_error(journal, dir),
        _ => OpenError::Start { reason: error.to_string() },
    }
}

pub(super) fn storage_error(error: StorageError, dir: &Path) -> OpenError {
    match error.kind() {
        StorageErrorKind::Locked => OpenError::Locked { path: dir.to_owned() },
        StorageErrorKind::NoSpace => OpenError::NoSpace { source: Arc::new(error) },
        _ => OpenError::Storage { source: Arc::new(error) },
    }
}

pub(super) fn journal_error(error: &JournalError, dir: &Path) -> OpenError {
    match error {
        JournalError::Format { path, found, known } => {
            OpenError::Format { path: path.clone(), found: *found, known: *known }
        }
        JournalError::Foreign { path, .. } | JournalError::Duplicate { path, .. } => {
            OpenError::Foreign { path: path.clone(), why: error.to_string() }
        }
        JournalError::Missing { path, .. } => OpenError::Missing { path: path.clone() },
        JournalError::Corrupt { path, offset, position, .. } => {
            OpenError::Corrupt { path: path.clone(), offset: *offset, position: *position }
        }
        JournalError::Empty { .. } => OpenError::NoStore { path: dir.to_owned() },
        JournalError::NoSpace(source) => OpenError::NoSpace { source: Arc::new(source.clone()) },
        JournalError::Storage(source) => storage_error(source.clone(), dir),
        other => OpenError::Storage { source: Arc::new(other.clone()) },
    }
}
