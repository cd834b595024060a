//! Appends against the linear order that the positions give (R12): receipts, refusals, expectations, conditions, keys.

use super::{Life, at};
use crate::simulation::{Answer, Asked, Given, Happened, History, Sort, Stored};
use std::collections::{BTreeMap, BTreeSet};
use timberline::Expected;

pub(super) fn check(history: &History, lives: &[Life<'_>]) -> Vec<String> {
    let mut wrong: Vec<String> = lives.iter().flat_map(check_life).collect();
    wrong.extend(check_last(history));
    wrong
}

/// What was asked, and what was answered while the same process lived.
struct Talk<'a> {
    asked: &'a Asked,
    asked_at: usize,
    answer: Option<(usize, &'a Answer)>,
}

fn talks<'a>(happened: &'a [Happened]) -> BTreeMap<usize, Talk<'a>> {
    let mut talks: BTreeMap<usize, Talk<'a>> = BTreeMap::new();
    for (place, happened) in happened.iter().enumerate() {
        match happened {
            Happened::Asked(asked) => {
                talks.insert(asked.append, Talk { asked, asked_at: place, answer: None });
            }
            Happened::Answered { append, answer } => {
                if let Some(talk) = talks.get_mut(append) {
                    talk.answer = Some((place, answer));
                }
            }
            _ => {}
        }
    }
    talks
}

fn check_life(life: &Life<'_>) -> Vec<String> {
    let talks = talks(life.happened);
    let mut wrong = Vec::new();
    for talk in talks.values() {
        match talk.answer {
            Some((_, Answer::Stored(given))) => check_receipts(talk.asked, given, life, &mut wrong),
            Some((place, Answer::Conflict { item, actual })) => {
                wrong.extend(check_conflict(talk, place, *item, *actual, life, &talks));
            }
            Some((_, Answer::ConditionFailed { item, position })) => {
                wrong.extend(check_condition_failed(talk, *item, *position, life));
            }
            _ => {}
        }
        wrong.extend(check_refused(talk, life));
    }
    wrong.extend(check_real_time(&talks));
    wrong
}

/// What was refused is not there.
fn check_refused(talk: &Talk<'_>, life: &Life<'_>) -> Option<String> {
    let refused = matches!(
        talk.answer?.1,
        Answer::Conflict { .. } | Answer::ConditionFailed { .. } | Answer::Refused(_)
    );
    if !refused {
        return None;
    }
    let stored = talk.asked.items.iter().find_map(|item| life.steps.get(&item.number))?;
    let (append, answer) = (talk.asked.append, talk.answer);
    Some(format!("refused and stored: append {append} at position {}: {answer:?}", stored.position))
}

fn check_receipts(asked: &Asked, given: &[Given], life: &Life<'_>, wrong: &mut Vec<String>) {
    if asked.items.len() != given.len() {
        wrong.push(format!(
            "a receipt for each: append {}: {} of {}",
            asked.append,
            given.len(),
            asked.items.len()
        ));
    }
    let fresh: Vec<&Given> = given.iter().filter(|given| !given.duplicate).collect();
    if fresh.windows(2).any(|pair| pair[1].position != pair[0].position + 1) {
        wrong.push(format!("a batch is dense: append {}: {given:?}", asked.append));
    }
    if asked.items.iter().any(|item| item.durable) && given.iter().any(|given| !given.durable) {
        wrong.push(format!("a batch is as durable as its strongest event asks: append {}", asked.append));
    }
    let before = life.before.last().map_or(0, |event| event.position);
    for (item, given) in asked.items.iter().zip(given) {
        if !given.duplicate && given.position <= before {
            wrong.push(format!("a position is used once: append {} at {}", asked.append, given.position));
        }
        if given.duplicate && item.key.is_none() {
            wrong.push(format!("a duplicate has a key: append {}", asked.append));
        }
        let Some(stored) = at(life.after, given.position) else { continue };
        if !given.duplicate && (stored.number, &stored.entity) != (item.number, &item.entity) {
            wrong.push(format!("a receipt names its event: append {} at {}", asked.append, given.position));
        }
        if stored.version != given.version {
            wrong.push(format!("a receipt tells the version: append {} at {}", asked.append, given.position));
        }
    }
}

/// Who asked after another one was answered stands behind it.
fn check_real_time(talks: &BTreeMap<usize, Talk<'_>>) -> Vec<String> {
    let mut answered: Vec<(usize, u64)> = Vec::new();
    let stored = |talk: &Talk<'_>| match talk.answer {
        Some((place, Answer::Stored(given))) => {
            let fresh: Vec<u64> = given.iter().filter(|g| !g.duplicate).map(|g| g.position).collect();
            Some((place, *fresh.first()?, *fresh.last()?))
        }
        _ => None,
    };
    let spans: Vec<_> = talks.values().filter_map(|talk| Some((talk, stored(talk)?))).collect();
    answered.extend(spans.iter().map(|(_, (place, _, last))| (*place, *last)));
    answered.sort_unstable();
    let mut highest = 0;
    for answer in &mut answered {
        highest = highest.max(answer.1);
        answer.1 = highest;
    }
    let mut wrong = Vec::new();
    for (talk, (_, first, _)) in &spans {
        let earlier = answered.partition_point(|(place, _)| *place < talk.asked_at);
        let highest = earlier.checked_sub(1).map_or(0, |place| answered[place].1).max(talk.asked.written);
        if *first <= highest {
            wrong.push(format!(
                "what was answered first stands first: append {} at {first}",
                talk.asked.append
            ));
        }
    }
    wrong
}

