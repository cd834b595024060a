//! `import jsonl`: lines become events, bad ones are named, and nothing is imported twice.

use super::*;

const LINES: &str = concat!(
    "{\"id\": 1, \"order\": \"o-1\", \"type\": \"Opened\"}\n",
    "\n",
    "{\"id\": 2, \"order\": \"o-2\", \"type\": \"Opened\"}\r\n",
    "{\"id\": 3, \"order\": \"o-1\", \"type\": \"Paid\", \"total\": 1.5}",
);

#[test]
fn lines_become_events_where_their_fields_say() {
    let temporary = Temporary::new();
    let (file, dir) = (temporary.file("orders", LINES), temporary.path("store"));
    let flags = ["--entity-field", "order", "--kind-field", "type", "--scope", "shop"];
    let import = [&["import", "jsonl", &file, "--dir", &dir], &flags[..]].concat();
    ok(&import).says("imported 3 events; 0 had been imported before");
    let events = events(&dir);
    let names: Vec<_> =
        events.iter().map(|e| [&e["entity"], &e["kind"], &e["version"]].map(ToString::to_string)).collect();
    assert_eq!(names[2], ["\"o-1\"", "\"Paid\"", "2"]);
    assert_eq!(events[2]["payload"]["total"], 1.5);
    assert_eq!(events[2]["scope"], "shop");
}

#[track_caller]
fn check_twice(flags: &[&str], first: &str, second: &str, expected: &str) {
    let temporary = Temporary::new();
    let dir = temporary.path("store");
    let import = [&["import", "jsonl", "-", "--dir", &dir, "--entity", "e"], flags].concat();
    assert_eq!(run_with(&import, first.as_bytes()).code, Some(0));
    run_with(&import, second.as_bytes()).says(expected);
}

#[test]
fn running_an_import_twice_imports_nothing_twice() {
    check_twice(&[], LINES, LINES, "imported 0 events; 3 had been");
    check_twice(&["--key-field", "id"], LINES, LINES, "imported 0 events; 3 had been");
    check_twice(&[], "{}\n{}\n", "{}\n{}\n{}\n", "imported 1 event; 2 had been");
    check_twice(
        &["--key-field", "k"],
        "{\"k\":1,\"v\":1}\n",
        "{\"v\":2,\"k\":1}\n{\"k\":2}\n",
        "imported 1 event; 1 had been",
    );
}

#[test]
fn a_bad_line_is_named_by_its_number_and_does_not_stop_the_rest() {
    let temporary = Temporary::new();
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(2 << 20));
    let text =
        format!("\u{feff}{{}}\nnot json\n[1]\n{long}\n{{\"n\": 1}}\n{{\"e\": \"a\\u0007\"}}\n{{\"n\": 2}}");
    let (file, dir) = (temporary.file("lines", &text), temporary.path("store"));
    let run = fails(&["import", "jsonl", &file, "--dir", &dir, "--entity", "x", "--entity-field", "e"]);
    run.says("imported 3 events");
    for line in [
        ":2: the line is no JSON",
        ":3: the line is no JSON object",
        ":4: the line is over",
        ":6: the entity holds",
    ] {
        run.complains(&format!("{file}{line}"));
    }
    run.complains("error: 4 bad lines not imported");
    assert_eq!(events(&dir).len(), 3);
}

#[test]
fn an_import_ends_at_the_first_bad_line_when_asked_to() {
    let temporary = Temporary::new();
    let (file, dir) = (temporary.file("lines", "{}\n?\n{\"n\": 1}\n"), temporary.path("store"));
    let run = fails(&["import", "jsonl", &file, "--dir", &dir, "--entity", "x", "--stop-on-error"]);
    run.complains(&format!("error: {file}:2: ")).says("imported 1 event;");
    assert_eq!(events(&dir).len(), 1);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let temporary = Temporary::new();
    let dir = temporary.path("store");
    let import = |file: &str| fails(&["import", "jsonl", file, "--dir", &dir, "--entity", "x"]);
    import(&temporary.path("none")).complains("none cannot be read: No such file");
    import(&temporary.path(".")).complains("directory");
}
