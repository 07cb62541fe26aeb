//! A request that is sent again is carried out once, and an answer that has not changed is not sent again.

use std::{collections::BTreeSet, fs};

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::{
    running::Running,
    sample::{finished, real_photos, upload_photo},
};

/// What came back: status, whether it is a replay, body.
type Told = (u16, bool, Value);

async fn told(answer: Response) -> Told {
    let is_replay = answer.headers().get("idempotent-replay").is_some_and(|value| value == "true");
    (answer.status().as_u16(), is_replay, answer.json().await.unwrap_or_default())
}

async fn post(service: &Running, key: &str, path: &str, body: &Value) -> Told {
    let request = service.request(Method::POST, path).header("Idempotency-Key", key);
    told(request.json(body).send().await.unwrap()).await
}

async fn count(service: &Running, path: &str) -> usize {
    service.get(path).await["items"].as_array().unwrap().len()
}

fn tag(answer: &Response) -> String {
    answer.headers()["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_answer_is_told_again_after_a_crash() {
    let mut service = Running::start();
    let body = json!({ "title": "once" });
    let first = post(&service, "k-1", "/api/v1/galleries", &body).await;
    assert_eq!((first.0, first.1), (201, false));
    service.restart();
    let again = post(&service, "k-1", "/api/v1/galleries", &body).await;
    assert_eq!(again, (201, true, first.2.clone()));
    assert_ne!(post(&service, "k-2", "/api/v1/galleries", &body).await.2["id"], first.2["id"]);
    assert_eq!(count(&service, "/api/v1/galleries").await, 2);

    let other = post(&service, "k-1", "/api/v1/galleries", &json!({ "title": "twice" })).await;
    assert_eq!((other.0, &other.2["code"]), (422, &json!("idempotency_mismatch")));
    let elsewhere = post(&service, "k-1", "/api/v1/galleries?x", &body).await;
    assert_eq!(elsewhere.2["code"], "idempotency_mismatch");
    let two = service.post("/api/v1/studios", &json!({ "name": "Studio Two" })).await;
    let request = service.http.post(format!("{}/api/v1/galleries", service.url)).header("Idempotency-Key", "k-1");
    let theirs =
        told(request.bearer_auth(two["key"]["token"].as_str().unwrap()).json(&body).send().await.unwrap()).await;
    assert_eq!((theirs.0, theirs.1), (201, false), "another studio's keys are its own");

    // It goes with its gallery, whose title is in it.
    let path = format!("/api/v1/galleries/{}", first.2["id"].as_str().unwrap());
    assert_eq!(service.request(Method::DELETE, &path).send().await.unwrap().status(), 204);
    let anew = post(&service, "k-1", "/api/v1/galleries", &body).await;
    assert_eq!((anew.0, anew.1), (201, false));
}

#[tokio::test]
async fn of_many_at_once_one_is_carried_out() {
    let service = Running::start();
    let body = json!({ "title": "once" });
    let all = futures::future::join_all((0..12).map(|_| post(&service, "same", "/api/v1/galleries", &body))).await;
    let (done, refused): (Vec<&Told>, Vec<&Told>) = all.iter().partition(|told| told.0 == 201);
    assert_eq!(done.iter().filter(|told| !told.1).count(), 1, "{all:?}");
    assert_eq!(done.iter().map(|told| told.2["id"].as_str().unwrap()).collect::<BTreeSet<_>>().len(), 1);
    assert!(refused.iter().all(|told| told.0 == 409 && told.2["code"] == "in_progress"), "{all:?}");
    assert_eq!(count(&service, "/api/v1/galleries").await, 1);
}

#[tokio::test]
async fn a_secret_is_told_once_and_kept_nowhere() {
    let mut service = Running::start();
    let gallery = service.open_gallery("shown").await;
    let photo = upload_photo(&service, &gallery, "a.jpg", fs::read(&real_photos()[0]).unwrap()).await;
    finished(&service, &gallery).await;
    let (links, corrections) =
        (format!("/api/v1/galleries/{gallery}/links"), format!("/api/v1/galleries/{gallery}/corrections"));
    let change = json!({ "kind": "rename_moment", "photo": photo, "title": "Nightingale Suite" });
    let mut secrets = Vec::new();
    for (path, body, id, secret) in [
        ("/api/v1/keys", json!({ "name": "plug-in", "scopes": ["read"] }), "/id", "/token"),
        ("/api/v1/studios", json!({ "name": "Studio Two" }), "/studio/id", "/key/token"),
        (links.as_str(), json!({ "password": "hunter22" }), "/id", "/url"),
        (
            "/api/v1/webhooks",
            json!({ "url": "https://example.com/hook", "events": ["receipt_refused"] }),
            "/id",
            "/secret",
        ),
        (corrections.as_str(), json!({ "change": change }), "/id", "/change/title"),
    ] {
        let (status, _, made) = post(&service, path, path, &body).await;
        assert_eq!(status, 201, "{path}: {made}");
        let (status, is_replay, problem) = post(&service, path, path, &body).await;
        assert_eq!((status, is_replay, &problem["code"]), (409, true, &json!("already_done")), "{path}");
        let id = made.pointer(id).unwrap();
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        assert!(problem["detail"].as_str().unwrap().contains(&id), "{problem}");
        // A webhook's secret signs, so the ledger has it; what a correction says is no secret.
        if path != corrections && path != "/api/v1/webhooks" {
            secrets.push(made.pointer(secret).unwrap().as_str().unwrap().rsplit('/').next().unwrap().to_owned());
        }
    }
    assert_eq!(count(&service, "/api/v1/keys").await, 2);
    service.kill();
    let kept: Vec<u8> = fs::read_dir(service.path("data"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && !path.ends_with("admin.key"))
        .flat_map(|path| fs::read(path).unwrap())
        .collect();
    let is_kept = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(is_kept("Studio Two"), "the ledger is not where this test looks");
    assert!(secrets.len() == 3 && secrets.iter().all(|secret| !is_kept(secret)) && !is_kept("hunter22"));
}

#[tokio::test]
async fn what_was_refused_is_tried_again() {
    let service = Running::start();
    let refused = post(&service, "k", "/api/v1/galleries", &json!({ "title": "" })).await;
    assert_eq!((refused.0, &refused.2["code"]), (422, &json!("invalid")));
    let right = post(&service, "k", "/api/v1/galleries", &json!({ "title": "put right" })).await;
    assert_eq!((right.0, right.1), (201, false));
    for odd in ["", "a b", &"k".repeat(201)] {
        let (status, _, problem) = post(&service, odd, "/api/v1/galleries", &json!({ "title": "x" })).await;
        assert_eq!((status, &problem["code"]), (400, &json!("malformed")), "{odd:?}");
    }
    let request = service.http.post(format!("{}/api/v1/galleries", service.url)).header("Idempotency-Key", "k");
    let stranger = request.json(&json!({ "title": "put right" })).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    let large = post(&service, "l", "/api/v1/galleries", &json!({ "title": "x".repeat(3 << 20) })).await;
    assert_eq!((large.0, &large.2["code"]), (413, &json!("too_large")));
    let reader = service.post("/api/v1/keys", &json!({ "name": "reader", "scopes": ["read"] })).await;
    let request = service.http.post(format!("{}/api/v1/galleries", service.url)).header("Idempotency-Key", "k");
    let request = request.bearer_auth(reader["token"].as_str().unwrap()).json(&json!({ "title": "put right" }));
    assert_eq!(
        told(request.send().await.unwrap()).await.2["code"],
        "idempotency_mismatch",
        "what another key was told"
    );
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let service = Running::start();
    let gallery = service.open_gallery("first").await;
    for path in ["/api/v1/galleries", "/api/v1/openapi.json", "/api/v1/studio", &format!("/api/v1/galleries/{gallery}")]
    {
        let first = service.request(Method::GET, path).send().await.unwrap();
        let tag = tag(&first);
        assert_eq!(first.headers()["cache-control"], "private, no-cache", "{path}");
        let request = service.request(Method::GET, path).header("If-None-Match", format!("\"x\", {tag}"));
        let same = request.send().await.unwrap();
        assert_eq!((same.status().as_u16(), &same.headers()["etag"]), (304, &first.headers()["etag"]), "{path}");
        assert_eq!(same.headers()["cache-control"], "private, no-cache");
        assert!(!same.headers().contains_key("content-type") && same.bytes().await.unwrap().is_empty());
    }
    let list = service.request(Method::GET, "/api/v1/galleries").send().await.unwrap();
    service.open_gallery("second").await;
    let request = service.request(Method::GET, "/api/v1/galleries").header("If-None-Match", tag(&list));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let missing =
        service.request(Method::GET, "/api/v1/galleries/0").header("If-None-Match", "*").send().await.unwrap();
    assert_eq!((missing.status().as_u16(), missing.headers().contains_key("etag")), (404, false));
}

#[tokio::test]
async fn a_change_depends_on_settings_and_not_on_progress() {
    let service = Running::start();
    let gallery = service.open_gallery("first").await;
    let path = format!("/api/v1/galleries/{gallery}");
    let change = async |tag: &str, title: &str| {
        let request = service.request(Method::PATCH, &path).header("If-Match", tag);
        request.json(&json!({ "title": title })).send().await.unwrap()
    };
    let before = tag(&service.request(Method::GET, &path).send().await.unwrap());
    upload_photo(&service, &gallery, "a.jpg", fs::read(&real_photos()[0]).unwrap()).await;
    finished(&service, &gallery).await;
    let request = service.request(Method::GET, &path).header("If-None-Match", &before);
    assert_eq!(request.send().await.unwrap().status(), 200, "its progress is another");

    let changed = change(&before, "second").await;
    assert_eq!(changed.status(), 200);
    let new = tag(&changed);
    let late = change(&before, "third").await;
    assert_eq!(late.status(), 412);
    assert_eq!(late.json::<Value>().await.unwrap()["code"], "changed_meanwhile");
    assert_eq!(change("\"x\", *", "fourth").await.status(), 200);
    assert_eq!(change(&new, "fifth").await.status(), 412);

    // Of all who change the same at once, one does.
    let now = tag(&service.request(Method::GET, &path).send().await.unwrap());
    let titles: Vec<String> = (0..6).map(|number| format!("title {number}")).collect();
    let all = futures::future::join_all(titles.iter().map(|title| change(&now, title))).await;
    let statuses: Vec<u16> = all.iter().map(|answer| answer.status().as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 5, "{statuses:?}");
    let winner = statuses.iter().position(|status| *status == 200).unwrap();
    assert_eq!(service.get(&path).await["title"], titles[winner].as_str());
}
