//! The index against a plain list of events, filtered.

use super::*;
use crate::event::{Causes, EventId, StoreTag};

struct Event {
    entity: String,
    scope: String,
    kind: String,
}

/// Events over 7 entities, 3 scopes and 2 kinds, 50 to a segment, with a gap now and then.
fn filled(count: u64) -> (Index, Vec<Option<Event>>) {
    let (mut index, mut events, mut versions) = (Index::default(), Vec::new(), [0; 7]);
    let mut number = 0;
    while number < count {
        number += 1;
        let segment = (number / 50) as u32 + 1;
        if number.is_multiple_of(31) {
            index.apply_gap(Position::new(number)..=Position::new(number + 1), segment);
            number += 1;
            events.extend([None, None]);
            continue;
        }
        let entity = (number * number % 7) as usize;
        versions[entity] += 1;
        let event = Event {
            entity: format!("{}-{entity}", if entity.is_multiple_of(2) { "even" } else { "odd" }),
            scope: format!("scope-{}", number % 3),
            kind: format!("Kind{}", number % 2),
        };
        apply(&mut index, number, segment, versions[entity], &event);
        events.push(Some(event));
    }
    (index, events)
}

fn apply(index: &mut Index, number: u64, segment: u32, version: u64, event: &Event) {
    let id = |number| EventId::new(0, Position::new(number), StoreTag(0));
    let cause = id(number / 2).to_u128().to_le_bytes();
    let view = EventRef {
        id: id(number),
        version: Version::new(version),
        time_micros: 0,
        correlation: id(number),
        entity: &event.entity,
        scope: &event.scope,
        kind: &event.kind,
        payload_version: 1,
        payload: &[],
        causes: Causes::from_bytes(&cause),
    };
    let location = Location { segment, offset: number as u32, length: 1 };
    index.apply(&view, format!("key-{number}").as_bytes(), location);
}

#[track_caller]
fn check(region: &Region) {
    let (index, events) = filled(500);
    for (after, through, limit) in
        [(0, 500, 1000), (0, 500, 7), (49, 51, 10), (123, 377, 1000), (500, 600, 5)]
    {
        let window = Window { after: Position::new(after), through: Position::new(through), limit };
        let mut found = Vec::new();
        index.select(region, window, &mut found);
        let in_window = events.iter().zip(1..).filter(|(_, number)| (after + 1..=through).contains(number));
        let expected = in_window.filter_map(|(event, number)| {
            let event = event.as_ref()?;
            region.matches(&event.entity, &event.scope, &event.kind).then_some(Position::new(number))
        });
        let positions: Vec<_> = found.iter().map(|found| found.position).collect();
        assert_eq!(positions, expected.take(limit).collect::<Vec<_>>(), "{region} {window:?}");
        assert!(found.iter().all(|found| u64::from(found.location.offset) == found.position.get()));
    }
}

#[test]
fn a_region_query_answers_what_a_filter_over_all_events_answers() {
    let (even, scope, kind) =
        (Region::entity_prefix("even"), Region::scope("scope-1"), Region::kind("Kind0"));
    check(&Region::all());
    check(&Region::nothing());
    check(&Region::entity("even-2"));
    check(&Region::entity("unknown"));
    check(&even);
    check(&scope);
    check(&kind);
    check(&even.clone().and(scope.clone()));
    check(&even.clone().and(scope.clone()).and(kind.clone()));
    check(&even.clone().or(scope.clone()));
    check(&even.and(kind).or(scope.clone()).or(Region::entity("odd-1")));
    check(&scope.or(Region::kind("unknown")));
}

#[test]
fn versions_keys_effects_and_gaps_are_found_across_segments() {
    let (index, events) = filled(500);
    assert_eq!(index.applied(), Position::new(events.len() as u64));
    let odd_1 = events.iter().flatten().filter(|event| event.entity == "odd-1").count();
    assert_eq!(index.version("odd-1"), Version::new(odd_1 as u64));
    assert_eq!(index.version("unknown"), Version::NONE);
    assert_eq!(index.keyed(b"key-77"), Some(Position::new(77)));
    assert_eq!(index.keyed(b"key-0"), None);
    assert_eq!(index.effects(Position::new(60), 10), [120, 121].map(Position::new));
    assert_eq!(index.gaps(Position::new(10), Position::new(40)), [Position::new(31)..=Position::new(32)]);
    assert_eq!(index.locate(Position::new(31)), None);
    assert_eq!(index.locate(Position::new(33)).map(|location| location.offset), Some(33));
}

#[test]
fn an_event_that_was_applied_is_not_taken_twice() {
    let (mut index, _) = filled(100);
    let event = Event { entity: "even-0".into(), scope: "s".into(), kind: "k".into() };
    apply(&mut index, 50, 2, 99, &event);
    assert_ne!(index.version("even-0"), Version::new(99));
}
