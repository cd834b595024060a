//! The supervisor: tells the core what it hears, and does what the core decides.
//!
//! - Receives: starts and exits of its children (urgent lane), deadlines, additions and removals, a wake-up to stop.
//! - Sends: starts and stops to its children, its own start and exit to its parent, reports.
//! - Owns: the decisions, the timers, the answers owed to those who add and remove; of the family the books.
//! - Fails: never by itself. It ends when it is stopped, when a first start fails, or when a budget is exhausted.

use super::family::{Family, Verdict};
use super::handle::{AddError, RemoveError};
use super::order::Order;
use crate::control::{Event as Heard, Notice as Told, Parent};
use crate::core::{AddFailed, Cause, Child, Core, Effect, Event, How, Key, Moment, Timer};
use crate::driver::{self, Hand};
use crate::rt::atomic::Ordering;
use crate::splitmix::SplitMix;
use crate::tree::State;
use crate::{Actor, ChildSpec, Context, ExitReason, Flow, Reply, TimerId};
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Weak};

/// One incarnation of a supervisor.
pub(super) struct SupervisorActor {
    pub(super) family: Arc<Family>,
    core: Core,
    timers: BTreeMap<Timer, TimerId>,
    /// Come back in the next turn, after what others want first.
    yielded: VecDeque<Timer>,
    adding: BTreeMap<Key, Reply<Result<(), AddError>>>,
    removing: BTreeMap<Key, Vec<Reply<Result<ExitReason, RemoveError>>>>,
    /// Feeds jitter; the same clock and name draw the same.
    luck: SplitMix,
    /// Answers of the step in hand: given when the books are in order, so that who is answered finds them so.
    answers: Vec<Answered>,
    /// Empty between two steps; kept for its room.
    effects: Vec<Effect>,
    exiting: bool,
}

enum Answered {
    Add(Reply<Result<(), AddError>>, Result<(), AddError>),
    Remove(Reply<Result<ExitReason, RemoveError>>, ExitReason),
}

type InTurn<'a, 'b> = &'a mut Context<'b, Order>;

impl SupervisorActor {
    pub(super) fn new(family: Arc<Family>) -> SupervisorActor {
        SupervisorActor {
            core: Core::new(family.strategy, []),
            family,
            timers: BTreeMap::new(),
            yielded: VecDeque::new(),
            adding: BTreeMap::new(),
            removing: BTreeMap::new(),
            luck: SplitMix::new(0),
            answers: Vec::new(),
            effects: Vec::new(),
            exiting: false,
        }
    }
}

impl Actor for SupervisorActor {
    type Message = Order;
    type Error = Infallible;

    fn started(&mut self, context: InTurn<'_, '_>) -> Result<(), Infallible> {
        crate::failpoints::point("supervisor.started.before_gather");
        self.gather(context);
        crate::failpoints::point("supervisor.started.gathered");
        self.step(Event::Start, context);
        Ok(())
    }

    fn handle(&mut self, order: Order, context: InTurn<'_, '_>) -> Result<Flow, Infallible> {
        match order {
            Order::Heard(told) => self.heard(told, context),
            Order::Due(timer) => self.due(timer, context),
            Order::Add { spec, reply } => self.add(*spec, reply, context),
            Order::Remove { id, reply } => self.remove(&id, reply, context),
        }
        Ok(self.flow())
    }

    fn woken(&mut self, context: InTurn<'_, '_>) -> Result<Flow, Infallible> {
        crate::failpoints::point("supervisor.woken");
        let stop = self.family.stop_wanted.load(Ordering::Acquire) == context.incarnation();
        if stop {
            // Said again at each wake-up: the second time changes nothing.
            self.step(Event::Shutdown, context);
        }
        for timer in std::mem::take(&mut self.yielded) {
            self.step(Event::Due(timer), context);
        }
        Ok(self.flow())
    }
}

/// What it is told.
impl SupervisorActor {
    fn flow(&self) -> Flow {
        if self.exiting { Flow::Stop } else { Flow::Continue }
    }

