//! Every variant of every public error is made by some test. One that nothing can make has no place in the API.
//!
//! The enums may grow, so that nobody outside of their crates can match all of their variants; so the sources are read.

use super::tidy::{root, shipped_sources, sources};
use std::path::{Path, PathBuf};

/// The public errors of a source file, each with its variants.
fn errors(source: &str) -> Vec<(String, Vec<String>)> {
    let begins = source.match_indices("\npub enum ").map(|(at, begin)| &source[at + begin.len()..]);
    let named = begins.filter_map(|rest| Some((word(rest), rest.split_once("{\n")?.1.split_once("\n}")?.0)));
    let errors = named.filter(|(name, _)| name.contains("Error"));
    errors.map(|(name, body)| (name, variants(body))).collect()
}

fn variants(body: &str) -> Vec<String> {
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    lines.filter(|line| line.starts_with(char::is_uppercase)).map(word).collect()
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric()).collect()
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The part of a file that is run as a test: all of a test's file, else its doctests and what is behind `cfg(test)`.
fn tests_in(path: &Path) -> String {
    let source = text(path);
    let below = path.strip_prefix(root()).unwrap();
    if below.components().any(|part| part.as_os_str() == "tests") || below.ends_with("tests.rs") {
        return source;
    }
    let documented = source.lines().filter(|line| line.trim_start().starts_with("///"));
    let behind = source.split_once("#[cfg(test)]").map_or("", |(_, behind)| behind);
    documented.chain([behind]).collect::<Vec<_>>().join("\n")
}

/// Whether the tests name the variant, by its path or by an import of several.
fn is_named(tests: &str, name: &str, variant: &str) -> bool {
    let import = format!("{name}::{{");
    let imports = tests.match_indices(&import).map(|(at, _)| &tests[at..]);
    let mut imported = imports.filter_map(|rest| rest.split_once('}'));
    tests.contains(&format!("{name}::{variant}"))
        || imported.any(|(list, _)| list.split(|c: char| !c.is_alphanumeric()).any(|word| word == variant))
}

#[test]
fn every_variant_of_every_public_error_is_made_by_a_test() {
    let own = root().join(file!());
    let mut files = shipped_sources();
    files.extend(sources(&root().join("tests")).into_iter().filter(|path: &PathBuf| *path != own));
    let tests: String = files.iter().map(|path| tests_in(path)).collect();
    let found: Vec<_> = shipped_sources().iter().flat_map(|path| errors(&text(path))).collect();
    let count: usize = found.iter().map(|(_, variants)| variants.len()).sum();
    assert!(count > 90, "only {count} variants were found");
    for (name, variants) in found {
        let missing: Vec<_> = variants.iter().filter(|variant| !is_named(&tests, &name, variant)).collect();
        assert!(missing.is_empty(), "no test makes {name}::{missing:?}");
    }
}
