//! One child in its supervisor's books.

use super::family::blank;
use super::shutdown::Farewell;
use crate::control::Child;
use crate::core::{Key, Plan};
use crate::spec::Settings;
use crate::tree::{Kind, State, TreeNode};
use crate::{ExitReason, RestartPolicy, SpecError, Time};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// One child.
pub(crate) struct Kin {
    pub(super) key: Key,
    pub(super) child: Arc<dyn Child>,
    pub(super) terms: Arc<Terms>,
    /// Named when the supervisor was built; others are gone when it restarts.
    pub(super) lasting: bool,
    pub(super) state: State,
    pub(super) incarnation: u64,
    pub(super) last_exit: Option<ExitReason>,
    /// Its slot is closed.
    pub(super) ended: bool,
    /// Most have none.
    past: Option<Box<Past>>,
}

/// How a child is started, run and restarted: one for all children of a supervisor that are alike.
#[derive(PartialEq)]
pub(super) struct Terms {
    pub(super) settings: Settings,
    pub(super) plan: Arc<Plan>,
}

/// What happened to a child besides a start and an end.
#[derive(Default)]
pub(super) struct Past {
    /// What the child ends with when it ends for good, where that is not its last exit.
    pub(super) final_reason: Option<ExitReason>,
    charged: VecDeque<Time>,
    restarts_total: u64,
    /// What it was doing when it was abandoned, and on which thread.
    pub(super) hung: Option<(Option<String>, &'static str)>,
}

impl Kin {
    pub(super) fn new(key: Key, child: Arc<dyn Child>, terms: Arc<Terms>, lasting: bool) -> Kin {
        Kin {
            key,
            child,
            terms,
            lasting,
            state: State::New,
            incarnation: 0,
            last_exit: None,
            ended: false,
            past: None,
        }
    }

    /// What is left to end, if anything: a child that is still up is left to itself.
    pub(super) fn close(&mut self) -> Option<(Arc<dyn Child>, ExitReason)> {
        if self.ended {
            return None;
        }
        if matches!(self.state, State::Starting | State::Running | State::Stopping) {
            self.abandon();
        }
        self.ended = true;
        Some((self.child.clone(), self.end_reason()))
    }

    pub(super) fn end_reason(&self) -> ExitReason {
        let final_reason = self.past.as_ref().and_then(|past| past.final_reason.as_ref());
        final_reason.or(self.last_exit.as_ref()).cloned().unwrap_or(ExitReason::Shutdown)
    }

    pub(super) fn past(&mut self) -> &mut Past {
        self.past.get_or_insert_default()
    }

    pub(super) fn is_hung(&self) -> bool {
        self.past.as_ref().is_some_and(|past| past.hung.is_some())
    }

    pub(super) fn restart_charged(&mut self, now: Time) {
        let within = self.window();
        let past = self.past();
        past.restarts_total += 1;
        past.charged.push_back(now);
        while past.charged.front().is_some_and(|at| within.is_some_and(|within| now - *at > within)) {
            past.charged.pop_front();
        }
    }

    /// Another incarnation of the supervisor counts from here.
    pub(super) fn begin_anew(&mut self) {
        if let Some(past) = &mut self.past {
            past.charged.clear();
            past.final_reason = None;
        }
    }

    pub(super) fn farewell(&self) -> Farewell {
        let hung = self.past.as_ref().and_then(|past| past.hung.clone());
        Farewell::new(self.child.id(), self.state, self.end_reason(), hung)
    }

    fn window(&self) -> Option<Duration> {
        match self.terms.settings.restart {
            RestartPolicy::Bounded { within, .. } => Some(within),
            _ => None,
        }
    }

    pub(super) fn outline(&self, now: Time) -> (Arc<dyn Child>, TreeNode) {
        let within = self.window();
        let counts = |at: &&Time| within.is_none_or(|within| now - **at <= within);
        let count = |past: &Past| past.charged.iter().filter(counts).count();
        let past = self.past.as_deref();
        let node = TreeNode {
            state: self.state,
            incarnation: self.incarnation,
            restarts_within: u32::try_from(past.map_or(0, count)).unwrap_or(u32::MAX),
            restarts_total: past.map_or(0, |past| past.restarts_total),
            last_exit: self.last_exit.clone(),
            ..blank(self.child.id(), Kind::Actor(self.terms.settings.driver))
        };
        (self.child.clone(), node)
    }
}

impl Terms {
    pub(super) fn new(settings: Settings, is_supervisor: bool) -> Terms {
        Terms { plan: Arc::new(plan(&settings, is_supervisor)), settings }
    }
}

/// What decisions know of a child. A supervisor takes as long to start and stop as its children do.
fn plan(settings: &Settings, is_supervisor: bool) -> Plan {
    let or =
        |given: Option<Duration>, seconds| given.or((!is_supervisor).then(|| Duration::from_secs(seconds)));
    Plan {
        kind: settings.kind,
        policy: settings.restart,
        backoff: settings.backoff,
        shutdown: or(settings.shutdown, 5),
        start: or(settings.start_deadline, 30),
        exhausted: settings.when_exhausted,
    }
}

/// Keeps what a deadline's default would refuse out of the check: only what was asked for can be wrong.
pub(super) fn check(settings: &Settings) -> Result<(), SpecError> {
    if settings.mailbox == 0 {
        return Err(SpecError::ZeroMailbox);
    }
    if settings.turn_limit == 0 {
        return Err(SpecError::ZeroTurnLimit);
    }
    Plan { shutdown: settings.shutdown, start: settings.start_deadline, ..plan(settings, true) }.check()
}
