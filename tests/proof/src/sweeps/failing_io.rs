//! R4: every disk operation of whole lives, of recoveries, and of the lives behind them, fails in every way.

use super::cases;
use super::judge::reopen;
use super::workload::{End, Life, open};
use crate::{Effort, Row};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use timberline::storage::OperationKind;
use timberline::storage::simulated::{Fault, Image, Operation, Seeded, SimulatedDisk};

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    Once(Fault),
    /// From that operation on, every sync.
    SyncsForEver,
    /// From that operation on there is no room.
    NoSpaceForEver,
}

const FAILURES: [Failure; 8] = [
    Failure::Once(Fault::Io),
    Failure::Once(Fault::NoSpace),
    Failure::Once(Fault::ShortWrite(1)),
    Failure::Once(Fault::ShortWrite(70)),
    Failure::Once(Fault::Interrupted),
    Failure::Once(Fault::TooManyFiles),
    Failure::SyncsForEver,
    Failure::NoSpaceForEver,
];

impl Failure {
    fn of(self, operation: &Operation, at: u64) -> Option<Fault> {
        let is_sync = matches!(operation.kind, OperationKind::Sync | OperationKind::SyncDirectory);
        let grows = matches!(operation.kind, OperationKind::Write | OperationKind::Create);
        match self {
            Failure::Once(fault) => (operation.number == at).then_some(fault),
            Failure::SyncsForEver => (operation.number >= at && is_sync).then_some(Fault::Io),
            Failure::NoSpaceForEver => (operation.number >= at && grows).then_some(Fault::NoSpace),
        }
    }
}

/// One life's operations, those of the recovery after it was killed, and those of the life that goes on behind that.
struct Plan {
    seed: u64,
    end: End,
    life: Life,
    operations: u64,
    killed: Image,
    recovery_operations: u64,
    next_operations: u64,
}

/// Segments at the end of a life, and of the next one.
const SEGMENTS: [u64; 2] = [2, 3];

impl Plan {
    fn new(seed: u64, end: End) -> Self {
        let disk = SimulatedDisk::new();
        let life = Life::run(&disk, seed, SEGMENTS[0], end);
        let operations = disk.operations().len() as u64;
        let mut draw = Seeded::new(seed);
        let killed = disk.image().crash(&mut |count| draw.choose(count));
        let recovering = SimulatedDisk::from_image(killed.clone());
        open(&recovering).unwrap();
        let recovery_operations = recovering.operations().len() as u64;
        let mut plan = Self { seed, end, life, operations, killed, recovery_operations, next_operations: 0 };
        let going_on = SimulatedDisk::from_image(plan.killed.clone());
        plan.next_life(&going_on);
        plan.next_operations = going_on.operations().len() as u64 - recovery_operations;
        plan
    }

    fn operations(&self) -> u64 {
        self.operations + self.recovery_operations + self.next_operations
    }

    fn cases(&self) -> u64 {
        self.operations() * FAILURES.len() as u64
    }

    /// The life behind the recovery, from what that has left to one segment more.
    fn next_life(&self, disk: &SimulatedDisk) -> Life {
        self.life.survivor().go_on(disk, self.seed + 1_000, SEGMENTS[1], End::Closed)
    }

    fn check(&self, case: u64, met: &Arc<AtomicU64>) -> Result<(), String> {
        let (at, failure) =
            (1 + case / FAILURES.len() as u64, FAILURES[(case % FAILURES.len() as u64) as usize]);
        let outcome = if at <= self.operations {
            self.fail_in_life(at, failure, met)
        } else if at <= self.operations + self.recovery_operations {
            self.fail_in_recovery(at - self.operations, failure, met)
        } else {
            self.fail_in_next_life(at - self.operations, failure, met)
        };
        outcome.map_err(|why| {
            format!("seed {}, operation {at} of {}, {failure:?}: {why}", self.seed, self.operations())
        })
    }

    fn fail_in_life(&self, at: u64, failure: Failure, met: &Arc<AtomicU64>) -> Result<(), String> {
        let disk = failing(SimulatedDisk::new(), at, failure, met);
        let life = Life::run(&disk, self.seed, SEGMENTS[0], self.end);
        judge(&disk, &life, at)
    }

    fn fail_in_recovery(&self, at: u64, failure: Failure, met: &Arc<AtomicU64>) -> Result<(), String> {
        let disk = failing(SimulatedDisk::from_image(self.killed.clone()), at, failure, met);
        if let Ok((_, contents)) = reopen(&disk, at) {
            contents.check_has(&self.life.durable)?;
        }
        disk.heal();
        let (_, contents) =
            reopen(&SimulatedDisk::from_image(disk.image()), at).map_err(|told| format!("{told}"))?;
        contents.check_has(&self.life.durable)
    }

    fn fail_in_next_life(&self, at: u64, failure: Failure, met: &Arc<AtomicU64>) -> Result<(), String> {
        let disk = failing(SimulatedDisk::from_image(self.killed.clone()), at, failure, met);
        let life = self.next_life(&disk);
        judge(&disk, &life, at)
    }
}

/// The process is gone and what it wrote is still there; or the power goes as well.
fn judge(disk: &SimulatedDisk, life: &Life, at: u64) -> Result<(), String> {
    disk.heal();
    let (_, contents) =
        reopen(&SimulatedDisk::from_image(disk.image()), at).map_err(|told| format!("{told}"))?;
    contents.check_has(&life.acknowledged)?;
    let mut draw = Seeded::new(at);
    let (_, contents) =
        reopen(&disk.crash(&mut |count| draw.choose(count)), at + 1).map_err(|told| format!("{told}"))?;
    contents.check_has(&life.durable)
}

/// The disk, with a failure in wait; `met` counts those that came true.
fn failing(disk: SimulatedDisk, at: u64, failure: Failure, met: &Arc<AtomicU64>) -> SimulatedDisk {
    let (met, mut came) = (Arc::clone(met), false);
    disk.set_hook(move |operation| {
        let fault = failure.of(operation, at);
        if fault.is_some() && !std::mem::replace(&mut came, true) {
            met.fetch_add(1, Ordering::Relaxed);
        }
        fault
    });
    disk
}

/// The n-th disk operation fails.
#[must_use]
pub fn r4(effort: Effort) -> Row {
    let plans: Vec<Plan> = (0..effort.pick(3, 9))
        .map(|seed| Plan::new(40 + seed, if seed % 3 == 1 { End::Closed } else { End::Killed }))
        .collect();
    let all: u64 = plans.iter().map(Plan::cases).sum();
    let step = effort.pick(37, 1);
    let met = Arc::new(AtomicU64::new(0));
    let sum = |count: fn(&Plan) -> u64| plans.iter().map(count).sum::<u64>();
    let (first, recovery) = (sum(|plan| plan.operations), sum(|plan| plan.recovery_operations));
    let next = sum(|plan| plan.next_operations);
    let note = || {
        let (came, ways) = (met.load(Ordering::Relaxed), FAILURES.len());
        format!(
            "{ways} ways to fail x {first} operations of lives, {recovery} of recoveries, {next} of lives behind \
             them; {came} came true"
        )
    };
    cases::row("R4", "n-th I/O fails", all.div_ceil(step), note, |case| {
        let mut case = case * step;
        for plan in &plans {
            if case < plan.cases() {
                return plan.check(case, &met);
            }
            case -= plan.cases();
        }
        Err("no such case".to_owned())
    })
}
