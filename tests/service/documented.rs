//! What docs/api.md shows is what happens.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{
    running::Running,
    sample::{real_photos, until},
};

const PAGE: &str = include_str!("../../docs/api.md");

#[tokio::test]
async fn the_example_leads_from_a_card_to_the_receipt() {
    let service = Running::start();
    let script = PAGE.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let card = service.path("card");
    fs::create_dir(&card).unwrap();
    for photo in real_photos() {
        fs::copy(&photo, card.join(photo.file_name().unwrap())).unwrap();
    }
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_procession")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", script]).current_dir(service.path(""));
    command.env("URL", &service.url).env("KEY", &service.key).env("PATH", path).env("no_proxy", "*");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let photos: Value = serde_json::from_slice(&fs::read(service.path("photos.json")).unwrap()).unwrap();
    assert_eq!(photos["items"].as_array().unwrap().len(), 2);
    let galleries = service.get("/api/v1/galleries").await;
    let path = format!("/api/v1/galleries/{}", galleries["items"][0]["id"].as_str().unwrap());
    let all = real_photos().len();
    until(&service, &path, |_, gallery| gallery["progress"]["done"] == all).await;
}
