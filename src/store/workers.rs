//! The part of the door through which cursor workers are started.

use super::Store;
use crate::cursor::Cursor;
use crate::cursor_worker::{
    self, CursorWorkerAction, CursorWorkerConfig, CursorWorkerConfigError, CursorWorkerError,
    CursorWorkerHandle, HandlerContext, Shared,
};
use crate::event::Batch;
use crate::position::{CheckpointId, Position};
use crate::region::Region;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use supervisors::rt::Mutex;
use supervisors::{AddError, Completion};

/// The checkpoint ids in use, each with the end of the worker that uses it.
#[derive(Debug, Default)]
pub(super) struct Claims {
    live: Mutex<HashMap<CheckpointId, Option<Completion>>>,
}

impl Claims {
    /// Claims `id`, unless a worker that lives, or one that is just being started, has it.
    fn claim(&self, id: &CheckpointId) -> Result<(), CursorWorkerError> {
        let mut live = self.live.lock();
        live.retain(|_, worker| worker.as_ref().is_none_or(|end| end.try_wait().is_none()));
        if live.contains_key(id) {
            return Err(CursorWorkerError::AlreadyRunning { id: id.clone() });
        }
        live.insert(id.clone(), None);
        Ok(())
    }

    fn settle(&self, id: &CheckpointId, worker: Option<Completion>) {
        match worker {
            Some(worker) => drop(self.live.lock().insert(id.clone(), Some(worker))),
            None => drop(self.live.lock().remove(id)),
        }
    }
}

impl Store {
    /// Starts a worker that hands the events of `region` to `handler`, batch by batch, from its checkpoint or from the
    /// beginning, and goes on with what is appended later. Returns when the worker has started.
    ///
    /// The handler runs on a thread of its own and may block, append through the store, and panic: the supervisor
    /// decides by the config's restart policy. It may not wait for its own worker.
    ///
    /// # Errors
    /// [`CursorWorkerError`]: a config that cannot work, a checkpoint id that is in use or bound to another region, or
    /// a store that is closed or has failed.
    pub fn cursor_worker<F>(
        &self,
        region: &Region,
        config: CursorWorkerConfig,
        handler: F,
    ) -> Result<CursorWorkerHandle, CursorWorkerError>
    where
        F: FnMut(&Batch, &mut HandlerContext) -> CursorWorkerAction + Send + 'static,
    {
        config.validate()?;
        check_region(region)?;
        self.view().map_err(|_| CursorWorkerError::Closed)?;
        let Some(id) = config.checkpoint.clone() else {
            let start = Cursor::new(region.clone(), Position::START);
            return self.start_worker(start, &config, Box::new(handler));
        };
        self.claims.claim(&id)?;
        let started = cursor_worker::resume_at(&self.house.view, &id, region.clone())
            .and_then(|start| self.start_worker(start, &config, Box::new(handler)));
        self.claims.settle(&id, started.as_ref().ok().map(|handle| handle.completion.clone()));
        started
    }

    fn start_worker(
        &self,
        start: Cursor,
        config: &CursorWorkerConfig,
        handler: Box<cursor_worker::Handler>,
    ) -> Result<CursorWorkerHandle, CursorWorkerError> {
        let name = self.worker_name(config);
        let shared = Shared::new(start.region().clone(), config, handler, start.committed());
        self.house.add_worker(&name, config, Arc::new(shared)).map_err(|error| match error {
            AddError::DidNotStart(reason) => match CursorWorkerError::of(&reason, &name) {
                Err(error) => error,
                Ok(()) => CursorWorkerError::Closed,
            },
            AddError::Stopped => self.worker_gone(),
            other => CursorWorkerError::Config(CursorWorkerConfigError::Restart { why: other.to_string() }),
        })
    }

    fn worker_gone(&self) -> CursorWorkerError {
        match self.gone() {
            crate::AppendError::Closed => CursorWorkerError::Closed,
            other => CursorWorkerError::Failed { reason: other.to_string() },
        }
    }

    /// The config's name, the checkpoint's, or a number; made unique by the number where it must be.
    fn worker_name(&self, config: &CursorWorkerConfig) -> String {
        let number = self.next_worker.fetch_add(1, Ordering::Relaxed) + 1;
        let given = config.name.clone().or_else(|| config.checkpoint.as_ref().map(ToString::to_string));
        match given {
            Some(name) if !self.house.has_worker(&name) => name,
            Some(name) => format!("{name}-{number}"),
            None => format!("worker-{number}"),
        }
    }
}

fn check_region(region: &Region) -> Result<(), CursorWorkerError> {
    let (terms, limit) = (region.term_count(), Region::TERMS_MAX);
    if terms <= limit { Ok(()) } else { Err(CursorWorkerConfigError::Region { terms, limit }.into()) }
}
