//! A client: asks for appends without waiting for their answers, and reads.

use super::census::name_of;
use super::faults::{Class, Faults};
use super::history::{Answer, Asked, Given, Happened, Item, Name, Watch};
use super::notes::Notes;
use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};
use timberline::{
    AppendError, AppendOptions, BatchTicket, Coordinate, Durability, EventId, Expected, NewEvent, Position,
    Receipt, Region, Retry, Store,
};

pub(super) const ENTITIES: [&str; 5] = ["a0", "a1", "b0", "b1", "b2"];
pub(super) const SCOPES: [&str; 2] = ["s0", "s1"];
/// The most events of a batch; their numbers begin at that of the append times this.
pub(super) const ITEMS_MAX: usize = 32;
const LARGE_BYTES: usize = 1 << 10;

/// A region with more terms than a region may have.
static WIDE: LazyLock<Region> = LazyLock::new(|| wide(0..=Region::TERMS_MAX));

/// The union of as many entities as there are numbers, in halves: one after the other takes a second.
fn wide(numbers: RangeInclusive<usize>) -> Region {
    let (first, last) = (*numbers.start(), *numbers.end());
    let middle = first + (last - first) / 2;
    match first == last {
        true => Region::entity(first.to_string()),
        false => wide(first..=middle).or(wide(middle + 1..=last)),
    }
}

/// A client with its appends in flight.
#[derive(Debug, Default)]
pub(super) struct Client {
    in_flight: Vec<InFlight>,
    /// Receipts of events with a key that came since someone looked.
    keyed: Vec<Keyed>,
    /// Ids that stood in receipts of this life.
    known: Vec<(EventId, u64)>,
    /// The highest position it has seen.
    seen: u64,
    /// It was told to open the store again.
    wants_reopening: bool,
}

/// An append whose answer is not there yet, and the keys of its items.
#[derive(Debug)]
struct InFlight {
    append: usize,
    ticket: BatchTicket,
    keys: Vec<Option<u64>>,
}

/// The receipt of an event with a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keyed {
    key: u64,
    append: usize,
    is_duplicate: bool,
}

/// Whether one of these stored an event and another append with the same key was told of it.
pub(super) fn have_twins(keyed: &[Keyed]) -> bool {
    let is_twin = |one: &Keyed, other: &Keyed| {
        one.key == other.key && one.append != other.append && !one.is_duplicate && other.is_duplicate
    };
    keyed.iter().any(|one| keyed.iter().any(|other| is_twin(one, other)))
}

/// What all clients share: the store of this life, the dice, the notes.
pub(super) struct Desk<'a> {
    pub(super) store: &'a Store,
    pub(super) faults: &'a Arc<Faults>,
    pub(super) notes: &'a Notes,
    /// Numbers appends.
    pub(super) appends: &'a mut usize,
    /// The most events of a batch.
    pub(super) batch: usize,
    /// Most answers are not waited for.
    pub(super) is_gone: bool,
}

impl Client {
    /// Does one thing: mostly an append, sometimes a read.
    pub(super) fn act(&mut self, desk: &mut Desk<'_>) {
        match desk.faults.choose(10) {
            1 | 2 => self.read(desk),
            3 => self.get(desk),
            4 => self.flush(desk),
            5 => self.look_around(desk),
            _ => self.append(desk),
        }
    }

    fn append(&mut self, desk: &mut Desk<'_>) {
        let append = *desk.appends;
        *desk.appends += 1;
        let count = [1, 1, 1, 2, 3, desk.batch][desk.faults.choose(6)];
        let (items, mut events): (Vec<Item>, Vec<NewEvent>) =
            (0..count).map(|item| self.item(append, item, desk)).unzip();
        spoil(&mut events, desk);
        let written = desk.store.written().get();
        let keys: Vec<_> = items.iter().map(|item| item.key).collect();
        let again = items.iter().find_map(|item| Some((item.key?, item.entity.clone())));
        desk.notes.note(Happened::Asked(Asked { append, items, written }));
        if desk.faults.choose(8) == 1 {
            let answer = desk.store.append_batch(events);
            return self.answered(append, answer, desk.notes);
        }
        match desk.store.submit_batch(events) {
            Ok(ticket) if desk.is_gone && !append.is_multiple_of(4) => drop(ticket),
            Ok(ticket) => self.in_flight.push(InFlight { append, ticket, keys }),
            Err(error) => return self.answered(append, Err(error), desk.notes),
        }
        if let Some((key, entity)) = again
            && desk.faults.choose(2) == 1
        {
            self.repeat(key, entity, desk);
        }
    }

