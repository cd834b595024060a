//! All failpoints, out of the source: a point that is added is a point that must be struck.

use std::fs;
use std::path::{Path, PathBuf};

/// Where points stand.
const ROOMS: [&str; 2] = ["src", "supervisors/src"];
/// Where points are made, and stand in examples.
const WORKSHOP: &str = "supervisors/src/failpoints";

/// The names of all points, in order.
#[must_use]
pub fn points() -> Vec<&'static str> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    ROOMS.iter().for_each(|room| files.extend(sources(&root.join(room))));
    files.retain(|file| !file.starts_with(root.join(WORKSHOP)));
    let mut names: Vec<String> =
        files.iter().flat_map(|file| named(&fs::read_to_string(file).unwrap_or_default())).collect();
    names.sort();
    names.into_iter().map(|name| &*name.leak()).collect()
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The points of a file.
fn named(text: &str) -> Vec<String> {
    let calls = text.split("::point(\"").skip(1);
    calls.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_has_a_name_of_its_own() {
        let points = points();
        assert!(points.len() >= 60, "{} points", points.len());
        let twice: Vec<_> = points.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }

    #[test]
    fn every_actor_and_every_floor_has_points() {
        let points = points();
        let rooms = ["gate.", "writer.", "indexer.", "sealer.", "cursor_worker.", "journal.open.", "index."];
        for room in rooms.iter().chain(&["view.", "journal.repair.", "journal.roll.", "supervisor.", "slot."])
        {
            assert!(points.iter().any(|point| point.starts_with(room)), "no point in {room}");
        }
    }
}
