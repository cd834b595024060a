//! The causal graph: what led to an event and what it led to.

use super::*;
use timberline::{AppendError, CausalGraph, EventId, GraphOptions};

fn caused(store: &Store, entity: &str, by: &[EventId]) -> EventId {
    let options = buffered().caused_by(by.iter().copied());
    store.append_with(&at(entity), &note(0), options).unwrap().id
}

/// The graph has these nodes, each as `entity:depth`, and these edges, each as `cause>effect`.
#[track_caller]
fn check_graph(graph: &CausalGraph, nodes: &[&str], edges: &[&str], truncated: bool) {
    let name = |id: EventId| graph.nodes.iter().find(|node| node.id == id).unwrap().entity.as_str();
    let mut found: Vec<_> =
        graph.nodes.iter().map(|node| format!("{}:{}", node.entity, node.depth)).collect();
    assert!(graph.nodes.is_sorted_by_key(|node| node.depth), "breadth first");
    found[1.min(graph.nodes.len())..].sort();
    assert_eq!(found, nodes);
    let mut found: Vec<_> =
        graph.edges.iter().map(|edge| format!("{}>{}", name(edge.cause), name(edge.effect))).collect();
    found.sort();
    assert_eq!(
        (found, graph.truncated),
        (edges.iter().map(ToString::to_string).collect::<Vec<_>>(), truncated)
    );
}

/// A merge: `a` leads to `b` and `c`, both lead to `d`, which leads to `e`. `x` stands alone.
fn diamond(store: &Store) -> [EventId; 5] {
    let a = caused(store, "a", &[]);
    caused(store, "x", &[]);
    let b = caused(store, "b", &[a]);
    let c = caused(store, "c", &[a]);
    let d = caused(store, "d", &[b, c]);
    let e = caused(store, "e", &[d]);
    [a, b, c, d, e]
}

#[test]
fn causes_walk_up_and_effects_walk_down_over_events_with_several_causes() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let [a, b, _, d, e] = diamond(&store);
    let edges = ["a>b", "a>c", "b>d", "c>d", "d>e"];
    for _ in 0..2 {
        check_graph(&store.causes(e, 100).unwrap(), &["e:0", "a:3", "b:2", "c:2", "d:1"], &edges, false);
        check_graph(&store.effects(a, 100).unwrap(), &["a:0", "b:1", "c:1", "d:2", "e:3"], &edges, false);
        check_graph(&store.causes(a, 100).unwrap(), &["a:0"], &[], false);
        check_graph(&store.effects(b, 100).unwrap(), &["b:0", "d:1", "e:2"], &["b>d", "d>e"], false);
        check_graph(&store.causes(d, 100).unwrap(), &["d:0", "a:2", "b:1", "c:1"], &edges[..4], false);
        // Once more with what was learnt from the disk alone.
        let reader = Store::open_read_only(dir.path()).unwrap();
        let all = GraphOptions::new();
        check_graph(&reader.causes(e, all).unwrap(), &["e:0", "a:3", "b:2", "c:2", "d:1"], &edges, false);
        check_graph(&reader.effects(a, all).unwrap(), &["a:0", "b:1", "c:1", "d:2", "e:3"], &edges, false);
    }
}

#[test]
fn a_walk_ends_at_its_limits_of_depth_and_count_and_says_so() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let [a, .., e] = diamond(&store);
    check_graph(&store.causes(e, 0).unwrap(), &[], &[], true);
    check_graph(&store.causes(e, 1).unwrap(), &["e:0"], &[], true);
    check_graph(&store.causes(e, 2).unwrap(), &["e:0", "d:1"], &["d>e"], true);
    check_graph(
        &store.causes(e, 5).unwrap(),
        &["e:0", "a:3", "b:2", "c:2", "d:1"],
        &["a>b", "a>c", "b>d", "c>d", "d>e"],
        false,
    );
    let deep = |depth| GraphOptions::new().depth(depth);
    check_graph(&store.effects_with(a, deep(0)).unwrap(), &["a:0"], &[], true);
    check_graph(&store.effects_with(a, deep(1)).unwrap(), &["a:0", "b:1", "c:1"], &["a>b", "a>c"], true);
    check_graph(&store.effects_with(e, deep(0)).unwrap(), &["e:0"], &[], false);
}

#[test]
fn a_walk_stays_within_the_correlation_when_it_is_told_to() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let a = caused(&store, "a", &[]);
    let correlated = |entity, by: EventId| {
        store.append_with(&at(entity), &note(0), buffered().caused_by([by]).correlated(a)).unwrap().id
    };
    let b = correlated("b", a);
    let other = caused(&store, "o", &[b]);
    let c = correlated("c", other);
    assert_eq!(store.get(b).unwrap().unwrap().correlation(), a);
    assert_eq!(
        store.get(other).unwrap().unwrap().correlation(),
        other,
        "an event begins a correlation of its own"
    );
    let within = GraphOptions::new().within_correlation(true);
    check_graph(&store.effects_with(a, within).unwrap(), &["a:0", "b:1"], &["a>b"], false);
    check_graph(&store.causes_with(c, within).unwrap(), &["c:0"], &[], false);
    check_graph(&store.effects(a, 9).unwrap(), &["a:0", "b:1", "c:3", "o:2"], &["a>b", "b>o", "o>c"], false);
}

