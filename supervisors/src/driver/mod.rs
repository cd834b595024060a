//! What runs elected slots: the calling thread's work list, the slots' own threads, the pool, or a simulated world.
//!
//! Turns do not nest: a finished turn's outbox is delivered, what that elects is put on the work list, and then the
//! next slot of the list runs. Whenever this thread would wait, or is done with what it came for, it rings the own
//! threads, or the pool, for all that is left on its list, so that no slot waits behind it.

pub(crate) mod alarms;
pub(crate) mod pool;

#[cfg(any(test, feature = "simulation"))]
pub(crate) mod simulated;
pub(crate) mod threads;
mod wait;

pub(crate) use wait::{Ended, wait};

use crate::control::Place;
use crate::planted::{self, Bug};
use crate::rt;
use crate::{ChildId, Time};
use pool::Pool;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use threads::Bell;

/// A slot without its type.
pub(crate) trait Runnable: Send + Sync {
    /// Runs one turn. Only the slot's runner calls it.
    fn run(self: Arc<Self>) -> After;
    /// Tells slots apart; no decision depends on the order.
    fn key(&self) -> usize;
    /// Its child's name.
    fn name(&self) -> &ChildId;
    /// Never blocks, and others may depend on it: it goes before what is on the list already.
    fn is_supervisor(&self) -> bool;
    /// It has no incarnation: whoever was elected to run it starts one.
    fn is_down(&self) -> bool;
    /// Its handlers may block, so only its own thread runs them.
    fn may_block(&self) -> bool;
    /// It has no own thread, but a share in those of the pool.
    fn is_pooled(&self) -> bool;
    fn place(&self) -> &Place;
    fn bell(&self) -> &Arc<Bell>;
    /// A timer may be due: counts it as an item.
    fn alarm_came(self: Arc<Self>);
    /// Has that slot, whose runner waits for room in this one's mailbox, rung when there may be some.
    fn give_room_to(self: Arc<Self>, waiting: Arc<dyn Runnable>);
}

/// Who runs the slot after a turn.
pub(crate) enum After {
    /// Nobody: the next item elects.
    Resigned,
    /// Still this runner.
    Again(Arc<dyn Runnable>),
    /// Its own thread, because this one holds the turn that must make room for it.
    HandOver(Arc<dyn Runnable>),
    /// Simulated, or on a pool's thread: still this runner, once that slot has taken something.
    Blocked { slot: Arc<dyn Runnable>, on: Arc<dyn Runnable> },
}

/// Who shall run a slot that was just elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hand {
    /// This thread, if it is running turns anyway.
    Here,
    /// Its own thread or the pool, so that the sender goes on.
    Ring,
}

struct Local {
    /// Slots that this thread was elected to run.
    list: RefCell<VecDeque<Arc<dyn Runnable>>>,
    /// How many scopes are open in which what is elected goes to the list.
    scopes: Cell<usize>,
    /// The slots whose turn this thread holds, outermost first.
    held: RefCell<Vec<usize>>,
    /// This thread's number, from 1.
    number: u64,
    /// What it lives for.
    life: Cell<LifeOf>,
    /// Waits in a row that were not over soon.
    long_waits: Cell<u32>,
}

/// What a thread lives for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LifeOf {
    /// It has other things to do than turns.
    Caller,
    /// It is some slot's own thread.
    OwnThread,
    /// It is one of a pool's, and nothing waits for the pool.
    IdlePool,
    /// It is one of a pool's, and others wait for it.
    BusyPool,
}

rt::thread_local! {
    static LOCAL: Local = Local {
        list: RefCell::new(VecDeque::new()),
        scopes: Cell::new(0),
        held: RefCell::new(Vec::new()),
        number: next_number(),
        life: Cell::new(LifeOf::Caller),
        long_waits: Cell::new(0),
    };
}

fn next_number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// This thread's number, which names it in snapshots and decides nothing.
pub(crate) fn thread_number() -> u64 {
    LOCAL.with(|local| local.number)
}

/// This thread lives for a slot, and not for a caller who has other things to do.
fn become_own_thread() {
    LOCAL.with(|local| local.life.set(LifeOf::OwnThread));
}

/// Whether this thread has nothing better to do than to look a little longer for what comes.
pub(crate) fn may_linger() -> bool {
    LOCAL.with(|local| {
        matches!(local.life.get(), LifeOf::OwnThread | LifeOf::IdlePool) && local.list.borrow().is_empty()
    })
}

/// Whether this is one of a pool's threads: it must not wait, because what it waits for may wait for the pool.
pub(crate) fn is_pool_thread() -> bool {
    LOCAL.with(|local| matches!(local.life.get(), LifeOf::IdlePool | LifeOf::BusyPool))
}

/// While it lives, slots that this thread elects go to its list. When it ends the rest is handed over.
pub(crate) struct Scope(());

/// Opens a scope.
pub(crate) fn enter() -> Scope {
    LOCAL.with(|local| local.scopes.set(local.scopes.get() + 1));
    Scope(())
}

impl Drop for Scope {
    fn drop(&mut self) {
        LOCAL.with(|local| local.scopes.set(local.scopes.get() - 1));
        if planted::is(Bug::KeepsTheRest) {
            while next().is_some() {}
        }
        hand_over();
    }
}

/// While it lives, this thread holds the turn of a slot.
pub(crate) struct Held(());

pub(crate) fn hold(key: usize) -> Held {
    LOCAL.with(|local| local.held.borrow_mut().push(key));
    Held(())
}

impl Drop for Held {
    fn drop(&mut self) {
        LOCAL.with(|local| local.held.borrow_mut().pop());
    }
}

