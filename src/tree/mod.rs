//! The tree: who starts in which order, and who restarts whom. Nowhere else is that said.
//!
//! ```text
//! store            one_for_one
//! |- sealer                        writes the files of the index
//! |- pipeline      rest_for_one    indexer, syncer, writer, gate      downstream first
//! `- cursors       one_for_one     one cursor worker per handler, added and removed while running
//! ```

use crate::config::Config;
use crate::cursor_worker::{CursorWorker, CursorWorkerConfig, CursorWorkerHandle, HouseWatch, Shared};
use crate::gate::{self, Gate};
use crate::gates::GateSet;
use crate::index::IndexOptions;
use crate::indexer::{self, Indexer, Interests, Sealer};
use crate::journal::{JournalOptions, StoreId};
use crate::region::Region;
use crate::storage::{Storage, WriteLock};
use crate::view::View;
use crate::writer::{self, Limits, Syncer, Writer};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Weak};
use std::time::Duration;
use supervisors::{
    AddError, Address, ChildSpec, Completion, Driver, Exhausted, Restart, RestartPolicy, Running, Runtime,
    StartError, Supervisor, SupervisorHandle,
};

/// Restarts of a part of the pipeline: a part that fails more often has a cause that restarts do not mend.
const PIPELINE_RESTARTS: u32 = 3;
/// Within this time; longer where the shutdown deadline is so long that the budget could otherwise never run out.
const PIPELINE_WITHIN: Duration = Duration::from_secs(60);

/// What a store is made of, before it runs.
pub(crate) struct Plan {
    pub(crate) config: Config,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) lock: Weak<WriteLock>,
    pub(crate) gates: GateSet,
    pub(crate) records_denials: bool,
    /// Restarts of a part of the pipeline; the house's own if nothing else is asked for.
    pub(crate) restarts: Option<RestartPolicy>,
    pub(crate) runtime: Runtime,
}

/// A running store: its supervisors, and the addresses its door needs.
pub(crate) struct House {
    pub(crate) running: Arc<Running>,
    pub(crate) gate: Address<gate::Message>,
    /// What one batch may be.
    pub(crate) limits: Limits,
    pub(crate) writer: Address<writer::Message>,
    /// Tells why the pipeline gave up.
    pipeline_end: Completion,
    pub(crate) view: Arc<View>,
    cursors: SupervisorHandle,
    interests: Arc<Interests>,
    config: Config,
}

/// Starts the whole tree; when this returns, the journal is recovered and the index has caught up.
pub(crate) fn start(plan: Plan) -> Result<House, StartError> {
    let Plan { config, storage, lock, gates, records_denials, restarts, runtime } = plan;
    let restarts = restarts.unwrap_or_else(|| pipeline_restarts(&config));
    let view = Arc::new(View::new(runtime.clone()));
    let interests = Arc::new(Interests::default());
    let limits = limits(&config);
    let messages = config.mailbox_messages as usize;

    let sealer_view = Arc::clone(&view);
    let (sealer_spec, sealer) = ChildSpec::actor("sealer", move || Sealer::new(Arc::clone(&sealer_view)));

    let setup = indexer::Setup {
        view: Arc::clone(&view),
        interests: Arc::clone(&interests),
        storage: Arc::clone(&storage),
        options: index_options(&config),
        sealer,
    };
    let (indexer_spec, indexer) = ChildSpec::actor("indexer", move || Indexer::new(setup.clone()));

    let (syncer_spec, syncer) = ChildSpec::actor("syncer", || Ok(Syncer));

    let setup = writer::Setup {
        storage,
        lock,
        new_store: new_store_id(&runtime),
        options: journal_options(&config),
        limits,
        flush_interval: config.flush_interval,
        flush_bytes: config.flush_bytes,
        view: Arc::clone(&view),
        indexer,
        syncer,
    };
    let (writer_spec, writer) = ChildSpec::actor("writer", move || Writer::new(setup.clone()));

    let setup = gate::Setup::new(limits, config.durability, gates, records_denials, writer.clone());
    let (gate_spec, gate) = ChildSpec::actor("gate", move || Gate::new(setup.clone()));

    let part = |spec: ChildSpec| {
        spec.mailbox(messages).turn_limit(messages).restart(restarts).shutdown(config.shutdown_deadline)
    };
    let pipeline = Supervisor::rest_for_one("pipeline")
        .child(part(indexer_spec))
        // A thread of its own: who appends to what is buffered must not wait for the disk.
        .child(part(syncer_spec).driver(Driver::OwnThread))
        // Recovery reads as much as the journal's tail is long; nothing is gained by giving up on it.
        .child(part(writer_spec).start_deadline(Duration::from_secs(3_600)))
        .child(part(gate_spec));
    let (pipeline, _) = ChildSpec::supervisor(pipeline);
    let pipeline_end = pipeline.completion();
    let (cursors_spec, cursors) = ChildSpec::supervisor(Supervisor::one_for_one("cursors"));
    // A thread of its own: what it writes must not hold up who commits.
    let sealer_spec = sealer_spec.driver(Driver::OwnThread).mailbox(1).restart(restarts);
    let running = Supervisor::one_for_one("store")
        .child(sealer_spec.shutdown(config.shutdown_deadline).when_exhausted(Exhausted::EndChild))
        // When the pipeline gives up, so does the store: its reason must reach the caller.
        .child(pipeline.restart(RestartPolicy::Never))
        .child(cursors_spec)
        .start_on(&runtime)?;
    let running = Arc::new(running);
    Ok(House { running, gate, limits, writer, pipeline_end, view, cursors, interests, config })
}

