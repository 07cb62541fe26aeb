//! A process of the deployment: the real binary with some roles, in a process group of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// Until it has started again.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a process runs.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The binary.
    pub(crate) binary: PathBuf,
    /// The folder of its models; none if it has none.
    pub(crate) models: Option<PathBuf>,
}

impl Default for Program {
    /// As cargo built it with the tests, without models.
    fn default() -> Self {
        Self { binary: env!("CARGO_BIN_EXE_procession").into(), models: None }
    }
}

/// A running process of the binary.
#[derive(Debug)]
pub(crate) struct Node {
    program: Program,
    /// The folder that is its own.
    folder: PathBuf,
    process: Child,
    /// Where it listens.
    pub(crate) url: String,
    /// The first key of its installation, if it made that.
    pub(crate) key: Option<String>,
}

impl Node {
    /// Starts a process with this configuration (TOML) and a data folder of its own, in `folder/name`.
    pub(crate) fn start(folder: &Path, name: &str, configuration: &str) -> Self {
        Self::start_as(&Program::default(), folder, name, configuration)
    }

    /// The same with another binary, or with models.
    pub(crate) fn start_as(program: &Program, folder: &Path, name: &str, configuration: &str) -> Self {
        let own = folder.join(name);
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("procession.toml"), configuration).unwrap();
        let started = spawn(program, &own, "127.0.0.1:0");
        started.unwrap_or_else(|line| {
            panic!("{name} did not start: {line}{}", fs::read_to_string(own.join("log.txt")).unwrap())
        })
    }

    /// Kills it and starts it again, at the same address, as often as it takes: while there is no ledger, it ends at once.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let (start, address) = (Instant::now(), self.url.trim_start_matches("http://").to_owned());
        loop {
            match spawn(&self.program, &self.folder, &address) {
                Ok(started) => {
                    let key = self.key.take();
                    *self = started;
                    self.key = self.key.take().or(key);
                    return;
                }
                Err(line) => assert!(start.elapsed() < PATIENCE, "{} does not start: {line}", self.folder.display()),
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Its process's id.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal to the process and all that it started: `KILL`, `STOP`, `CONT`.
    pub(crate) fn signal(&self, signal: &str) {
        let group = format!("-{}", self.process.id());
        Command::new("kill").args([&format!("-{signal}"), "--", &group]).output().unwrap();
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

/// Starts a process in its folder, and waits until it says where it listens; what it said instead, if it did not start.
fn spawn(program: &Program, own: &Path, listen: &str) -> Result<Node, String> {
    let log = fs::File::options().create(true).append(true).open(own.join("log.txt")).unwrap();
    let mut process = Command::new(&program.binary)
        .args(["serve", "--json", "--listen", listen, "--config"])
        .arg(own.join("procession.toml"))
        .env("PROCESSION_DATA", own.join("data"))
        .env("PROCESSION_MODELS", program.models.clone().unwrap_or_else(|| own.join("no-models")))
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    // What a crash left is taken in before, and told.
    let said = loop {
        line.clear();
        if output.read_line(&mut line).unwrap() == 0 {
            let _ = process.wait();
            return Err("it ended".to_owned());
        }
        match serde_json::from_str::<Value>(&line) {
            Ok(said) if said["url"].is_string() => break said,
            _ => {}
        }
    };
    // What it tells from now on is read by nobody; but it has to go somewhere.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    let text = |field: &str| said[field].as_str().map(str::to_owned);
    let (url, key) = (text("url").unwrap(), text("key"));
    Ok(Node { program: program.clone(), folder: own.to_owned(), process, url, key })
}
