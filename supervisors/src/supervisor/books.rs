//! What the supervisor writes into its family's books: reports, ends, and the reason of its own exit.

use super::family::{Family, Home, Verdict};
use super::kin::Kin;
use crate::control::{Event, Notice as Told, Parent};
use crate::core::{Key, Notice, Spent};
use crate::report::{Lifecycle, Report};
use crate::tree::State;
use crate::{ChildId, ExitReason, Time};
use std::sync::Arc;

impl Kin {
    /// Nobody waits for it any longer; what it was doing is kept for the last report.
    pub(super) fn abandon(&mut self) {
        let snapshot = self.child.snapshot();
        self.past().hung = Some((snapshot.thread, snapshot.doing));
        self.last_exit = Some(match self.state {
            State::Starting => ExitReason::StartFailed(Box::new(ExitReason::Abandoned)),
            _ => ExitReason::Abandoned,
        });
        self.state = State::Abandoned;
    }

    fn last(&self) -> ExitReason {
        self.last_exit.clone().unwrap_or(ExitReason::Shutdown)
    }

    fn went_down(&mut self) -> ExitReason {
        let reason = self.last();
        if self.state != State::Abandoned {
            self.state = if reason.is_abnormal() { State::Failed } else { State::Stopped };
        }
        reason
    }
}

impl Family {
    /// Ends a child for good.
    pub(super) fn end(&self, key: Key, spent: Option<Spent>) {
        let end = self.with(key, |kin| {
            if let Some(spent) = spent {
                kin.past().final_reason = Some(used_up(kin, spent));
            }
            let first = !std::mem::replace(&mut kin.ended, true);
            first.then(|| (kin.child.clone(), kin.end_reason()))
        });
        end.flatten().into_iter().for_each(|(child, reason)| child.end(&reason));
    }

    /// Ends the children that were added: a later incarnation of this supervisor does not know them.
    pub(super) fn end_added(&self) {
        let added: Vec<Key> = self.kin.lock().iter().filter(|kin| !kin.lasting).map(|kin| kin.key).collect();
        added.into_iter().rev().for_each(|key| self.end(key, None));
    }

    /// This supervisor's first start is complete.
    pub(super) fn announce(&self, incarnation: u64) {
        self.tell_parent(incarnation, Event::Started);
    }

    fn tell_parent(&self, incarnation: u64, event: Event) {
        self.home().place.tell_parent(incarnation, event);
    }

    pub(super) fn tell(&self, notice: Notice, now: Time) {
        let key = match notice {
            Notice::Started { child, .. }
            | Notice::Failed { child, .. }
            | Notice::Stopped { child, .. }
            | Notice::Restarting { child, .. }
            | Notice::GaveUp { child, .. } => child,
        };
        let Home { path, hub, .. } = self.home();
        let heard = hub.is_heard();
        let report = self.with(key, |kin| {
            let (incarnation, what) = note(kin, notice, now);
            let is_start = matches!(what, Lifecycle::Started | Lifecycle::Restarted);
            heard.then(|| Report {
                supervisor: path.clone(),
                child: kin.child.id().clone(),
                incarnation,
                at: now,
                what,
                note: if is_start { kin.child.snapshot().note } else { String::new() },
            })
        });
        report.flatten().iter().for_each(|report| hub.tell(report));
    }

    pub(super) fn did_not_start(&self, key: Key) -> Verdict {
        let culprit = self.with(key, |kin| {
            let below = kin.child.family().and_then(|family| family.culprit.lock().take());
            let id = kin.child.id().clone();
            (below.map_or(id.clone(), |below| ChildId::from(format!("{id}/{below}"))), kin.last())
        });
        let (child, reason) = culprit.unwrap_or_else(|| (self.name.clone(), ExitReason::Abandoned));
        *self.culprit.lock() = Some(child);
        Verdict::NeverStarted(reason)
    }

    pub(super) fn exhausted(&self, key: Key, spent: Spent) -> ExitReason {
        let reason = self.with(key, |kin| {
            let reason = used_up(kin, spent);
            kin.past().final_reason = Some(reason.clone());
            reason
        });
        reason.unwrap_or(ExitReason::Abandoned)
    }

    pub(super) fn escalated(&self, key: Key) -> ExitReason {
        let reason = self.with(key, |kin| ExitReason::Escalated {
            child: kin.child.id().clone(),
            last: Box::new(kin.last()),
        });
        reason.unwrap_or(ExitReason::Abandoned)
    }
}

fn used_up(kin: &Kin, Spent { restarts, within }: Spent) -> ExitReason {
    ExitReason::BudgetExhausted {
        child: kin.child.id().clone(),
        restarts,
        within: within.unwrap_or_default(),
        last: Box::new(kin.last()),
    }
}

/// Takes a notice into the books and makes a report of it.
fn note(kin: &mut Kin, notice: Notice, now: Time) -> (u64, Lifecycle) {
    match notice {
        Notice::Started { incarnation, again, .. } => {
            kin.state = State::Running;
            (incarnation, if again { Lifecycle::Restarted } else { Lifecycle::Started })
        }
        Notice::Failed { incarnation, .. } => (incarnation, Lifecycle::Failed { reason: kin.went_down() }),
        Notice::Stopped { incarnation, .. } => (incarnation, Lifecycle::Stopped { reason: kin.went_down() }),
        Notice::Restarting { incarnation, restart, of, within, after, .. } => {
            kin.state = State::Restarting;
            kin.restart_charged(now);
            (incarnation, Lifecycle::Restarting { restart, of, within, after })
        }
        Notice::GaveUp { incarnation, escalates, spent, .. } => {
            let (restarts, within) =
                (spent.map(|spent| spent.restarts), spent.and_then(|spent| spent.within));
            (incarnation, Lifecycle::GaveUp { restarts, within, escalates, last: kin.last() })
        }
    }
}

/// What the supervisor's slot tells its parent goes through here: it has started when its children have, and how it
/// ends is for the core to say.
impl Parent for Family {
    fn notify(self: Arc<Self>, told: Told) {
        let verdict = self.verdict.lock().take();
        let event = match (told.event, verdict) {
            (Event::Started, verdict) => return *self.verdict.lock() = verdict,
            (_, Some(Verdict::NeverStarted(reason))) => Event::StartFailed(reason),
            (_, Some(Verdict::Ended(reason))) => Event::Exited(reason),
            (event, None) => {
                // Only a defect of this crate comes here; its children must not be left to nobody.
                tracing::error!(supervisor = %self.name, ?event, "a supervisor failed");
                self.end_all();
                event
            }
        };
        self.tell_parent(told.incarnation, event);
    }
}
