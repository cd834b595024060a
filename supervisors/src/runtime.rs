//! Where actors run: a clock, and either threads or a simulated world.

use crate::driver::Runnable;
use crate::rt::clock::{self, Instant};
use crate::rt::thread;
use crate::{ChildId, Time};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Where actors run. Cheap to clone.
///
/// ```
/// let runtime = supervisors::Runtime::threads();
/// let before = runtime.now();
/// assert!(runtime.now() >= before);
/// ```
#[derive(Clone)]
pub struct Runtime {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Threads {
        began: Instant,
        /// Threads of each tree's pool, at most; never 0.
        pool: usize,
    },
    #[cfg_attr(not(any(test, feature = "simulation")), expect(dead_code, reason = "made by the simulation"))]
    Simulated(Arc<dyn World>),
}

/// What a simulated driver does in place of threads and the clock.
pub(crate) trait World: Send + Sync {
    /// The virtual time.
    fn now(&self) -> Time;
    /// The slot was elected: it may run from now on.
    fn ring(&self, slot: Arc<dyn Runnable>);
    /// The slot's earliest timer.
    fn alarm(&self, slot: Arc<dyn Runnable>, at: Time);
    /// One thing happens, or the time goes on, but not past that deadline.
    fn step(&self, until: Option<Time>) -> Stepped;
    /// One of `n` things; 0 is the harmless one.
    fn choose(&self, n: usize) -> usize;
    /// How far the calendar is off the virtual time, in microseconds.
    fn wall_offset(&self) -> i64;
    /// Whether the turn in hand keeps its slot busy for a while.
    fn is_delayed(&self) -> bool;
    /// A handler of that child begins, or has ended.
    fn around_handler(&self, child: &ChildId);
}

/// What a step of a simulated world came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(test, feature = "simulation")), expect(dead_code, reason = "made by the simulation"))]
pub(crate) enum Stepped {
    /// Something happened.
    Ran,
    /// Nothing was left to do before the deadline, which is now.
    Deadline,
    /// Nothing is left to do at all.
    Idle,
}

impl Runtime {
    /// Real threads and the monotonic clock, which begins now.
    #[must_use]
    pub fn threads() -> Runtime {
        Runtime { kind: Kind::Threads { began: clock::now(), pool: thread::cores() } }
    }

    /// With so many threads, at least one, for the [pooled](crate::Driver::Pooled) actors of each tree; unless said
    /// otherwise as many as the machine has cores. Each is made when it is first needed. A simulated runtime has none.
    ///
    /// ```
    /// use supervisors::{Runtime, Supervisor};
    /// let runtime = Runtime::threads().pool_of(2);
    /// let running = Supervisor::one_for_one("top").start_on(&runtime)?;
    /// # Ok::<(), supervisors::StartError>(())
    /// ```
    #[must_use]
    pub fn pool_of(mut self, threads: usize) -> Runtime {
        if let Kind::Threads { pool, .. } = &mut self.kind {
            *pool = threads.max(1);
        }
        self
    }

    /// Threads of a tree's pool, at most.
    pub(crate) fn pool_threads(&self) -> usize {
        match &self.kind {
            Kind::Threads { pool, .. } => *pool,
            Kind::Simulated(_) => 0,
        }
    }

    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn simulated(world: Arc<dyn World>) -> Runtime {
        Runtime { kind: Kind::Simulated(world) }
    }

    /// The monotonic or virtual time.
    #[must_use]
    pub fn now(&self) -> Time {
        match &self.kind {
            Kind::Threads { began, .. } => Time::ZERO + clock::now().saturating_duration_since(*began),
            Kind::Simulated(world) => world.now(),
        }
    }

    /// The calendar time in microseconds since 1970 began. It may jump either way; a simulated calendar begins in
    /// November 2023 and goes with the virtual time.
    #[must_use]
    pub fn wall_micros(&self) -> u64 {
        const SIMULATED_BEGIN: u64 = 1_700_000_000_000_000;
        match &self.kind {
            Kind::Threads { .. } => clock::wall_micros(),
            Kind::Simulated(world) => {
                (SIMULATED_BEGIN + world.now().as_nanos() / 1_000).saturating_add_signed(world.wall_offset())
            }
        }
    }

    /// Whether time is virtual and one thread runs everything.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.world().is_some()
    }

    pub(crate) fn world(&self) -> Option<&Arc<dyn World>> {
        match &self.kind {
            Kind::Threads { .. } => None,
            Kind::Simulated(world) => Some(world),
        }
    }

    /// That time as the operating system counts it; `None` for one that will never come.
    pub(crate) fn instant(&self, at: Time) -> Option<Instant> {
        match &self.kind {
            Kind::Threads { began, .. } => began.checked_add(Duration::from_nanos(at.as_nanos())),
            Kind::Simulated(_) => None,
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("now", &self.now()).field("simulated", &self.is_simulated()).finish()
    }
}
