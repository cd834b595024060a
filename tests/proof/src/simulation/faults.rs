//! What can go wrong, and the dice that say when.

use super::notes::Notes;
use super::plan::{Bug, Plan};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use timberline::storage::OperationKind;
use timberline::storage::simulated::{Fault, Operation, SimulatedDisk};
use timberline::supervisors::simulation::Simulation;
use timberline::supervisors::{ChildId, holds_a_turn};

/// A class of faults: on or off for a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// An actor panics before or after one of its handlers.
    ActorPanics,
    /// An actor panics inside a disk call.
    DiskPanics,
    /// A supervisor panics.
    SupervisorPanics,
    /// A disk call keeps its actor busy.
    SlowDisk,
    /// A disk call fails with EIO.
    DiskErrors,
    /// The disk is full for a while.
    DiskFull,
    /// A write transfers a part.
    ShortWrites,
    /// A disk call is interrupted.
    Interruptions,
    /// One sync fails.
    SyncFailsOnce,
    /// No sync succeeds any more in this life.
    SyncFailsForEver,
    /// No file can be opened.
    NoHandles,
    /// The process is killed between two steps.
    Kill,
    /// The power is cut between two steps.
    PowerCut,
    /// The process or the power ends at a disk operation.
    CrashAtOperation,
    /// The calendar jumps.
    ClockJumps,
    /// Mailboxes have room for one or two.
    SmallMailboxes,
    /// A handler panics.
    HandlerPanics,
    /// A handler rolls back.
    HandlerRollsBack,
    /// A handler stops.
    HandlerStops,
    /// A handler takes its time.
    HandlerIsSlow,
    /// A handler hangs for an hour of virtual time.
    HandlerHangs,
    /// A gate says no.
    GateDenies,
    /// A gate panics.
    GatePanics,
    /// Events are so large that segments fill.
    LargeEvents,
}

impl Class {
    fn bit(self) -> u32 {
        1 << self as u32
    }

    /// All of them.
    pub const ALL: [Class; 24] = {
        use Class::*;
        [
            ActorPanics,
            DiskPanics,
            SupervisorPanics,
            SlowDisk,
            DiskErrors,
            DiskFull,
            ShortWrites,
            Interruptions,
            SyncFailsOnce,
            SyncFailsForEver,
            NoHandles,
            Kill,
            PowerCut,
            CrashAtOperation,
            ClockJumps,
            SmallMailboxes,
            HandlerPanics,
            HandlerRollsBack,
            HandlerStops,
            HandlerIsSlow,
            HandlerHangs,
            GateDenies,
            GatePanics,
            LargeEvents,
        ]
    };
}

/// The dice. Shared by the world, its hooks, and its handlers.
#[derive(Debug)]
pub(super) struct Faults {
    /// What the simulation runs holds the faults: they are let go of at the end, by [`Faults::detach`].
    simulation: Arc<Simulation>,
    notes: Notes,
    /// A bit for each class that is on.
    on: u32,
    quiet: usize,
    bug: Option<Bug>,
    /// Nothing goes wrong any more.
    calm: AtomicBool,
    /// Nothing goes wrong for a moment.
    paused: AtomicBool,
    /// The disk is full.
    full: AtomicBool,
    /// No sync succeeds.
    sync_broken: AtomicBool,
    /// Hung handlers; one is enough.
    hung: AtomicU32,
    /// The classes that a kind of operation can meet, found once.
    by_operation: Mutex<Vec<(OperationKind, Arc<[Class]>)>>,
}

const SUPERVISORS: [&str; 3] = ["store", "pipeline", "cursors"];

