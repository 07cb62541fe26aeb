//! The pages for people: who gets them, what they may load, and that all they load is there.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Client, Method, Response, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::running::Running;

/// A browser that follows no redirection, and its session's cookie.
struct Browser<'a> {
    service: &'a Running,
    http: Client,
    cookie: Option<String>,
}

impl<'a> Browser<'a> {
    fn new(service: &'a Running) -> Self {
        let http = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { service, http, cookie: None }
    }

    /// Logs in; gives what the service said.
    async fn enter(&mut self, key: &str) -> Response {
        let form = [("key", key), ("next", "/studio/keys")];
        let body = form.map(|(name, value)| format!("{name}={}", value.replace('/', "%2F"))).join("&");
        let request = self.http.post(format!("{}/enter", self.service.url));
        let answer =
            request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.unwrap();
        let cookie = answer.headers().get("set-cookie").map(|cookie| cookie.to_str().unwrap().to_owned());
        self.cookie = cookie.map(|cookie| cookie.split(';').next().unwrap().to_owned());
        answer
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.http.get(format!("{}{path}", self.service.url));
        let request = self.cookie.iter().fold(request, |request, cookie| request.header("cookie", cookie));
        request.send().await.unwrap()
    }
}

async fn first_browser(service: &Running) -> Browser<'_> {
    let mut browser = Browser::new(service);
    assert_eq!(browser.enter(&service.key).await.status(), StatusCode::SEE_OTHER);
    browser
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// What stands between two texts, each time.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split_once(after)).map(|(found, _)| found).collect()
}

#[tokio::test]
async fn every_page_loads_what_is_there_and_runs_nothing_else() {
    let service = Running::start();
    let gallery = service.open_gallery("A <b>bold</b> title").await;
    let browser = first_browser(&service).await;
    let mut assets = BTreeSet::new();
    for (path, status) in [
        ("/enter".to_owned(), 200),
        ("/studio".to_owned(), 200),
        (format!("/studio/galleries/{gallery}"), 200),
        ("/studio/galleries/000000000000000000000000".to_owned(), 404),
        ("/studio/keys".to_owned(), 200),
        ("/operations".to_owned(), 200),
    ] {
        let answer = browser.get(&path).await;
        assert_eq!(answer.status(), status, "{path}");
        let policy = header(&answer, "content-security-policy").to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(header(&answer, name), value, "{path}");
        }
        let page = answer.text().await.unwrap();
        assert!(!page.contains("<b>bold"), "{path}: a title is text");
        assert!(!page.contains(" style=") && !page.contains("<style") && !page.contains(" onclick="), "{path}");
        let scripts = between(&page, "<script", "</script>");
        for script in &scripts {
            let (attributes, text) = script.split_once('>').unwrap();
            let hash = format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
            assert!(text.is_empty() || policy.contains(&hash), "{path}: {attributes}");
        }
        assets.extend(between(&page, "=\"/assets/", "\"").into_iter().map(str::to_owned));
        for map in between(&page, "<script type=\"importmap\">", "</script>") {
            let map: Value = serde_json::from_str(map).unwrap();
            let addresses = map["imports"].as_object().unwrap().values();
            assets.extend(addresses.map(|to| to.as_str().unwrap().strip_prefix("/assets/").unwrap().to_owned()));
        }
    }
    assert!(assets.len() > 20);
    let names: BTreeSet<&str> = assets.iter().map(|asset| asset.split('?').next().unwrap()).collect();
    for asset in &assets {
        let answer = browser.get(&format!("/assets/{asset}")).await;
        assert_eq!(answer.status(), 200, "{asset}");
        assert_eq!(header(&answer, "cache-control"), "public, max-age=31536000, immutable", "{asset}");
        let text = answer.text().await.unwrap();
        let imported = between(&text, "from \"./", "\"").into_iter().chain(between(&text, "import \"./", "\""));
        imported.for_each(|module| assert!(names.contains(module), "{asset} imports {module}"));
        for font in between(&text, "url(/assets/", ")") {
            assert_eq!(browser.get(&format!("/assets/{font}")).await.status(), 200, "{font}");
        }
    }
}

