//! A supervisor as the child of another.

use super::actor::SupervisorActor;
use super::family::Family;
use super::order::Order;
use crate::control::{Child, ChildSnapshot, Parent, Place};
use crate::driver::Hand;
use crate::rt::atomic::Ordering;
use crate::slot::Slot;
use crate::spec::Settings;
use crate::{ChildId, Completion, ExitReason};
use std::convert::Infallible;
use std::sync::Arc;

/// The slot of a supervisor, and its children.
pub(super) struct SupervisorChild {
    pub(super) slot: Arc<Slot<Order>>,
    pub(super) family: Arc<Family>,
}

impl SupervisorChild {
    pub(super) fn new(family: Arc<Family>) -> Arc<SupervisorChild> {
        let own = family.clone();
        let make = move || Ok::<_, Infallible>(SupervisorActor::new(own.clone()));
        let slot = Slot::for_actor(family.name.clone(), make, Some(Order::Heard));
        Arc::new(SupervisorChild { slot, family })
    }
}

impl Child for SupervisorChild {
    fn id(&self) -> &ChildId {
        &self.family.name
    }

    fn completion(&self) -> Completion {
        self.slot.completion()
    }

    fn set_capacity(&self, messages: usize) {
        self.slot.set_capacity(messages);
    }

    fn adopt(self: Arc<Self>, place: Place, settings: &Settings) {
        let family: Arc<dyn Parent> = self.family.clone();
        self.slot.clone().adopt(place.with_parent(Arc::downgrade(&family)), settings);
    }

    fn start(self: Arc<Self>, incarnation: u64) {
        self.slot.clone().start(incarnation);
    }

    /// A supervisor stops by stopping its children first, so it is told, not ended.
    fn stop(self: Arc<Self>, incarnation: u64, hand: Hand) {
        self.family.stop_wanted.store(incarnation, Ordering::Release);
        self.slot.wake_up(hand);
    }

    fn end(self: Arc<Self>, reason: &ExitReason) {
        self.slot.clone().end(reason);
        self.family.end_all();
    }

    fn snapshot(&self) -> ChildSnapshot {
        self.slot.snapshot()
    }

    fn is_held(&self) -> bool {
        self.slot.is_held()
    }

    fn family(&self) -> Option<Arc<Family>> {
        Some(self.family.clone())
    }
}
