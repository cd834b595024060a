//! What the parser makes of good, odd and broken output.

use super::*;

const ID: &str = "d68dd4031d2ad5b7a3829ad7df6635e27a7daa22";

/// Zero bytes are written as `|`.
fn parse(output: &str) -> Result<Vec<Commit>, GitError> {
    let bytes = output.replace('|', "\0").replace("ID", ID).into_bytes();
    let (mut parser, mut from) = (Parser::default(), &bytes[..]);
    std::iter::from_fn(|| parser.next(&mut from).transpose()).collect()
}

/// Status, kind, path, where it was before, lines added.
type Expected<'a> = (Status, FileKind, &'a str, Option<&'a str>, Option<u64>);

#[track_caller]
fn check(changes: &str, expected: &[Expected<'_>]) {
    let commits = parse(&format!("commit ID||A|a@x|7|B|b@x|8|message\n||\n{changes}")).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let found: Vec<_> = commits[0]
        .changes
        .iter()
        .map(|c| (c.status, c.file, text(&c.path), c.from.as_deref().map(text), c.added))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(s, f, p, from, n)| (*s, *f, (*p).to_owned(), from.map(str::to_owned), *n))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn each_way_a_path_can_change_is_read() {
    check("", &[]);
    check(":000000 100644 0 1 A|f|4\t0\tf|", &[(Status::Added, FileKind::File, "f", None, Some(4))]);
    check(":100644 100755 1 1 M|g|0\t0\tg|", &[(Status::Modified, FileKind::Executable, "g", None, Some(0))]);
    check(":120000 000000 1 0 D|l|0\t1\tl|", &[(Status::Deleted, FileKind::Symlink, "l", None, Some(0))]);
    check(":000000 160000 0 1 A|s|1\t0\ts|", &[(Status::Added, FileKind::Submodule, "s", None, Some(1))]);
    check(":000000 100644 0 1 A|b|-\t-\tb|", &[(Status::Added, FileKind::File, "b", None, None)]);
    check(
        ":100644 100644 1 1 R100|f|g|:100644 120000 1 2 T|h|3\t0\t|f|g|1\t1\th|",
        &[
            (Status::Renamed, FileKind::File, "g", Some("f"), Some(3)),
            (Status::TypeChanged, FileKind::Symlink, "h", None, Some(1)),
        ],
    );
}

#[test]
fn paths_with_line_ends_tabs_and_the_looks_of_other_fields_are_read() {
    let odd = "a\tb\ncommit x";
    check(
        &format!(":000000 100644 0 1 A|{odd}|:000000 100644 0 1 A|:1|2\t0\t{odd}|1\t0\t:1|"),
        &[
            (Status::Added, FileKind::File, odd, None, Some(2)),
            (Status::Added, FileKind::File, ":1", None, Some(1)),
        ],
    );
}

#[test]
fn a_header_gives_parents_people_times_and_the_message() {
    let commits =
        parse("commit ID|ID ID|A|a@x|7||b@x|-8|:100644 looks like a change\n\n|||commit ID|||||||||")
            .unwrap();
    assert_eq!(commits.len(), 2);
    assert_eq!(commits[0].parents.len(), 2);
    assert_eq!((commits[0].author.time, commits[0].committer.time), (7, -8));
    assert_eq!(commits[0].message, b":100644 looks like a change");
    assert_eq!(commits[1].author, Person::default());
}

#[test]
fn broken_output_is_an_error_that_shows_it() {
    for (output, word) in [
        ("warning: strange|", "begin"),
        ("commit ID|", "middle"),
        ("commit ID|zz|A|a|1|A|a|1|m|", "parents"),
        ("commit ID||A|a|1|A|a|1|m||\n:100644 X|f|", "changed path"),
        ("commit ID||A|a|1|A|a|1|m||\n1\t1\tunseen|", "lines"),
    ] {
        let error = parse(output).unwrap_err().to_string();
        assert!(error.contains(word), "{output}: {error}");
    }
}
