//! The slot of a child: what all its addresses share, and what outlives its incarnations.
//!
//! # Who runs it
//!
//! `pending` counts what the slot has been given and not yet settled: messages, wake-ups, alarms, urgent items and slots
//! that wait for room, one each. A giver PUSHES FIRST AND THEN COUNTS. The step from 0 to 1 elects: whoever made it sees to it that the
//! slot is run. A runner takes no more items than it has seen counted, delivers its outbox, and subtracts what it
//! took. What is left says whether it still is the runner (more than 0) or has resigned (0).
//!
//! *One runner at most.* Only the step from 0 to 1 elects, and from then until the runner's own subtraction to 0 the
//! count stays above 0, because the runner takes at most what it saw.
//!
//! *Nothing is stranded.* An item may be taken on another's count, when its giver has pushed it and not yet counted
//! it. Then the other item may still be there when the runner resigns; but the late giver's step goes from 0 to 1,
//! elects, and that runner finds it. When every giver has counted, as many items are left as are counted.
//!
//! *Down.* A slot without an incarnation keeps one count back, that of its next `Start`: nobody is elected, messages
//! queue, and the supervisor that gives the `Start` holds the role and hands it on with it. A failing runner
//! subtracts one less than it took, and by that the role is its supervisor's.
//!
//! *Ended.* The bit `CLOSED` is set once and for all. Nobody is elected any more, and a giver that meets it empties
//! the mailbox itself, so what it pushed too late answers `Stopped` and does not lie there unanswered.

pub(crate) mod boundary;
mod child;
mod lane;
mod life;
pub(crate) mod outbox;
mod push;
pub(crate) mod stats;
mod turn;

#[cfg(test)]
mod tests;

use crate::context::Turn;
use crate::control::{Notice, Parent, Phase, Place};
use crate::driver::threads::Bell;
use crate::driver::{self, After, Hand, Runnable};
use crate::mailbox::Mailbox;
use crate::planted::{self, Bug};
use crate::rt::Mutex;
use crate::rt::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::rt::thread;
use crate::spec::{Driver, Settings};
use crate::{Actor, Address, CallError, ChildId, Completion, Runtime};
use lane::{Lane, Urgent};
use life::{Factory, Life};
use stats::Stats;
use std::sync::{Arc, OnceLock};

/// The child has ended for good. Far above any count.
const CLOSED: usize = 1 << (usize::BITS - 1);

pub(crate) struct Slot<M: Send + 'static> {
    id: ChildId,
    key: usize,
    /// See the top of this file. Anyone adds; only the runner subtracts.
    pending: AtomicUsize,
    /// A wake-up waits. Set by anyone, cleared by the runner.
    wake: AtomicBool,
    /// A timer may be due. Set by the slot's own thread, cleared by the runner.
    alarm: AtomicBool,
    mailbox: Mailbox<M>,
    lane: Lane<Urgent>,
    /// Slots whose runners wait for room in the mailbox; each counts. Made when the first comes.
    waiting: OnceLock<Box<Lane<Arc<dyn Runnable>>>>,
    /// Locked by the runner only; the end of the child tries to.
    body: Mutex<Body<M>>,
    /// Set once, when a supervisor adopts the child.
    home: OnceLock<Home>,
    pub(crate) stats: Stats,
    /// Of the own thread; made when it is first needed.
    bell: OnceLock<Arc<Bell>>,
    /// Made when someone wants to wait for it, which is before a supervisor has the child.
    completion: OnceLock<Completion>,
    /// Of a supervisor: makes its message of a child's notice.
    lift: Option<fn(Notice) -> M>,
}

