//! A clock that stands still until a model's own thread moves it, so that a deadline is an event like any other.

use super::thread::Thread;
use loom::sync::Mutex;
use std::time::Duration;

/// An instant of the model's clock, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(u64);

#[derive(Default)]
struct Clock {
    now: u64,
    waiting: Vec<Thread>,
}

loom::lazy_static! {
    static ref CLOCK: Mutex<Clock> = Mutex::new(Clock::default());
}

impl Instant {
    /// How long after that one, or zero.
    #[must_use]
    pub fn saturating_duration_since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// That much later, if it can be counted.
    #[must_use]
    pub fn checked_add(self, by: Duration) -> Option<Instant> {
        self.0.checked_add(u64::try_from(by.as_nanos()).ok()?).map(Instant)
    }
}

fn lock() -> loom::sync::MutexGuard<'static, Clock> {
    CLOCK.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The present instant.
#[must_use]
pub fn now() -> Instant {
    Instant(lock().now)
}

/// Microseconds of the calendar, which in a model begins with the clock.
#[must_use]
pub fn wall_micros() -> u64 {
    lock().now / 1_000
}

/// Moves the clock, and lets everyone who waits for an instant look at it.
pub fn advance(by: Duration) {
    let waiting = {
        let mut clock = lock();
        clock.now = clock.now.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX));
        std::mem::take(&mut clock.waiting)
    };
    waiting.iter().for_each(Thread::unpark);
}

/// Has the thread unparked when the clock moves; `false` if that instant has come already.
pub(super) fn register(at: Instant, thread: Thread) -> bool {
    let mut clock = lock();
    let comes = clock.now < at.0;
    if comes {
        clock.waiting.push(thread);
    }
    comes
}
