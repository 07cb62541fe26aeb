//! A service for one test: the real binary in a folder of its own, on a free port.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) struct Running {
    folder: TempDir,
    process: Child,
    _output: BufReader<ChildStdout>,
    pub(crate) url: String,
    /// The first key of the installation: it may do everything. Empty if the service does not tell it.
    pub(crate) key: String,
    pub(crate) http: reqwest::Client,
}

impl Running {
    /// Starts a service without models.
    pub(crate) fn start() -> Self {
        Self::start_with(|command| command)
    }

    /// As [`Running::start`], with more arguments or variables.
    pub(crate) fn start_with(configure: impl Fn(&mut Command) -> &mut Command) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), configure)
    }

    /// As [`Running::start_with`], over what is in a folder already.
    pub(crate) fn start_in(folder: TempDir, configure: impl Fn(&mut Command) -> &mut Command) -> Self {
        let (process, output, url, key) = spawn(folder.path(), "127.0.0.1:0", &configure);
        // Nothing here speaks TLS, but the client wants to know who would.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        Self { folder, process, _output: output, url, key, http }
    }

    /// Starts it again over the same data and at the same address, after it ended or was killed.
    pub(crate) fn restart(&mut self) {
        self.restart_with(|command| command);
    }

    /// As [`Running::restart`], with more arguments or variables.
    pub(crate) fn restart_with(&mut self, configure: impl Fn(&mut Command) -> &mut Command) {
        self.kill();
        let address = self.url.strip_prefix("http://").unwrap();
        let (process, output, url, key) = spawn(self.folder.path(), address, &configure);
        (self.process, self._output, self.url, self.key) = (process, output, url, key);
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// SIGTERM, and its exit code.
    pub(crate) fn terminate(&mut self) -> i32 {
        Command::new("kill").arg(self.process.id().to_string()).status().unwrap();
        self.process.wait().unwrap().code().unwrap_or(-1)
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// The most memory that the process had at any time.
    pub(crate) fn peak_memory_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process_id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix("kB").unwrap().trim().parse::<u64>().unwrap() << 10
    }

    /// What another command of the binary says about the same data.
    pub(crate) fn command(&self, args: &[&str]) -> String {
        let output = procession(self.folder.path()).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A request with the first key.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "GET {path}: {status}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.request(Method::POST, path).json(body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "POST {path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Opens a gallery and returns its id.
    pub(crate) async fn open_gallery(&self, title: &str) -> String {
        let made = self.post("/api/v1/galleries", &json!({ "title": title })).await;
        made["id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The binary over the data in this folder.
fn procession(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_procession"));
    command
        .env("PROCESSION_DATA", folder.join("data"))
        .env("PROCESSION_MODELS", folder.join("no-models"))
        .env("NO_COLOR", "1");
    command
}

fn spawn(
    folder: &Path,
    address: &str,
    configure: &dyn Fn(&mut Command) -> &mut Command,
) -> (Child, BufReader<ChildStdout>, String, String) {
    let mut command = procession(folder);
    command
        .args(["serve", "--json", "--listen", address])
        .stdout(Stdio::piped())
        .stderr(fs::File::options().create(true).append(true).open(folder.join("stderr.txt")).unwrap());
    let mut process = configure(&mut command).spawn().unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
        panic!("the service did not start: {line}{}", fs::read_to_string(folder.join("stderr.txt")).unwrap())
    });
    let key = said["key"].as_str().unwrap_or_default().to_owned();
    (process, output, said["url"].as_str().unwrap().to_owned(), key)
}

/// A program that some tests need: from the path, or where Debian keeps it, or where `cargo xtask setup` put it.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = [PathBuf::from("/usr/sbin"), Path::new(env!("CARGO_MANIFEST_DIR")).join("target/debian")];
    std::env::split_paths(&path).chain(more).map(|folder| folder.join(name)).find(|file| file.is_file())
}