    /// Begins with the children that it was built with. Those that were added to the last incarnation are gone.
    fn gather(&mut self, context: InTurn<'_, '_>) {
        self.luck = SplitMix::of(context.now().as_nanos(), self.family.name.as_str());
        let gone: Vec<Key> =
            self.family.kin.lock().iter().filter(|kin| !kin.lasting).map(|kin| kin.key).collect();
        gone.into_iter().for_each(|key| drop(self.family.forget(key)));
        if context.incarnation() == 1 {
            for kin in self.family.kin.lock().iter() {
                self.family.adopt(kin.key, &kin.child, &kin.terms.settings, || parent_of(context));
            }
        }
        let mut kin = self.family.kin.lock();
        let children = kin.iter_mut().map(|kin| {
            kin.begin_anew();
            let child = Child::new(kin.key, kin.terms.plan.clone(), kin.incarnation);
            if kin.ended { child.ended() } else { child }
        });
        self.core = Core::new(self.family.strategy, children).of_root(self.family.is_root());
    }

    fn heard(&mut self, Told { key, incarnation, event }: Told, context: InTurn<'_, '_>) {
        let child = Key(key);
        match event {
            Heard::Started => self.step(Event::Started { child, incarnation }, context),
            Heard::StartFailed(reason) => {
                let how = self.note_exit(child, incarnation, reason);
                self.step(Event::StartFailed { child, incarnation, how }, context);
            }
            Heard::Exited(reason) => {
                let how = self.note_exit(child, incarnation, reason);
                self.step(Event::Exited { child, incarnation, how }, context);
            }
        }
    }

    fn note_exit(&self, child: Key, incarnation: u64, reason: ExitReason) -> How {
        crate::failpoints::point("supervisor.heard.exit");
        let how = how(&reason);
        self.family.with(child, |kin| {
            if kin.incarnation == incarnation && !kin.ended {
                kin.last_exit = Some(reason);
            }
        });
        how
    }

    fn due(&mut self, timer: Timer, context: InTurn<'_, '_>) {
        self.timers.remove(&timer);
        self.step(Event::Due(timer), context);
    }

    fn add(&mut self, spec: ChildSpec, reply: Reply<Result<(), AddError>>, context: InTurn<'_, '_>) {
        match self.family.find(spec.id()) {
            Some((_, _, false)) => return reply.send(Err(AddError::AlreadyThere)),
            Some((old, _, true)) => self.step(Event::Remove(old), context),
            None => {}
        }
        let (child, settings) = spec.into_parts();
        let key = self.family.next_key();
        self.family.adopt(key, &child, &settings, || parent_of(context));
        crate::failpoints::point("supervisor.add.adopted");
        let plan = self.family.take_in(key, child, settings, false);
        crate::failpoints::point("supervisor.add.taken_in");
        self.adding.insert(key, reply);
        self.step(Event::Add { child: key, plan }, context);
    }

    fn remove(
        &mut self,
        id: &crate::ChildId,
        reply: Reply<Result<ExitReason, RemoveError>>,
        context: InTurn<'_, '_>,
    ) {
        match self.family.find(id) {
            None => reply.send(Err(RemoveError::Unknown)),
            Some((key, ..)) => {
                crate::failpoints::point("supervisor.remove.found");
                self.removing.entry(key).or_default().push(reply);
                self.step(Event::Remove(key), context);
            }
        }
    }

    fn step(&mut self, event: Event, context: InTurn<'_, '_>) {
        let mut effects = std::mem::take(&mut self.effects);
        let at = Moment { now: context.now(), luck: self.luck.next_half() };
        crate::failpoints::point("supervisor.step.before_decision");
        self.core.step(at, event, &mut effects);
        crate::failpoints::point("supervisor.step.decided");
        effects.drain(..).for_each(|effect| self.carry_out(effect, context));
        self.effects = effects;
        crate::failpoints::point("supervisor.step.before_answers");
        self.answers.drain(..).for_each(Answered::give);
    }
}

/// What it does.
impl SupervisorActor {
    fn carry_out(&mut self, effect: Effect, context: InTurn<'_, '_>) {
        crate::failpoints::point("supervisor.carry_out.before");
        match effect {
            Effect::Start { child, incarnation } => self.start(child, incarnation),
            Effect::Stop { child } => self.stop(child),
            Effect::Abandon { child } => self.abandon(child),
            Effect::End { child, exhausted } => self.family.end(child, exhausted),
            Effect::Forget { child } => drop(self.family.forget(child)),
            Effect::Arm { timer, after } => {
                let id = context.send_after(after, Order::Due(timer));
                self.timers.insert(timer, id);
            }
            Effect::Disarm { timer } => self.disarm(timer, context),
            Effect::Yield { timer } => {
                self.yielded.push_back(timer);
                context.wake_me();
            }
            Effect::Tell(notice) => self.family.tell(notice, context.now()),
            Effect::Added { child } => self.added(child, Ok(())),
            Effect::AddFailed { child, why } => {
                let error = self.add_error(child, why);
                self.added(child, Err(error));
            }
            Effect::Removed { child } => self.removed(child),
            Effect::Ready => self.family.announce(context.incarnation()),
            Effect::Exit(cause) => self.exit(cause),
        }
    }

