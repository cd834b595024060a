//! Bugs that a model plants to show that it would find them. Outside of loom none of them can be there.
#![cfg_attr(not(loom), expect(unreachable_pub, reason = "the module is public for models only"))]

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
