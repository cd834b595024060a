//! One turn: take what is there, handle it, deliver what came of it.

use super::lane::Urgent;
use super::{Body, Slot, boundary};
use crate::context::Expected;
use crate::control::{Event, Phase};
use crate::driver::{self, Hand, Runnable};
use crate::planted::{self, Bug};
use crate::rt::atomic::Ordering;
use crate::rt::thread;
use crate::spec::Driver;
use crate::{Address, CallError, Context, ExitReason, Flow};
use std::sync::Arc;
use std::time::Duration;

/// What is to be done after the body was unlocked.
pub(super) enum Outcome {
    /// All is delivered: subtract what was taken.
    Settle { taken: usize, ended: Option<Event> },
    /// Still the runner.
    Again,
    /// Still the runner, but this thread must not be the one that goes on.
    HandOver,
    /// Simulated, or on a pool's thread: still the runner, once that slot has taken something.
    Blocked { on: Arc<dyn Runnable> },
}

enum Item<M> {
    Urgent(Urgent),
    Alarm,
    Wake,
    Message(M),
    /// Waited for the room that taking messages has made.
    Waiting(Arc<dyn Runnable>),
}

/// Runs one turn of the slot, whose runner the calling thread is.
pub(super) fn run<M: Send + 'static>(address: &Address<M>) -> Outcome {
    let slot = &address.slot;
    let mut body = slot.body.lock();
    if slot.is_closed() {
        slot.clean_up_body(&mut body);
        return Outcome::Settle { taken: std::mem::take(&mut body.taken), ended: None };
    }
    let _held = driver::hold(slot.key());
    let timed = slot.home().driver == Driver::OwnThread;
    slot.stats.turn_begins(driver::thread_number(), slot.counted(), timed.then(|| slot.runtime().now()));
    let outcome = Run { address, slot, body: &mut body }.turn();
    slot.stats.turn_ends();
    outcome
}

struct Run<'a, M: Send + 'static> {
    address: &'a Address<M>,
    slot: &'a Arc<Slot<M>>,
    body: &'a mut Body<M>,
}

impl<M: Send + 'static> Run<'_, M> {
    fn turn(&mut self) -> Outcome {
        self.body.turn.now = None;
        if self.may_take() {
            self.take();
        }
        if self.is_still_busy() {
            return Outcome::Again;
        }
        if let Some(open) = self.deliver() {
            return open;
        }
        self.ask_for_alarm();
        if std::mem::take(&mut self.body.turn.wake_me)
            && self.body.ended.is_none()
            && !planted::planted("wake_me_lost")
        {
            self.slot.wake_up(Hand::Here); // elects nobody: this is the runner
        }
        Outcome::Settle { taken: std::mem::take(&mut self.body.taken), ended: self.body.ended.take() }
    }

    /// Simulated only: what the turn sends is sent when what keeps it busy is over.
    fn is_still_busy(&self) -> bool {
        let has_more = !self.body.turn.outbox.is_empty() || self.body.ended.is_some();
        has_more && self.slot.runtime().world().is_some_and(|world| world.is_delayed())
    }

    /// Not while the outbox still waits for room; unless the room is its own mailbox's, which only it can make.
    fn may_take(&self) -> bool {
        self.body.ended.is_none()
            && self.body.turn.outbox.target().is_none_or(|target| target == self.slot.key())
    }

    fn take(&mut self) {
        let simulated = self.slot.runtime().is_simulated();
        let limit = if simulated { 1 } else { self.slot.home().turn_limit };
        let mut seen = 0;
        let mut drained = false;
        for _ in 0..limit {
            if self.body.taken >= seen {
                seen = self.slot.counted();
                drained = self.body.taken >= seen;
            }
            if self.body.ended.is_some() || (drained && !self.more_comes()) {
                break;
            }
            let Some(item) = self.next() else { break };
            self.body.taken += 1;
            self.apply(item);
        }
        if self.body.ended.is_none() && self.body.handled > 0 && (!simulated || self.commits_now()) {
            self.end_turn();
        }
    }

    /// Waits for what the handler has reason to expect. Others need the processor to send it, so this thread yields.
    fn more_comes(&mut self) -> bool {
        let Some(expected) = self.body.turn.expected.take() else { return false };
        if self.body.handled == 0
            || self.body.handled >= expected.messages
            || self.slot.runtime().is_simulated()
        {
            return false;
        }
        let began = self.slot.runtime().now();
        let taken = self.body.taken;
        let mut waited = Duration::ZERO;
        let came = loop {
            match waited {
                _ if self.slot.counted() > taken => break true,
                waited if waited >= expected.within => break false,
                _ => thread::yield_now(),
            }
            waited = self.slot.runtime().now() - began;
        };
        self.body.turn.expected =
            came.then(|| Expected { within: expected.within.saturating_sub(waited), ..expected });
        came
    }

