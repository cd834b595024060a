//! Bugs that are planted to show that the tests would find them. None of them can be there in what is shipped.
//!
//! A loom model plants a [`Bug`]; outside of loom none of those can be there. Everything else plants by name:
//! `planted("reply_before_sync")` is true in a process that was started with that name in `TIMBERLINE_PLANTED`, and false,
//! at compile time, without the feature `planted`.

/// A bug, each in one place of the shipped code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A giver counts before it pushes.
    CountBeforePush,
    /// A runner resigns although more is counted.
    ResignTooEarly,
    /// A slot that goes down keeps no count back, so that its next message elects a runner.
    DownElects,
    /// A giver that meets the end leaves what it pushed in the mailbox.
    LeftInTheMailbox,
    /// A stop that comes after the exit makes a second exit.
    StopsTheDead,
    /// A child's notice needs room in the mailbox.
    NoticeNeedsRoom,
    /// A waiter does not look again after it registered.
    RegistersBlindly,
    /// A reply that a failing handler drops is answered before the failure is known.
    VerdictTooEarly,
    /// A caller whose answer is there leaves without handing over the rest.
    KeepsTheRest,
    /// A supervisor does not hear of a child that fails while its stop is on its way.
    ExitInAStopIsLost,
    /// A slot that is rung for the pool wakes none of its threads.
    PoolStaysParked,
    /// A pool that is to end wakes none of its threads either.
    PoolEndsAsleep,
    /// A runner that waits for room in a mailbox is not told when there is some.
    RoomIsNotTold,
}

#[cfg(loom)]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Plants the bug for all models that this thread runs from now on; `None` weeds it out.
#[cfg(loom)]
pub fn plant(bug: Option<Bug>) {
    PLANTED.with(|planted| planted.set(bug));
}

/// Whether that bug is planted.
#[cfg(loom)]
pub(crate) fn is(bug: Bug) -> bool {
    PLANTED.with(|planted| planted.get() == Some(bug))
}

/// Whether that bug is planted: never.
#[cfg(not(loom))]
pub(crate) const fn is(_: Bug) -> bool {
    false
}

/// The variable that names the bug of a process.
pub const VARIABLE: &str = "TIMBERLINE_PLANTED";

/// Whether the bug of that name is planted in this process.
#[cfg(feature = "planted")]
#[must_use]
pub fn planted(name: &str) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var(VARIABLE).ok()).as_deref() == Some(name)
}

/// Whether the bug of that name is planted in this process: never.
#[cfg(not(feature = "planted"))]
#[inline(always)]
#[must_use]
pub const fn planted(_name: &str) -> bool {
    false
}
