//! SeaweedFS, which speaks S3: from where `setup` puts it, started as the tests start it.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::{end, pause};
use crate::{
    run::{program, quiet},
    setup,
};

const ACCESS_KEY: &str = "procession";
const SECRET_KEY: &str = "benchmark";
/// It has so many fifths of a second to answer.
const PATIENCE: usize = 300;
const PORTS: [&str; 8] = [
    "s3.port",
    "s3.port.grpc",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
];

/// A server with its data in a folder.
pub(crate) struct Seaweed {
    process: Child,
    pub(crate) url: String,
}

impl Seaweed {
    /// Starts it with these buckets.
    pub(crate) fn start(folder: &Path, buckets: &[&str]) -> Result<Self> {
        fs::create_dir_all(folder.join("data"))?;
        let identities = folder.join("identities.json");
        let keys = format!(r#"{{"accessKey":"{ACCESS_KEY}","secretKey":"{SECRET_KEY}"}}"#);
        let actions = r#"["Admin","Read","Write","List","Tagging"]"#;
        fs::write(
            &identities,
            format!(r#"{{"identities":[{{"name":"bench","credentials":[{keys}],"actions":{actions}}}]}}"#),
        )?;
        let (mut held, mut ports) = (Vec::new(), Vec::new());
        for _ in PORTS {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            ports.push(listener.local_addr()?.port());
            held.push(listener);
        }
        drop(held);
        let mut weed = Command::new(setup::python_packages().join("bin/weed"));
        weed.current_dir(folder).arg(format!("-logdir={}", folder.display()));
        weed.args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", "-dir=data"]);
        weed.arg(format!("-s3.config={}", identities.display()));
        weed.args(["-filer.localSocket=filer.sock", "-s3.localSocket=s3.sock", "-volume.max=100"]);
        weed.args(["-master.volumeSizeLimitMB=64", "-master.telemetry=false", "-s3.iam=false"]);
        weed.args(["-s3.port.iceberg=0", "-s3.port.lance=0"]);
        weed.args(PORTS.iter().zip(&ports).map(|(name, port)| format!("-{name}={port}")));
        let log = fs::File::create(folder.join("log.txt"))?;
        weed.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let process = weed.spawn().context("weed does not start")?;
        let mut server = Self { process, url: format!("http://127.0.0.1:{}", ports[0]) };
        let log = || fs::read_to_string(folder.join("log.txt")).unwrap_or_default();
        for bucket in buckets {
            let mut tries = 0;
            // It answers before it knows its keys or has room for a bucket.
            while server.ask(&["--request", "PUT"], bucket).is_err() {
                tries += 1;
                if server.process.try_wait()?.is_some() || tries > PATIENCE {
                    bail!("weed did not make {bucket}: {}", log());
                }
                pause(Duration::from_millis(200));
            }
        }
        Ok(server)
    }

    /// Asks with curl for what is at a path, and signs it.
    pub(crate) fn ask(&self, more: &[&str], path: &str) -> Result<String> {
        let settings = Self::signed().map(|(name, value)| [format!("--{name}"), value]);
        let mut curl = program("curl", &["--silent", "--show-error", "--fail"]);
        quiet(curl.args(settings.into_iter().flatten()).args(more).arg(format!("{}/{path}", self.url)))
    }

    /// Settings of curl by which a request is signed.
    pub(crate) fn signed() -> [(&'static str, String); 2] {
        [("aws-sigv4", "aws:amz:us-east-1:s3".to_owned()), ("user", format!("{ACCESS_KEY}:{SECRET_KEY}"))]
    }

    /// Settings of Procession by which a bucket is its only store.
    pub(crate) fn store(&self, bucket: &str) -> String {
        format!(
            "stores = [{{ endpoint = '{}', bucket = '{bucket}', access_key = '{ACCESS_KEY}', secret_key = '{SECRET_KEY}' }}]\n",
            self.url
        )
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}
