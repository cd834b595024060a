//! The demo holds its own result against git, so what is tested is that it runs, on every odd repository.

use super::*;
use std::io::{BufRead, BufReader};

/// Runs the demo; all its checks must hold.
#[track_caller]
fn check(repository: &str, dir: &str, says: &[&str]) -> Run {
    let run = ok(&["demo", "--repo", repository, "--dir", dir]);
    for text in says {
        run.says(text);
    }
    assert!(!run.out.contains("DIFFERS"), "{}", run.out);
    run
}

#[test]
fn demo_of_a_repository_with_everything_odd_holds_against_git() {
    let temporary = Temporary::new();
    let mut repository = Repository::odd(&temporary);
    let commits = repository.git(&["rev-list", "--count", "HEAD"]);
    let dir = temporary.path("store");
    let run = check(repository.path(), &dir, &[&format!("ok      {commits} commits, each with one event")]);
    for text in [
        "stumbling",
        "doomed",
        "exhausted its budget after 2 restarts",
        "no problem found",
        "3 authors",
        "3 reactions",
    ] {
        run.says(text);
    }
    assert!(!run.out.contains('\u{1b}'), "escapes for a terminal where there is none");
}

#[test]
fn demo_goes_on_where_it_stopped_and_imports_only_what_is_new() {
    let temporary = Temporary::new();
    let mut repository = Repository::odd(&temporary);
    let dir = temporary.path("store");
    check(repository.path(), &dir, &[]);
    let before = events(&dir).len();
    check(repository.path(), &dir, &["0 commits to import"]);
    assert_eq!(events(&dir).len(), before + 1, "only the end of the second run is new");
    repository.author("New", "new@example.org");
    repository.write("new", "n\n");
    repository.commit("new");
    check(repository.path(), &dir, &["1 commit to import", "4 authors", "4 reactions"]);
    // Committed, FileChanged, AuthorJoined, LinesCounted and the end of the run.
    assert!((before + 1 + 4..=before + 1 + 5).contains(&events(&dir).len()));
}

