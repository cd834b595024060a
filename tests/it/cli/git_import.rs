//! `import git`: what the events of a history are.

use super::*;

/// The events of one kind.
fn of_kind<'a>(events: &'a [serde_json::Value], kind: &str) -> Vec<&'a serde_json::Value> {
    events.iter().filter(|event| event["kind"] == kind).collect()
}

#[test]
fn a_commit_is_one_event_with_its_parents_as_causes_and_one_for_each_changed_path() {
    let temporary = Temporary::new();
    let mut repository = Repository::new(&temporary, "shop");
    repository.write("a", "1\n2\n3\n4\n");
    let first = repository.commit("first");
    repository.git(&["mv", "a", "b"]);
    repository.write("blob", b"\0\0");
    repository.author("Bob", "Bob@Example.org");
    let second = repository.commit("second\n\nbody");
    let dir = temporary.path("store");
    ok(&["import", "git", repository.path(), "--dir", &dir]).says("imported 2 commits as 5 events");
    let events = events(&dir);
    let commits = of_kind(&events, "Committed");
    assert_eq!(commits[0]["payload"]["commit"], *first);
    assert_eq!(commits[0]["entity"], "author:ada@example.org");
    assert_eq!(commits[1]["payload"]["commit"], *second);
    assert_eq!(commits[1]["entity"], "author:bob@example.org");
    assert_eq!(commits[1]["payload"]["message"], "second\n\nbody");
    assert_eq!(commits[1]["causes"], serde_json::json!([commits[0]["id"]]));
    assert_eq!(commits[1]["scope"], "shop");
    let changes = of_kind(&events, "FileChanged");
    assert_eq!(changes[1]["entity"], "file:b");
    assert_eq!(changes[1]["payload"]["change"], "renamed");
    assert_eq!(changes[1]["payload"]["from"], "a");
    assert_eq!(changes[2]["payload"]["added"], serde_json::Value::Null, "a binary file has no lines");
    assert!(changes[1..].iter().all(|change| change["causes"][0] == commits[1]["id"]));
    assert!(changes[1..].iter().all(|change| change["correlation"] == commits[1]["id"]));
}

#[test]
fn importing_twice_imports_nothing_twice_also_into_a_store_with_other_events() {
    let temporary = Temporary::new();
    let repository = Repository::odd(&temporary);
    let dir = temporary.path("store");
    ok(&["append", "other", "{\"a\": 1}", "--kind", "Other", "--dir", &dir]);
    ok(&["import", "git", repository.path(), "--dir", &dir]);
    let before = events(&dir);
    ok(&["import", "git", repository.path(), "--dir", &dir]).says("imported 0 commits as 0 events");
    assert_eq!(events(&dir), before);
    ok(&["verify", "--dir", &dir]).says("no problem found");
}

#[test]
fn a_commit_over_the_limits_of_a_batch_is_spread_and_completed_by_the_next_import() {
    let temporary = Temporary::new();
    let mut repository = Repository::new(&temporary, "large");
    (0..25).for_each(|n| repository.write(format!("{n:02}"), "x\n"));
    repository.commit("large");
    repository.write("small", "x\n");
    repository.commit("small");
    let (dir, whole) = (temporary.path("store"), temporary.path("whole"));
    let import = ["import", "git", repository.path(), "--dir", &dir, "--batch-events-max", "10"];
    ok(&import).says("imported 2 commits as 28 events");
    let first = events(&dir);
    assert_eq!(first[0]["payload"]["batches"], 3);
    assert_eq!(of_kind(&first, "FileChanged").len(), 26);
    assert!(first[1..26].iter().all(|change| change["causes"][0] == first[0]["id"]));
    ok(&import).says("imported 1 commit as 0 events");
    assert_eq!(events(&dir), first);
    // By default nothing is spread.
    ok(&["import", "git", repository.path(), "--dir", &whole]).says("imported 2 commits as 28 events");
    assert_eq!(events(&whole)[0]["payload"]["batches"], 1);
}

#[test]
fn paths_of_any_bytes_have_entities_that_tell_them_apart() {
    let temporary = Temporary::new();
    let repository = Repository::odd(&temporary);
    let dir = temporary.path("store");
    ok(&["import", "git", repository.path(), "--dir", &dir]);
    let events = events(&dir);
    let entities: Vec<_> = events.iter().filter_map(|event| event["entity"].as_str()).collect();
    for entity in [
        r"file:tab\x09here",
        r"file:line\x0aend",
        r"file:back\\slash",
        "file:größe",
        "file::100644 x",
        "author:-",
    ] {
        assert!(entities.contains(&entity), "{entity} is not among {entities:?}");
    }
    if cfg!(unix) {
        assert!(entities.contains(&r"file:no\xfftext/f\xe9"));
    }
}