    fn start(&self, child: Key, incarnation: u64) {
        let start = self.family.with(child, |kin| {
            kin.state = State::Starting;
            kin.incarnation = incarnation;
            kin.child.clone()
        });
        crate::failpoints::point("supervisor.start.noted");
        start.into_iter().for_each(|child| child.start(incarnation));
    }

    /// Not on this thread: what a child does in `stopping` may take until its deadline, which would not be seen here.
    /// Unless it is a thread of the pool, which is replaced where it hangs and watches no deadline.
    fn stop(&self, child: Key) {
        let stop = self.family.with(child, |kin| {
            kin.state = State::Stopping;
            (kin.child.clone(), kin.incarnation)
        });
        crate::failpoints::point("supervisor.stop.noted");
        let hand = if driver::is_pool_thread() { Hand::Here } else { Hand::Ring };
        stop.into_iter().for_each(|(child, incarnation)| child.stop(incarnation, hand));
    }

    fn abandon(&self, child: Key) {
        let lost = self.family.with(child, |kin| {
            kin.abandon();
            kin.ended = true;
            kin.child.clone()
        });
        lost.into_iter().for_each(|child| child.end(&ExitReason::Abandoned));
    }

    fn disarm(&mut self, timer: Timer, context: InTurn<'_, '_>) {
        self.yielded.retain(|yielded| *yielded != timer);
        if let Some(id) = self.timers.remove(&timer) {
            context.cancel(id);
        }
    }

    fn added(&mut self, child: Key, outcome: Result<(), AddError>) {
        self.answers.extend(self.adding.remove(&child).map(|reply| Answered::Add(reply, outcome)));
    }

    fn add_error(&self, child: Key, why: AddFailed) -> AddError {
        match why {
            AddFailed::Stopping => AddError::Stopped,
            AddFailed::Removed => AddError::Removed,
            AddFailed::DidNotStart => {
                let last = self.family.with(child, |kin| kin.last_exit.clone()).flatten();
                AddError::DidNotStart(last.unwrap_or(ExitReason::Abandoned))
            }
        }
    }

    fn removed(&mut self, child: Key) {
        let reason = self.family.with(child, |kin| kin.end_reason()).unwrap_or(ExitReason::Shutdown);
        for reply in self.removing.remove(&child).unwrap_or_default() {
            self.answers.push(Answered::Remove(reply, reason.clone()));
        }
    }

    fn exit(&mut self, cause: Cause) {
        self.exiting = true;
        crate::failpoints::point("supervisor.exit.before_verdict");
        let verdict = match cause {
            Cause::Shutdown => Verdict::Ended(ExitReason::Shutdown),
            Cause::StartFailed { child } => self.family.did_not_start(child),
            Cause::Exhausted { child, spent } => Verdict::Ended(self.family.exhausted(child, spent)),
            Cause::Escalated { child } => Verdict::Ended(self.family.escalated(child)),
        };
        *self.family.verdict.lock() = Some(verdict);
        crate::failpoints::point("supervisor.exit.verdict_known");
        self.family.end_added();
    }
}

impl Answered {
    fn give(self) {
        match self {
            Answered::Add(reply, outcome) => reply.send(outcome),
            Answered::Remove(reply, reason) => reply.send(Ok(reason)),
        }
    }
}

/// This supervisor, as its children know it.
fn parent_of(context: &Context<'_, Order>) -> Weak<dyn Parent> {
    let parent: Arc<dyn Parent> = context.address().slot.clone();
    Arc::downgrade(&parent)
}

fn how(reason: &ExitReason) -> How {
    match reason {
        ExitReason::Normal => How::Normal,
        ExitReason::Shutdown => How::Shutdown,
        abnormal => How::Abnormal(abnormal.remedy()),
    }
}
