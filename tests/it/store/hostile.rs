//! What stands in the way on purpose or by mistake: files that are not files, directories that cannot be written,
//! paths that cannot be.

use super::child::Child;
use super::*;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use timberline::OpenError;
use timberline::storage::{StorageError, StorageErrorKind};

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Refused by the storage, with the file that stands in the way, and nothing changed.
#[track_caller]
fn check_refused(dir: &Path, name: &str, kind: StorageErrorKind, also_read_only: bool) {
    let before = snapshot(dir);
    let answers = [
        Some(Store::open(small(dir)).map(drop)),
        also_read_only.then(|| Store::open_read_only(dir).map(drop)),
    ];
    for answer in answers.into_iter().flatten() {
        let Err(OpenError::Storage { source }) = answer else { panic!("{name}: {answer:?}") };
        let told: &StorageError = source.downcast_ref().unwrap_or_else(|| panic!("{name}: {source:?}"));
        assert_eq!((told.kind(), told.path()), (kind, &*dir.join(name)), "{told}");
        assert!(told.to_string().contains(name));
    }
    assert!(snapshot(dir) == before, "{name}: something changed");
}

#[test]
fn a_symlink_a_fifo_or_a_directory_in_the_place_of_a_segment_is_refused_and_never_waited_for() {
    type Replace = fn(&Path);
    let replacements: [(&str, Replace); 5] = [
        ("a symlink to the segment", |path| {
            fs::rename(path, path.with_extension("moved")).unwrap();
            symlink(path.with_extension("moved"), path).unwrap();
        }),
        ("a symlink to nowhere", |path| {
            fs::remove_file(path).unwrap();
            symlink("/nowhere/at/all", path).unwrap();
        }),
        ("a symlink to itself", |path| {
            fs::remove_file(path).unwrap();
            symlink(path, path).unwrap();
        }),
        ("a fifo", |path| {
            fs::remove_file(path).unwrap();
            fifo(path);
        }),
        ("a directory", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
    ];
    for (what, replace) in replacements {
        for number in 1..=3 {
            let dir = tempdir();
            filled(dir.path());
            replace(&dir.path().join(segment(number)));
            eprintln!("{what} for segment {number}");
            check_refused(dir.path(), &segment(number), StorageErrorKind::NotAFile, true);
        }
    }
}

#[test]
fn a_symlink_a_fifo_or_a_directory_in_the_place_of_the_lock_is_refused_and_its_target_untouched() {
    let target = tempdir();
    let victim = target.path().join("victim");
    fs::write(&victim, "keep me").unwrap();
    for what in ["symlink", "dangling", "fifo", "directory"] {
        let dir = tempdir();
        filled(dir.path());
        let lock = dir.path().join("store.lock");
        match what {
            "symlink" => symlink(&victim, &lock).unwrap(),
            "dangling" => symlink(target.path().join("made"), &lock).unwrap(),
            "fifo" => fifo(&lock),
            _ => fs::create_dir(&lock).unwrap(),
        }
        check_refused(dir.path(), "store.lock", StorageErrorKind::NotAFile, false);
        // Who only reads needs no lock.
        assert!(Store::open_read_only(dir.path()).is_ok(), "{what}");
    }
    assert_eq!(fs::read_to_string(victim).unwrap(), "keep me");
    assert!(!target.path().join("made").exists(), "something was made through a symlink");
}

#[test]
fn a_segment_that_is_being_prepared_is_never_written_through_a_symlink() {
    let dir = tempdir();
    let target = tempdir();
    let victim = target.path().join("victim");
    fs::write(&victim, "keep me").unwrap();
    let store = Store::open(small(dir.path())).unwrap();
    for number in 2..=3 {
        symlink(&victim, dir.path().join(segment(number) + ".new")).unwrap();
    }
    // Whatever the roll makes of it, it writes nothing where the link points to, and loses nothing.
    let stored = (0..1_000).take_while(|n| store.append(&at("tree"), &note(*n)).is_ok()).count() as u64;
    assert_eq!(fs::read_to_string(&victim).unwrap(), "keep me");
    assert_eq!(numbers(&store), (0..stored).collect::<Vec<_>>());
    store.close().ok();
    let store = Store::open(small(dir.path())).unwrap();
    assert_eq!(numbers(&store), (0..stored).collect::<Vec<_>>());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "keep me");
}

#[test]
fn files_of_other_programs_in_the_directory_are_left_alone() {
    let dir = tempdir();
    filled(dir.path());
    let strangers = [
        "notes.txt",
        "0000000000.segment",
        "1.segment",
        "0000000004.segment.bak",
        "00000000004.segment",
        ".hidden",
    ];
    strangers.iter().for_each(|name| fs::write(dir.path().join(name), name).unwrap());
    fs::create_dir(dir.path().join("folder")).unwrap();
    symlink("/nowhere", dir.path().join("link")).unwrap();
    fifo(&dir.path().join("pipe"));
    let odd = std::os::unix::ffi::OsStringExt::from_vec(b"\xff\xfe.segment".to_vec());
    let odd: std::ffi::OsString = odd;
    fs::write(dir.path().join(&odd), "not text").unwrap();
    let store = Store::open(small(dir.path())).unwrap();
    store.append(&at("tree"), &note(1)).unwrap();
    check_whole(&store);
    store.close().unwrap();
    for name in strangers {
        assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), name);
    }
    assert!(dir.path().join(odd).exists() && dir.path().join("folder").is_dir());
    assert!(fs::symlink_metadata(dir.path().join("pipe")).unwrap().file_type().is_fifo());
}