#[test]
fn causes_inside_a_batch_are_named_by_their_place_and_share_the_correlation() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let root = caused(&store, "root", &[]);
    let receipts = store
        .append_batch(vec![
            new_note("a", 1).caused_by([root]).correlated(root),
            new_note("b", 2).caused_by_item(0),
            new_note("c", 3).caused_by_item(0).caused_by_item(1).caused_by([root]),
        ])
        .unwrap();
    let events: Vec<_> = receipts.iter().map(|receipt| check_receipt(&store, receipt)).collect();
    assert!(events.iter().all(|event| event.correlation() == root));
    let mut causes = events[2].causes();
    causes.sort();
    assert_eq!(causes, [root, receipts[0].id, receipts[1].id]);
    check_graph(
        &store.causes(receipts[1].id, 9).unwrap(),
        &["b:0", "a:1", "root:2"],
        &["a>b", "root>a"],
        false,
    );
}

#[test]
fn a_cause_that_is_no_event_of_the_store_is_refused_with_its_id() {
    let (dir, other) = (tempdir(), tempdir());
    let store = Store::open(small(dir.path())).unwrap();
    let known = caused(&store, "a", &[]);
    let stranger = Store::open(small(other.path())).unwrap().append(&at("tree"), &note(1)).unwrap().id;
    let never = |position| EventId::new(known.time_millis(), position, known.tag());
    let ids = [stranger, EventId::from_u128(0), never(Position::new(2)), never(Position::START)];
    for unknown in ids {
        for event in [new_note("b", 1).caused_by([known, unknown]), new_note("b", 1).correlated(unknown)] {
            let refused = store.append_batch(vec![new_note("c", 1), event]).unwrap_err();
            assert!(
                matches!(refused, AppendError::UnknownCause { item: 1, id } if id == unknown),
                "{refused}"
            );
        }
    }
    for (item, cause) in [(0, 0), (0, 1), (1, 1), (1, 7), (0, u32::MAX)] {
        let mut events = vec![new_note("c", 1), new_note("c", 2)];
        events[item] = events[item].clone().caused_by_item(cause);
        let refused = store.append_batch(events).unwrap_err();
        assert!(
            matches!(refused, AppendError::BatchCause { item: i, cause: c } if (i, c) == (item, cause)),
            "{refused}"
        );
    }
    assert_eq!(numbers(&store).len(), 1);
}

#[test]
fn a_chain_of_ten_thousand_events_is_walked_to_its_end() {
    let dir = tempdir();
    let store = Store::open(Config::new(dir.path())).unwrap();
    let mut last = None;
    for _ in 0..100 {
        let mut events: Vec<_> = (0..100).map(|n| new_note("link", n)).collect();
        events[0] = events[0].clone().caused_by(last);
        for (item, event) in events.iter_mut().enumerate().skip(1) {
            *event = event.clone().caused_by_item(item as u32 - 1);
        }
        last = store.append_batch(events).unwrap().last().map(|receipt| receipt.id);
    }
    let first = everything(&store)[0].id();
    for graph in [store.causes(last.unwrap(), 20_000).unwrap(), store.effects(first, 20_000).unwrap()] {
        assert_eq!((graph.nodes.len(), graph.edges.len(), graph.truncated), (10_000, 9_999, false));
        assert_eq!(graph.nodes.last().unwrap().depth, 9_999);
    }
}

#[test]
fn a_graph_is_written_for_mermaid_and_for_graphviz_and_no_name_breaks_out_of_its_quotes() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let evil = "\"]; x --> y; <script>`#\\";
    let a = caused(&store, evil, &[]);
    let b = caused(&store, "b", &[a]);
    let graph = store.causes(b, 9).unwrap();
    let mermaid = graph.to_mermaid();
    let lines: Vec<_> = mermaid.lines().collect();
    assert_eq!((lines[0], lines.len(), lines[3]), ("flowchart TD", 4, "    e1 --> e2"));
    assert_eq!(lines[1], "    e2[\"Note<br/>b\"]");
    assert!(
        !lines[2].contains('<') || lines[2].matches('<').count() == 1,
        "only the line break is markup: {}",
        lines[2]
    );
    assert_eq!(lines[2].matches('"').count(), 2, "{}", lines[2]);
    let dot = graph.to_dot();
    let lines: Vec<_> = dot.lines().collect();
    assert_eq!(
        (lines[0], lines[1], lines[3], lines[4]),
        ("digraph causes {", "    e2 [label=\"Note\\nb\"];", "    e1 -> e2;", "}")
    );
    assert_eq!(lines[2], "    e1 [label=\"Note\\n\\\"]; x --> y; <script>`#\\\\\"];");
    assert_eq!(serde_json::to_value(&graph).unwrap()["nodes"][1]["entity"], evil);
}

#[test]
fn a_walk_from_an_unknown_event_is_empty() {
    let dir = tempdir();
    let store = Store::open(small(dir.path())).unwrap();
    let graph = store.causes(EventId::from_u128(7), 9).unwrap();
    assert!(graph.nodes.is_empty() && graph.edges.is_empty() && !graph.truncated);
    assert_eq!(store.effects(EventId::from_u128(7), 9).unwrap(), graph);
}
