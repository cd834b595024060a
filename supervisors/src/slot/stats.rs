//! What can be seen of a slot without waiting for its runner.

use crate::Time;
use crate::control::Phase;
use crate::rt::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Written by the runner, read by anyone. None of it decides anything, so all of it is relaxed and plain std even
/// under loom.
pub(crate) struct Stats {
    phase: AtomicU8,
    incarnation: AtomicU64,
    turns: AtomicU64,
    high_water: AtomicUsize,
    /// The number of the thread that holds the turn; 0 when none does.
    runner: AtomicU64,
    /// When the turn in hand began, in nanoseconds; `UNSEEN` until someone read the clock for it.
    busy_since: AtomicU64,
    /// What the handler said, and in which turn.
    doing: Mutex<(u64, &'static str)>,
    /// What the incarnation noted of its start.
    note: Mutex<String>,
}

const UNSEEN: u64 = u64::MAX;

impl Stats {
    pub(crate) fn new() -> Stats {
        Stats {
            phase: AtomicU8::new(0),
            incarnation: AtomicU64::new(0),
            turns: AtomicU64::new(0),
            high_water: AtomicUsize::new(0),
            runner: AtomicU64::new(0),
            busy_since: AtomicU64::new(UNSEEN),
            doing: Mutex::new((0, "")),
            note: Mutex::new(String::new()),
        }
    }

    pub(crate) fn turn_begins(&self, runner: u64, waiting: usize, now: Option<Time>) {
        self.turns.store(self.turns.load(Relaxed) + 1, Relaxed);
        if waiting > self.high_water.load(Relaxed) {
            self.high_water.store(waiting, Relaxed);
        }
        self.busy_since.store(now.map_or(UNSEEN, Time::as_nanos), Relaxed);
        self.runner.store(runner, Relaxed);
    }

    pub(crate) fn turn_ends(&self) {
        self.runner.store(0, Relaxed);
    }

    pub(crate) fn turns(&self) -> u64 {
        self.turns.load(Relaxed)
    }

    pub(crate) fn high_water(&self) -> usize {
        self.high_water.load(Relaxed)
    }

    pub(crate) fn runner(&self) -> Option<u64> {
        Some(self.runner.load(Relaxed)).filter(|&thread| thread != 0)
    }

    /// When the turn in hand began. Reading the clock costs more than a short turn, so for an inline actor it is
    /// read by the first who asks: then this is a lower bound of how long it has been busy.
    pub(crate) fn busy_since(&self, now: impl FnOnce() -> Time) -> Option<Time> {
        self.runner()?;
        match self.busy_since.load(Relaxed) {
            UNSEEN => {
                let now = now();
                self.busy_since.store(now.as_nanos(), Relaxed);
                Some(now)
            }
            nanos => Some(Time::from_nanos(nanos)),
        }
    }

    pub(crate) fn set_doing(&self, what: &'static str) {
        *self.doing.lock() = (self.turns(), what);
    }

    pub(crate) fn doing(&self) -> &'static str {
        let (turn, what) = *self.doing.lock();
        if turn == self.turns() && self.runner().is_some() { what } else { "" }
    }

    pub(crate) fn set_note(&self, note: String) {
        *self.note.lock() = note;
    }

    pub(crate) fn note(&self) -> String {
        self.note.lock().clone()
    }

    pub(crate) fn set_incarnation(&self, incarnation: u64) {
        self.set_note(String::new());
        self.incarnation.store(incarnation, Relaxed);
    }

    pub(crate) fn incarnation(&self) -> u64 {
        self.incarnation.load(Relaxed)
    }

    pub(crate) fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    pub(crate) fn phase(&self) -> Phase {
        const ALL: [Phase; 5] = [Phase::Down, Phase::Starting, Phase::Running, Phase::Stopping, Phase::Ended];
        ALL[usize::from(self.phase.load(Relaxed)).min(ALL.len() - 1)]
    }
}
