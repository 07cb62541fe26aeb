//! A PostgreSQL server for a test: its own, in a temporary folder, at a free port of 127.0.0.1, gone with the test.
#![allow(
    dead_code,
    clippy::disallowed_methods,
    reason = "not every test needs all of it; a server that starts is waited for"
)]

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

#[path = "postgres/group.rs"]
mod group;
#[path = "postgres/watch.rs"]
mod watch;

#[allow(unused_imports, reason = "not every test needs several")]
pub(crate) use group::Group;
#[allow(unused_imports, reason = "nor somebody who watches over them")]
pub(crate) use watch::Watch;

/// The user `nobody` of Debian: PostgreSQL does not run as root.
const NOBODY: u32 = 65_534;

/// A running server. Its user is `procession`, who may do everything and needs no password.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    port: u16,
    settings: Vec<String>,
    process: Child,
}

impl Server {
    /// Starts a server with settings such as `fsync=off`. Its order of text is English, as it may be in production: what needs
    /// another says so.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let folder = own_folder();
        let words = ["--no-sync", "--username=procession", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"];
        let made = run("initdb", &folder.path().join("data"))
            .args(words)
            .args(["--locale-provider=icu", "--icu-locale=en-US"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self::begin(folder, settings)
    }

    /// Starts a server that has what this one has, and follows it.
    pub(crate) fn standby(&self, settings: &[&str]) -> Self {
        let folder = own_folder();
        copy(&self.url("postgres"), folder.path());
        Self::begin(folder, settings)
    }

    /// Ends it, and starts it as a standby of the server with this URL: it has what that one has, and nothing else.
    pub(crate) fn copy_again(&mut self, primary: &str) {
        if self.process.try_wait().unwrap().is_none() {
            self.signal("KILL");
            self.process.wait().unwrap();
        }
        // What is left of its processes may still write there.
        let old = tempfile::tempdir_in(self.folder.path()).unwrap();
        fs::rename(self.folder.path().join("data"), old.path().join("data")).unwrap();
        copy(primary, self.folder.path());
        self.start_again();
    }

    fn begin(folder: tempfile::TempDir, settings: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let process = spawn(folder.path(), port, &settings);
        let mut server = Self { folder, port, settings, process };
        server.wait();
        server
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The folder that is its own: data, log.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the database of this name is.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://procession@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database and says where it is.
    pub(crate) fn database(&self, name: &str) -> String {
        self.say(&format!("CREATE DATABASE \"{name}\""));
        self.url(name)
    }

    /// Ends the server as a loss of power would: SIGKILL, and its processes with it.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, at the same port.
    pub(crate) fn start_again(&mut self) {
        self.process = spawn(self.folder.path(), self.port, &self.settings);
        self.wait();
    }

    /// Sends all its processes a signal, such as `STOP` or `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let (parent, signal) = (self.process.id().to_string(), format!("-{name}"));
        let children = Command::new("pgrep").args(["--parent", &parent]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let sent = Command::new("kill").args([&signal, &parent]).status().unwrap();
        assert!(sent.success(), "{name}: the server is gone");
        // One of them may have ended meanwhile.
        let _ = Command::new("kill").arg(&signal).args(children.split_whitespace()).output();
    }

    /// Memory of all its processes in bytes; what they share counts once.
    pub(crate) fn memory(&self) -> f64 {
        let parent = self.process.id().to_string();
        let children = Command::new("pgrep").args(["--parent", &parent]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let share = |pid: &str| {
            // A process may end meanwhile.
            let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default();
            line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or_default() * 1024.0
        };
        children.split_whitespace().chain([parent.as_str()]).map(share).sum()
    }

    /// What it answers to a statement.
    pub(crate) fn say(&self, statement: &str) -> String {
        let said = Command::new(binary("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--command", statement])
            .arg(self.url("postgres"))
            .output()
            .unwrap();
        assert!(said.status.success(), "{statement}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap().trim().to_owned()
    }

    /// Until it answers. What a killed server leaves may have to end first: then it does not start, and is started again.
    fn wait(&mut self) {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(60) {
            let connects = TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            let asked = ["--host=127.0.0.1", "--quiet", &format!("--port={}", self.port)].map(str::to_owned);
            if connects && Command::new(binary("pg_isready")).args(asked).status().unwrap().success() {
                return;
            }
            if self.process.try_wait().unwrap().is_some() {
                self.process = spawn(self.folder.path(), self.port, &self.settings);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("PostgreSQL does not start: {}", fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            // At once: nobody needs what it holds. If it was stopped, it has to go on to hear of it.
            self.signal("CONT");
            self.signal("QUIT");
            let _ = self.process.wait();
        }
    }
}

fn spawn(folder: &Path, port: u16, settings: &[String]) -> Child {
    let log = fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut command = run("postgres", &folder.join("data"));
    for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", &format!("port={port}")] {
        command.args(["-c", setting]);
    }
    for setting in settings {
        command.args(["-c", setting]);
    }
    command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

/// Copies a server's data into `folder/data`, so that who starts there follows it.
fn copy(primary: &str, folder: &Path) {
    let copied = run("pg_basebackup", &folder.join("data"))
        .args(["--dbname", primary, "--checkpoint=fast", "--no-sync", "--write-recovery-conf"])
        .output()
        .unwrap();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
}

fn own_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    if is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    folder
}

/// A program of PostgreSQL on a data folder, never as root.
fn run(name: &str, data: &Path) -> Command {
    let mut command = never_as_root(name);
    command.arg("-D").arg(data);
    command
}

fn never_as_root(name: &str) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        let id = NOBODY.to_string();
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "--"]).arg(binary(name));
        command
    } else {
        Command::new(binary(name))
    };
    command.current_dir("/").stdin(Stdio::null());
    command
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0"
}

/// Debian keeps PostgreSQL's programs where no path leads.
fn binary(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin").join(name)).collect();
    found.retain(|path| path.is_file());
    found.sort();
    found.pop().unwrap_or_else(|| panic!("{name} is not here; `cargo xtask setup` installs PostgreSQL"))
}