/// A number and no address: another slot may come to stand where one that is gone has stood.
fn next_key() -> usize {
    static LAST: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

struct Home {
    place: Place,
    driver: Driver,
    turn_limit: usize,
}

/// What only the runner touches.
pub(crate) struct Body<M> {
    /// Makes the next incarnation; gone once the child has ended.
    factory: Option<Factory<M>>,
    /// The incarnation; `None` while the slot is down.
    life: Option<Box<dyn Life<M>>>,
    turn: Turn<M>,
    /// Items taken and not yet settled; more than one turn's where the outbox waits for room.
    taken: usize,
    /// Items handled since the last `turn_ended`.
    handled: usize,
    /// A message has its turn before the next wake-up, so that neither starves the other.
    woken_last: bool,
    /// A message was taken for which nobody who waits for room was let go on yet.
    made_room: bool,
    /// How the incarnation ended in this turn.
    ended: Option<crate::control::Event>,
}

impl<M: Send + 'static> Slot<M> {
    pub(crate) fn for_actor<A: Actor<Message = M>>(
        id: ChildId,
        factory: impl FnMut() -> Result<A, A::Error> + Send + 'static,
        lift: Option<fn(Notice) -> M>,
    ) -> Arc<Slot<M>> {
        Arc::new(Slot {
            id,
            key: next_key(),
            pending: AtomicUsize::new(1), // that of the first start
            wake: AtomicBool::new(false),
            alarm: AtomicBool::new(false),
            mailbox: Mailbox::new(Settings::default().mailbox),
            lane: Lane::default(),
            waiting: OnceLock::new(),
            body: Mutex::new(Body::new(life::factory(factory))),
            home: OnceLock::new(),
            stats: Stats::new(),
            bell: OnceLock::new(),
            completion: OnceLock::new(),
            lift,
        })
    }

    fn home(&self) -> &Home {
        self.home.get().expect("a slot is run only after a supervisor adopted it")
    }

    pub(crate) fn place(&self) -> &Place {
        &self.home().place
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.place().runtime
    }

    /// Where it runs; `None` while no supervisor has adopted it.
    pub(crate) fn bound_runtime(&self) -> Option<&Runtime> {
        self.home.get().map(|home| &home.place.runtime)
    }

    pub(crate) fn name(&self) -> &ChildId {
        &self.id
    }

    pub(crate) fn depth(&self) -> usize {
        self.mailbox.len()
    }

    /// Tells slots apart, also those that are gone; never ordered by.
    pub(crate) fn key(&self) -> usize {
        self.key
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.pending.load(Ordering::Acquire) & CLOSED != 0
    }

    /// What is pushed and counted, without the mark of the end.
    fn counted(&self) -> usize {
        self.pending.load(Ordering::Acquire) & !CLOSED
    }

    /// Gives an urgent item that counts by itself.
    fn urge(self: &Arc<Self>, urgent: Urgent, hand: Hand) {
        self.lane.push(urgent);
        self.count(hand);
    }

    /// After the turn, with the body unlocked: subtracts what was taken and learns who runs the slot now.
    fn settle(self: Arc<Self>, taken: usize, ended: Option<crate::control::Event>) -> After {
        if ended.is_none() {
            self.linger(taken);
        }
        // A slot that went down keeps the count of its next start.
        let goes_down = ended.is_some() && !planted::is(Bug::DownElects);
        let settled = if goes_down { taken.saturating_sub(1) } else { taken };
        let left = self.pending.fetch_sub(settled, Ordering::AcqRel) - settled;
        if left & CLOSED != 0 {
            self.clean_up();
            return After::Resigned;
        }
        if let Some(event) = ended {
            self.tell_parent(event);
            return After::Resigned;
        }
        if left == 0 || planted::is(Bug::ResignTooEarly) { After::Resigned } else { After::Again(self) }
    }

    /// A thread that has nothing else to do and has drained the mailbox looks a little longer before it resigns: to be
    /// rung again for each message of a steady sender would cost that sender more than the message.
    fn linger(&self, taken: usize) {
        if driver::may_linger() && !self.runtime().is_simulated() {
            thread::spin_until(|| self.counted() != taken);
        }
    }

    fn tell_parent(&self, event: crate::control::Event) {
        self.place().tell_parent(self.stats.incarnation(), event);
    }

    /// Drops all that was the child's, once it has ended for good. The callers that it leaves are told `Stopped`.
    fn clean_up(&self) {
        self.clean_up_body(&mut self.body.lock());
    }

    fn clean_up_body(&self, body: &mut Body<M>) {
        self.stats.set_phase(Phase::Ended);
        boundary::dropping(CallError::Stopped, || {
            self.lane.clear();
            body.empty();
            self.empty_mailbox();
        });
    }

    fn next_waiting(&self) -> Option<Arc<dyn Runnable>> {
        self.waiting.get().and_then(|waiting| waiting.pop())
    }

    /// Drops what is queued, and lets those go on who wait for room; they learn that there will be none.
    fn empty_mailbox(&self) {
        self.mailbox.drain();
        std::iter::from_fn(|| self.next_waiting()).for_each(|slot| driver::elected(slot, Hand::Ring));
    }
}