#[tokio::test]
async fn an_asset_is_kept_under_its_own_version_alone() {
    let service = Running::start();
    let browser = Browser::new(&service);
    let other = browser.get("/assets/base.css?v=0123456789abcdef").await;
    assert_eq!((other.status(), header(&other, "cache-control")), (StatusCode::OK, "no-cache"));
    let request = browser.http.get(format!("{}/assets/base.css", service.url));
    let known = request.header("if-none-match", header(&other, "etag")).send().await.unwrap();
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    let request = browser.http.get(format!("{}/assets/dom.js", service.url)).header("accept-encoding", "gzip");
    assert_eq!(header(&request.send().await.unwrap(), "content-encoding"), "gzip");
    assert_eq!(browser.get("/assets/..%2Fpages.rs").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whoever_is_not_logged_in_comes_back_to_where_they_wanted() {
    let service = Running::start();
    let gallery = service.open_gallery("Nightingale").await;
    let mut browser = Browser::new(&service);
    for (path, to) in [
        ("/".to_owned(), "/enter".to_owned()),
        ("/studio".to_owned(), "/enter".to_owned()),
        ("/operations".to_owned(), "/enter?next=/operations".to_owned()),
        (format!("/studio/galleries/{gallery}"), format!("/enter?next=/studio/galleries/{gallery}")),
    ] {
        let answer = browser.get(&path).await;
        assert_eq!((answer.status(), header(&answer, "location")), (StatusCode::SEE_OTHER, &*to), "{path}");
    }
    let tiles = format!("/studio/galleries/{gallery}/tiles");
    assert_eq!(browser.get(&tiles).await.status(), StatusCode::UNAUTHORIZED);
    let entered = browser.enter(&service.key).await;
    assert_eq!(header(&entered, "location"), "/studio/keys");
    assert_eq!(browser.get(&tiles).await.text().await.unwrap(), "[]");
    let leave = browser.http.post(format!("{}/leave", service.url)).send().await.unwrap();
    assert!(header(&leave, "set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn no_page_shows_another_studio_or_more_than_the_key_allows() {
    let service = Running::start();
    let gallery = service.open_gallery("Nightingale").await;
    let other = service.post("/api/v1/studios", &json!({ "name": "Other" })).await;
    let mut stranger = Browser::new(&service);
    stranger.enter(other["key"]["token"].as_str().or(other["token"].as_str()).unwrap()).await;
    for path in
        [format!("/studio/galleries/{gallery}"), format!("/studio/galleries/{gallery}/tiles"), "/studio".to_owned()]
    {
        let answer = stranger.get(&path).await;
        assert_eq!(answer.status(), if path == "/studio" { 200 } else { 404 }, "{path}");
        assert!(!answer.text().await.unwrap().contains("Nightingale"), "{path}");
    }
    let key = service.post("/api/v1/keys", &json!({ "name": "uploads", "scopes": ["upload"] })).await;
    let mut uploader = Browser::new(&service);
    uploader.enter(key["token"].as_str().unwrap()).await;
    for path in ["/studio", "/studio/keys", "/operations", &format!("/studio/galleries/{gallery}")] {
        assert_eq!(uploader.get(path).await.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let revoked = format!("/api/v1/keys/{}", key["id"].as_str().unwrap());
    service.request(Method::DELETE, &revoked).send().await.unwrap();
    assert_eq!(header(&uploader.get("/studio").await, "location"), "/enter", "its sessions end with a key");
}

#[tokio::test]
async fn a_session_is_for_https_where_the_service_is() {
    for (url, is_secure) in [("http://photos.example.com", false), ("https://photos.example.com", true)] {
        let service = Running::start_with(|command| command.args(["--public-url", url]));
        let entered = Browser::new(&service).enter(&service.key).await;
        let cookie = header(&entered, "set-cookie");
        assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
        assert_eq!(cookie.contains("; Secure"), is_secure, "{cookie}");
    }
}
