//! Every way in which a store can differ from its history is seen, and nothing else.

use super::*;
use crate::payload::{LinesCounted, LinesRow};

fn oid(n: u8) -> Oid {
    Oid::from_bytes(&[n; 20]).unwrap()
}

fn event(n: u8) -> EventId {
    EventId::from_u128(u128::from(n) << 16)
}

/// Two commits of one author: the first adds a file of ten lines, the second, its child, removes three of them.
fn history() -> (Audit, Census) {
    let commit = |parents, added, removed| {
        let email = b"Ada@x".to_vec();
        CommitAudit { parents, email, files: 1, added, removed }
    };
    let commits = [(oid(1), commit(vec![], 10, 0)), (oid(2), commit(vec![oid(1)], 0, 3))].into();
    (Audit { count: 2, commits }, census())
}

fn census() -> Census {
    let commit = |version, causes, added, removed| CommitCensus {
        entity: "author:ada@x".to_owned(),
        version,
        causes,
        files: 1,
        added,
        removed,
        files_told: 1,
    };
    let mut census = Census {
        events: 6,
        gaps: 1,
        versions: [("author:ada@x".to_owned(), 2)].into(),
        commits: [(oid(1), commit(1, vec![], 10, 0)), (oid(2), commit(2, vec![event(1)], 0, 3))].into(),
        commit_of: [(event(1), oid(1)), (event(3), oid(2))].into(),
        joined: vec![("ada@x".to_owned(), vec![event(1)])],
        ..Census::default()
    };
    let row =
        LinesRow { folder: ".".to_owned(), author: "ada@x".to_owned(), month: 0, added: 10, removed: 3 };
    census.lines.add(&LinesCounted { changes: 2, rows: vec![row] });
    census
}

/// The differences that are found after `change`, joined.
fn differences(change: impl FnOnce(&mut Audit, &mut Census)) -> String {
    let (mut git, mut store) = history();
    change(&mut git, &mut store);
    let found = compare(&git, &store, 1).into_iter().flat_map(|check| check.differences);
    found.collect::<Vec<_>>().join("; ")
}

#[track_caller]
fn check(change: impl FnOnce(&mut Audit, &mut Census), expected: &str) {
    let found = differences(change);
    assert!(found.contains(expected), "{found:?} should tell of {expected:?}");
}

#[test]
fn a_store_that_is_as_git_says_has_no_difference() {
    assert_eq!(differences(|_, _| {}), "");
}

#[test]
fn each_way_to_differ_is_told() {
    check(|_, store| drop(store.commits.remove(&oid(2))), "has no event");
    check(|git, _| git.count = 3, "git counts 3 commits, the store 2");
    check(|_, store| store.commits.get_mut(&oid(2)).unwrap().causes.clear(), "its causes []");
    check(|_, store| store.commits.get_mut(&oid(1)).unwrap().causes.push(event(9)), "its causes [unknown]");
    check(
        |_, store| store.commits.get_mut(&oid(1)).unwrap().added = 11,
        "git says 1 changed path, 10 lines added",
    );
    check(|_, store| store.commits.get_mut(&oid(1)).unwrap().files_told = 2, "git says 1 changed path");
    check(
        |git, _| git.commits.get_mut(&oid(1)).unwrap().email = b"bob@x".to_vec(),
        "git says \"author:bob@x\"",
    );
    check(|_, store| *store.versions.get_mut("author:ada@x").unwrap() = 3, "is at version 3, with 2 commits");
    check(|_, store| store.joined.clear(), "author:ada@x joined 0 times");
    check(|_, store| store.joined.push(store.joined[0].clone()), "author:ada@x joined 2 times");
    check(|_, store| store.joined[0].1 = vec![event(3)], "for another reason");
    check(|_, store| store.joined.push(("eve@x".to_owned(), vec![])), "eve@x joined without a commit");
    check(|_, store| store.lines.changes = 1, "it should have");
    check(|_, store| store.lines.total.removed = 0, "and has 2 changed paths, 10 lines added and 0 removed");
    check(|_, store| store.misplaced.push("position 7".to_owned()), "position 7");
    check(|_, store| store.gaps = 2, "2 positions without an event, of which recovery gave up 1");
}

#[test]
fn a_commit_that_left_the_history_is_no_difference_but_counts_in_the_projection() {
    let rebased = |git: &mut Audit, _: &mut Census| {
        git.commits.remove(&oid(2));
        git.count = 1;
    };
    assert_eq!(differences(rebased), "");
    let (mut git, store) = history();
    git.commits.remove(&oid(2));
    assert_eq!(strayed(&git, &store).count(), 1);
}

#[test]
fn many_differences_are_counted_instead_of_told() {
    let differences = (0..25).map(|n| n.to_string()).collect();
    let lines = Check::new("all is well", differences).lines();
    assert_eq!(lines.len(), 1 + DIFFERENCES_MAX + 1);
    assert_eq!(lines.last().map(String::as_str), Some("            and 15 more"));
}
