//! A supervisor's children as everyone may see them: what outlives its incarnations, and what `tree()` reads.
//!
//! Only the supervisor's own turns change it, each under a short lock, so a snapshot waits for no child.

use super::kin::{Kin, Terms};
use super::shutdown::Farewell;
use crate::control::{Child, ChildSnapshot, Household, Parent, Place};
use crate::core::{Key, Plan, Roster};
use crate::report::Hub;
use crate::rt::Mutex;
use crate::rt::atomic::{AtomicU64, Ordering};
use crate::spec::Settings;
use crate::tree::{Kind, State, TreeNode};
use crate::{ChildId, ExitReason, Strategy, Time};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

/// A supervisor apart from its incarnations.
pub(crate) struct Family {
    pub(super) name: ChildId,
    pub(super) strategy: Strategy,
    /// Where the supervisor itself lives; set when it is adopted.
    pub(super) home: OnceLock<Home>,
    /// In start order, which is that of their keys.
    pub(super) kin: Mutex<Roster<Kin>>,
    /// Of each name the key, so that an addition costs the same whether it is the first or the hundred-thousandth.
    /// Nothing depends on the order.
    pub(super) names: Mutex<HashMap<ChildId, Key>>,
    /// A name that two children were built with.
    pub(super) twice: OnceLock<ChildId>,
    /// The terms of the child that was taken in last: most are on the same.
    terms: Mutex<Option<Arc<Terms>>>,
    /// Children that were abandoned and forgotten, for the last report.
    pub(super) lost: Mutex<Vec<Farewell>>,
    /// The incarnation that was asked to stop.
    pub(super) stop_wanted: AtomicU64,
    /// Why the incarnation that is about to end does so.
    pub(super) verdict: Mutex<Option<Verdict>>,
    /// Who did not start, of the incarnation that ended because of it.
    pub(super) culprit: Mutex<Option<ChildId>>,
    last_key: AtomicU64,
}

/// Where a supervisor lives.
pub(crate) struct Home {
    /// As its own supervisor said; its parent hears of this one only through `Family`.
    pub(super) place: Place,
    pub(super) hub: Arc<Hub>,
    /// The names of the supervisors from the root to this one.
    pub(super) path: Arc<str>,
    /// Where its children live; known when it takes in the first.
    household: OnceLock<Arc<Household>>,
}

/// How an incarnation of the supervisor ended.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    NeverStarted(ExitReason),
    Ended(ExitReason),
}

impl Family {
    pub(super) fn new(name: ChildId, strategy: Strategy) -> Arc<Family> {
        Arc::new(Family {
            name,
            strategy,
            home: OnceLock::new(),
            kin: Mutex::default(),
            names: Mutex::default(),
            twice: OnceLock::new(),
            terms: Mutex::default(),
            lost: Mutex::new(Vec::new()),
            stop_wanted: AtomicU64::new(0),
            verdict: Mutex::new(None),
            culprit: Mutex::new(None),
            last_key: AtomicU64::new(0),
        })
    }

    pub(super) fn home(&self) -> &Home {
        self.home.get().expect("a supervisor runs only after it was adopted")
    }

    /// Whether no supervisor stands above this one.
    pub(super) fn is_root(&self) -> bool {
        self.home().place.path.is_empty()
    }

