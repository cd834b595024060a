//! A bounded map that threads share: what was not used for a while leaves when there are too many.

use foldhash::HashMap;
use foldhash::fast::FixedState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many locks that readers of different keys seldom meet.
const SHARDS_MAX: usize = 16;
/// A shard this small would drop what it was just given.
const SHARD_COUNT_MIN: usize = 8;

/// A map of at most a fixed number of values. A value that is asked for stays longer than one that is not.
///
/// ```
/// use timberline::storage::Cache;
/// let cache = Cache::new(2);
/// (1..=9).for_each(|number| cache.insert(number, number * number));
/// assert_eq!((cache.len(), cache.get(&9)), (2, Some(81)));
/// ```
pub struct Cache<K, V> {
    shards: Box<[Mutex<Shard<K, V>>]>,
}

/// A clock: the hand gives everyone who was used since its last round another round.
struct Shard<K, V> {
    places: HashMap<K, usize>,
    slots: Vec<Slot<K, V>>,
    hand: usize,
    count_max: usize,
}

struct Slot<K, V> {
    key: K,
    value: V,
    was_used: bool,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// A map of at most `count_max` values (at least one).
    #[must_use]
    pub fn new(count_max: usize) -> Self {
        let count_max = count_max.max(1);
        let shards = (count_max / SHARD_COUNT_MIN).clamp(1, SHARDS_MAX);
        let shard = |_| {
            let (places, slots) = (HashMap::default(), Vec::new());
            Mutex::new(Shard { places, slots, hand: 0, count_max: count_max / shards })
        };
        Self { shards: (0..shards).map(shard).collect() }
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<V> {
        self.look(key, V::clone)
    }

    /// What `look` sees in the value under `key`. Others may wait meanwhile: it is for a glance that costs less than a clone.
    pub fn look<T>(&self, key: &K, look: impl FnOnce(&V) -> T) -> Option<T> {
        let mut shard = self.shard(key);
        let place = *shard.places.get(key)?;
        let slot = &mut shard.slots[place];
        slot.was_used = true;
        Some(look(&slot.value))
    }

    /// Whether a new value is worth the one that would leave for it under `key`: not while that is still used. Each no takes
    /// a little of that away, so that in the end what nobody asks for any more leaves.
    ///
    /// Asked before a value is fetched that could be done without: where more is wanted than there is room for, most
    /// fetches would only drop what is wanted next.
    #[must_use]
    pub fn admits(&self, key: &K) -> bool {
        let mut shard = self.shard(key);
        shard.slots.len() < shard.count_max || !shard.passes_used()
    }

    /// Keeps `value` under `key`; another value may leave for it.
    pub fn insert(&self, key: K, value: V) {
        let mut shard = self.shard(&key);
        if let Some(place) = shard.places.get(&key).copied() {
            shard.slots[place].value = value;
        } else if shard.slots.len() < shard.count_max {
            let place = shard.slots.len();
            shard.places.insert(key.clone(), place);
            shard.slots.push(Slot { key, value, was_used: false });
        } else {
            shard.replace(key, value);
        }
    }

    /// Drops the value under `key`.
    pub fn remove(&self, key: &K) {
        let mut shard = self.shard(key);
        let Some(place) = shard.places.remove(key) else { return };
        shard.slots.swap_remove(place);
        if let Some(moved) = shard.slots.get(place).map(|slot| slot.key.clone()) {
            shard.places.insert(moved, place);
        }
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).slots.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K, V>> {
        let hash = FixedState::default().hash_one(key) >> 32;
        lock(&self.shards[(hash as usize) % self.shards.len()])
    }
}

impl<K: Hash + Eq + Clone, V> Shard<K, V> {
    /// Passes the hand over a value that was used since its last round; false, and it stays, if that was not.
    fn passes_used(&mut self) -> bool {
        let was_used = std::mem::take(&mut self.slots[self.hand].was_used);
        self.hand = (self.hand + usize::from(was_used)) % self.slots.len();
        was_used
    }

    fn replace(&mut self, key: K, value: V) {
        while self.passes_used() {}
        let place = self.hand;
        self.hand = (self.hand + 1) % self.slots.len();
        let old =
            std::mem::replace(&mut self.slots[place], Slot { key: key.clone(), value, was_used: false });
        self.places.remove(&old.key);
        self.places.insert(key, place);
    }
}

fn lock<K, V>(shard: &Mutex<Shard<K, V>>) -> MutexGuard<'_, Shard<K, V>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.shards.iter().map(|shard| lock(shard).slots.len()).sum();
        f.debug_struct("Cache").field("count", &count).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Cache;

    #[test]
    fn a_cache_holds_no_more_than_it_may_and_keeps_what_is_used() {
        let cache = Cache::new(64);
        for number in 0..10_000_u32 {
            cache.insert(number, number);
            cache.insert(7, 7);
            assert_eq!(cache.get(&7), Some(7));
            assert!(cache.len() <= 64);
        }
        assert_eq!(cache.get(&9_999), Some(9_999));
    }

    #[test]
    fn what_is_used_is_not_given_up_for_what_comes_once_and_what_is_not_used_any_more_is() {
        let cache = Cache::new(8);
        (0..8).for_each(|number| cache.insert(number, number));
        let use_all = || (0..8).for_each(|number| assert_eq!(cache.get(&number), Some(number)));
        for other in 100..200 {
            use_all();
            assert!(!cache.admits(&other), "everything was used a moment ago");
        }
        let refused = (100..200).take_while(|other| !cache.admits(other)).count();
        assert_eq!(refused, 7, "one round of the hand, and the last no was one of them");
        assert!(cache.admits(&300), "asking does not use it up");
        cache.insert(300, 300);
        assert_eq!((cache.len(), cache.get(&300)), (8, Some(300)));
        assert!(Cache::<u32, u32>::new(1).admits(&1), "there is room");
    }

    #[test]
    fn what_was_removed_is_gone_and_the_rest_is_found() {
        let cache = Cache::new(8);
        (0..8).for_each(|number| cache.insert(number, number));
        cache.remove(&3);
        let left: Vec<i32> = (0..8).filter_map(|number| cache.get(&number)).collect();
        assert_eq!(left, [0, 1, 2, 4, 5, 6, 7]);
    }
}
