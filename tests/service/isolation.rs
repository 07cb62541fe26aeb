//! No studio sees or changes anything of another's: every operation of the API's own document is tried with the wrong key,
//! so a new one is tried too.

use std::{collections::BTreeMap, fs};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    openapi::{Operation, example, operations},
    running::Running,
    sample::{finished, real_photos, until, upload, upload_photo},
};

/// What the first studio has: names that no other may read, and the ids that paths are filled with.
struct First {
    secrets: Vec<String>,
    ids: BTreeMap<&'static str, String>,
    /// The path of an upload that is not complete.
    upload: String,
}

impl First {
    async fn new(service: &Running) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let renamed = json!({ "name": "Studio Nightingale" });
        service.request(Method::PATCH, "/api/v1/studio").json(&renamed).send().await.unwrap();
        let studio = text(&service.get("/api/v1/studio").await["id"]);
        let gallery = service.open_gallery("Wedding of the Nightingales").await;
        let bytes = fs::read(&real_photos()[0]).unwrap();
        let photo = upload_photo(service, &gallery, "nightingale.jpg", bytes).await;
        upload(service, &service.key, &gallery, "no-nightingale.jpg", b"%PDF".to_vec()).await;
        finished(service, &gallery).await;
        let of_gallery = |name: &str| format!("/api/v1/galleries/{gallery}/{name}");
        let title = json!({ "change": { "kind": "rename_moment", "photo": photo, "title": "Nightingale Suite" } });
        let correction = service.post(&of_gallery("corrections"), &title).await["id"].to_string();
        service.post(&of_gallery("receipt"), &Value::Null).await;
        until(service, &of_gallery("receipt"), |status, _| status == 200).await;
        let link = text(&service.post(&of_gallery("links"), &json!({})).await["id"]);
        let key = json!({ "name": "key of the Nightingales", "scopes": ["read"] });
        let key = text(&service.post("/api/v1/keys", &key).await["id"]);
        // Told of nothing that happens here.
        let hook = json!({ "url": "https://example.com/nightingale", "events": ["receipt_refused"] });
        let webhook = text(&service.post("/api/v1/webhooks", &hook).await["id"]);
        let hash = text(&service.get(&of_gallery(&format!("photos/{photo}"))).await["original"]);
        let begun = begin_upload(service, Some(&service.key), &gallery).await;
        let upload = text(&json!(begun.headers()["location"].to_str().unwrap()));
        let upload = upload.strip_prefix(&service.url).unwrap_or(&upload).to_owned();
        let names = ["Nightingale", "nightingale"].map(str::to_owned);
        let secrets = [&studio, &gallery, &photo, &link, &key, &webhook, &hash].map(String::clone);
        let ids = [("gallery", gallery), ("photo", photo), ("correction", correction), ("link", link), ("key", key)];
        let ids = ids.into_iter().chain([("webhook", webhook)]).collect();
        Self { secrets: names.into_iter().chain(secrets).collect(), ids, upload }
    }

    /// What a path names, of the first studio.
    fn id(&self, operation: &Operation, name: &str) -> &str {
        let known = self.ids.get(name).map(String::as_str);
        known.unwrap_or_else(|| panic!("{operation}: teach this test an id of the first studio for {{{name}}}"))
    }

    /// That an answer tells nothing of the first studio.
    fn assert_keeps_quiet(&self, what: &str, answer: &str) {
        for secret in &self.secrets {
            assert!(!answer.contains(secret.as_str()), "{what} tells of {secret}: {answer}");
        }
    }

    /// Everything that the first studio reads of its own.
    async fn snapshot(&self, service: &Running, operations: &[Operation]) -> BTreeMap<String, String> {
        let mut snapshot = BTreeMap::new();
        let mut read = async |path: &str, method: Method| {
            let request = service.request(method, path).header("Tus-Resumable", "1.0.0");
            let answer = request.send().await.unwrap();
            let offset = answer.headers().get("upload-offset").cloned();
            let text = format!("{} {offset:?} {}", answer.status(), answer.text().await.unwrap());
            snapshot.insert(path.to_owned(), without_signatures(&text));
        };
        // Events never end, and what the operator sees is everybody's.
        let of_the_operator = ["/api/v1/operations", "/api/v1/operations/forecast", "/api/v1/studios"];
        let is_steady = |operation: &&Operation| !operation.is_stream && !of_the_operator.contains(&&*operation.path);
        for operation in operations.iter().filter(|operation| operation.method == Method::GET).filter(is_steady) {
            read(&operation.filled(|name| self.id(operation, name)), Method::GET).await;
        }
        read(&self.upload, Method::HEAD).await;
        snapshot
    }
}

async fn begin_upload(service: &Running, key: Option<&str>, gallery: &str) -> reqwest::Response {
    let metadata = format!("gallery {},filename {}", STANDARD.encode(gallery), STANDARD.encode("nightingale-2.jpg"));
    let request = service.http.post(format!("{}/files", service.url)).header("Tus-Resumable", "1.0.0");
    let request = request.header("Upload-Length", "1000").header("Upload-Metadata", metadata);
    let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
    request.send().await.unwrap()
}