fn pipeline_restarts(config: &Config) -> RestartPolicy {
    let within = PIPELINE_WITHIN.max(config.shutdown_deadline * PIPELINE_RESTARTS);
    RestartPolicy::Bounded { max_restarts: PIPELINE_RESTARTS, within }
}

fn limits(config: &Config) -> Limits {
    Limits {
        record_bytes_max: config.record_bytes_max,
        commit_bytes_max: config.commit_bytes_max,
        batch_events_max: config.batch_events_max,
    }
}

/// The journal's limits: a frame holds every batch that the limits of a batch admit, numbers and checksums included,
/// and a checkpoint with the longest region on top.
fn journal_options(config: &Config) -> JournalOptions {
    const NUMBERS_BYTES_MAX: u64 = 64;
    let longest = config.commit_bytes_max
        + config.batch_events_max * NUMBERS_BYTES_MAX
        + 2 * Region::CHECKPOINT_BYTES_MAX as u64;
    // A simulation's segments are smaller than any config's, and so are its regions.
    let is_tiny = cfg!(feature = "simulation") && config.segment_bytes < 64 << 10;
    JournalOptions {
        segment_bytes: config.segment_bytes,
        commit_bytes_max: if is_tiny { config.segment_bytes - 512 } else { longest },
        preallocate_bytes: config.preallocate_bytes,
        open_files_max: config.open_files_max as usize,
        cache_bytes: config.read_cache_bytes,
    }
}

/// Sealed segments that may wait in memory for their files.
const UNWRITTEN_MAX: usize = 1;

/// A file tells of the growing segment each time another such part of it was written.
const GROWTHS: u64 = 8;

/// The index's limits.
pub(crate) fn index_options(config: &Config) -> IndexOptions {
    IndexOptions {
        cache_bytes: config.index_cache_bytes,
        open_files_max: config.open_files_max as usize,
        unwritten_max: UNWRITTEN_MAX,
        growth_bytes: config.segment_bytes / GROWTHS,
        writes: true,
    }
}

/// Sixteen bytes that no other store has: the standard library's hasher is seeded by the operating system. Nothing
/// in a simulation is left to chance.
fn new_store_id(runtime: &Runtime) -> StoreId {
    if runtime.is_simulated() {
        return StoreId::new(*b"a simulated disk");
    }
    let word = || RandomState::new().build_hasher().finish().to_le_bytes();
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&word());
    bytes[8..].copy_from_slice(&word());
    StoreId::new(bytes)
}

impl House {
    /// Whether a worker of this name lives.
    pub(crate) fn has_worker(&self, name: &str) -> bool {
        self.cursors.children().iter().any(|child| child.as_str() == name)
    }

    /// How long a worker may take to stop. The store's deadline gives way where it would be too long for the worker's
    /// restart budget ever to run out; a deadline of the worker's own does not.
    fn worker_deadline(&self, config: &CursorWorkerConfig) -> Duration {
        let store = self.config.shutdown_deadline;
        config.shutdown_deadline.unwrap_or(match config.restart {
            RestartPolicy::Bounded { max_restarts, within } => store.min(within / max_restarts.max(1)),
            _ => store,
        })
    }

    /// Adds a cursor worker and waits until it has started.
    pub(crate) fn add_worker(
        &self,
        name: &str,
        config: &CursorWorkerConfig,
        shared: Arc<Shared>,
    ) -> Result<CursorWorkerHandle, AddError> {
        let (view, writer) = (Arc::clone(&self.view), self.writer.clone());
        let (worker_shared, deadline) = (Arc::clone(&shared), self.config.call_deadline);
        let pipeline = self.pipeline_end.clone();
        let (spec, address) = ChildSpec::actor(name, move || {
            let (shared, view) = (Arc::clone(&worker_shared), Arc::clone(&view));
            CursorWorker::new(shared, view, writer.clone(), pipeline.clone(), deadline)
        });
        let mut spec = spec
            .driver(Driver::OwnThread)
            .kind(Restart::Transient)
            .restart(config.restart)
            .when_exhausted(Exhausted::EndChild)
            .mailbox(1)
            .shutdown(self.worker_deadline(config));
        if let Some(backoff) = config.backoff {
            spec = spec.backoff(backoff);
        }
        let (id, completion) = (spec.id().clone(), spec.completion());
        // Before it starts: what is committed from here on wakes it, what was before it finds by itself.
        self.interests.add(shared.region.clone(), shared.checkpoint.is_some(), address.clone());
        self.cursors.add(spec)?;
        let supervisor = self.cursors.clone();
        let house = HouseWatch {
            running: Arc::downgrade(&self.running),
            writer: self.writer.clone(),
            deadline: self.config.call_deadline,
        };
        let view = Arc::clone(&self.view);
        Ok(CursorWorkerHandle { name: id, address, supervisor, completion, house, shared, view })
    }
}
