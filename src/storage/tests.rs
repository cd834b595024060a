//! Tests of the real disk, and of the errors every disk gives.

use super::*;
use std::path::Path;

/// A directory of its own for each test, gone afterwards.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("timberline-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn directory(&self) -> Directory {
        Directory::create(&self.0).unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn check_kind<T: Debug>(result: Result<T, StorageError>, kind: StorageErrorKind, path: &Path) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.path()), (kind, path), "{error}");
    assert!(error.to_string().contains(&path.display().to_string()));
}

#[test]
fn files_are_made_written_read_renamed_and_removed() {
    let temporary = Temporary::new("files");
    let directory = Directory::create(temporary.0.join("deep/er")).unwrap();
    let file = directory.open("a", Access::Create).unwrap();
    file.write_at(b"world", 6).unwrap();
    file.write_at(b"hello ", 0).unwrap();
    file.sync_data().unwrap();
    let mut buffer = [0; 20];
    assert_eq!(file.read_at(&mut buffer, 0).unwrap(), 11);
    assert_eq!(&buffer[..11], b"hello world");
    file.set_length(5).unwrap();
    assert_eq!(file.length().unwrap(), 5);
    directory.rename("a", "b").unwrap();
    directory.sync_directory().unwrap();
    assert_eq!((directory.list().unwrap(), directory.exists("a").unwrap()), (vec!["b".to_owned()], false));
    directory.remove("b").unwrap();
    assert!(directory.list().unwrap().is_empty());
}

#[test]
fn each_failure_says_what_was_tried_where_and_why() {
    let temporary = Temporary::new("failures");
    let directory = temporary.directory();
    let path = |name: &str| temporary.0.join(name);
    check_kind(directory.open("none", Access::Read), StorageErrorKind::NotFound, &path("none"));
    check_kind(directory.remove("none"), StorageErrorKind::NotFound, &path("none"));
    directory.open("there", Access::Create).unwrap();
    check_kind(directory.open("there", Access::Create), StorageErrorKind::Other, &path("there"));
    check_kind(Directory::open(path("there")), StorageErrorKind::NotAFile, &path("there"));
    check_kind(Directory::create(path("there/below")), StorageErrorKind::NotAFile, &path("there/below"));
    let read_only = directory.open("there", Access::Read).unwrap();
    check_kind(read_only.write_at(b"x", 0), StorageErrorKind::Other, &path("there"));
}

#[test]
fn what_is_not_a_plain_file_is_refused_and_never_waited_for() {
    let temporary = Temporary::new("not-files");
    let directory = temporary.directory();
    let path = |name: &str| temporary.0.join(name);
    std::fs::create_dir(path("directory")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", path("symlink")).unwrap();
    std::os::unix::fs::symlink("nowhere", path(LOCK_NAME)).unwrap();
    let made = std::process::Command::new("mkfifo").arg(path("fifo")).status().unwrap();
    assert!(made.success());
    for name in ["directory", "symlink", "fifo"] {
        for access in [Access::Read, Access::Write] {
            check_kind(directory.open(name, access), StorageErrorKind::NotAFile, &path(name));
        }
    }
    check_kind(directory.lock(), StorageErrorKind::NotAFile, &path(LOCK_NAME));
}

#[test]
fn a_second_lock_is_refused_at_once_and_free_again_after_the_first() {
    let temporary = Temporary::new("lock");
    let directory = temporary.directory();
    let held = directory.lock().unwrap();
    check_kind(temporary.directory().lock(), StorageErrorKind::Locked, &temporary.0.join(LOCK_NAME));
    drop(held);
    directory.lock().unwrap();
}

#[test]
fn every_system_error_is_sorted_by_what_the_caller_can_do() {
    use StorageErrorKind::{NoSpace, NotAFile, NotFound, Other, PermissionDenied, TooManyFiles};
    for (code, kind) in [
        (libc::ENOSPC, NoSpace),
        (libc::EDQUOT, NoSpace),
        (libc::EFBIG, NoSpace),
        (libc::EMFILE, TooManyFiles),
        (libc::ENFILE, TooManyFiles),
        (libc::EACCES, PermissionDenied),
        (libc::EROFS, PermissionDenied),
        (libc::ENOENT, NotFound),
        (libc::EISDIR, NotAFile),
        (libc::ELOOP, NotAFile),
        (libc::EIO, Other),
    ] {
        let source = std::io::Error::from_raw_os_error(code);
        let error = StorageError::new(OperationKind::Write, Path::new("a"), source);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[test]
fn only_as_many_files_stay_open_as_allowed() {
    let disk = simulated::SimulatedDisk::new();
    let names = ["0", "1", "2"].map(|name| disk.open(name, Access::Create).map(|_| name).unwrap());
    let files = OpenFiles::new(Arc::new(disk.clone()), 2);
    let opened = |number: u32| {
        let before = disk.operations().len();
        files.get::<StorageError>(number, |number| names[number as usize].to_owned(), Ok).unwrap();
        disk.operations().len() > before
    };
    assert_eq!([0, 1, 0, 2, 0, 1].map(opened), [true, true, false, true, false, true]);
}