    /// A simulated turn takes one message at a time; how many of them a commit covers is a choice.
    fn commits_now(&self) -> bool {
        let drained = self.body.taken >= self.slot.counted();
        let full = self.body.handled >= self.slot.home().turn_limit;
        drained || full || self.slot.runtime().world().is_none_or(|world| world.choose(2) == 1)
    }

    fn next(&mut self) -> Option<Item<M>> {
        if let Some(urgent) = self.slot.lane.pop() {
            return Some(Item::Urgent(urgent));
        }
        if take_flag(&self.slot.alarm) {
            return Some(Item::Alarm);
        }
        if !self.body.woken_last && take_flag(&self.slot.wake) {
            self.body.woken_last = true;
            return Some(Item::Wake);
        }
        self.body.woken_last = false;
        // For each message taken one of those who wait for room: so neither they nor other senders starve.
        if std::mem::take(&mut self.body.made_room)
            && let Some(slot) = self.slot.next_waiting()
        {
            return Some(Item::Waiting(slot));
        }
        match self.slot.mailbox.pop() {
            Some(message) => {
                self.body.made_room = self.slot.waiting.get().is_some();
                Some(Item::Message(message))
            }
            None if take_flag(&self.slot.wake) => Some(Item::Wake),
            None => self.slot.next_waiting().map(Item::Waiting),
        }
    }

    fn apply(&mut self, item: Item<M>) {
        match item {
            Item::Urgent(Urgent::Start(incarnation)) => self.start(incarnation),
            Item::Urgent(Urgent::Stop(incarnation)) => self.stop(incarnation),
            Item::Urgent(Urgent::Notice(notice)) => {
                // A supervisor that is down has let go of the child that this is about.
                if let Some(lift) = self.slot.lift.filter(|_| self.body.life.is_some()) {
                    self.handle(lift(notice));
                }
            }
            Item::Alarm => self.fire_timers(),
            Item::Wake => self.step(|life, context| life.woken(context)),
            Item::Message(message) => self.handle(message),
            Item::Waiting(slot) => driver::elected(slot, Hand::Ring),
        }
    }

    fn handle(&mut self, message: M) {
        self.step(|life, context| life.handle(message, context));
    }

    fn fire_timers(&mut self) {
        let now = self.slot.runtime().now();
        self.body.turn.timers.alarm_came();
        while self.body.ended.is_none() {
            let Some(message) = self.body.turn.timers.take_due(now) else { break };
            self.handle(message);
        }
    }

