//! `append`, `tail`, `causes`, `effects`, `stats`, `verify`: a store by hand.

use super::*;
use std::io::{BufRead, BufReader, Read};

/// A store with an order that was opened, paid and shipped, each event the cause of the next.
fn orders(temporary: &Temporary) -> String {
    let dir = temporary.path("store");
    ok(&["append", "order-1", "{\"total\": 12}", "--kind", "Opened", "--scope", "shop", "--dir", &dir]);
    ok(&["append", "order-1", "true", "--kind", "Paid", "--cause", "1", "--scope", "shop", "--dir", &dir]);
    ok(&["append", "parcel-1", "--kind", "Shipped", "--cause", "1", "--cause", "2", "--dir", &dir]);
    dir
}

#[test]
fn an_appended_event_has_a_receipt_and_is_tailed() {
    let temporary = Temporary::new();
    let dir = orders(&temporary);
    let run = ok(&["append", "order-2", "[1]", "--kind", "Opened", "--json", "--dir", &dir]);
    let receipt: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&receipt["position"], &receipt["version"]), (&4.into(), &1.into()));
    assert_eq!(receipt["durability"], "Durable");
    let tail = ok(&["tail", "--dir", &dir, "-n", "2"]);
    assert_eq!(tail.out.lines().count(), 2);
    tail.says("Shipped  parcel-1@1  null").says("Opened  order-2@1  [1]");
    ok(&["tail", "--dir", &dir, "--entity", "order-1", "-n", "1"]).says("Paid  order-1@2  true");
    ok(&["tail", "--dir", &dir, "--prefix", "order-", "--kind", "Opened"]).says("order-2@1");
    assert_eq!(ok(&["tail", "--dir", &dir, "--scope", "shop"]).out.lines().count(), 2);
    assert_eq!(ok(&["tail", "--dir", &dir, "--after", "3"]).out.lines().count(), 1);
    assert_eq!(ok(&["tail", "--dir", &dir, "-n", "0"]).out, "");
}

#[test]
fn an_append_that_is_refused_says_why_and_stores_nothing() {
    let temporary = Temporary::new();
    let dir = orders(&temporary);
    let append =
        |more: &[&str]| fails(&[&["append", "order-1", "--kind", "K", "--dir", &dir], more].concat());
    append(&["--expect", "empty"]).complains("entity \"order-1\" is at version 2");
    append(&["--expect", "1"]).complains("expected Version(1)");
    append(&["--cause", "99"]).complains("no event at position 99");
    append(&["{"]).complains("the payload is no JSON");
    fails(&["append", "a\u{7}", "--kind", "K", "--dir", &dir]).complains("control character");
    assert_eq!(events(&dir).len(), 3);
}

#[test]
fn an_append_with_a_known_key_gives_the_first_receipt() {
    let temporary = Temporary::new();
    let dir = temporary.path("store");
    let append = ["append", "e", "--kind", "K", "--key", "once", "--dir", &dir];
    ok(&append).says("position 1, version 1");
    ok(&append).says("position 1, version 1").says("stored before");
    assert_eq!(run_with(&["append", "e", "-", "--kind", "K", "--dir", &dir], b" {\"a\": 2}\n").code, Some(0));
    assert_eq!(events(&dir)[1]["payload"]["a"], 2);
}

#[test]
fn causes_and_effects_are_walked_and_drawn() {
    let temporary = Temporary::new();
    let dir = orders(&temporary);
    let causes = ok(&["causes", "3", "--dir", &dir]);
    assert_eq!(causes.out.lines().count(), 3);
    causes
        .says("3 ← 1, 2")
        .says("Shipped  parcel-1")
        .says("2 ← 1")
        .says("Paid  order-1")
        .says("Opened  order-1");
    ok(&["effects", "1", "--mermaid", "--dir", &dir]).says("flowchart").says("e1 --> e3");
    ok(&["effects", "1", "--dot", "--dir", &dir]).says("digraph").says("e2 -> e3");
    ok(&["causes", "3", "--limit", "1", "--dir", &dir]).says("and more, which the limit left out");
    let id = events(&dir)[2]["id"].as_str().unwrap().to_owned();
    assert_eq!(ok(&["causes", &id, "--dir", &dir]).out, causes.out);
    fails(&["causes", "4", "--dir", &dir]).complains("no event at position 4");
    fails(&["causes", "0", "--dir", &dir]).complains("no event at position 0");
}

#[test]
fn stats_and_verify_tell_how_a_store_is() {
    let temporary = Temporary::new();
    let dir = orders(&temporary);
    let stats = ok(&["stats", "--dir", &dir]);
    let figure = |name: &str| stats.out.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    assert_eq!((figure("events"), figure("entities")), (Some("3"), Some("2")));
    ok(&["verify", "--dir", &dir]).says("3 events in 1 segment").says("no problem found");
}

#[test]
fn verify_of_a_damaged_store_fails_and_says_where() {
    let temporary = Temporary::new();
    let dir = orders(&temporary);
    let segment = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.into_iter().find(|path| path.extension().is_some_and(|e| e == "segment")).unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let place = bytes.windows(7).position(|window| window == b"order-1").unwrap();
    bytes[place] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    fails(&["verify", "--dir", &dir]);
}

#[test]
fn a_directory_without_a_store_is_said_to_be_one_and_left_alone() {
    let temporary = Temporary::new();
    let dir = temporary.path("none");
    for command in [&["tail"][..], &["stats"], &["verify"], &["tree"], &["causes", "1"], &["effects", "1"]] {
        let run = fails(&[command, &["--dir", &dir]].concat());
        run.complains("holds no store").complains("hint: name the directory of a store with --dir");
    }
    assert!(!Path::new(&dir).exists());
}

#[test]
fn a_wrong_command_line_is_exit_code_2_and_help_teaches() {
    for arguments in [&["tail"][..], &["nonsense"], &["append", "--dir", "d"], &["causes", "x", "--dir", "d"]]
    {
        assert_eq!(run(arguments).code, Some(2), "{arguments:?}");
    }
    ok(&["--help"]).says("timberline demo").says("Exit codes:");
    ok(&["demo", "--help"]).says("mailmap").says("stumbling");
    ok(&["import", "jsonl", "--help"]).says("--key-field").says("Example:");
    let mut command = timberline(&["stats"]);
    let run: Run = command.env("TIMBERLINE_DIR", "/nowhere").output().unwrap().into();
    run.complains("/nowhere holds no store");
}

#[test]
fn tail_follows_a_running_writer_and_is_quiet_when_nobody_reads_on() {
    let temporary = Temporary::new();
    let dir = orders(&temporary);
    let mut command = timberline(&["tail", "--follow", "--json", "--dir", &dir]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["position"].as_u64()
    };
    assert_eq!([next(), next(), next()], [Some(1), Some(2), Some(3)]);
    ok(&["append", "order-3", "--kind", "Opened", "--dir", &dir]);
    ok(&["append", "order-3", "--kind", "Paid", "--dir", &dir]);
    assert_eq!([next(), next()], [Some(4), Some(5)]);
    drop(lines);
    ok(&["append", "order-3", "--kind", "Shipped", "--dir", &dir]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(err, "");
}
