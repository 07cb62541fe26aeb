//! Two processes over one ledger in PostgreSQL: what both decide at the same moment is decided one after the other.

use std::{collections::BTreeSet, fs};

use futures::future::join_all;
use procession_vault::Expect;
use procession_web::access::{Scope, create_key};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    bench::real_photos,
    postgres::Server,
    prepared::Prepared,
    running::Running,
    sample::{finished, upload_photo},
};

/// Both processes and what they share.
struct Pair {
    nodes: [Running; 2],
    _ledger: Server,
    _store: tempfile::TempDir,
}

impl Pair {
    fn start() -> Self {
        let (ledger, store) = (Server::start(&["fsync=off"]), tempfile::tempdir().unwrap());
        let url = ledger.database("procession");
        let start = || {
            let shared = |command: &mut std::process::Command| {
                command.env("PROCESSION__LEDGER", &url).env("PROCESSION__STORES", store.path());
            };
            Running::start_with(|command| {
                shared(command);
                command
            })
        };
        Self { nodes: [start(), start()], _ledger: ledger, _store: store }
    }

    /// Asks the one or the other by turns, with this key. Answers come as status and JSON.
    async fn ask(&self, turn: usize, key: &str, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let node = &self.nodes[turn % 2];
        let request = node.http.request(method, format!("{}{path}", node.url)).bearer_auth(key);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// The key that the first of them made.
    fn key(&self) -> &str {
        &self.nodes[0].key
    }
}

fn count(answers: &[(u16, Value)], status: u16) -> usize {
    answers.iter().filter(|(found, _)| *found == status).count()
}

#[tokio::test]
async fn a_limit_holds_for_both_together() {
    let pair = Pair::start();
    let hook = json!({ "url": "https://example.com/hook" });
    let make = |turn| pair.ask(turn, pair.key(), Method::POST, "/api/v1/webhooks", Some(hook.clone()));
    let answers = join_all((0..40).map(make)).await;
    assert_eq!((count(&answers, 201), count(&answers, 409)), (20, 20), "{answers:?}");
    let (_, listed) = pair.ask(1, pair.key(), Method::GET, "/api/v1/webhooks", None).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn keys_that_revoke_each_other_leave_one() {
    let pair = Pair::start();
    let mut key = pair.key().to_owned();
    for _ in 0..5 {
        let wanted = json!({ "name": "another", "scopes": ["admin", "read"] });
        let make = |turn| pair.ask(turn, &key, Method::POST, "/api/v1/keys", Some(wanted.clone()));
        let made = join_all((0..4).map(make)).await;
        let mut keys: Vec<(String, String)> = vec![(id_of(&key), key.clone())];
        let text = |made: &Value, field: &str| made[field].as_str().unwrap().to_owned();
        keys.extend(made.iter().map(|(_, made)| (text(made, "id"), text(made, "token"))));
        // Each revokes the next, and the last the first.
        let revoke = |turn: usize| {
            let (own, other) = (&keys[turn].1, &keys[(turn + 1) % keys.len()].0);
            let path = format!("/api/v1/keys/{other}");
            let pair = &pair;
            async move { pair.ask(turn, own, Method::DELETE, &path, None).await }
        };
        let answers = join_all((0..keys.len()).map(revoke)).await;
        assert!(answers.iter().all(|(status, _)| matches!(status, 204 | 401 | 409)), "{answers:?}");
        let seen = join_all(keys.iter().map(|(_, key)| pair.ask(0, key, Method::GET, "/api/v1/keys", None))).await;
        assert_eq!(count(&seen, 200), keys.len() - count(&answers, 204));
        let left = seen.iter().position(|(status, _)| *status == 200).expect("a key that may make keys");
        key.clone_from(&keys[left].1);
    }
}

fn id_of(key: &str) -> String {
    key.split('_').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn corrections_of_both_are_all_in_the_log() {
    let pair = Pair::start();
    let gallery = pair.nodes[0].open_gallery("corrected").await;
    let photo = upload_photo(&pair.nodes[0], &gallery, "a.jpg", fs::read(&real_photos()[0]).unwrap()).await;
    finished(&pair.nodes[0], &gallery).await;
    let path = format!("/api/v1/galleries/{gallery}/corrections");
    let make = |turn: usize| {
        let change = json!({ "kind": "rename_moment", "photo": photo, "title": format!("Speech {turn}") });
        pair.ask(turn, pair.key(), Method::POST, &path, Some(json!({ "change": change })))
    };
    let answers = join_all((0..12).map(make)).await;
    assert_eq!(count(&answers, 201), 12, "{answers:?}");
    let (_, log) = pair.ask(1, pair.key(), Method::GET, &path, None).await;
    let log = log["items"].as_array().unwrap();
    let numbers: Vec<u64> = log.iter().map(|entry| entry["id"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
    let titles: BTreeSet<&str> = log.iter().map(|entry| entry["change"]["title"].as_str().unwrap()).collect();
    assert_eq!(titles.len(), 12);
}

#[tokio::test]
async fn both_make_a_receipt_at_once() {
    let pair = Pair::start();
    let gallery = pair.nodes[0].open_gallery("receipt").await;
    upload_photo(&pair.nodes[0], &gallery, "a.jpg", fs::read(&real_photos()[0]).unwrap()).await;
    let path = format!("/api/v1/galleries/{gallery}/receipt");
    let begun = join_all((0..8).map(|turn| pair.ask(turn, pair.key(), Method::POST, &path, None))).await;
    assert_eq!(count(&begun, 202), 8, "{begun:?}");
    let issued = async |node: &Running| loop {
        let answer = node.http.get(format!("{}{path}", node.url)).bearer_auth(pair.key()).send().await.unwrap();
        let state = answer.headers().get("procession-receipt-state").map(|state| state.to_str().unwrap().to_owned());
        let body: Value = answer.json().await.unwrap();
        match (state.as_deref(), body["state"].as_str()) {
            (Some("issued"), _) => break,
            (Some("reading"), _) | (None, None | Some("reading")) => {}
            other => panic!("{other:?}: {body}"),
        }
    };
    for node in &pair.nodes {
        issued(node).await;
    }
    let seen = join_all((0..2).map(|turn| pair.ask(turn, pair.key(), Method::GET, &path, None))).await;
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].1["statement"]["originals"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_later_receipt_of_another_process_stays() {
    let (prepared, _stores) = Prepared::start().await;
    prepared.store("a.jpg", b"a photo").await;
    let (documents, now) = (&prepared.service.documents, prepared.service.system.clock.now());
    let scopes = [Scope::Read, Scope::Upload];
    let (_, key) = create_key(documents, prepared.gallery.studio, "test", scopes, now).await.unwrap();
    let key = key.to_string();
    let path = format!("/api/v1/galleries/{}/receipt", prepared.gallery.id);
    let ask = async |method: Method| {
        let request = prepared.http.request(method, format!("{}{path}", prepared.url)).bearer_auth(&key);
        let answer = request.send().await.unwrap();
        let state = answer.headers().get("procession-receipt-state").map(|state| state.to_str().unwrap().to_owned());
        (state, answer.json::<Value>().await.unwrap())
    };
    let until_issued = async || loop {
        if let (Some(state), receipt) = ask(Method::GET).await
            && state == "issued"
        {
            return receipt;
        }
    };
    ask(Method::POST).await;
    let first = until_issued().await;
    // Another process, whose clock is ahead, has made one meanwhile.
    let ledger = &prepared.service.system.ledger;
    let id = prepared.gallery.id.to_string();
    let found = ledger.document("receipt", &id).await.unwrap().unwrap();
    let issued_at = first["statement"]["issued_at"].as_str().unwrap();
    let mut later = found.document.clone();
    later.body = later.body.replace(issued_at, "2099-01-01T00:00:00Z");
    assert_ne!(later, found.document);
    ledger.put_document("receipt", &later, Expect::Version(found.version)).await.unwrap();
    ask(Method::POST).await;
    let kept = until_issued().await;
    assert!(kept["statement"]["issued_at"].as_str().unwrap().starts_with("2099"), "{kept}");
}