/// A conflict tells a version that the entity had between the question and the answer.
fn check_conflict(
    talk: &Talk<'_>,
    place: usize,
    item: usize,
    actual: u64,
    life: &Life<'_>,
    talks: &BTreeMap<usize, Talk<'_>>,
) -> Option<String> {
    let asked = talk.asked.items.get(item)?;
    let append = talk.asked.append;
    let holds = asked.expected.holds(timberline::Version::new(actual));
    if holds {
        return Some(format!("a conflict contradicts what was expected: append {append}, version {actual}"));
    }
    let of_entity = |event: &&Stored| event.entity == asked.entity;
    // What was asked for before the answer may stand before it, and so may what nobody here asked for.
    let late: BTreeSet<u64> = talks
        .values()
        .filter(|other| other.asked_at > place)
        .flat_map(|other| other.asked.items.iter().map(|item| item.number))
        .collect();
    let own = talk.asked.items[..item].iter().filter(|other| other.entity == asked.entity).count() as u64;
    let known = life.after.iter().filter(of_entity);
    let low =
        life.after.iter().filter(of_entity).filter(|event| event.position <= talk.asked.written).count();
    let high = known.filter(|event| event.sort != Sort::Step || !late.contains(&event.number)).count() as u64;
    // What was lost later may have stood there.
    let lost: u64 = talks
        .values()
        .filter(|other| other.asked_at < place)
        .map(|other| lost(other, &asked.entity, life))
        .sum();
    let within = (low as u64..=high + lost + own).contains(&actual);
    (!within).then(|| {
        format!(
            "a conflict tells a version that was: append {append} was told {actual}, not {low} to {}",
            high + lost
        )
    })
}

/// Events of the entity that may have been written and are not there any more.
fn lost(talk: &Talk<'_>, entity: &str, life: &Life<'_>) -> u64 {
    let may_be_lost = !matches!(
        talk.answer,
        Some((_, Answer::Conflict { .. } | Answer::ConditionFailed { .. } | Answer::Refused(_)))
    );
    if !may_be_lost {
        return 0;
    }
    let items = talk.asked.items.iter().filter(|item| item.entity == entity);
    items.filter(|item| !life.steps.contains_key(&item.number)).count() as u64
}

fn check_condition_failed(talk: &Talk<'_>, item: usize, position: u64, life: &Life<'_>) -> Option<String> {
    let append = talk.asked.append;
    let Some((watch, after)) = talk.asked.items.get(item).and_then(|item| item.unless.as_ref()) else {
        return Some(format!("a condition that nobody set: append {append}"));
    };
    if position <= *after {
        return Some(format!("a condition failed for what was known: append {append} at {position}"));
    }
    let stored = at(life.after, position)?;
    (!watch.matches(stored))
        .then(|| format!("a condition failed for another event: append {append} at {position}"))
}

/// Of what is stored at the end: every expectation and condition held where its event stands, keys are used once,
/// versions and times are in order.
fn check_last(history: &History) -> Vec<String> {
    let log = history.iter().rev().find_map(|happened| match happened {
        Happened::Rested(log) => Some(log),
        _ => None,
    });
    let Some(log) = log else { return Vec::new() };
    let asked: BTreeMap<u64, (&Asked, usize)> = history
        .iter()
        .filter_map(|happened| match happened {
            Happened::Asked(asked) => Some(asked),
            _ => None,
        })
        .flat_map(|asked| asked.items.iter().enumerate().map(move |(item, of)| (of.number, (asked, item))))
        .collect();
    let mut wrong = Vec::new();
    let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
    let mut keys: BTreeMap<u64, u64> = BTreeMap::new();
    let mut time = 0;
    for (place, event) in log.iter().enumerate() {
        let version = versions.entry(&event.entity).or_default();
        if event.time < time {
            wrong.push(format!("times do not go back: position {}", event.position));
        }
        time = event.time;
        if event.version != *version + 1 {
            wrong.push(format!("versions are dense: position {} has {}", event.position, event.version));
        }
        if event.sort == Sort::Step
            && let Some((asked, item)) = asked.get(&event.number)
        {
            let of = &asked.items[*item];
            if !of.expected.holds(timberline::Version::new(*version)) && of.expected != Expected::Any {
                wrong.push(format!("an expectation held: position {}, {:?}", event.position, of.expected));
            }
            if let Some((watch, after)) = &of.unless
                && let known = log.partition_point(|other| other.position <= *after).min(place)
                && let Some(other) = log[known..place].iter().find(|other| watch.matches(other))
                && !asked.items[..*item].iter().any(|earlier| earlier.number == other.number)
            {
                wrong.push(format!("a condition held: position {}, for {}", event.position, other.position));
            }
            if let Some(before) = of.key.and_then(|key| keys.insert(key, event.position)) {
                wrong.push(format!("a key is used once: positions {before} and {}", event.position));
            }
        }
        *version += 1;
    }
    wrong
}
