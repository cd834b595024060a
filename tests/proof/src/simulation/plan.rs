//! How large a world is, and what may go wrong in it.

use super::faults::Class;
use timberline::RestartPolicy;

/// A bug of the harness's own, to see that the checkers and the shrinking bite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Of a batch of several events the last one is not handed on.
    LosesDeliveries,
    /// The disk says yes to a sync and does nothing.
    SyncsNothing,
}

/// How large a world is, and what may go wrong in it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Lives of the process before everything heals.
    pub lives: usize,
    /// Turns of the world in each life: in each the actors go on and a client may do something.
    pub rounds: usize,
    /// Clients that append and read at the same time.
    pub clients: usize,
    /// The most events of a batch that is appended.
    pub batch: usize,
    /// What may go wrong; each class is on or off at random unless there are few.
    pub classes: Vec<Class>,
    /// Whether classes are switched off at random.
    pub swarms: bool,
    /// How many times as likely as each fault it is that nothing goes wrong.
    pub quiet: usize,
    /// A bug of the harness's own.
    pub bug: Option<Bug>,
    /// The restart policy of the pipeline's parts and of the workers, if it is not drawn.
    pub restarts: Option<RestartPolicy>,
    /// Callers do not wait for three of four of their answers.
    pub callers_are_gone: bool,
}

impl Plan {
    /// The plan of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Plan> {
        match name {
            "broad" => Some(Plan::broad()),
            "small" => Some(Plan::small()),
            "busy" => Some(Plan::busy()),
            "talkative" => Some(Plan::talkative()),
            _ => None,
        }
    }

    /// A world for seeds: everything may go wrong.
    #[must_use]
    pub fn broad() -> Plan {
        Plan {
            lives: 3,
            rounds: 40,
            clients: 3,
            batch: 4,
            classes: Class::ALL.to_vec(),
            swarms: true,
            quiet: 150,
            bug: None,
            restarts: None,
            callers_are_gone: false,
        }
    }

    /// A world for an exhaustive search: one life, few rounds, and each fault is one choice away.
    #[must_use]
    pub fn small() -> Plan {
        use Class::*;
        let classes = vec![CrashAtOperation, ActorPanics, HandlerPanics, HandlerRollsBack, SyncFailsOnce];
        Plan { lives: 1, rounds: 6, clients: 2, batch: 2, classes, swarms: false, quiet: 0, ..Plan::broad() }
    }

    /// The world of deliveries: large batches, and everything that disturbs workers.
    #[must_use]
    pub fn busy() -> Plan {
        Plan { batch: super::client::ITEMS_MAX, ..Plan::broad() }
    }

    /// The world of failpoints: everything that makes a store go through all of its code, and handlers that panic.
    #[must_use]
    pub fn panicky(restarts: RestartPolicy, callers_are_gone: bool) -> Plan {
        use Class::*;
        let classes = vec![
            LargeEvents,
            SmallMailboxes,
            DiskFull,
            GateDenies,
            HandlerPanics,
            HandlerRollsBack,
            HandlerStops,
            Kill,
            PowerCut,
            CrashAtOperation,
        ];
        let restarts = Some(restarts);
        Plan { lives: 3, rounds: 24, classes, swarms: false, restarts, callers_are_gone, ..Plan::broad() }
    }

    /// Larger batches in longer lives.
    #[must_use]
    pub fn longer(self) -> Plan {
        Plan { rounds: self.rounds * 6, batch: super::client::ITEMS_MAX, ..self }
    }

    /// The world of histories: more clients, many operations, nothing that ends the process.
    #[must_use]
    pub fn talkative() -> Plan {
        use Class::*;
        let classes = vec![ActorPanics, SlowDisk, SmallMailboxes, DiskFull, ShortWrites, GateDenies, Kill];
        Plan { lives: 2, rounds: 400, clients: 5, batch: 4, classes, quiet: 300, ..Plan::broad() }
    }
}
