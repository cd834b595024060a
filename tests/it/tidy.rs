//! The rules of the house, held against its own source.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors of `src`: each may import those above it in this list and its own where the second field says so.
const FLOORS: &[(&str, usize)] = &[
    ("event", 0),
    ("region", 0),
    ("position", 0),
    ("config", 0),
    ("error", 0),
    ("storage", 1),
    ("gates", 2),
    ("journal", 2),
    ("index", 2),
    ("cursor", 2),
    ("gate", 3),
    ("writer", 3),
    ("indexer", 3),
    ("cursor_worker", 3),
    ("view", 3),
    ("tree", 4),
    ("store", 5),
];

/// Rooms do not know each other; nor may the top of the house be known from below.
const ROOMS: usize = 2;
const CODE_LINES_MAX: usize = 400;

pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

pub(super) fn shipped_sources() -> Vec<PathBuf> {
    let mut files = sources(&root().join("src"));
    files.extend(sources(&root().join("supervisors/src")));
    files
}

/// The code of a file, without the tests that stand at its end.
fn code(text: &str) -> &str {
    text.split_once("#[cfg(test)]\nmod tests").map_or(text, |(code, _)| code)
}

fn module_of(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root().join("src")).ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?;
    Some(first.trim_end_matches(".rs").to_owned())
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// The modules of this crate that a file names, each with its line.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, text) in code(text).lines().enumerate() {
        let text = text.split("//").next().unwrap_or_default();
        for rest in text.split("crate::").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if !name.is_empty() {
                found.push((line + 1, name));
            }
        }
    }
    found
}

#[test]
fn no_floor_imports_a_higher_one_and_no_room_another_room() {
    let mut broken = Vec::new();
    for path in sources(&root().join("src")) {
        let Some(module) = module_of(&path) else { continue };
        let Some(floor) = floor_of(&module) else { continue };
        let text = fs::read_to_string(&path).expect("a source file");
        for (line, name) in imports(&text) {
            let Some(other) = floor_of(&name) else { continue };
            let is_other_room = floor == ROOMS && other == ROOMS && name != module;
            if other > floor || is_other_room {
                broken.push(format!("{}:{line}: {module} (floor {floor}) names {name}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_cellar_does_not_know_the_house() {
    for path in sources(&root().join("supervisors/src")) {
        let text = fs::read_to_string(&path).expect("a source file");
        assert!(!text.contains("timberline"), "{} names the house", path.display());
    }
}

#[test]
fn every_file_has_a_door_plate() {
    for path in shipped_sources() {
        let text = fs::read_to_string(&path).expect("a source file");
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//! ") && first.len() > 20, "{} has no door plate", path.display());
    }
}

#[test]
fn every_actor_says_what_it_receives_sends_owns_and_how_it_fails() {
    for actor in ["gate", "writer", "indexer", "cursor_worker"] {
        let text =
            fs::read_to_string(root().join("src").join(actor).join("mod.rs")).expect("an actor's file");
        for word in ["//! Receives: ", "//! Sends: ", "//! Owns: ", "//! Fails: "] {
            assert!(text.contains(word), "{actor} does not say {word:?}");
        }
    }
}

#[test]
fn no_file_is_longer_than_one_room() {
    for path in shipped_sources() {
        let text = fs::read_to_string(&path).expect("a source file");
        let lines = code(&text).lines().count();
        let is_test = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
        assert!(is_test || lines <= CODE_LINES_MAX, "{} has {lines} lines", path.display());
    }
}

#[test]
fn nothing_is_left_to_do_later_in_the_code() {
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["X", "XX"].concat()];
    for path in shipped_sources() {
        let text = fs::read_to_string(&path).expect("a source file");
        assert!(
            marks.iter().all(|mark| !text.contains(mark)),
            "{} leaves something for later",
            path.display()
        );
    }
}

#[test]
fn every_room_is_on_the_map_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    for (module, _) in FLOORS {
        assert!(readme.contains(&format!("`{module}`")), "README.md's map does not name `{module}`");
    }
    let modules = fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs");
    for line in modules.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")) {
        let module = line.trim_end_matches(';');
        assert!(floor_of(module).is_some(), "`{module}` stands on no floor");
    }
}
