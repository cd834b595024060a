//! kill -9, again and again, of a process that imports while its workers react.
//!
//! The short form runs with the tests; `TIMBERLINE_KILLS=200 cargo test --release --features simulation torture` is the
//! long one.

use super::child::{Child, say};
use super::*;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use timberline::storage::simulated::Seeded;
use timberline::{CheckpointId, CursorWorkerAction, CursorWorkerConfig, CursorWorkerHandle, RestartPolicy};

const SOURCES: [&str; 2] = ["source-0", "source-1"];
/// The workers, each with its checkpoint and the entity on which it reacts.
const REACTORS: [&str; 3] = ["left", "right", "wild"];
/// Batches that the wild one drops in a panic in one life.
const PANICS: u32 = 20;

/// What a worker answers: it is caused by its source and has its number.
#[derive(Debug, Serialize, Deserialize)]
struct Reaction {
    to: u64,
}

impl Payload for Reaction {
    const KIND: &'static str = "Reaction";
}

fn reactor(store: &Store, name: &'static str) -> CursorWorkerHandle {
    let config = CursorWorkerConfig::default()
        .batch_size(7)
        .restart(RestartPolicy::Bounded { max_restarts: 30, within: Duration::from_secs(3_600) })
        .checkpoint(CheckpointId::new(name).unwrap());
    let mut panics = 0;
    store
        .cursor_worker(&Region::kind(Note::KIND), config, move |batch, context| {
            for event in batch {
                let to = event.payload_as::<Note>().unwrap().n;
                context.react_to(&event, NewEvent::new(&at(name), &Reaction { to }).unwrap());
                if name == "wild" && to % 31 == 0 && panics < PANICS && context.attempt() == 1 {
                    panics += 1;
                    panic!("a wild handler met {to}");
                }
            }
            CursorWorkerAction::Continue
        })
        .unwrap()
}

/// What the child does until it is killed: imports from two threads, and says every receipt that it is given.
pub(super) fn import(dir: &Path) {
    say("opening");
    let store = Store::open(small(dir)).unwrap();
    say("opened");
    let _reactors = REACTORS.map(|name| reactor(&store, name));
    thread::scope(|scope| {
        scope.spawn(|| import_durable(&store, SOURCES[0]));
        scope.spawn(|| import_buffered(&store, SOURCES[1]));
    });
}

/// One event, then a batch, then one event.
fn import_durable(store: &Store, entity: &str) {
    let mut n = store.last_version(entity).unwrap().get();
    loop {
        let count = if n.is_multiple_of(3) { 5 } else { 1 };
        let events = (n + 1..=n + count).map(|n| new_note(entity, n)).collect();
        store.append_batch(events).unwrap().iter().for_each(|receipt| acknowledge(entity, receipt));
        n += count;
    }
}

/// Buffered, many at a time: safe from the death of the process all the same.
fn import_buffered(store: &Store, entity: &str) {
    let mut n = store.last_version(entity).unwrap().get();
    loop {
        let submit = |n| store.submit_event(new_note(entity, n).durability(Durability::Buffered)).unwrap();
        let tickets: Vec<_> = (n + 1..=n + 20).map(submit).collect();
        tickets.into_iter().for_each(|ticket| acknowledge(entity, &ticket.wait().unwrap()));
        n += 20;
    }
}

fn acknowledge(entity: &str, receipt: &Receipt) {
    // The dot proves that the line is whole.
    say(format_args!("ack {entity} {} {} .", receipt.version, receipt.id));
}

/// What the parent knows.
#[derive(Default)]
struct Audit {
    /// Receipts that came through the pipe and were not checked yet.
    acknowledged: Vec<(String, u64, String)>,
    acknowledged_total: u64,
    /// By position of the source: which reactors have answered.
    reactions: BTreeMap<u64, Vec<String>>,
    /// What was read and checked up to here does not change any more.
    checked: Position,
    kills_in_open: u32,
}

impl Audit {
    fn hear(&mut self, line: &str) {
        let parts: Vec<_> = line.split(' ').collect();
        if let ["ack", entity, version, id, "."] = parts[..] {
            self.acknowledged.push((entity.to_owned(), version.parse().unwrap(), id.to_owned()));
        }
    }

