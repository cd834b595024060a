//! The doubles that loom explores, with the contracts of the shipped side.
//!
//! Every wait is a parking that the other side ends, because loom has no timeouts: a wait with a deadline ends when a
//! model's own thread moves the clock. Parking is built on loom's condition variable; loom's own `park` loses its
//! token when its thread blocks on a mutex.

pub mod channel;
pub mod clock;
mod sync;
pub mod thread;

pub use sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Atomics.
pub mod atomic {
    pub use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
}