    /// Someone is impatient and asks for the same a second time, before the first was answered.
    fn repeat(&mut self, key: u64, entity: Name, desk: &mut Desk<'_>) {
        let append = *desk.appends;
        *desk.appends += 1;
        let number = (append * ITEMS_MAX + 1) as u64;
        let event = step(&entity, SCOPES[0], number, false);
        let event = event.with(AppendOptions::new().idempotency_key(key.to_le_bytes()));
        let item =
            Item { number, entity, expected: Expected::Any, unless: None, key: Some(key), durable: true };
        let written = desk.store.written().get();
        desk.notes.note(Happened::Asked(Asked { append, items: vec![item], written }));
        match desk.store.submit_batch(vec![event]) {
            Ok(ticket) => self.in_flight.push(InFlight { append, ticket, keys: vec![Some(key)] }),
            Err(error) => self.answered(append, Err(error), desk.notes),
        }
    }

    fn item(&self, append: usize, item: usize, desk: &Desk<'_>) -> (Item, NewEvent) {
        let choose = |n| desk.faults.choose(n);
        let entity = ENTITIES[choose(ENTITIES.len())];
        let scope = SCOPES[choose(SCOPES.len())];
        let number = (append * ITEMS_MAX + item + 1) as u64;
        if item >= 4 {
            return plain(number, entity, scope);
        }
        let mut options = AppendOptions::new();
        let expected = match choose(10) {
            1 => Expected::Empty,
            2 => Expected::Exists,
            3..=5 => {
                let version = desk.store.last_version(entity).map_or(0, |version| version.get());
                Expected::Version(version + [0, 0, 0, 1][choose(4)])
            }
            _ => Expected::Any,
        };
        options = options.expect(expected);
        let unless = (choose(12) == 1).then(|| (watch(choose(6)), self.seen));
        if let Some((watch, after)) = &unless {
            options = options.unless(region(watch), Position::new(*after));
        }
        // Appends of about the same time share keys, so that some meet in one turn of the writer.
        let key = (choose(10) == 1).then(|| (append / 4 * 4 + choose(6) % 3) as u64);
        if let Some(key) = key {
            options = options.idempotency_key(key.to_le_bytes());
        }
        options = match choose(10) {
            1 if item > 0 => options.caused_by_item(choose(item) as u32),
            2 | 3 if !self.known.is_empty() => options.caused_by([self.known[choose(self.known.len())].0]),
            4 if !self.known.is_empty() => options.correlated(self.known[choose(self.known.len())].0),
            _ => options,
        };
        let durable = choose(3) != 1;
        if !durable {
            options = options.durability(Durability::Buffered);
        }
        let large = desk.faults.has(Class::LargeEvents) && choose(4) > 0;
        if large {
            desk.notes.count("LargeEvents");
        }
        let event = step(entity, scope, number, large).with(options);
        (Item { number, entity: entity.into(), expected, unless, key, durable }, event)
    }

    /// Takes the answers that are there.
    pub(super) fn collect(&mut self, notes: &Notes) {
        while let Some(ready) = self.in_flight.iter().position(|flight| flight.ticket.is_ready()) {
            let InFlight { append, ticket, keys } = self.in_flight.swap_remove(ready);
            let answer = ticket.wait();
            for (key, receipt) in keys.iter().zip(answer.iter().flatten()) {
                let keyed = key.map(|key| Keyed { key, append, is_duplicate: receipt.duplicate });
                self.keyed.extend(keyed);
            }
            self.answered(append, answer, notes);
        }
    }

    /// The keys that wait for an answer.
    pub(super) fn keys(&self) -> impl Iterator<Item = u64> {
        self.in_flight.iter().flat_map(|flight| flight.keys.iter().flatten().copied())
    }

    /// The receipts of events with keys that came since this was asked.
    pub(super) fn take_keyed(&mut self) -> Vec<Keyed> {
        std::mem::take(&mut self.keyed)
    }

    pub(super) fn wants_reopening(&self) -> bool {
        self.wants_reopening
    }

    pub(super) fn waits_for(&self) -> usize {
        self.in_flight.len()
    }

    fn answered(&mut self, append: usize, result: Result<Vec<Receipt>, AppendError>, notes: &Notes) {
        if notes.is_dead() {
            return;
        }
        let answer = match result {
            Ok(receipts) => {
                let fresh = receipts.iter().enumerate().filter(|(_, receipt)| !receipt.duplicate);
                let number = |item| (append * ITEMS_MAX + item + 1) as u64;
                self.known.extend(fresh.map(|(item, receipt)| (receipt.id, number(item))));
                notes.count("append stored");
                if receipts.iter().any(|receipt| receipt.duplicate) {
                    notes.count("append duplicate");
                }
                Answer::Stored(receipts.iter().map(given).collect())
            }
            Err(error) => {
                notes.count(format!("AppendError::{}", name_of(&error)));
                self.wants_reopening |= error.retry() == Retry::Reopen;
                refusal(&error)
            }
        };
        notes.note(Happened::Answered { append, answer });
    }

    fn read(&mut self, desk: &Desk<'_>) {
        let watch = watch(desk.faults.choose(9));
        let after = if desk.faults.choose(4) == 1 { 0 } else { self.seen };
        let written = desk.store.written().get();
        let reader = desk.store.read(&region(&watch)).after(Position::new(after));
        let read: Result<Vec<(u64, u64)>, _> = reader
            .map(|event| event.map(|event| (event.position().get(), number_of(event.payload()))))
            .collect();
        match read {
            Ok(seen) => {
                self.seen = written;
                desk.notes.note(Happened::Read { watch, after, written, seen });
            }
            Err(error) => desk.notes.count(format!("ReadError::{}", name_of(&error))),
        }
    }

