//! The shipped side of the seam: crossbeam, parking_lot and std.

pub use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Bounded first-in first-out channels that give a message back when they cannot take it.
pub mod channel {
    pub use crossbeam_channel::{
        Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender, TryRecvError,
        TrySendError, bounded,
    };
}

/// Atomics.
pub mod atomic {
    pub use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
}

/// The monotonic clock, and the calendar.
pub mod clock {
    pub use std::time::Instant;

    /// The present instant; never goes back.
    #[must_use]
    pub fn now() -> Instant {
        Instant::now()
    }

    /// Microseconds since 1970 began, as the operating system has them; 0 before that.
    #[must_use]
    pub fn wall_micros() -> u64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
    }
}

/// Named threads, and parking them until an event or an instant.
pub mod thread {
    pub use std::thread::{JoinHandle, Thread, current, park, yield_now};

    use super::clock::{Instant, now};

    /// Looks again for a moment, and says whether it is done. Before parking: waking a parked thread costs its waker
    /// microseconds.
    pub fn spin_until(mut done: impl FnMut() -> bool) -> bool {
        const SPINS: u32 = 60;
        (0..SPINS).any(|_| {
            std::hint::spin_loop();
            done()
        })
    }

    /// How many threads the machine runs at once, at least one.
    #[must_use]
    pub fn cores() -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }

    /// Starts a thread of that name.
    ///
    /// # Errors
    /// The operating system's, when it has no thread to give.
    pub fn spawn<F: FnOnce() + Send + 'static>(name: String, work: F) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name(name).spawn(work)
    }

    /// Parks until unparked or until the instant; may return early for no reason.
    pub fn park_until(deadline: Option<Instant>) {
        match deadline {
            None => park(),
            Some(at) => std::thread::park_timeout(at.saturating_duration_since(now())),
        }
    }
}
