//! Every rule of every checker is tried on a history that breaks it, and on the same history whole.

use super::check;
use crate::simulation::{
    Answer, Asked, Death, Given, Handed, Happened, History, Item, Saying, Sort, Stored, Watch,
};
use timberline::{EventId, Expected};

fn stored(position: u64, number: u64, entity: &'static str, version: u64) -> Stored {
    let (scope, causes) = ("s0".into(), Vec::new());
    let (entity, correlation, time) = (entity.into(), position, position);
    let id = EventId::from_u128(position.into());
    Stored { id, position, version, number, sort: Sort::Step, entity, scope, causes, correlation, time }
}

fn reaction(position: u64, to: &Stored, version: u64) -> Stored {
    Stored {
        sort: Sort::Reaction,
        causes: vec![to.position],
        correlation: to.correlation,
        ..stored(position, to.number, "echo", version)
    }
}

fn item(number: u64, entity: &'static str) -> Item {
    Item { number, entity: entity.into(), expected: Expected::Any, unless: None, key: None, durable: false }
}

fn asked(append: usize, items: Vec<Item>) -> Happened {
    Happened::Asked(Asked { append, items, written: 0 })
}

fn given(position: u64, version: u64) -> Given {
    Given { position, version, durable: true, duplicate: false }
}

fn answered(append: usize, given: Vec<Given>) -> Happened {
    Happened::Answered { append, answer: Answer::Stored(given) }
}

fn hired(hiring: u64) -> Happened {
    let (name, watch) = ("store/cursors/mailer".into(), Watch::Steps);
    Happened::Hired { worker: 0, hiring, name, watch, is_durable: true, batch: 1 }
}

fn handed(committed: u64, position: u64) -> Handed {
    let (worker, hiring, incarnation) = (0, 1, 1);
    Handed { worker, hiring, incarnation, committed, durable: 9, end: position, positions: vec![position] }
}

fn said(saying: Saying) -> Happened {
    Happened::Said { worker: 0, saying }
}

/// What the store of the legal history holds at the end: two steps of `a`, a batch of two, their reactions.
fn log() -> Vec<Stored> {
    let steps = vec![stored(1, 1, "a", 1), stored(2, 2, "a", 2), stored(3, 3, "b", 1), stored(4, 4, "c", 1)];
    let reactions: Vec<Stored> = (5..).zip(&steps).map(|(at, step)| reaction(at, step, at - 4)).collect();
    steps.into_iter().chain(reactions).collect()
}

/// A history that keeps every rule; the places of its parts are those of the constants below.
fn legal() -> History {
    let deliveries = [(0, 1), (1, 2), (2, 3), (3, 4)];
    let mut history = vec![
        Happened::Opened(Vec::new()),
        hired(1),
        asked(0, vec![item(1, "a")]),
        answered(0, vec![given(1, 1)]),
        asked(1, vec![item(2, "a")]),
        answered(1, vec![given(2, 2)]),
        asked(2, vec![item(3, "b"), item(4, "c")]),
        answered(2, vec![given(3, 1), given(4, 1)]),
        Happened::Read { watch: Watch::Steps, after: 1, written: 4, seen: vec![(2, 2), (3, 3), (4, 4)] },
        Happened::Got { position: 2, found: Some(2), number: 2 },
    ];
    for (committed, position) in deliveries {
        history.extend([Happened::Handed(handed(committed, position)), said(Saying::Yes)]);
    }
    history.push(Happened::Rested(log()));
    history
}

const FIRST_ASKED: usize = 2;
const FIRST_ANSWERED: usize = 3;
const SECOND_ASKED: usize = 4;
const SECOND_ANSWERED: usize = 5;
const THIRD_ANSWERED: usize = 7;
const READ: usize = 8;
const GOT: usize = 9;
const SECOND_HANDED: usize = 12;
const LAST_HANDED: usize = 16;
const RESTED: usize = 18;

/// The legal history, changed, must break the rule.
#[track_caller]
fn breaks(rule: &str, change: impl FnOnce(&mut History)) {
    let mut history = legal();
    change(&mut history);
    let wrong = check(&history);
    assert!(wrong.iter().any(|line| line.contains(rule)), "{rule}: {wrong:?}");
}

fn with_log(change: impl FnOnce(&mut Vec<Stored>)) -> Happened {
    let mut log = log();
    change(&mut log);
    Happened::Rested(log)
}

fn answer(append: usize, answer: Answer) -> Happened {
    Happened::Answered { append, answer }
}

#[test]
fn a_history_that_keeps_every_rule_is_found_right() {
    assert_eq!(check(&legal()), Vec::<String>::new());
}