impl Faults {
    /// Draws which classes are on.
    pub(super) fn new(simulation: &Arc<Simulation>, plan: &Plan, notes: Notes) -> Arc<Faults> {
        let is_on = |_: &Class| !plan.swarms || simulation.choose(3) != 0;
        let on = plan.classes.iter().filter(|class| is_on(class)).fold(0, |on, class| on | class.bit());
        Arc::new(Faults {
            simulation: Arc::clone(simulation),
            notes,
            on,
            quiet: plan.quiet,
            bug: plan.bug,
            calm: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            full: AtomicBool::new(false),
            sync_broken: AtomicBool::new(false),
            hung: AtomicU32::new(0),
            by_operation: Mutex::default(),
        })
    }

    /// Whether the class is on, now.
    pub(super) fn has(&self, class: Class) -> bool {
        self.is_on(class) && !self.calm.load(Ordering::Relaxed)
    }

    fn is_on(&self, class: Class) -> bool {
        self.on & class.bit() != 0
    }

    /// From here on nothing goes wrong.
    pub(super) fn heal(&self) {
        timberline::supervisors::failpoints::disarm();
        self.calm.store(true, Ordering::Relaxed);
        self.replace_disk();
    }

    /// Whether nothing goes wrong any more.
    pub(super) fn are_healed(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    /// Nothing goes wrong for a moment.
    pub(super) fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed) || self.paused.load(Ordering::Relaxed) || self.notes.is_dead()
    }

    /// Another process has another disk, with room on it.
    pub(super) fn replace_disk(&self) {
        self.full.store(false, Ordering::Relaxed);
        self.sync_broken.store(false, Ordering::Relaxed);
    }

    /// One of `n`.
    pub(super) fn choose(&self, n: usize) -> usize {
        self.simulation.choose(n)
    }

    /// Whether the one of so many happens that the class stands for.
    pub(super) fn happens(&self, class: Class, one_in: usize) -> bool {
        self.draw(&[class], one_in).is_some()
    }

    /// Which of the classes happens now, if any: each `quiet / scale` times less likely than none.
    fn draw(&self, classes: &[Class], quiet: usize) -> Option<Class> {
        if self.is_calm() {
            return None;
        }
        let mut on = [Class::Kill; 5]; // at most so many are drawn among
        let mut count = 0;
        for class in classes.iter().filter(|class| self.is_on(**class)) {
            on[count] = *class;
            count += 1;
        }
        self.draw_of(&on[..count], quiet)
    }

    fn draw_of(&self, on: &[Class], quiet: usize) -> Option<Class> {
        if on.is_empty() {
            return None;
        }
        let quiet = if self.quiet == 0 { 1 } else { quiet };
        let class = *on.get(self.choose(on.len() + quiet).checked_sub(1)?)?;
        self.notes.count(format!("{class:?}"));
        Some(class)
    }

    /// Around a handler of an actor: it may panic here.
    pub(super) fn around(&self, child: &ChildId) {
        let class = match SUPERVISORS.contains(&child.as_str()) {
            true => Class::SupervisorPanics,
            false => Class::ActorPanics,
        };
        if self.draw(&[class], self.quiet * 4).is_some() {
            panic!("simulated: {child} panics");
        }
    }

    /// What a handler does beside its work.
    pub(super) fn at_handler(&self) -> Option<Class> {
        use Class::*;
        let classes = [HandlerPanics, HandlerRollsBack, HandlerStops, HandlerIsSlow, HandlerHangs];
        let class = self.draw(&classes, self.quiet / 5)?;
        if class == HandlerHangs && self.hung.fetch_add(1, Ordering::Relaxed) > 0 {
            return None;
        }
        Some(class)
    }

    /// Lets virtual time go by inside a handler.
    pub(super) fn wait(&self, time: Duration) {
        self.simulation.run_for(time);
    }

    /// The disk's hook: what happens to an operation.
    pub(super) fn at_operation(&self, operation: &Operation) -> Option<Fault> {
        if self.bug == Some(Bug::SyncsNothing) && operation.kind == OperationKind::Sync {
            return Some(Fault::Lie);
        }
        if self.is_calm() {
            return None;
        }
        if let Some(fault) = self.lasting(operation.kind) {
            return Some(fault);
        }
        let classes = self.classes_of(operation.kind);
        let class = self.draw_of(&classes, self.quiet * 2)?;
        self.strike(class, operation)
    }

    /// What began earlier and is not over.
    fn lasting(&self, kind: OperationKind) -> Option<Fault> {
        use OperationKind::*;
        let is_sync = matches!(kind, Sync | SyncDirectory);
        if is_sync && self.sync_broken.load(Ordering::Relaxed) {
            return Some(Fault::Io);
        }
        let needs_room = matches!(kind, Write | Create | SetLength);
        if needs_room && self.full.load(Ordering::Relaxed) {
            if self.choose(12) == 1 {
                self.full.store(false, Ordering::Relaxed);
            }
            return Some(Fault::NoSpace);
        }
        None
    }

    fn classes_of(&self, kind: OperationKind) -> Arc<[Class]> {
        let mut known = self.by_operation.lock().unwrap();
        if let Some((_, classes)) = known.iter().find(|(of, _)| *of == kind) {
            return Arc::clone(classes);
        }
        let classes: Arc<[Class]> = possible(kind).filter(|class| self.is_on(*class)).collect();
        known.push((kind, Arc::clone(&classes)));
        classes
    }

    fn strike(&self, class: Class, operation: &Operation) -> Option<Fault> {
        match class {
            Class::DiskPanics if holds_a_turn() => panic!("simulated: a disk call panics"),
            Class::SlowDisk if holds_a_turn() => {
                let time = Duration::from_micros([100, 5_000, 200_000, 20_000_000][self.choose(4)]);
                self.simulation.busy_for(time);
                None
            }
            Class::DiskErrors => Some(Fault::Io),
            Class::DiskFull => {
                self.full.store(true, Ordering::Relaxed);
                Some(Fault::NoSpace)
            }
            Class::ShortWrites => {
                let bytes = usize::try_from(operation.length).unwrap_or(0);
                (bytes > 1).then(|| Fault::ShortWrite(1 + self.choose(bytes - 1)))
            }
            Class::Interruptions => Some(Fault::Interrupted),
            Class::SyncFailsOnce => Some(Fault::Io),
            Class::SyncFailsForEver => {
                self.sync_broken.store(true, Ordering::Relaxed);
                Some(Fault::Io)
            }
            Class::NoHandles => Some(Fault::TooManyFiles),
            Class::CrashAtOperation => {
                self.die();
                Some(Fault::PowerOff)
            }
            _ => None,
        }
    }

    /// The process ends here and now.
    fn die(&self) {
        self.notes.set_dead(true);
        self.simulation.halt();
    }

    /// Makes the faults happen in the world.
    pub(super) fn attach(self: &Arc<Self>, simulation: &Simulation, disk: &SimulatedDisk) {
        let faults = Arc::clone(self);
        simulation.around_handlers(move |child| faults.around(child));
        let faults = Arc::clone(self);
        disk.set_hook(move |operation| faults.at_operation(operation));
    }

    /// The simulation lets go of the faults that it holds.
    pub(super) fn detach(simulation: &Simulation) {
        simulation.around_handlers(|_| ());
    }
}

/// The classes that a kind of operation can meet.
fn possible(kind: OperationKind) -> impl Iterator<Item = Class> {
    use OperationKind::*;
    Class::ALL.into_iter().filter(move |class| match class {
        Class::DiskPanics | Class::SlowDisk | Class::CrashAtOperation => true,
        Class::DiskErrors => !matches!(kind, Sync | SyncDirectory),
        Class::DiskFull => matches!(kind, Write | Create | SetLength),
        Class::ShortWrites => kind == Write,
        Class::Interruptions => matches!(kind, Write | Read | Sync),
        Class::SyncFailsOnce | Class::SyncFailsForEver => matches!(kind, Sync | SyncDirectory),
        Class::NoHandles => matches!(kind, Open | Create),
        _ => false,
    })
}
