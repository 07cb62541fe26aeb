//! Studios and their keys.

use reqwest::Method;
use serde_json::{Value, json};

use crate::running::Running;

async fn status(service: &Running, key: &str, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = service.http.request(method, format!("{}{path}", service.url)).bearer_auth(key);
    let request = if let Some(body) = body { request.json(&body) } else { request };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn a_studio_begins_with_a_key_and_has_nothing_of_another() {
    let service = Running::start();
    service.open_gallery("the first studio's").await;
    let made = service.post("/api/v1/studios", &json!({ "name": "Studio Two" })).await;
    let token = made["key"]["token"].as_str().unwrap();
    assert_eq!(made["key"]["scopes"], json!(["read", "upload", "edit", "admin"]));
    let as_two =
        async |method: Method, path: &str, body: Option<Value>| status(&service, token, method, path, body).await;
    assert_eq!(as_two(Method::GET, "/api/v1/studio", None).await.1, made["studio"]);
    assert_eq!(as_two(Method::GET, "/api/v1/galleries", None).await.1["items"], json!([]));
    assert_eq!(as_two(Method::GET, "/api/v1/studios", None).await.0, 403);
    let renamed = as_two(Method::PATCH, "/api/v1/studio", Some(json!({ "name": " Two & Co " }))).await;
    assert_eq!((renamed.0, &renamed.1["name"]), (200, &json!("Two & Co")));
    // The same name in two studios is two galleries.
    let wanted = json!({ "title": "Anna", "name": "anna" });
    let ours = service.post("/api/v1/galleries", &wanted).await;
    let (opened, theirs) = as_two(Method::POST, "/api/v1/galleries", Some(wanted.clone())).await;
    assert_eq!(opened, 201);
    assert_ne!(ours["id"], theirs["id"]);
    let changed = json!({ "title": "Berta", "name": "anna", "consent": { "faces": true } });
    assert_eq!(as_two(Method::POST, "/api/v1/galleries", Some(changed)).await, (200, theirs), "it was open already");
    let all = service.get("/api/v1/studios").await;
    let names: Vec<&Value> = all["items"].as_array().unwrap().iter().map(|studio| &studio["name"]).collect();
    assert!(names.contains(&&json!("Two & Co")) && names.len() == 2, "{names:?}");
}

#[tokio::test]
async fn a_key_makes_none_that_may_do_more_and_the_last_admin_stays() {
    let service = Running::start();
    let made = service.post("/api/v1/studios", &json!({ "name": "Studio Two" })).await;
    let first = made["key"]["token"].as_str().unwrap();
    let make = async |key: &str, scopes: Value| {
        let body = json!({ "name": "plug-in", "scopes": scopes });
        status(&service, key, Method::POST, "/api/v1/keys", Some(body)).await
    };
    assert_eq!(make(first, json!(["operate"])).await.0, 403);
    assert_eq!(make(first, json!([])).await.0, 422);
    let (_, reader) = make(first, json!(["read"])).await;
    let reader_token = reader["token"].as_str().unwrap();
    assert_eq!(make(reader_token, json!(["read"])).await.0, 403);
    assert_eq!(status(&service, reader_token, Method::GET, "/api/v1/studio", None).await.0, 200);
    let (_, second) = make(first, json!(["admin", "read"])).await;
    assert_eq!(make(second["token"].as_str().unwrap(), json!(["edit"])).await.0, 403);

    let keys = status(&service, first, Method::GET, "/api/v1/keys", None).await.1;
    assert_eq!(keys["items"].as_array().unwrap().len(), 3);
    assert!(!keys.to_string().contains("secret") && !keys.to_string().contains("pk_"));
    let revoke = async |by: &str, key: &Value| {
        let path = format!("/api/v1/keys/{}", key["id"].as_str().unwrap());
        status(&service, by, Method::DELETE, &path, None).await.0
    };
    assert_eq!(revoke(first, &reader).await, 204);
    assert_eq!(revoke(first, &reader).await, 204, "it is revoked already");
    assert_eq!(status(&service, reader_token, Method::GET, "/api/v1/studio", None).await.0, 401);
    // Both at once: one of them stays.
    let second_token = second["token"].as_str().unwrap();
    let outcomes = tokio::join!(revoke(first, &second), revoke(second_token, &made["key"]));
    assert!(matches!(outcomes, (204, 401 | 409) | (401 | 409, 204)), "{outcomes:?}");
    let left = if outcomes.0 == 204 { first } else { second_token };
    let own = if outcomes.0 == 204 { &made["key"] } else { &second };
    assert_eq!(revoke(left, own).await, 409);
    let foreign = service.get("/api/v1/keys").await["items"][0].clone();
    assert_eq!(revoke(left, &foreign).await, 404);
}

#[tokio::test]
async fn an_installation_has_one_first_key() {
    let mut service = Running::start();
    let key = service.key.clone();
    service.restart();
    assert_eq!(service.key, key);
    // Taken away, it still opens, and no second one is made.
    std::fs::remove_file(service.path("data/admin.key")).unwrap();
    service.restart();
    assert_eq!(service.key, "");
    assert_eq!(status(&service, &key, Method::GET, "/api/v1/studio", None).await.0, 200);
    let keys = status(&service, &key, Method::GET, "/api/v1/keys", None).await.1;
    assert_eq!(keys["items"].as_array().unwrap().len(), 1);
}