#[test]
fn demo_that_was_killed_goes_on_where_it_stood() {
    let temporary = Temporary::new();
    let repository = Repository::odd(&temporary);
    let dir = temporary.path("store");
    for _ in 0..3 {
        let mut command = timberline(&["demo", "--repo", repository.path(), "--dir", &dir]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let begun = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(begun.into_iter().any(|line| line.ends_with("to import")), "it has begun to import");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    check(repository.path(), &dir, &["odd: "]);
}

#[test]
fn demo_of_an_empty_repository_holds() {
    let temporary = Temporary::new();
    let mut repository = Repository::new(&temporary, "empty");
    let dir = temporary.path("store");
    check(repository.path(), &dir, &["empty: 0 commits of history", "0 commits, each with one event"]);
    repository.git(&["checkout", "--quiet", "-b", "elsewhere"]);
    repository.commit("one");
    repository.git(&["checkout", "--quiet", "--orphan", "unborn"]);
    check(repository.path(), &dir, &["0 commits to import", "other refs have: --all imports them"]);
    ok(&["demo", "--repo", repository.path(), "--dir", &dir, "--all"]).says("1 commit, each with one event");
}

#[test]
fn demo_of_a_shallow_clone_of_a_bare_one_and_of_a_folder_inside_hold() {
    let temporary = Temporary::new();
    let mut repository = Repository::odd(&temporary);
    let (shallow, bare) = (temporary.path("shallow"), temporary.path("bare.git"));
    let url = format!("file://{}", repository.path());
    repository.git(&["clone", "--quiet", "--depth=3", &url, &shallow]);
    repository.git(&["clone", "--quiet", "--bare", &url, &bare]);
    check(&shallow, &temporary.path("store-1"), &["shallow: "]);
    check(&bare, &temporary.path("store-2"), &["bare: "]);
    let inside = repository.folder().join("src");
    check(inside.to_str().unwrap(), &temporary.path("store-3"), &["odd: "]);
}

#[test]
fn commits_that_left_the_history_are_kept_and_counted_apart() {
    let temporary = Temporary::new();
    let mut repository = Repository::odd(&temporary);
    let dir = temporary.path("store");
    repository.write("f", "x\n");
    repository.commit("before");
    check(repository.path(), &dir, &[]);
    repository.git(&["commit", "--quiet", "--amend", "--message", "after"]);
    check(
        repository.path(),
        &dir,
        &["1 commit to import", "1 commit of earlier runs left the history since"],
    );
}

#[test]
fn settings_of_the_user_and_of_the_repository_do_not_change_what_is_imported() {
    let temporary = Temporary::new();
    let mut repository = Repository::odd(&temporary);
    let dir = temporary.path("store");
    check(repository.path(), &dir, &[]);
    for (name, value) in [
        ("diff.renames", "false"),
        ("diff.relative", "true"),
        ("diff.algorithm", "histogram"),
        ("diff.ignoreSubmodules", "all"),
        ("log.showSignature", "true"),
        ("log.showRoot", "false"),
        ("log.mailmap", "true"),
        ("color.ui", "always"),
        ("core.quotePath", "false"),
    ] {
        repository.git(&["config", name, value]);
    }
    repository.write(".gitattributes", "*.rs binary\n");
    repository.write(".mailmap", "Ada <ada@new.example> <ada@example.org>\n");
    repository.commit("settings");
    check(repository.path(), &dir, &["1 commit to import"]);
    check(repository.path(), &temporary.path("store-2"), &["3 authors"]);
}

#[test]
fn a_path_that_is_no_repository_and_a_missing_git_are_said_clearly() {
    let temporary = Temporary::new();
    let dir = temporary.path("store");
    // Outside of any repository, which the folder of the tests is not.
    fails(&["demo", "--repo", "/", "--dir", &dir]).complains("/ as a repository: not a git repository");
    fails(&["demo", "--repo", &temporary.path("none"), "--dir", &dir]).complains("No such file or directory");
    let mut command = timberline(&["demo", "--repo", "/", "--dir", &dir]);
    let run: Run = command.env("PATH", "").output().unwrap().into();
    assert_eq!(run.code, Some(1));
    run.complains("git was not found: install it, or put it on the PATH");
    assert!(!Path::new(&dir).exists(), "no store is made for nothing");
}

#[test]
fn without_a_directory_the_demo_uses_one_in_the_cache_and_says_where() {
    let temporary = Temporary::new();
    let repository = Repository::odd(&temporary);
    let mut command = timberline(&["demo", "--repo", repository.path()]);
    let run: Run = command.env("XDG_CACHE_HOME", &temporary.0).output().unwrap().into();
    assert_eq!(run.code, Some(0), "{run:#?}");
    run.says(&format!("store: {}", temporary.path("timberline/demo-odd-")));
}

#[test]
fn panics_that_are_made_on_purpose_do_not_reach_the_terminal() {
    let temporary = Temporary::new();
    let repository = Repository::odd(&temporary);
    let run = check(repository.path(), &temporary.path("store"), &["on purpose"]);
    assert_eq!(run.err, "");
}

#[test]
fn the_tree_of_the_last_run_is_recorded_and_printed() {
    let temporary = Temporary::new();
    let repository = Repository::odd(&temporary);
    let dir = temporary.path("store");
    ok(&["append", "e", "--kind", "K", "--dir", &dir]);
    fails(&["tree", "--dir", &dir]).complains("no run is recorded in");
    ok(&["import", "git", repository.path(), "--dir", &dir]);
    ok(&["tree", "--dir", &dir]).says("timberline import git").says("writer");
    let tree: serde_json::Value = serde_json::from_str(&ok(&["tree", "--json", "--dir", &dir]).out).unwrap();
    assert!(tree.is_object(), "{tree}");
}
