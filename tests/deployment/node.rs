//! A process of the deployment: the real binary with some roles, in a process group of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;

/// A running process of the binary.
#[derive(Debug)]
pub(crate) struct Node {
    process: Child,
    _output: BufReader<ChildStdout>,
    /// Where it listens.
    pub(crate) url: String,
    /// The first key of its installation, if it has the role `api`.
    pub(crate) key: Option<String>,
}

impl Node {
    /// Starts a process with this configuration (TOML) and a data folder of its own, in `folder/name`.
    pub(crate) fn start(folder: &Path, name: &str, configuration: &str) -> Self {
        let own = folder.join(name);
        fs::create_dir_all(&own).unwrap();
        let file = own.join("procession.toml");
        fs::write(&file, configuration).unwrap();
        let log = fs::File::options().create(true).append(true).open(own.join("log.txt")).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_procession"))
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--config"])
            .arg(&file)
            .env("PROCESSION_DATA", own.join("data"))
            .env("PROCESSION_MODELS", own.join("no-models"))
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("{name} did not start: {line}{}", fs::read_to_string(own.join("log.txt")).unwrap())
        });
        let text = |field: &str| said[field].as_str().map(str::to_owned);
        Self { process, _output: output, url: text("url").unwrap(), key: text("key") }
    }

    /// Its process's id.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal to the process and all that it started: `KILL`, `STOP`, `CONT`.
    pub(crate) fn signal(&self, signal: &str) {
        let group = format!("-{}", self.process.id());
        Command::new("kill").args([&format!("-{signal}"), "--", &group]).status().unwrap();
    }

    /// SIGKILL, and waits for its end.
    pub(crate) fn kill(&mut self) {
        self.signal("KILL");
        let _ = self.process.wait();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