/// Whether this thread holds the turn of that slot.
pub(crate) fn holds(key: usize) -> bool {
    LOCAL.with(|local| local.held.borrow().contains(&key))
}

/// Whether the calling thread is inside a turn of any actor, so that waiting for a whole tree would wait for itself.
#[must_use]
pub fn holds_a_turn() -> bool {
    LOCAL.with(|local| !local.held.borrow().is_empty())
}

/// The slot's count went from 0 to 1, or its supervisor starts it: sees to it that it is run.
pub(crate) fn elected(slot: Arc<dyn Runnable>, hand: Hand) {
    if let Some(world) = slot.place().runtime.world() {
        return world.ring(slot.clone());
    }
    let here = hand == Hand::Here && !slot.may_block() && LOCAL.with(|local| local.scopes.get() > 0);
    if here { put(slot) } else { ring(slot) }
}

fn put(slot: Arc<dyn Runnable>) {
    LOCAL.with(|local| {
        let mut list = local.list.borrow_mut();
        if slot.is_supervisor() { list.push_front(slot) } else { list.push_back(slot) }
    });
}

/// Gives the slot to its own thread or to the pool. Where there is no thread to be had, this one runs it.
fn ring(slot: Arc<dyn Runnable>) {
    if let Some(world) = slot.place().runtime.world() {
        return world.ring(slot.clone());
    }
    let rung = if slot.is_pooled() {
        slot.place().threads.clone().pool.ring(slot)
    } else {
        slot.bell().clone().ring(slot)
    };
    if let Err(slot) = rung {
        tracing::warn!(child = %slot.name(), "no thread to be had; the sender's thread runs the turn");
        let _scope = enter();
        run_and_requeue(slot);
        run_until(|| false);
    }
}

/// Rings for all that is left on this thread's list.
pub(crate) fn hand_over() {
    while let Some(slot) = next() {
        ring(slot);
    }
}

fn next() -> Option<Arc<dyn Runnable>> {
    LOCAL.with(|local| local.list.borrow_mut().pop_front())
}

/// Runs what is on this thread's list until there is nothing left or it is done; then it mends what failed here.
pub(crate) fn run_until(mut done: impl FnMut() -> bool) {
    while !done() {
        let Some(slot) = next() else { return };
        if slot.may_block() {
            hand_over(); // what is left must not wait behind a handler that blocks
        }
        run_and_requeue(slot);
    }
    mend();
}

/// The turns of one restart: the supervisor hears of the exit, the child starts, the supervisor hears of that.
const MENDING_TURNS: usize = 3;

/// Brings back the child that failed under this thread before it leaves: to hand the supervisor's turn to another thread
/// costs several times what the restart does. It is one restart and no more, so that a child that cannot start
/// does not keep its caller until the budget is used up. Stops and children on threads of their own are not of it.
fn mend() {
    for _ in 0..MENDING_TURNS {
        let Some(slot) = next_to_mend() else { break };
        run_and_requeue(slot);
    }
}

fn next_to_mend() -> Option<Arc<dyn Runnable>> {
    next_where(|slot| !slot.may_block() && (slot.is_supervisor() || slot.is_down()))
}

fn next_where(wanted: impl Fn(&dyn Runnable) -> bool) -> Option<Arc<dyn Runnable>> {
    LOCAL.with(|local| {
        let mut list = local.list.borrow_mut();
        let at = list.iter().position(|slot| wanted(&**slot))?;
        list.remove(at)
    })
}

fn run_and_requeue(slot: Arc<dyn Runnable>) {
    match slot.run() {
        After::Resigned => {}
        After::Again(slot) => LOCAL.with(|local| local.list.borrow_mut().push_back(slot)),
        After::HandOver(slot) => ring(slot),
        After::Blocked { slot, on } => on.give_room_to(slot),
    }
}

/// Runs a slot that was rung, and what it elects, until there is nothing left.
pub(crate) fn run(slot: Arc<dyn Runnable>) {
    let _scope = enter();
    LOCAL.with(|local| local.list.borrow_mut().push_back(slot));
    run_until(|| false);
}

/// Runs a slot that waited for the pool, and what it elects.
fn run_pooled(slot: Arc<dyn Runnable>, pool: &Pool) {
    let _scope = enter();
    LOCAL.with(|local| local.list.borrow_mut().push_back(slot));
    while let Some(slot) = next() {
        let life = if pool.is_waited_for() { LifeOf::BusyPool } else { LifeOf::IdlePool };
        LOCAL.with(|local| local.life.set(life));
        run_and_requeue(slot);
        share(pool);
    }
}

/// What this thread of a pool elected does not go before what waits for the pool, and what another thread could run does
/// not wait for this one. Supervisors stay: they go first, and no handler holds them up.
fn share(pool: &Pool) {
    let several = LOCAL.with(|local| local.list.borrow().len() > 1);
    if several || pool.is_waited_for() {
        std::iter::from_fn(|| next_where(|slot| !slot.is_supervisor())).for_each(ring);
    }
}

/// The slot's earliest timer: its own thread, that of all alarms, or the simulated clock, lets it know.
pub(crate) fn ask_for_alarm(slot: Arc<dyn Runnable>, at: Time) {
    if let Some(world) = slot.place().runtime.world() {
        return world.alarm(slot.clone(), at);
    }
    let set = if slot.is_pooled() {
        slot.place().threads.alarms.set(&slot, at)
    } else {
        slot.bell().set_alarm(&slot, at)
    };
    if set.is_err() {
        tracing::error!(child = %slot.name(), "no thread to be had; its timers wait for its next message");
    }
}
