//! How a thread waits: it looks, hands over what it was elected to run, looks a moment longer, and parks. On a simulated
//! runtime a wait is steps of the world.

use super::{LOCAL, hand_over};
use crate::planted::{self, Bug};
use crate::rt::clock;
use crate::rt::thread;
use crate::runtime::Stepped;
use crate::{CallError, Runtime};
use std::time::Duration;

/// Why a wait ended without what it waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Deadline,
    /// Simulated only: nothing is left that could happen.
    Deadlock,
}

impl From<Ended> for CallError {
    fn from(ended: Ended) -> CallError {
        match ended {
            Ended::Deadline => CallError::DeadlineExceeded,
            Ended::Deadlock => CallError::Deadlock,
        }
    }
}

/// Waits until it is ready. `register` sees to it that this thread is unparked when it may be.
pub(crate) fn wait<T>(
    runtime: Option<&Runtime>,
    timeout: Option<Duration>,
    mut ready: impl FnMut() -> Option<T>,
    register: impl FnOnce(),
) -> Result<T, Ended> {
    if let Some(value) = ready() {
        return Ok(value);
    }
    if let Some(runtime) = runtime.filter(|it| it.is_simulated()) {
        return wait_stepping(runtime, timeout, ready);
    }
    hand_over();
    if let Some(value) = spin(&mut ready) {
        return Ok(value);
    }
    register();
    if planted::is(Bug::RegistersBlindly) {
        thread::park_until(None);
    }
    wait_parked(timeout, ready)
}

/// So many long waits in a row, and the next ones are taken for long too.
const LONG_WAITS_MAX: u32 = 8;
/// Every so many of those, another look whether that still holds.
const LONG_WAITS_PROBED: u32 = 32;

/// Looks for a moment before parking. A thread whose waits are long, for a disk say, takes the processor by that from the
/// one it waits for: it spins but now and then.
fn spin<T>(ready: &mut impl FnMut() -> Option<T>) -> Option<T> {
    let waits = LOCAL.with(|local| local.long_waits.get());
    let mut seen = None;
    if waits < LONG_WAITS_MAX || waits.is_multiple_of(LONG_WAITS_PROBED) {
        thread::spin_until(|| {
            seen = ready();
            seen.is_some()
        });
    }
    let waits = if seen.is_some() { 0 } else { waits.wrapping_add(1) };
    LOCAL.with(|local| local.long_waits.set(waits));
    seen
}

fn wait_parked<T>(timeout: Option<Duration>, mut ready: impl FnMut() -> Option<T>) -> Result<T, Ended> {
    // A deadline beyond what the clock can count is none.
    let deadline = timeout.and_then(|timeout| clock::now().checked_add(timeout));
    loop {
        if let Some(value) = ready() {
            return Ok(value);
        }
        if deadline.is_some_and(|at| clock::now() >= at) {
            return Err(Ended::Deadline);
        }
        thread::park_until(deadline);
    }
}

fn wait_stepping<T>(
    runtime: &Runtime,
    timeout: Option<Duration>,
    mut ready: impl FnMut() -> Option<T>,
) -> Result<T, Ended> {
    let Some(world) = runtime.world() else { return Err(Ended::Deadlock) };
    let deadline = timeout.map(|timeout| world.now() + timeout);
    loop {
        let stepped = world.step(deadline);
        if let Some(value) = ready() {
            return Ok(value);
        }
        match stepped {
            Stepped::Ran => {}
            Stepped::Deadline => return Err(Ended::Deadline),
            Stepped::Idle => return Err(Ended::Deadlock),
        }
    }
}