    /// One handler of the incarnation.
    fn step(
        &mut self,
        work: impl FnOnce(&mut dyn super::life::Life<M>, &mut Context<'_, M>) -> Result<Flow, ExitReason>,
    ) {
        self.body.handled += 1;
        match self.protect(work) {
            Ok(Flow::Continue) => {}
            Ok(Flow::Stop) => self.end_in_order(ExitReason::Normal),
            Err(reason) => self.fail(reason),
        }
    }

    fn protect<T>(
        &mut self,
        work: impl FnOnce(&mut dyn super::life::Life<M>, &mut Context<'_, M>) -> Result<T, ExitReason>,
    ) -> Result<T, ExitReason> {
        let Body { life, turn, .. } = &mut *self.body;
        let incarnation = turn.incarnation;
        let Some(life) = life.as_deref_mut() else {
            return Err(ExitReason::Abandoned); // nothing is taken while the slot is down
        };
        let mut context = Context { address: self.address, turn };
        let child = &self.slot.id;
        let world = self.slot.runtime().world();
        boundary::protect(
            || {
                world.inspect(|world| world.around_handler(child));
                crate::failpoints::point("slot.step.before");
                let outcome = work(life, &mut context);
                crate::failpoints::point("slot.step.after");
                world.inspect(|world| world.around_handler(child));
                outcome
            },
            |failed| match failed {
                None => CallError::NoReply,
                Some(_) => CallError::ActorFailed { child: child.clone(), incarnation },
            },
        )
    }

    fn start(&mut self, incarnation: u64) {
        self.slot.stats.set_incarnation(incarnation);
        self.slot.stats.set_phase(Phase::Starting);
        self.body.turn.incarnation = incarnation;
        match self.make().and_then(|()| self.protect(|life, context| life.started(context))) {
            Ok(()) => {
                self.body.handled += 1; // what was staged in `started` is committed with the turn
                self.slot.stats.set_phase(Phase::Running);
                self.slot.tell_parent(Event::Started);
            }
            Err(reason) => {
                self.let_go(self.failed_verdict());
                self.go_down(Event::StartFailed(ExitReason::StartFailed(Box::new(reason))));
            }
        }
    }

    fn make(&mut self) -> Result<(), ExitReason> {
        let Some(factory) = self.body.factory.as_mut() else { return Err(ExitReason::Abandoned) };
        self.body.life = Some(boundary::protect(factory, |_| CallError::NoReply)?);
        Ok(())
    }

    /// A stop that comes too late for its incarnation is nobody's.
    fn stop(&mut self, incarnation: u64) {
        let lives = self.body.life.is_some() || planted::is(Bug::StopsTheDead);
        if lives && (incarnation == self.body.turn.incarnation || planted::planted("stale_stop_heard")) {
            self.end_in_order(ExitReason::Shutdown);
        }
    }

    fn end_turn(&mut self) {
        self.body.handled = 0;
        match self.protect(|life, context| life.turn_ended(context)) {
            Ok(Flow::Continue) => {}
            Ok(Flow::Stop) => self.end_in_order(ExitReason::Normal),
            Err(reason) => self.fail(reason),
        }
    }

    /// Commits what was handled, says goodbye, and goes down.
    fn end_in_order(&mut self, reason: ExitReason) {
        self.slot.stats.set_phase(Phase::Stopping);
        if std::mem::take(&mut self.body.handled) > usize::from(planted::planted("last_turn_not_ended"))
            && let Err(failed) = self.protect(|life, context| life.turn_ended(context))
        {
            return self.fail(failed);
        }
        let said = self.protect(|life, context| {
            life.stopping(context, &reason);
            Ok(())
        });
        if let Err(failed) = said {
            return self.fail(failed);
        }
        let dropped = self.let_go_of_life(CallError::Stopped);
        self.go_down(Event::Exited(dropped.err().unwrap_or(reason)));
    }

    /// Discards the turn.
    fn fail(&mut self, reason: ExitReason) {
        self.let_go(self.failed_verdict());
        self.go_down(Event::Exited(reason));
    }

    fn failed_verdict(&self) -> CallError {
        CallError::ActorFailed { child: self.slot.id.clone(), incarnation: self.body.turn.incarnation }
    }

    fn let_go(&mut self, verdict: CallError) {
        let outbox = if planted::planted("failed_turn_sends") {
            Default::default()
        } else {
            std::mem::take(&mut self.body.turn.outbox)
        };
        boundary::dropping(verdict.clone(), || {
            crate::failpoints::point("slot.outbox.before_drop");
            drop(outbox);
        });
        // The first reason stands; what the drop of a failed actor panics about is only logged.
        if let Err(reason) = self.let_go_of_life(verdict) {
            tracing::warn!(child = %self.slot.id, %reason, "the actor panicked again while it was dropped");
        }
    }

    fn let_go_of_life(&mut self, verdict: CallError) -> Result<(), ExitReason> {
        let timers = self.body.turn.timers.take_all();
        let life = self.body.life.take();
        boundary::dropping(verdict.clone(), || {
            crate::failpoints::point("slot.timers.before_drop");
            drop(timers);
        });
        boundary::protect(
            || {
                crate::failpoints::point("slot.life.before_drop");
                drop(life);
                Ok(())
            },
            |_| verdict,
        )
    }

    fn go_down(&mut self, event: Event) {
        self.body.handled = 0;
        self.body.turn.wake_me = false;
        self.body.ended = Some(event);
        self.slot.stats.set_phase(Phase::Down);
    }

    /// Delivers the outbox in order; `Some` while the turn stays open.
    fn deliver(&mut self) -> Option<Outcome> {
        let simulated = self.slot.runtime().is_simulated();
        while let Some(letter) = self.body.turn.outbox.first() {
            if !letter.try_deliver() {
                let on = letter.target();
                if on == self.slot.key() {
                    if self.body.ended.is_none() {
                        return Some(Outcome::Again);
                    }
                    self.drop_letter(); // nobody is left to make room, and the next incarnation did not send it
                    continue;
                } else if simulated || driver::is_pool_thread() {
                    return Some(Outcome::Blocked { on: letter.slot() });
                } else if driver::holds(on) {
                    return Some(Outcome::HandOver); // the room is made by a turn below this one on this thread
                } else {
                    letter.deliver();
                }
            }
            if letter.is_done() {
                self.body.turn.outbox.take_first();
            }
            if simulated && !self.body.turn.outbox.is_empty() {
                return Some(Outcome::Again);
            }
        }
        // A simulated turn that goes on without its `turn_ended` stays open too.
        (self.body.handled > 0).then_some(Outcome::Again)
    }

    fn drop_letter(&mut self) {
        let letter = self.body.turn.outbox.take_first();
        boundary::dropping(CallError::Stopped, || drop(letter));
    }

    fn ask_for_alarm(&mut self) {
        if let Some(at) = self.body.turn.timers.next_alarm() {
            driver::ask_for_alarm(self.slot.clone(), at);
        }
    }
}

fn take_flag(flag: &crate::rt::atomic::AtomicBool) -> bool {
    flag.load(Ordering::Acquire) && flag.swap(false, Ordering::AcqRel)
}
