//! Who uploads photos by tus while everything breaks: in two parts, from where it was cut off, at one API node or the other.

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Client as Http, Method, Response};
use serde_json::Value;

/// A request has so long: it may have been sent to a process that was stopped.
const REQUEST: Duration = Duration::from_secs(10);
/// Before a failed request is repeated.
const PAUSE: Duration = Duration::from_millis(200);
/// An upload that gets no further so often begins anew, at the other node.
const ATTEMPTS: usize = 12;
/// A photo has so long to be acknowledged.
const PATIENCE: Duration = Duration::from_secs(300);

/// A client of several API nodes.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: Http,
    nodes: Vec<String>,
    key: String,
}

impl Client {
    pub(crate) fn new(nodes: Vec<String>, key: &str) -> Self {
        let http = Http::builder().no_proxy().timeout(REQUEST).pool_max_idle_per_host(0).build().unwrap();
        Self { http, nodes, key: key.to_owned() }
    }

    /// Uploads a photo until it is acknowledged. Returns how often it had to begin anew.
    pub(crate) async fn upload(&self, gallery: &str, name: &str, bytes: &[u8], turn: usize) -> usize {
        let start = Instant::now();
        for attempt in 0.. {
            let node = &self.nodes[(turn + attempt) % self.nodes.len()];
            if self.attempt(node, gallery, name, bytes).await.is_some() {
                return attempt;
            }
            assert!(start.elapsed() < PATIENCE, "{name} is never acknowledged");
            tokio::time::sleep(PAUSE).await;
        }
        unreachable!("attempts do not end")
    }

    /// What an API node answers to a question, whichever does.
    pub(crate) async fn read(&self, path: &str, turn: usize) -> Option<Value> {
        let node = &self.nodes[turn % self.nodes.len()];
        let answer = self.request(Method::GET, &format!("{node}{path}")).send().await.ok()?;
        if answer.status() != 200 {
            return None;
        }
        serde_json::from_str(&answer.text().await.ok()?).ok()
    }

    async fn attempt(&self, node: &str, gallery: &str, name: &str, bytes: &[u8]) -> Option<()> {
        let metadata = format!("gallery {},filename {}", STANDARD.encode(gallery), STANDARD.encode(name));
        let made = self.request(Method::POST, &format!("{node}/files")).header("Upload-Length", bytes.len());
        let made = made.header("Upload-Metadata", metadata).send().await.ok()?;
        if made.status() != 201 {
            return None;
        }
        let location = made.headers().get("Location")?.to_str().ok()?;
        let upload = format!("{node}{}", &location[location.find("/files/")?..]);
        let mut offset = 0;
        for _ in 0..ATTEMPTS {
            let end = if offset < bytes.len() / 2 { bytes.len() / 2 } else { bytes.len() };
            let request = self.request(Method::PATCH, &upload).header("Upload-Offset", offset);
            let request = request.header("Content-Type", "application/offset+octet-stream");
            let sent = request.body(bytes[offset..end].to_vec()).send().await;
            let known = match sent {
                Ok(answer) if answer.status() == 204 => known_offset(&answer),
                _ => {
                    tokio::time::sleep(PAUSE).await;
                    let asked = self.request(Method::HEAD, &upload).send().await;
                    match asked {
                        Ok(answer) if answer.status() == 404 || answer.status() == 410 => return None,
                        Ok(answer) if answer.status() == 200 => known_offset(&answer),
                        _ => None,
                    }
                }
            };
            offset = known.unwrap_or(offset);
            if known == Some(bytes.len()) {
                return Some(());
            }
        }
        None
    }

    fn request(&self, method: Method, url: &str) -> reqwest::RequestBuilder {
        self.http.request(method, url).bearer_auth(&self.key).header("Tus-Resumable", "1.0.0")
    }
}

fn known_offset(answer: &Response) -> Option<usize> {
    answer.headers().get("Upload-Offset")?.to_str().ok()?.parse().ok()
}