#[test]
fn appends_that_break_the_order_of_positions_are_found() {
    breaks("a receipt for each", |h| h[THIRD_ANSWERED] = answered(2, vec![given(3, 1)]));
    breaks("a batch is dense", |h| h[THIRD_ANSWERED] = answered(2, vec![given(3, 1), given(5, 1)]));
    breaks("a position is used once", |h| h[0] = Happened::Opened(vec![stored(1, 9, "z", 1)]));
    breaks("a receipt names its event", |h| h[FIRST_ANSWERED] = answered(0, vec![given(2, 2)]));
    breaks("a receipt tells the version", |h| h[SECOND_ANSWERED] = answered(1, vec![given(2, 1)]));
    breaks("a duplicate has a key", |h| {
        h[SECOND_ANSWERED] = answered(1, vec![Given { duplicate: true, ..given(1, 1) }]);
    });
    breaks("what was answered first stands first", |h| {
        h[FIRST_ANSWERED] = answered(0, vec![given(2, 2)]);
        h[SECOND_ANSWERED] = answered(1, vec![given(1, 1)]);
    });
    breaks("what was answered first stands first", |h| {
        h[SECOND_ASKED] = Happened::Asked(Asked { append: 1, items: vec![item(2, "a")], written: 2 });
    });
    breaks("refused and stored", |h| h[FIRST_ANSWERED] = answer(0, Answer::Refused("no".into())));
    breaks("versions are dense", |h| h[RESTED] = with_log(|log| log[1].version = 3));
    breaks("times do not go back", |h| h[RESTED] = with_log(|log| log[3].time = 1));
}

#[test]
fn conflicts_and_conditions_that_contradict_the_order_are_found() {
    let expecting = |expected| Item { expected, ..item(9, "a") };
    let refused = |h: &mut History, item: Item, refusal| {
        h.insert(THIRD_ANSWERED + 1, Happened::Asked(Asked { append: 3, items: vec![item], written: 4 }));
        h.insert(THIRD_ANSWERED + 2, answer(3, refusal));
    };
    breaks("a conflict contradicts what was expected", |h| {
        refused(h, expecting(Expected::Version(2)), Answer::Conflict { item: 0, actual: 2 });
    });
    breaks("a conflict tells a version that was", |h| {
        refused(h, expecting(Expected::Version(2)), Answer::Conflict { item: 0, actual: 1 });
    });
    breaks("a conflict tells a version that was", |h| {
        refused(h, expecting(Expected::Version(2)), Answer::Conflict { item: 0, actual: 3 });
    });
    let unless = |watch, after| Item { unless: Some((watch, after)), ..item(9, "z") };
    breaks("a condition that nobody set", |h| {
        refused(h, item(9, "z"), Answer::ConditionFailed { item: 0, position: 2 });
    });
    breaks("a condition failed for what was known", |h| {
        refused(h, unless(Watch::All, 3), Answer::ConditionFailed { item: 0, position: 2 });
    });
    breaks("a condition failed for another event", |h| {
        let watch = Watch::Entity("b".into());
        refused(h, unless(watch, 0), Answer::ConditionFailed { item: 0, position: 2 });
    });
    breaks("an expectation held", |h| {
        h[SECOND_ASKED] = asked(1, vec![Item { expected: Expected::Empty, ..item(2, "a") }]);
    });
    breaks("a condition held", |h| {
        h[SECOND_ASKED] = asked(1, vec![Item { unless: Some((Watch::Steps, 0)), ..item(2, "a") }]);
    });
    breaks("a key is used once", |h| {
        h[FIRST_ASKED] = asked(0, vec![Item { key: Some(7), ..item(1, "a") }]);
        h[SECOND_ASKED] = asked(1, vec![Item { key: Some(7), ..item(2, "a") }]);
    });
}

#[test]
fn reads_that_miss_or_invent_something_are_found() {
    let read = |written, seen: &[(u64, u64)]| Happened::Read {
        watch: Watch::Steps,
        after: 1,
        written,
        seen: seen.to_vec(),
    };
    breaks("a read is in order", |h| h[READ] = read(4, &[(3, 3), (2, 2), (4, 4)]));
    breaks("a read is in order", |h| h[READ] = read(4, &[(2, 2), (3, 3), (4, 4), (4, 4)]));
    breaks("a read sees what is there", |h| h[READ] = read(4, &[(2, 2), (4, 4)]));
    breaks("a read sees what is there", |h| h[READ] = read(4, &[(2, 2), (3, 9), (4, 4)]));
    breaks("who has a receipt can read its event", |h| h[READ] = read(3, &[(2, 2), (3, 3)]));
    breaks("the watermark does not go back", |h| h.insert(READ + 1, read(3, &[(2, 2), (3, 3)])));
    breaks("who has a receipt can get its event", |h| {
        h[GOT] = Happened::Got { position: 2, found: None, number: 2 };
    });
}

/// Ends the first life after the appends; the next one finds this.
fn dies(h: &mut History, death: Death, found: Vec<Stored>) {
    h.insert(GOT + 1, Happened::Died(death));
    h.insert(GOT + 2, Happened::Opened(found));
}

