//! The API's document held against the running service by schemathesis, which sends what the document allows and what it does
//! not, and looks whether the answers are those that the document promises.

use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    openapi::operations,
    running::Running,
    sample::{finished, real_photos, upload, upload_photo},
};

/// Every check but one: that what the document allows is accepted. It cannot say that a photo has to be there, or that a date
/// lies in the future.
const CHECKS: [&str; 4] = ["--checks", "all", "--exclude-checks", "positive_data_acceptance"];

/// Runs schemathesis with the first key; `parameters` are given instead of made up. Fails if it finds anything.
async fn explore(service: &Running, parameters: &[(&str, Value)], without: &[&str], more: &[&str]) {
    let document = service.get("/api/v1/openapi.json").await;
    let mut settings = format!("headers = {{ Authorization = \"Bearer {}\" }}\n[parameters]\n", service.key);
    for (name, value) in parameters {
        writeln!(settings, "\"path.{name}\" = {value}").unwrap();
    }
    let file = service.path("schemathesis.toml");
    fs::write(&file, settings).unwrap();
    let packages = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/python");
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", packages).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(service.path(""));
    command.args(["-m", "schemathesis.cli", "--config-file"]).arg(file);
    command.args(["run", &format!("{}/api/v1/openapi.json", service.url), "--no-color", "--continue-on-failure"]);
    command.args(["--seed", "20260620", "--generation-database", "none"]).args(CHECKS).args(more);
    // It would wait for the end of a stream that has none.
    let operations = operations(&document);
    let streams = operations.iter().filter(|operation| operation.is_stream).map(|operation| operation.id.as_str());
    for id in streams.chain(without.iter().copied()) {
        assert!(operations.iter().any(|operation| operation.id == id), "there is no operation {id}");
        command.args(["--exclude-operation-id", id]);
    }
    let output = tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).output()).await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!told.contains("No module named"), "schemathesis is not here; install it with `cargo xtask setup`: {told}");
    assert!(output.status.success() && told.contains("generated"), "{told}");
}

#[tokio::test]
async fn the_service_answers_as_its_document_says() {
    let service = Running::start();
    let gallery = service.open_gallery("explored").await;
    let photo = upload_photo(&service, &gallery, "a.jpg", fs::read(&real_photos()[0]).unwrap()).await;
    upload(&service, &service.key, &gallery, "b.jpg", b"%PDF".to_vec()).await;
    finished(&service, &gallery).await;
    let change = json!({ "kind": "rename_moment", "photo": photo, "title": "Speeches" });
    let path = format!("/api/v1/galleries/{gallery}");
    service.post(&format!("{path}/corrections"), &json!({ "change": change })).await;
    let link = service.post(&format!("{path}/links"), &json!({})).await["id"].clone();
    let parameters = [("gallery", json!(gallery)), ("photo", json!(photo)), ("correction", json!(1)), ("link", link)];
    // It would end with nothing to look at, or without its own key.
    let without = ["remove_gallery", "revoke_key"];
    explore(
        &service,
        &parameters,
        &without,
        &["--exclude-tag", "webhooks", "--phases", "coverage,fuzzing", "--max-examples", "5"],
    )
    .await;
}

/// Where nothing happens, nobody's address is called.
#[tokio::test]
async fn webhooks_are_made_as_the_document_says() {
    let service = Running::start();
    let more = ["--include-tag", "webhooks", "--phases", "coverage,fuzzing", "--max-examples", "5"];
    explore(&service, &[], &[], &more).await;
}

#[tokio::test]
async fn what_is_made_is_found_changed_and_removed_as_the_document_says() {
    let service = Running::start();
    service.open_gallery("first").await;
    let more = ["--exclude-tag", "webhooks", "--phases", "stateful", "--max-examples", "5", "--max-time", "15"];
    explore(&service, &[], &["revoke_key"], &more).await;
}