    /// Everything acknowledged is there, and no reaction is doubled. `get` and `read` are either store's.
    fn check(&mut self, get: impl Fn(timberline::EventId) -> Option<StoredEvent>, read: timberline::Reader) {
        self.acknowledged_total += self.acknowledged.len() as u64;
        for (entity, version, id) in self.acknowledged.drain(..) {
            let event =
                get(id.parse().unwrap()).unwrap_or_else(|| panic!("{entity} {version} ({id}) is lost"));
            assert_eq!(
                (event.entity(), event.version().get(), number(&event)),
                (entity.as_str(), version, version)
            );
        }
        for event in read {
            let event = event.unwrap();
            self.checked = event.position();
            if event.kind() == Note::KIND {
                assert_eq!(number(&event), event.version().get(), "an event was doubled or left out");
                self.reactions.insert(event.position().get(), Vec::new());
                continue;
            }
            let [cause] = event.causes()[..] else { panic!("a reaction has one cause") };
            let answers =
                self.reactions.get_mut(&cause.position().get()).expect("a reaction comes after its source");
            assert!(
                !answers.contains(&event.entity().to_owned()),
                "{} reacted twice to {cause}",
                event.entity()
            );
            answers.push(event.entity().to_owned());
        }
    }
}

/// Starts the child, kills it at a random moment, and hears everything it had said.
fn kill_once(dir: &Path, draw: &mut Seeded, audit: &mut Audit) {
    let (mut killer, output) = Child::new("import", dir).into_parts();
    let (sender, lines) = mpsc::channel();
    let listener =
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    // Half of the kills fall into the opening, or shortly after it.
    let in_open = draw.choose(2) == 0;
    let wait_for = if in_open { "opening" } else { "opened" };
    lines.iter().find(|line| line == wait_for).expect("the child begins");
    let micros = draw.choose(if in_open { 20_000 } else { 150_000 }) as u64;
    let deadline = Instant::now() + Duration::from_micros(micros);
    let mut opened = !in_open;
    // A random moment is what is waited for here.
    while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        opened |= line == "opened";
        audit.hear(&line);
    }
    assert!(!killer.kill(), "the child ended by itself");
    lines.iter().for_each(|line| audit.hear(&line));
    audit.kills_in_open += u32::from(!opened);
    listener.join().unwrap().ok();
}

#[test]
fn torture_nothing_acknowledged_is_lost_and_no_reaction_is_missing_or_doubled_however_often_the_process_is_killed()
 {
    let kills: u64 =
        std::env::var("TIMBERLINE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10);
    let seed = std::env::var("TIMBERLINE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let dir = tempdir();
    let mut draw = Seeded::new(seed);
    let mut audit = Audit::default();
    let begin = Instant::now();
    let mut slowest_open = Duration::ZERO;
    Store::open(small(dir.path())).unwrap().close().unwrap();
    for kill in 0..kills {
        kill_once(dir.path(), &mut draw, &mut audit);
        // Every other time nobody but the next child recovers what the killed one left.
        if kill % 2 == 0 {
            let store = Store::open_read_only(dir.path()).unwrap();
            audit.check(|id| store.get(id).unwrap(), store.read(&Region::all()).after(audit.checked));
        } else {
            let opening = Instant::now();
            let store = Store::open(small(dir.path())).unwrap();
            slowest_open = slowest_open.max(opening.elapsed());
            audit.check(|id| store.get(id).unwrap(), store.read(&Region::all()).after(audit.checked));
            let report = store.verify().unwrap();
            assert!(report.is_intact(), "{:?}", report.problems);
        }
    }
    let store = Store::open(small(dir.path())).unwrap();
    react_to_the_rest(&store);
    audit.check(|id| store.get(id).unwrap(), store.read(&Region::all()).after(audit.checked));
    let unanswered = audit.reactions.values().filter(|answers| answers.len() != REACTORS.len()).count();
    assert_eq!(unanswered, 0, "of {} sources", audit.reactions.len());
    check_whole(&store);
    eprintln!(
        "{kills} kills ({} before the store was open), {} receipts, 0 lost; {} sources, {} reactions, 0 missing, \
         0 doubled; slowest open {slowest_open:?}; {:.1} s",
        audit.kills_in_open,
        audit.acknowledged_total,
        audit.reactions.len(),
        audit.reactions.len() * REACTORS.len(),
        begin.elapsed().as_secs_f64()
    );
    assert!(audit.acknowledged_total > 0);
}

/// Lets the reactors finish: waits until as many reactions are there as there must be.
fn react_to_the_rest(store: &Store) {
    let sources = SOURCES.iter().map(|entity| store.last_version(entity).unwrap().get()).sum::<u64>();
    let wanted = sources * REACTORS.len() as u64;
    let (sender, handed) = mpsc::channel();
    let counter = store
        .cursor_worker(&Region::kind(Reaction::KIND), CursorWorkerConfig::default(), move |batch, _| {
            sender.send(batch.len() as u64).ok();
            CursorWorkerAction::Continue
        })
        .unwrap();
    let reactors = REACTORS.map(|name| reactor(store, name));
    let mut found = 0;
    while found < wanted {
        found += handed.recv().unwrap();
    }
    for worker in reactors.into_iter().chain([counter]) {
        worker.stop_and_join().unwrap();
    }
}