impl<M: Send + 'static> Parent for Slot<M> {
    fn notify(self: Arc<Self>, notice: Notice) {
        if planted::is(Bug::NoticeNeedsRoom)
            && let Some(lift) = self.lift
        {
            let _ = self.try_push(lift(notice), Hand::Here);
            return;
        }
        self.urge(Urgent::Notice(notice), Hand::Here);
    }
}

impl<M: Send + 'static> Runnable for Slot<M> {
    fn run(self: Arc<Self>) -> After {
        let address = Address::new(self);
        let outcome = turn::run(&address);
        let slot = address.slot;
        match outcome {
            turn::Outcome::Settle { taken, ended } => slot.settle(taken, ended),
            turn::Outcome::Again => After::Again(slot),
            turn::Outcome::HandOver => After::HandOver(slot),
            turn::Outcome::Blocked { on } => After::Blocked { slot, on },
        }
    }

    fn key(&self) -> usize {
        Slot::key(self)
    }

    fn is_supervisor(&self) -> bool {
        self.lift.is_some()
    }

    fn is_down(&self) -> bool {
        self.stats.phase() == Phase::Down
    }

    fn may_block(&self) -> bool {
        self.home().driver == Driver::OwnThread
    }

    fn is_pooled(&self) -> bool {
        self.home().driver == Driver::Pooled
    }

    fn place(&self) -> &Place {
        Slot::place(self)
    }

    fn bell(&self) -> &Arc<Bell> {
        self.bell.get_or_init(|| Arc::new(Bell::new()))
    }

    fn name(&self) -> &ChildId {
        &self.id
    }

    fn alarm_came(self: Arc<Self>) {
        if !self.alarm.swap(true, Ordering::AcqRel) {
            self.count(Hand::Here);
        }
    }

    fn give_room_to(self: Arc<Self>, waiting: Arc<dyn Runnable>) {
        if planted::is(Bug::RoomIsNotTold) {
            return;
        }
        self.waiting.get_or_init(Default::default).push(waiting);
        self.count(Hand::Here);
        if self.is_closed() {
            self.empty_mailbox();
        }
    }
}

impl<M: Send + 'static> Body<M> {
    fn new(factory: Factory<M>) -> Body<M> {
        Body {
            factory: Some(factory),
            life: None,
            turn: Turn::new(),
            taken: 0,
            handled: 0,
            woken_last: false,
            made_room: false,
            ended: None,
        }
    }

    /// Drops what the incarnation leaves; each drop may be user code that panics.
    fn empty(&mut self) {
        boundary::drop_caught(std::mem::take(&mut self.turn.outbox));
        boundary::drop_caught(self.turn.timers.take_all());
        boundary::drop_caught(self.life.take());
        boundary::drop_caught(self.factory.take());
    }
}

impl<M: Send + 'static> Drop for Slot<M> {
    fn drop(&mut self) {
        if let Some(bell) = self.bell.get() {
            bell.quit();
        }
    }
}
