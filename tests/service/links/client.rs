//! Who drives the service in these tests: a browser that keeps cookies, and a studio.

use procession_domain::StudioId;
use procession_web::access::{Scope, create_key};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::prepared::Prepared;

/// A browser at a link.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    cookies: Vec<String>,
}

impl Client {
    pub(super) fn of(prepared: &Prepared, link: &str) -> Self {
        Self { http: http(None), url: format!("{}{link}", prepared.url), cookies: Vec::new() }
    }

    /// The same at another address of this machine.
    pub(super) fn from(&self, address: &str) -> Self {
        Self { http: http(Some(address)), ..self.clone() }
    }

    /// Keeps a cookie, whatever path it is for.
    pub(super) fn keep(&mut self, cookie: &str) {
        self.cookies.push(cookie.split(';').next().unwrap().to_owned());
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        if self.cookies.is_empty() { request } else { request.header("cookie", self.cookies.join("; ")) }
    }

    /// As somebody who opens a page.
    pub(super) async fn page(&self, path: &str) -> Response {
        self.request(Method::GET, path).header("accept", "text/html,*/*").send().await.unwrap()
    }

    /// As a page's script.
    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.request(Method::GET, path)).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// Puts favourites.
    pub(super) async fn put(&self, chosen: &Value) -> (u16, Value) {
        answer(self.request(Method::PUT, "/favourites").json(chosen)).await
    }

    /// Puts favourites, and keeps the cookie that comes back.
    pub(super) async fn put_and_keep(&mut self, chosen: &Value) -> Value {
        let answer = self.request(Method::PUT, "/favourites").json(chosen).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        self.cookies.clear();
        self.keep(&cookie);
        let mut kept: Value = answer.json().await.unwrap();
        kept["cookie"] = json!(cookie);
        kept
    }

    pub(super) async fn unlock(&self, password: &str) -> Response {
        let form = with_password(self.request(Method::POST, ""), password);
        form.header("accept", "text/html").send().await.unwrap()
    }

    pub(super) async fn unlock_as_a_script(&self, password: &str) -> (u16, Value) {
        answer(with_password(self.request(Method::POST, ""), password)).await
    }
}

/// As a form sends it.
pub(super) fn with_password(request: RequestBuilder, password: &str) -> RequestBuilder {
    let body = format!("password={}", password.replace(' ', "+"));
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

fn http(address: Option<&str>) -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    builder.local_address(address.map(|address| address.parse().unwrap())).build().unwrap()
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

/// Somebody with a key.
pub(super) struct Studio {
    http: reqwest::Client,
    url: String,
    key: String,
}

impl Studio {
    pub(super) fn with(&self, key: &str) -> Self {
        Self { http: self.http.clone(), url: self.url.clone(), key: key.to_owned() }
    }

    pub(super) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key);
        answer(if let Some(body) = body { request.json(&body) } else { request }).await
    }

    pub(super) async fn text(&self, path: &str) -> String {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.key);
        request.send().await.unwrap().text().await.unwrap()
    }
}

/// The studio whose the prepared gallery is, with a key of these scopes.
pub(super) async fn studio_of(prepared: &Prepared, scopes: impl IntoIterator<Item = Scope>) -> Studio {
    let now = prepared.service.system.clock.now();
    let made = create_key(&prepared.service.documents, StudioId::local(), "test", scopes, now).await;
    Studio { http: prepared.http.clone(), url: prepared.url.clone(), key: made.unwrap().1.to_string() }
}

/// Makes a link to the prepared gallery. Returns its path.
pub(super) async fn make_link(prepared: &Prepared, wanted: Value) -> String {
    let studio = studio_of(prepared, [Scope::Edit]).await;
    let links = format!("/api/v1/galleries/{}/links", prepared.gallery.id);
    let (status, made) = studio.ask(Method::POST, &links, Some(wanted)).await;
    assert_eq!(status, 201, "{made}");
    made["url"].as_str().unwrap().to_owned()
}
