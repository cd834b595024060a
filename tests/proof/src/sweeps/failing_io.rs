//! R4: every disk operation of whole lives, and of recoveries, fails in every way.

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

/// One life's operations, and those of the recovery after it was killed.
struct Plan {
    seed: u64,
    end: End,
    operations: u64,
    killed: Image,
    durable: Vec<u64>,
    recovery_operations: u64,
}

impl Plan {
    fn new(seed: u64, end: End) -> Self {
        let disk = SimulatedDisk::new();
        let life = Life::run(&disk, seed, 2, end);
        let mut draw = Seeded::new(seed);
        let killed = disk.image().crash(&mut |count| draw.choose(count));
        let recovering = SimulatedDisk::from_image(killed.clone());
        open(&recovering).unwrap();
        let recovery_operations = recovering.operations().len() as u64;
        Self {
            seed,
            end,
            operations: disk.operations().len() as u64,
            killed,
            durable: life.durable,
            recovery_operations,
        }
    }

    fn cases(&self) -> u64 {
        (self.operations + self.recovery_operations) * FAILURES.len() as u64
    }

    fn check(&self, case: u64, met: &Arc<AtomicU64>) -> Result<(), String> {
        let (at, failure) =
            (1 + case / FAILURES.len() as u64, FAILURES[(case % FAILURES.len() as u64) as usize]);
        let outcome = match at.checked_sub(self.operations) {
            None | Some(0) => self.fail_in_life(at, failure, met),
            Some(at) => self.fail_in_recovery(at, failure, met),
        };
        outcome.map_err(|why| {
            format!("seed {}, operation {at} of {}, {failure:?}: {why}", self.seed, self.operations)
        })
    }

    fn fail_in_life(&self, at: u64, failure: Failure, met: &Arc<AtomicU64>) -> Result<(), String> {
        let disk = failing(SimulatedDisk::new(), at, failure, met);
        let life = Life::run(&disk, self.seed, 2, self.end);
        disk.heal();
        // The process is gone and what it wrote is still there; or the power goes as well.
        let (_, contents) =
            reopen(&SimulatedDisk::from_image(disk.image()), at).map_err(|told| format!("{told}"))?;
        contents.check_has(&life.acknowledged)?;
        let mut draw = Seeded::new(at);
        let (_, contents) =
            reopen(&disk.crash(&mut |count| draw.choose(count)), at + 1).map_err(|told| format!("{told}"))?;
        contents.check_has(&life.durable)
    }

    fn fail_in_recovery(&self, at: u64, failure: Failure, met: &Arc<AtomicU64>) -> Result<(), String> {
        let disk = failing(SimulatedDisk::from_image(self.killed.clone()), at, failure, met);
        if let Ok((_, contents)) = reopen(&disk, at) {
            contents.check_has(&self.durable)?;
        }
        disk.heal();
        let (_, contents) =
            reopen(&SimulatedDisk::from_image(disk.image()), at).map_err(|told| format!("{told}"))?;
        contents.check_has(&self.durable)
    }
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
    let step = effort.pick(23, 1);
    let met = Arc::new(AtomicU64::new(0));
    let operations: u64 = plans.iter().map(|plan| plan.operations + plan.recovery_operations).sum();
    let note = || {
        let came = met.load(Ordering::Relaxed);
        format!("{operations} operations x {} ways to fail, {came} came true", FAILURES.len())
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