#[test]
fn a_path_that_cannot_be_a_directory_is_refused_with_the_path() {
    let dir = tempdir();
    let file = dir.path().join("file");
    fs::write(&file, "a file").unwrap();
    let around = dir.path().join("around");
    symlink(&around, &around).unwrap();
    let long = dir.path().join("x".repeat(300));
    let paths = [
        file.clone(),
        file.join("below"),
        around,
        long,
        PathBuf::from("nul\0byte"),
        PathBuf::new(),
        "/proc/none".into(),
    ];
    for path in paths {
        match Store::open(small(&path)) {
            Err(OpenError::Storage { source }) => {
                let told: &StorageError = source.downcast_ref().unwrap();
                assert!(path.starts_with(told.path()) || told.path().starts_with(&path), "{path:?}: {told}");
            }
            other => panic!("{path:?}: {other:?}"),
        }
        assert!(Store::open_read_only(&path).is_err(), "{path:?}");
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "a file");
}

#[test]
fn a_directory_behind_a_symlink_is_a_directory() {
    let dir = tempdir();
    let link = dir.path().join("link");
    fs::create_dir(dir.path().join("real")).unwrap();
    symlink(dir.path().join("real"), &link).unwrap();
    let store = Store::open(small(&link)).unwrap();
    store.append(&at("tree"), &note(1)).unwrap();
    assert!(matches!(Store::open(small(dir.path().join("real"))), Err(OpenError::Locked { .. })));
    store.close().unwrap();
    assert_eq!(check_whole(&Store::open(small(dir.path().join("real"))).unwrap()).len(), 1);
}

#[test]
fn a_directory_without_a_store_is_no_store_to_a_reader_and_is_left_as_it_is() {
    let dir = tempdir();
    let missing = dir.path().join("missing");
    assert!(matches!(Store::open_read_only(&missing), Err(OpenError::NoStore { path }) if path == missing));
    assert!(!missing.exists());
    assert!(
        matches!(Store::open_read_only(dir.path()), Err(OpenError::NoStore { path }) if path == dir.path())
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Root may write everywhere, so a process of nobody's tries.
#[test]
fn a_directory_that_cannot_be_written_is_refused_to_a_writer_and_can_be_read() {
    let dir = tempdir();
    let store_dir = dir.path().join("store");
    filled(&store_dir);
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set_mode(dir.path(), 0o755);
    set_mode(&store_dir, 0o555);
    for entry in fs::read_dir(&store_dir).unwrap() {
        set_mode(&entry.unwrap().path(), 0o444);
    }
    let before = snapshot(&store_dir);
    if fs::write(store_dir.join("probe"), "").is_ok() {
        fs::remove_file(store_dir.join("probe")).unwrap();
        let Some(refused) = refused_to_nobody(dir.path(), &store_dir) else {
            eprintln!("not run: this process may write everywhere and cannot become nobody");
            return;
        };
        assert!(refused.starts_with("Storage") && refused.contains("PermissionDenied"), "{refused}");
    } else {
        check_refused(&store_dir, "store.lock", StorageErrorKind::PermissionDenied, false);
    }
    assert_eq!(Store::open_read_only(&store_dir).unwrap().verify().unwrap().problems, []);
    assert!(snapshot(&store_dir) == before);
    set_mode(&store_dir, 0o755);
}

/// What a process of the user nobody is told; `None` if there can be no such process.
fn refused_to_nobody(around: &Path, store_dir: &Path) -> Option<String> {
    // The binary may stand where nobody can reach it.
    let program = around.join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let can_be = Command::new(&program)
        .arg("--list")
        .uid(65_534)
        .gid(65_534)
        .output()
        .is_ok_and(|out| out.status.success());
    let mut command = Child::command(program, "open", store_dir);
    command.uid(65_534).gid(65_534).current_dir("/");
    can_be.then(|| Child::of(command).line_after("open:"))
}

#[test]
fn coordinates_that_cannot_be_are_refused_when_they_are_made() {
    use timberline::CoordinateError::{Control, Empty, TooLong};
    let made = |entity: &str, scope: &str| Coordinate::new(entity, scope).unwrap_err();
    assert_eq!(made("", "s"), Empty { part: "entity" });
    assert_eq!(made("e", ""), Empty { part: "scope" });
    let (entity, scope) = (Coordinate::ENTITY_BYTES_MAX, Coordinate::SCOPE_BYTES_MAX);
    assert_eq!(
        made(&"e".repeat(entity + 1), "s"),
        TooLong { part: "entity", bytes: entity + 1, limit: entity }
    );
    assert_eq!(made("e", &"s".repeat(scope + 1)), TooLong { part: "scope", bytes: scope + 1, limit: scope });
    for (text, character, offset) in
        [("\0", '\0', 0), ("a\nb", '\n', 1), ("é\u{7f}", '\u{7f}', 2), ("a\u{85}", '\u{85}', 1)]
    {
        assert_eq!(made(text, "s"), Control { part: "entity", character, offset });
        assert_eq!(made("e", text), Control { part: "scope", character, offset });
    }
    assert!(Coordinate::new("e".repeat(entity), "s".repeat(scope)).is_ok());
}
