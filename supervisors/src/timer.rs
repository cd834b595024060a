//! The timers of one incarnation, ordered by when they are due.

use crate::Time;
use std::collections::BTreeMap;

/// Names a timer, to cancel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId {
    at: Time,
    number: u64,
}

pub(crate) struct Timers<M> {
    due: BTreeMap<TimerId, M>,
    /// Numbers timers, so that those of one instant fire in the order in which they were set.
    next: u64,
    /// Whether the earliest may be another than the one last asked for.
    changed: bool,
}

impl<M> Timers<M> {
    pub(crate) fn new() -> Timers<M> {
        Timers { due: BTreeMap::new(), next: 0, changed: false }
    }

    pub(crate) fn set(&mut self, at: Time, message: M) -> TimerId {
        let id = TimerId { at, number: self.next };
        self.next += 1;
        self.changed = true;
        self.due.insert(id, message);
        id
    }

    pub(crate) fn cancel(&mut self, id: TimerId) -> bool {
        self.due.remove(&id).is_some()
    }

    /// The message of the earliest timer that is due.
    pub(crate) fn take_due(&mut self, now: Time) -> Option<M> {
        let first = self.due.first_entry().filter(|it| it.key().at <= now)?;
        Some(first.remove())
    }

    /// When the next alarm must come, if it was not asked for already.
    pub(crate) fn next_alarm(&mut self) -> Option<Time> {
        let changed = std::mem::take(&mut self.changed);
        self.due.first_key_value().filter(|_| changed).map(|(id, _)| id.at)
    }

    /// The alarm came: what is left needs another.
    pub(crate) fn alarm_came(&mut self) {
        self.changed = !crate::planted::planted("second_timer_lost");
    }

    /// Gives all timers up, to be dropped where that may panic.
    pub(crate) fn take_all(&mut self) -> BTreeMap<TimerId, M> {
        std::mem::take(&mut self.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn timers_of_one_instant_fire_in_the_order_in_which_they_were_set() {
        let mut timers = Timers::new();
        let at = Time::ZERO + Duration::from_secs(1);
        timers.set(at, "first");
        timers.set(at, "second");
        timers.set(Time::ZERO, "earlier");
        let fired: Vec<_> = std::iter::from_fn(|| timers.take_due(at)).collect();
        assert_eq!(fired, ["earlier", "first", "second"]);
    }

    #[test]
    fn a_cancelled_timer_does_not_fire_and_one_that_is_not_due_waits() {
        let mut timers = Timers::new();
        let at = Time::ZERO + Duration::from_secs(1);
        let id = timers.set(Time::ZERO, "cancelled");
        timers.set(at, "later");
        assert!(timers.cancel(id));
        assert!(!timers.cancel(id));
        assert_eq!(timers.next_alarm(), Some(at));
        assert_eq!(timers.next_alarm(), None, "the alarm is asked for once");
        assert_eq!(timers.take_due(Time::ZERO), None);
        assert_eq!(timers.take_due(at), Some("later"));
    }
}