/// Signed addresses change with the days.
fn without_signatures(text: &str) -> String {
    let mut parts = text.split("/i/");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + "/i/" + part.split_once('/').map_or(part, |(_, rest)| rest))
}

/// Another studio with everything that a studio can have.
struct Second {
    key: String,
    gallery: String,
}

impl Second {
    async fn new(service: &Running) -> Self {
        let made = service.post("/api/v1/studios", &json!({ "name": "Studio Two" })).await;
        let key = made["key"]["token"].as_str().unwrap().to_owned();
        let request = service.http.post(format!("{}/api/v1/galleries", service.url)).bearer_auth(&key);
        let opened = request.json(&json!({ "title": "own" })).send().await.unwrap();
        let gallery = opened.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
        Self { key, gallery }
    }
}

/// Tries an operation; returns its status and what it told.
async fn attempt(
    service: &Running,
    operation: &Operation,
    path: &str,
    key: Option<&str>,
    body: &Option<Value>,
) -> (u16, String) {
    let request = service.http.request(operation.method.clone(), format!("{}{path}", service.url));
    let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
    let request = if let Some(body) = body { request.json(body) } else { request };
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let headers = format!("{:?}", answer.headers());
    // An answer that should not be there could be one that never ends.
    let text = if operation.is_stream && status == 200 { String::new() } else { answer.text().await.unwrap() };
    (status, headers + &text)
}

#[tokio::test]
async fn no_operation_lets_the_wrong_key_in() {
    let service = Running::start();
    let (first, second) = (First::new(&service).await, Second::new(&service).await);
    let document = service.get("/api/v1/openapi.json").await;
    first.assert_keeps_quiet("the document", &document.to_string());
    let operations = operations(&document);
    let before = first.snapshot(&service, &operations).await;
    let wrong = before.iter().find(|(_, read)| !read.starts_with('2'));
    assert_eq!(wrong, None, "the ids of the first studio are right");
    for operation in &operations {
        let body = operation.body.as_ref().map(|schema| example(&document, schema, first.id(operation, "photo")));
        let path = operation.filled(|name| first.id(operation, name));
        let (status, told) = attempt(&service, operation, &path, None, &body).await;
        assert_eq!(status, 401, "{operation} without a key: {told}");
        first.assert_keeps_quiet(&format!("{operation} without a key"), &told);

        let (status, told) = attempt(&service, operation, &path, Some(&second.key), &body).await;
        let what = format!("{operation} with another studio's key: {status}");
        if operation.names.is_empty() {
            // It is the other studio's own, or not for it.
            assert!(status < 500, "{what}: {told}");
            first.assert_keeps_quiet(&what, &told);
        } else {
            assert!(matches!(status, 401 | 403 | 404), "{what}: {told}");
        }
        if operation.names.len() > 1 {
            let mixed =
                operation.filled(|name| if name == "gallery" { &second.gallery } else { first.id(operation, name) });
            let (status, told) = attempt(&service, operation, &mixed, Some(&second.key), &body).await;
            assert!(matches!(status, 401 | 403 | 404), "{operation} below another studio's gallery: {status}: {told}");
        }
    }
    for (key, expected) in [(None, 401), (Some(second.key.as_str()), 404)] {
        uploads_are_closed(&service, &first, key, expected).await;
        pages_are_closed(&service, &first, key).await;
    }
    for (path, after) in first.snapshot(&service, &operations).await {
        assert_eq!(after, before[&path], "nothing of the first studio's changed: {path}");
    }
}

async fn uploads_are_closed(service: &Running, first: &First, key: Option<&str>, expected: u16) {
    let begun = begin_upload(service, key, &first.ids["gallery"]).await;
    assert_eq!(begun.status(), expected, "POST /files");
    for method in [Method::HEAD, Method::PATCH, Method::DELETE] {
        let request = service.http.request(method.clone(), format!("{}{}", service.url, first.upload));
        let request = request.header("Tus-Resumable", "1.0.0").header("Upload-Offset", "0");
        let request = request.header("Content-Type", "application/offset+octet-stream").body("x");
        let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
        assert_eq!(request.send().await.unwrap().status(), expected, "{method} {}", first.upload);
    }
}

async fn pages_are_closed(service: &Running, first: &First, key: Option<&str>) {
    let gallery = &first.ids["gallery"];
    let of_gallery = format!("/studio/galleries/{gallery}");
    let paths = ["/", "/enter", "/studio", &of_gallery, "/studio/keys", "/operations", "/metrics", "/livez", "/readyz"];
    for path in paths {
        let request = service.http.get(format!("{}{path}", service.url));
        let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
        let answer = request.send().await.unwrap();
        // A page may name what was asked for: the address had it.
        first.assert_keeps_quiet(path, &answer.text().await.unwrap().replace(gallery.as_str(), ""));
    }
}
