//! Real servers that speak S3, one for each test: SeaweedFS, from where `cargo xtask setup` puts it.
#![allow(dead_code, reason = "not every test uses all of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is a failed test")]
#![allow(clippy::disallowed_methods, reason = "it waits for another process")]

use std::{
    fs,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use http::{Method, Request};
use object_store::{
    aws::{AwsAuthorizer, AwsCredential},
    client::HttpRequestBody,
};
use tempfile::TempDir;

/// The name of the key that every server knows.
pub(crate) const ACCESS_KEY: &str = "procession";
/// Its secret.
pub(crate) const SECRET_KEY: &str = "a secret of these tests";
/// An object that every server has: once it is read again, the server has found all its bytes.
const WITNESS: &str = "/witness/object";
/// A server has so long until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with its data in a folder of its own. It ends with its value.
pub(crate) struct Seaweed {
    folder: TempDir,
    process: Child,
    ports: Vec<u16>,
    /// Where it answers.
    pub(crate) endpoint: String,
}

impl Seaweed {
    /// Starts a server, waits until it answers, and makes these buckets.
    pub(crate) async fn start(buckets: &[&str]) -> Self {
        let identities = format!(
            r#"{{"identities":[{{"name":"tests","credentials":[{{"accessKey":"{ACCESS_KEY}","secretKey":"{SECRET_KEY}"}}],
                "actions":["Admin","Read","Write","List","Tagging"]}}]}}"#
        );
        let mut server = Self::begin(tempdir_with(&identities));
        while !server.agrees_to(Method::GET, "/").await {
            // Another server was quicker to take one of the ports.
            assert!(server.log().contains("address already in use"), "weed ended:\n{}", server.log());
            server = Self::begin(tempdir_with(&identities));
        }
        let paths = buckets.iter().map(|bucket| format!("/{bucket}"));
        for path in paths.chain(["/witness", WITNESS].map(str::to_owned)) {
            assert!(server.agrees_to(Method::PUT, &path).await, "weed ended:\n{}", server.log());
        }
        server
    }

    fn begin(folder: TempDir) -> Self {
        let ports = free_ports(8);
        let endpoint = format!("http://127.0.0.1:{}", ports[0]);
        let process = spawn(folder.path(), &ports);
        Self { folder, process, ports, endpoint }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // These it puts there whatever it is told, and takes away only if it ends by itself.
        for (part, port) in ["s3", "master", "volume", "filer"].iter().zip(self.ports.iter().skip(1).step_by(2)) {
            let _ = fs::remove_file(format!("/tmp/seaweedfs-{part}-grpc-{port}.sock"));
        }
    }

    /// Starts it again over the same data and at the same address.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        self.process = spawn(self.folder.path(), &self.ports);
        // It lists its buckets before it knows where the bytes are, and reads nothing until then.
        assert!(self.agrees_to(Method::GET, WITNESS).await, "weed ended:\n{}", self.log());
    }

    /// SIGSTOP: connections still come about, and nothing is answered.
    pub(crate) fn stop(&self) {
        self.signal("STOP");
    }

    /// SIGCONT.
    pub(crate) fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.process.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Uploads in parts that were begun and neither ended nor thrown away.
    pub(crate) async fn open_uploads(&self, bucket: &str) -> usize {
        let text = self.fetch(Method::GET, &format!("/{bucket}?uploads=")).await.unwrap().1;
        text.matches("<UploadId>").count()
    }

    /// The bytes of an object; nothing if it is not there, or the server does not answer.
    pub(crate) async fn object(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let answer = self.request(Method::GET, &format!("/{bucket}/{key}")).await?;
        if answer.status() != 200 {
            return None;
        }
        Some(answer.bytes().await.ok()?.to_vec())
    }

    /// Deletes an object behind everybody's back.
    pub(crate) async fn delete(&self, bucket: &str, key: &str) {
        let status = self.ask(Method::DELETE, &format!("/{bucket}/{key}")).await;
        assert_eq!(status, Some(204), "{key}");
    }

    /// Waits until the server does what it is asked, or has done it; false if it ends instead.
    async fn agrees_to(&mut self, method: Method, path: &str) -> bool {
        let start = Instant::now();
        // Its own readiness says less: it answers before it knows the keys.
        while !matches!(self.ask(method.clone(), path).await, Some(200 | 409)) {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(start.elapsed() < PATIENCE, "weed does not answer:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        true
    }

    fn log(&self) -> String {
        let text = fs::read_to_string(self.folder.path().join("log.txt")).unwrap_or_default();
        text.lines().rev().take(40).collect::<Vec<_>>().join("\n")
    }

    async fn ask(&self, method: Method, path: &str) -> Option<u16> {
        self.fetch(method, path).await.map(|(status, _)| status)
    }

    async fn fetch(&self, method: Method, path: &str) -> Option<(u16, String)> {
        let answer = self.request(method, path).await?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// A signed request; what is put anywhere is `WITNESS` itself.
    async fn request(&self, method: Method, path: &str) -> Option<reqwest::Response> {
        let credential =
            AwsCredential { key_id: ACCESS_KEY.to_owned(), secret_key: SECRET_KEY.to_owned(), token: None };
        let url = format!("{}{path}", self.endpoint);
        let body = if path == WITNESS && method == Method::PUT { WITNESS } else { "" };
        let request = Request::builder().method(method).uri(url);
        let mut request = request.body(HttpRequestBody::from(body.to_owned())).unwrap();
        AwsAuthorizer::new(&credential, "s3", "us-east-1").try_authorize(&mut request, None).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
        let (parts, _) = request.into_parts();
        client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body).send().await.ok()
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        self.kill();
    }
}

fn tempdir_with(identities: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("identities.json"), identities).unwrap();
    folder
}

fn spawn(folder: &Path, ports: &[u16]) -> Child {
    let data = folder.join("data");
    fs::create_dir_all(&data).unwrap();
    let log = fs::File::options().create(true).append(true).open(folder.join("log.txt")).unwrap();
    let mut command = Command::new(program());
    // Its logs and sockets go with its folder: a server that is killed takes nothing away itself.
    command.arg(format!("-logdir={}", folder.display()));
    command.current_dir(folder).args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]);
    command.arg(format!("-dir={}", data.display()));
    command.arg(format!("-s3.config={}", folder.join("identities.json").display()));
    for part in ["filer", "s3"] {
        command.arg(format!("-{part}.localSocket={}", folder.join(part).with_extension("sock").display()));
    }
    command.args([
        // Of 64 MB each, and seven for each bucket are made at once: two thousand photos with their images want more than twenty.
        "-volume.max=100",
        "-master.volumeSizeLimitMB=64",
        "-master.telemetry=false",
        "-s3.iam=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
    ]);
    let names = ["s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc"];
    let names = names.iter().chain(["filer.port", "filer.port.grpc"].iter());
    command.args(names.zip(ports).map(|(name, port)| format!("-{name}={port}")));
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

/// Ports that nobody listens on now, drawn at random from those that the system gives to no outgoing connection.
fn free_ports(count: usize) -> Vec<u16> {
    let mut held = Vec::new();
    while held.len() < count {
        let drawn = RandomState::new().build_hasher().finish() % 20_000;
        held.extend(TcpListener::bind(("127.0.0.1", 12_000 + drawn as u16)));
    }
    held.iter().map(|listener: &TcpListener| listener.local_addr().unwrap().port()).collect()
}

fn program() -> PathBuf {
    let start = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found = start.ancestors().map(|folder| folder.join("target/python/bin/weed")).find(|file| file.is_file());
    found.expect("weed is not here; say `cargo xtask setup`")
}