    pub(super) fn next_key(&self) -> Key {
        Key(self.last_key.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Takes a child into the books, last.
    pub(super) fn take_in(
        &self,
        key: Key,
        child: Arc<dyn Child>,
        settings: Settings,
        lasting: bool,
    ) -> Arc<Plan> {
        let before = self.names.lock().insert(child.id().clone(), key);
        if lasting && before.is_some() {
            let _ = self.twice.set(child.id().clone());
        }
        let terms = self.terms(settings, child.family().is_some());
        let plan = terms.plan.clone();
        self.kin.lock().push(key, Kin::new(key, child, terms, lasting));
        plan
    }

    fn terms(&self, settings: Settings, is_supervisor: bool) -> Arc<Terms> {
        let terms = Terms::new(settings, is_supervisor);
        let mut last = self.terms.lock();
        match &*last {
            Some(same) if **same == terms => same.clone(),
            _ => last.insert(Arc::new(terms)).clone(),
        }
    }

    /// Tells the child where it lives.
    pub(super) fn adopt(
        &self,
        key: Key,
        child: &Arc<dyn Child>,
        settings: &Settings,
        parent: impl FnOnce() -> Weak<dyn Parent>,
    ) {
        let Home { place, hub, path, household } = self.home();
        let household = household.get_or_init(|| {
            let (runtime, threads) = (place.runtime.clone(), place.threads.clone());
            Arc::new(Household { runtime, threads, parent: parent(), path: path.clone() })
        });
        let place = Place::new(household.clone(), key.0);
        if let Some(family) = child.family() {
            family.move_in(place.clone(), hub.clone());
        }
        child.clone().adopt(place, settings);
    }

    /// Remembers where this supervisor lives.
    pub(super) fn move_in(&self, place: Place, hub: Arc<Hub>) {
        let path = match &*place.path {
            "" => self.name.as_str().into(),
            above => format!("{above}/{}", self.name).into(),
        };
        let _ = self.home.set(Home { place, hub, path, household: OnceLock::new() });
    }

    /// The entry of that child; `None` once it was forgotten.
    pub(super) fn with<T>(&self, key: Key, work: impl FnOnce(&mut Kin) -> T) -> Option<T> {
        self.kin.lock().get_mut(key).map(work)
    }

    /// Takes the child out of the books.
    pub(super) fn forget(&self, key: Key) -> Option<Kin> {
        let mut kin = self.kin.lock();
        let gone = kin.position(key).and_then(|at| kin.remove(at))?;
        kin.tidy();
        drop(kin);
        self.forget_name(&gone);
        if gone.is_hung() {
            self.lost.lock().push(gone.farewell());
        }
        Some(gone)
    }

    /// A name may have gone over to another child meanwhile.
    fn forget_name(&self, gone: &Kin) {
        let mut names = self.names.lock();
        if names.get(gone.child.id()) == Some(&gone.key) {
            names.remove(gone.child.id());
        }
    }

    pub(super) fn find(&self, id: &ChildId) -> Option<(Key, Arc<dyn Child>, bool)> {
        let key = *self.names.lock().get(id)?;
        self.with(key, |entry| (key, entry.child.clone(), entry.ended))
    }

    /// Ends all children for good, last first: the supervisor will not be started again.
    pub(super) fn end_all(&self) {
        let ends: Vec<_> = {
            let mut kin = self.kin.lock();
            kin.iter_mut().rev().filter_map(Kin::close).collect()
        };
        ends.into_iter().for_each(|(child, reason)| child.end(&reason));
    }

    /// The nodes of the children, in start order.
    pub(super) fn nodes(&self, now: Time) -> Vec<TreeNode> {
        // The children are looked at without the lock: each of them may be a supervisor with a lock of its own.
        let outlines: Vec<_> = self.kin.lock().iter().map(|entry| entry.outline(now)).collect();
        outlines.into_iter().map(|(child, node)| complete(&*child, node, now)).collect()
    }

    /// The node of the child of that name. What the others are doing is not asked for.
    pub(super) fn node(&self, id: &ChildId, now: Time) -> Option<TreeNode> {
        let key = *self.names.lock().get(id)?;
        let (child, node) = self.with(key, |entry| entry.outline(now))?;
        Some(complete(&*child, node, now))
    }

    /// How each child ended, in start order; nested supervisors' children below them.
    pub(super) fn farewells(&self) -> Vec<Farewell> {
        let kin: Vec<_> =
            self.kin.lock().iter().map(|entry| (entry.child.clone(), entry.farewell())).collect();
        let mut all = std::mem::take(&mut *self.lost.lock());
        for (child, farewell) in kin {
            all.push(farewell);
            if let Some(family) = child.family() {
                let below = family.farewells();
                all.extend(below.into_iter().map(|farewell| farewell.below(&family.name)));
            }
        }
        all
    }
}

/// A supervisor that was never started leaves children that nobody will ever start: their callers are told.
impl Drop for Family {
    fn drop(&mut self) {
        self.end_all();
    }
}

pub(super) fn blank(id: &ChildId, kind: Kind) -> TreeNode {
    TreeNode {
        id: id.clone(),
        kind,
        state: State::New,
        incarnation: 0,
        restarts_within: 0,
        restarts_total: 0,
        last_exit: None,
        turns: 0,
        mailbox_depth: 0,
        mailbox_high_water: 0,
        mailbox_capacity: 0,
        busy_since: None,
        doing: "",
        children: Vec::new(),
    }
}

/// Adds what the slot knows.
fn complete(child: &dyn Child, node: TreeNode, now: Time) -> TreeNode {
    let ChildSnapshot { incarnation, depth, high_water, capacity, turns, busy_since, doing, .. } =
        child.snapshot();
    let family = child.family();
    TreeNode {
        kind: family.as_ref().map_or(node.kind, |family| Kind::Supervisor(family.strategy)),
        incarnation: node.incarnation.max(incarnation),
        turns,
        mailbox_depth: depth,
        mailbox_high_water: high_water,
        mailbox_capacity: capacity,
        busy_since,
        doing,
        children: family.map_or_else(Vec::new, |family| family.nodes(now)),
        ..node
    }
}

/// A root has nobody above it who keeps its books, and a handle reaches only a supervisor's slot: the family says who
/// its children are.
pub(super) fn root_node(child: &dyn Child, family: &Family, state: State, now: Time) -> TreeNode {
    let strategy = Kind::Supervisor(family.strategy);
    let node = complete(child, TreeNode { state, ..blank(&family.name, strategy) }, now);
    TreeNode { kind: strategy, children: family.nodes(now), ..node }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family")
            .field("name", &self.name)
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}