#[test]
fn what_a_crash_may_not_do_is_found() {
    let left = |count: usize| log()[..count].to_vec();
    breaks("a receipt's event survives", |h| dies(h, Death::PowerCut, left(1)));
    breaks("a receipt's event survives", |h| {
        h[SECOND_ANSWERED] = answered(1, vec![Given { durable: false, ..given(2, 2) }]);
        dies(h, Death::Killed, left(1));
    });
    breaks("a receipt's event survives", |h| {
        h[THIRD_ANSWERED] = answered(2, vec![Given { durable: false, ..given(3, 1) }; 2]);
        h.insert(THIRD_ANSWERED + 1, Happened::Flushed(3));
        dies(h, Death::PowerCut, left(2));
    });
    breaks("a batch is whole or absent", |h| dies(h, Death::PowerCut, left(3)));
    breaks("what survives is a prefix", |h| {
        let mut found = left(4);
        found.remove(1);
        dies(h, Death::PowerCut, found);
    });
    breaks("a prefix is missing", |h| {
        h[0] = Happened::Opened(vec![stored(1, 90, "z", 1)]);
    });
    breaks("an event is stored once", |h| h[RESTED] = with_log(|log| log[3].number = 3));
    breaks("what is stored was asked for", |h| h[RESTED] = with_log(|log| log[3].number = 77));
}

#[test]
fn deliveries_that_break_a_rule_are_found() {
    breaks("1: deliveries have no gap", |h| h[SECOND_HANDED] = Happened::Handed(handed(1, 3)));
    breaks("1: deliveries have no gap", |h| {
        let positions = vec![2, 4];
        h[SECOND_HANDED] = Happened::Handed(Handed { positions, end: 4, ..handed(1, 2) });
    });
    breaks("1: deliveries have no gap", |h| {
        let positions = vec![3, 2];
        h[SECOND_HANDED] = Happened::Handed(Handed { positions, end: 3, ..handed(1, 2) });
    });
    breaks("2: a life begins at its checkpoint", |h| {
        h[LAST_HANDED] = Happened::Handed(Handed { incarnation: 2, ..handed(1, 2) });
    });
    breaks("3: no checkpoint before a yes", |h| {
        h[LAST_HANDED - 1] = said(Saying::Panic);
        h[LAST_HANDED] = Happened::Handed(Handed { incarnation: 2, ..handed(3, 4) });
    });
    breaks("3: a checkpoint is what the handler said yes to", |h| {
        h[SECOND_HANDED] = Happened::Handed(handed(0, 2));
    });
    breaks("4: a durable worker sees durable events only", |h| {
        h[SECOND_HANDED] = Happened::Handed(Handed { durable: 1, ..handed(1, 2) });
    });
    breaks("5: what was not done ends its life", |h| h[SECOND_HANDED + 1] = said(Saying::Rollback));
    breaks("6: at rest everything is delivered", |h| drop(h.drain(LAST_HANDED..LAST_HANDED + 2)));
    breaks("6: at rest everything is delivered", |h| h[LAST_HANDED + 1] = said(Saying::Panic));
    let hung = |durable| Happened::Hung { worker: 1, durable, others: vec![0] };
    breaks("9: a stuck handler stalls only its own", |h| h.insert(LAST_HANDED, hung(4)));
    let mut history = legal();
    history.insert(LAST_HANDED, hung(3));
    assert_eq!(check(&history), Vec::<String>::new(), "the fourth event was not durable yet");
    breaks("7: what was delivered is there", |h| {
        h.insert(RESTED, Happened::Opened(log()[..3].to_vec()));
    });
    breaks("8: redelivery is bounded", |h| {
        let again = [Happened::Handed(handed(3, 4)), said(Saying::Yes)];
        (0..3).for_each(|_| drop(h.splice(LAST_HANDED..LAST_HANDED, again.clone())));
    });
}

#[test]
fn a_reaction_that_is_missing_doubled_or_misattributed_is_found() {
    breaks("11: a reaction exists: none", |h| h[RESTED] = with_log(|log| drop(log.pop())));
    breaks("11: a reaction exists once", |h| {
        h[RESTED] = with_log(|log| {
            let last = log[3].clone();
            log.push(reaction(9, &last, 5));
        });
    });
    breaks("11: a reaction carries its source's correlation", |h| {
        h[RESTED] = with_log(|log| log[7].correlation = 1);
    });
    breaks("11: a reaction has its source", |h| h[RESTED] = with_log(|log| log[7].causes = vec![8]));
}

#[test]
fn more_restarts_than_the_budget_has_are_found() {
    let restarting = |at, within| {
        let child = "store/cursors/mailer".to_owned();
        Happened::Restarting { child, at, of: 2, within }
    };
    let rule = "10: restarts stay in the budget";
    breaks(rule, |h| drop(h.splice(GOT..GOT, [1, 2, 9].map(|at| restarting(at, Some(10))))));
    breaks(rule, |h| drop(h.splice(GOT..GOT, [1, 200, 900].map(|at| restarting(at, None)))));
    let mut history = legal();
    drop(history.splice(GOT..GOT, [1, 2, 11].map(|at| restarting(at, Some(10)))));
    assert_eq!(check(&history), Vec::<String>::new(), "the first one is older than the window");
}
