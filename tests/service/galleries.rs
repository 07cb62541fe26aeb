//! Galleries are opened, changed, listed in pages, and nobody else's.

use reqwest::Method;
use serde_json::json;

use crate::running::Running;

#[tokio::test]
async fn a_gallery_is_opened_once_changed_and_removed() {
    let service = Running::start();
    let wanted = json!({
        "title": "Anna & Ben", "name": "2026-06-20 anna", "wedding": { "date": "2026-06-20", "time_zone": "Europe/Rome" },
    });
    let opened = service.post("/api/v1/galleries", &wanted).await;
    assert_eq!(service.post("/api/v1/galleries", &wanted).await["id"], opened["id"]);
    let path = format!("/api/v1/galleries/{}", opened["id"].as_str().unwrap());
    let change = service.request(Method::PATCH, &path).json(&json!({ "title": "Anna and Ben" })).send().await.unwrap();
    assert_eq!(change.status(), 200);
    let now = service.get(&path).await;
    assert_eq!(now["title"], "Anna and Ben");
    assert_eq!(now["wedding"], wanted["wedding"]);
    assert_eq!(now["deadline"], opened["deadline"]);
    assert_eq!(service.request(Method::DELETE, &path).send().await.unwrap().status(), 204);
    assert_eq!(service.request(Method::GET, &path).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn pages_have_every_gallery_once() {
    let service = Running::start();
    let mut opened = Vec::new();
    for number in 0..7 {
        opened.insert(0, service.open_gallery(&format!("wedding {number}")).await);
    }
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = service.get(&format!("/api/v1/galleries?limit=3{after}")).await;
        found.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(found, opened);
}

#[tokio::test]
async fn what_is_wrong_is_a_problem_document() {
    let service = Running::start();
    let galleries = format!("{}/api/v1/galleries", service.url);
    let stranger = service.http.get(&galleries).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    assert_eq!(stranger.headers()["content-type"], "application/problem+json");
    for (body, status, code) in [
        ("{", 400, "malformed"),
        ("{\"title\":\"\"}", 422, "invalid"),
        ("{\"title\":\"x\",\"more\":1}", 422, "invalid"),
        ("{\"title\":\"x\",\"wedding\":{\"date\":\"soon\",\"time_zone\":\"Europe/Rome\"}}", 422, "invalid"),
        ("{\"title\":\"x\",\"pipeline\":\"none\"}", 422, "invalid"),
    ] {
        let request = service.request(Method::POST, "/api/v1/galleries").header("content-type", "application/json");
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{body}");
        let problem: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], code, "{body}: {problem}");
    }
}

#[tokio::test]
async fn a_service_ends_in_peace_and_starts_again() {
    let mut service = Running::start();
    let gallery = service.open_gallery("kept").await;
    assert_eq!(service.terminate(), 0);
    service.restart();
    assert_eq!(service.get(&format!("/api/v1/galleries/{gallery}")).await["title"], "kept");
}