    fn get(&mut self, desk: &Desk<'_>) {
        if self.known.is_empty() {
            return;
        }
        let (id, number) = self.known[desk.faults.choose(self.known.len())];
        match desk.store.get(id) {
            Ok(event) => {
                let found = event.map(|event| number_of(event.payload()));
                desk.notes.note(Happened::Got { position: id.position().get(), found, number });
            }
            Err(error) => desk.notes.count(format!("ReadError::{}", name_of(&error))),
        }
    }

    fn flush(&mut self, desk: &Desk<'_>) {
        match desk.store.flush() {
            Ok(position) => desk.notes.note(Happened::Flushed(position.get())),
            Err(error) => desk.notes.count(format!("AppendError::{}", name_of(&error))),
        }
    }

    /// Asks for what its answer is not checked of here: graphs, the tree, the numbers; none may hang or panic.
    fn look_around(&mut self, desk: &Desk<'_>) {
        if let Some((id, _)) = self.known.last() {
            let graphs = [desk.store.causes(*id, 10), desk.store.effects(*id, 10)];
            for error in graphs.iter().filter_map(|graph| graph.as_ref().err()) {
                desk.notes.count(format!("ReadError::{}", name_of(error)));
            }
        }
        if desk.faults.choose(8) == 1
            && let Some(Err(error)) = desk.store.read(&WIDE).next()
        {
            desk.notes.count(format!("ReadError::{}", name_of(&error)));
        }
        let _ = (desk.store.tree(), desk.store.stats());
    }
}

/// An event that nothing is asked of.
fn plain(number: u64, entity: &'static str, scope: &str) -> (Item, NewEvent) {
    let (entity_name, expected) = (entity.into(), Expected::Any);
    let item = Item { number, entity: entity_name, expected, unless: None, key: None, durable: true };
    (item, step(entity, scope, number, false))
}

/// A client's event.
pub(super) fn step(entity: &str, scope: &str, number: u64, large: bool) -> NewEvent {
    let mut payload = number.to_le_bytes().to_vec();
    payload.resize(if large { LARGE_BYTES } else { 24 }, number as u8);
    NewEvent::raw(Coordinate::new(entity, scope).unwrap(), "Step", 1, payload)
}

/// An event that no client asks for.
pub(super) fn probe() -> NewEvent {
    step("a0", "s0", u64::MAX - 1, false)
}

/// The number in a payload.
pub(super) fn number_of(payload: &[u8]) -> u64 {
    payload.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Makes a batch one that must be refused, now and then.
fn spoil(events: &mut Vec<NewEvent>, desk: &Desk<'_>) {
    let coordinate = Coordinate::new("spoiled", "s0").unwrap();
    let raw = |kind: &'static str, bytes| NewEvent::raw(coordinate.clone(), kind, 1, vec![0; bytes]);
    let stranger = EventId::from_u128(u128::MAX / 3);
    match desk.faults.choose(120) {
        1 => events.push(raw("", 8)),
        2 => events.push(raw("Step", 3 << 10)),
        3 => events.push(raw("Step", 8).caused_by_item(100)),
        4 => events.clear(),
        5 => events.push(raw("Step", 8).caused_by([stranger])),
        6 => events.push(raw("Step", 8).unless(WIDE.clone(), Position::START)),
        7 => events.push(raw("Step", 8).idempotency_key(b"")),
        _ => {}
    }
}

fn watch(choice: usize) -> Watch {
    match choice {
        1 => Watch::Steps,
        2 => Watch::Prefix("a".into()),
        3 => Watch::Scope("s1".into()),
        4..=8 => Watch::Entity(ENTITIES[choice - 4].into()),
        _ => Watch::All,
    }
}

/// The region of what is watched.
pub(super) fn region(watch: &Watch) -> Region {
    match watch {
        Watch::All => Region::all(),
        Watch::Steps => Region::kind("Step"),
        Watch::Entity(entity) => Region::entity(entity),
        Watch::Prefix(prefix) => Region::entity_prefix(prefix),
        Watch::Scope(scope) => Region::scope(scope),
    }
}

fn given(receipt: &Receipt) -> Given {
    Given {
        position: receipt.position.get(),
        version: receipt.version.get(),
        durable: receipt.durability == Durability::Durable,
        duplicate: receipt.duplicate,
    }
}

fn refusal(error: &AppendError) -> Answer {
    match error {
        AppendError::Conflict { item, actual, .. } => Answer::Conflict { item: *item, actual: actual.get() },
        AppendError::ConditionFailed { item, position } => {
            Answer::ConditionFailed { item: *item, position: position.get() }
        }
        error if error.retry() == Retry::Unknown => Answer::Unknown(error.to_string()),
        error => Answer::Refused(error.to_string()),
    }
}
