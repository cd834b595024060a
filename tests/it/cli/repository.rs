//! A git repository to be imported, made with the real git.

use super::Temporary;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository whose commits are made one second apart, whatever the clock says.
pub(super) struct Repository {
    path: PathBuf,
    seconds: u32,
}

impl Repository {
    pub(super) fn new(parent: &Temporary, name: &str) -> Self {
        let path = parent.0.join(name);
        std::fs::create_dir_all(&path).unwrap();
        let mut repository = Self { path, seconds: 0 };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.author("Ada", "ada@example.org");
        repository
    }

    pub(super) fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.path
    }

    /// Who makes the commits from now on.
    pub(super) fn author(&mut self, name: &str, email: &str) {
        self.git(&["config", "user.name", name]);
        self.git(&["config", "user.email", email]);
    }

    /// Runs git in the repository; gives what it printed.
    #[track_caller]
    pub(super) fn git(&mut self, arguments: &[&str]) -> String {
        self.seconds += 1;
        let time = format!("{} +0000", 1_700_000_000 + self.seconds);
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.path).args(["-c", "protocol.file.allow=always"]).args(arguments);
        command.envs([("GIT_AUTHOR_DATE", &time), ("GIT_COMMITTER_DATE", &time)]);
        command.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Writes a file.
    pub(super) fn write(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) {
        let path = self.path.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Commits everything.
    #[track_caller]
    pub(super) fn commit(&mut self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--allow-empty-message", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Commits of a few authors with all that is odd: merges, renames, binary files, modes, links, submodules, odd
    /// names and encodings, an empty message, nothing changed, another root.
    pub(super) fn odd(parent: &Temporary) -> Self {
        let mut inner = Self::new(parent, "inner");
        inner.write("i", "1\n");
        inner.commit("inner");
        let mut odd = Self::new(parent, "odd");
        odd.write("src/a.rs", "one\ntwo\nthree\n");
        odd.write("README", "hello\n");
        odd.commit("first\n\nwith a body");
        odd.branch_and_merge();
        odd.odd_names();
        odd.git(&["submodule", "--quiet", "add", inner.path(), "sub"]);
        odd.commit("a submodule");
        odd.git(&["checkout", "--quiet", "--orphan", "other"]);
        odd.write("other", "root\n");
        odd.commit("another root");
        odd.git(&["checkout", "--quiet", "main"]);
        odd.git(&[
            "merge",
            "--quiet",
            "--allow-unrelated-histories",
            "--no-edit",
            "--strategy=ours",
            "other",
        ]);
        odd
    }

    fn branch_and_merge(&mut self) {
        self.author("Bob", "BOB@Example.org");
        self.git(&["checkout", "--quiet", "-b", "side"]);
        self.write("src/b.rs", "b\n");
        self.commit("on the side");
        self.git(&["checkout", "--quiet", "main"]);
        self.author("Ada Again", "Ada@Example.ORG");
        self.git(&["mv", "src/a.rs", "src/renamed.rs"]);
        self.write("binary", b"\x00\x01\x02".repeat(100));
        self.commit("");
        self.git(&["merge", "--quiet", "--no-edit", "side"]);
        self.commit("nothing changed");
    }

    fn odd_names(&mut self) {
        for name in [
            "with space",
            "tab\there",
            "line\nend",
            "quote\"s",
            "back\\slash",
            ":100644 x",
            "größe",
            "-",
            "1\t2\tx",
        ] {
            self.write(name, "x\n");
        }
        self.odd_bytes();
        self.author("No Mail", "");
        self.git(&["config", "i18n.commitEncoding", "ISO-8859-1"]);
        self.commit("caf\u{e9} in a message that claims another encoding");
        self.git(&["config", "--unset", "i18n.commitEncoding"]);
        self.git(&["update-index", "--chmod=+x", "README"]);
        self.git(&["commit", "--quiet", "--message", "commit 0000\n:100644 not a change\n1\t1\tnor this"]);
        self.git(&["rm", "--quiet", "--force", "README"]);
        self.commit("gone");
    }

    #[cfg(unix)]
    fn odd_bytes(&self) {
        use std::os::unix::ffi::OsStrExt;
        self.write(std::ffi::OsStr::from_bytes(b"no\xfftext/f\xe9"), "y\n");
        std::os::unix::fs::symlink("src", self.path.join("link")).unwrap();
    }

    #[cfg(not(unix))]
    fn odd_bytes(&self) {}
}
