//! The one seam: every thread, lock, channel and clock of the runtime comes through here.
//!
//! Normally these are crossbeam, parking_lot and std. Under `--cfg loom` they are doubles that loom explores, with the
//! same contracts, so that the models run the shipped code and not a copy of it.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // this room is the seam the lints point to

#[cfg(loom)]
mod double;
#[cfg(not(loom))]
mod real;

#[cfg(loom)]
pub use double::{
    Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic, channel, clock, thread,
};
#[cfg(not(loom))]
pub use real::{
    Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic, channel, clock, thread,
};

/// Loom's, which does not know that an initial value may be a constant.
#[cfg(loom)]
macro_rules! local {
    ($($(#[$about:meta])* static $name:ident: $of:ty = const { $value:expr };)+) => {
        loom::thread_local! { $($(#[$about])* static $name: $of = $value;)+ }
    };
    ($($any:tt)*) => {
        loom::thread_local! { $($any)* }
    };
}
#[cfg(loom)]
pub(crate) use local as thread_local;
#[cfg(not(loom))]
pub(crate) use std::thread_local;

#[cfg(test)]
mod tests;
