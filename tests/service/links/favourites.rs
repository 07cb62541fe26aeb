//! Favourites without an account.

use procession_domain::photo::Photo;
use procession_vault::documents::{Expect, Record};
use procession_web::access::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    USUAL,
    client::{Client, make_link, studio_of},
};
use crate::prepared::{HOUR, Prepared};

async fn photos(prepared: &Prepared, names: &[&str]) -> Vec<Photo> {
    let mut photos = Vec::new();
    for name in names {
        let photo = prepared.store(name, name.as_bytes()).await;
        prepared.finish(&photo, &USUAL).await;
        photos.push(photo);
    }
    photos
}

fn sorted(chosen: &Value) -> Vec<String> {
    let mut ids: Vec<String> =
        chosen["photos"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn a_visitor_chooses_and_the_studio_sees_what() {
    let (prepared, _) = Prepared::start().await;
    let photos = photos(&prepared, &["card/IMG_1.jpg", "card/IMG_2.jpg", "card/IMG_3.jpg"]).await;
    let link = make_link(&prepared, json!({})).await;
    let (mut anna, mut ben) = (Client::of(&prepared, &link), Client::of(&prepared, &link));
    assert_eq!(anna.get("/favourites").await, (200, json!({ "version": 0, "name": null, "photos": [] })));
    let first = json!({ "version": 0, "name": " Anna ", "photos": [photos[0].id, photos[1].id, "00".repeat(12)] });
    let kept = anna.put_and_keep(&first).await;
    assert_eq!((&kept["version"], &kept["name"]), (&json!(1), &json!("Anna")));
    let cookie = kept["cookie"].as_str().unwrap();
    for part in [
        &format!("procession_visitor_{}=", prepared.gallery.id),
        "; Path=/g/; Max-Age=31536000; HttpOnly; SameSite=Lax",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let mut wanted = vec![photos[0].id.to_string(), photos[1].id.to_string()];
    wanted.sort();
    assert_eq!(sorted(&kept), wanted, "what the gallery has not is left out");
    assert_eq!(sorted(&anna.get("/favourites").await.1), wanted);
    assert_eq!(ben.get("/favourites").await.1["version"], 0, "nobody sees another's");
    ben.put_and_keep(&json!({ "version": 0, "photos": [photos[1].id] })).await;

    let studio = studio_of(&prepared, [Scope::Read]).await;
    let path = format!("/api/v1/galleries/{}/favourites", prepared.gallery.id);
    let (status, all) = studio.ask(Method::GET, &path, None).await;
    assert_eq!(status, 200);
    let counts: Vec<(&Value, &Value)> =
        all["photos"].as_array().unwrap().iter().map(|photo| (&photo["name"], &photo["count"])).collect();
    assert_eq!(counts, [(&json!("card/IMG_2.jpg"), &json!(2)), (&json!("card/IMG_1.jpg"), &json!(1))]);
    let visitors = all["visitors"].as_array().unwrap();
    let names: Vec<(&Value, &Value)> = visitors.iter().map(|one| (&one["name"], &one["photos"])).collect();
    assert!(names.contains(&(&json!("Anna"), &json!(2))) && names.contains(&(&Value::Null, &json!(1))));
    let secret = cookie.split(['=', ';']).nth(1).unwrap();
    assert!(!all.to_string().contains(secret), "whoever reads this cannot be Anna");
    assert_eq!(studio.text(&format!("{path}/names")).await, "IMG_1.jpg\nIMG_2.jpg\n");
    let of_ben = visitors.iter().find(|one| one["name"].is_null()).unwrap()["id"].as_str().unwrap();
    assert_eq!(studio.text(&format!("{path}/names?visitor={of_ben}")).await, "IMG_2.jpg\n");
    let uploader = studio_of(&prepared, [Scope::Upload]).await;
    assert_eq!(uploader.ask(Method::GET, &path, None).await.0, 403);
}

#[tokio::test]
async fn two_tabs_do_not_undo_each_other() {
    let (prepared, _) = Prepared::start().await;
    let photos = photos(&prepared, &["1.jpg", "2.jpg"]).await;
    let link = make_link(&prepared, json!({})).await;
    let mut tab = Client::of(&prepared, &link);
    tab.put_and_keep(&json!({ "version": 0, "photos": [photos[0].id] })).await;
    let (status, problem) = tab.put(&json!({ "version": 0, "photos": [photos[1].id] })).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
    let (status, both) = tab.put(&json!({ "version": 1, "photos": [photos[0].id, photos[1].id] })).await;
    assert_eq!((status, &both["version"]), (200, &json!(2)));
    let (status, none) = tab.put(&json!({ "version": 2, "photos": [] })).await;
    assert_eq!((status, none["photos"].as_array().unwrap().len()), (200, 0));
    let studio = studio_of(&prepared, [Scope::Read]).await;
    let path = format!("/api/v1/galleries/{}/favourites", prepared.gallery.id);
    assert_eq!(studio.ask(Method::GET, &path, None).await.1, json!({ "visitors": [], "photos": [] }));
}

#[tokio::test]
async fn favourites_survive_their_link_and_end_with_their_gallery() {
    let (prepared, _) = Prepared::start().await;
    let photos = photos(&prepared, &["1.jpg"]).await;
    let mut client = Client::of(&prepared, &make_link(&prepared, json!({})).await);
    let kept = client.put_and_keep(&json!({ "version": 0, "photos": [photos[0].id] })).await;
    let mut again = Client::of(&prepared, &make_link(&prepared, json!({})).await);
    again.keep(kept["cookie"].as_str().unwrap());
    assert_eq!(again.get("/favourites").await.1["photos"], json!([photos[0].id]));
    let studio = studio_of(&prepared, Scope::ALL).await;
    let gallery = format!("/api/v1/galleries/{}", prepared.gallery.id);
    assert_eq!(studio.ask(Method::DELETE, &gallery, None).await.0, 204);
    assert_eq!(again.get("/favourites").await.0, 404, "the link went with it");
    let left = prepared.service.system.ledger.documents("favourites", &prepared.gallery.id.to_string(), None, 9).await;
    assert_eq!(left.unwrap(), []);
}

#[tokio::test]
async fn nobody_fills_the_ledger() {
    let (prepared, _) = Prepared::start().await;
    let photos = photos(&prepared, &["1.jpg"]).await;
    let client = Client::of(&prepared, &make_link(&prepared, json!({})).await);
    let chosen = json!({ "version": 0, "photos": [photos[0].id] });
    for _ in 0..100 {
        assert_eq!(client.put(&chosen).await.0, 200);
    }
    let (status, problem) = client.put(&chosen).await;
    assert_eq!((status, &problem["code"]), (429, &json!("too_many_requests")), "one network, a hundred newcomers");
    let gallery = prepared.gallery.id.to_string();
    for visitor in 100..499 {
        let (visitor, now) = (format!("{visitor:024}"), prepared.service.system.clock.now());
        let body = json!({
            "gallery": gallery, "visitor": visitor, "name": null, "photos": [], "created_at": now, "changed_at": now,
        });
        let id = format!("{gallery}-{visitor}");
        let record = Record { id, owner: gallery.clone(), expires_at: None, body: body.to_string() };
        prepared.service.system.ledger.put_document("favourites", &record, Expect::Absent).await.unwrap();
    }
    prepared.clock.advance(HOUR);
    assert_eq!(client.put(&chosen).await.0, 200);
    let (status, problem) = client.put(&chosen).await;
    assert_eq!((status, &problem["code"]), (507, &json!("no_room")), "one gallery, five hundred visitors");

    let long = json!({ "version": 0, "name": "A".repeat(81), "photos": [] });
    assert_eq!(client.put(&long).await.0, 422);
    assert_eq!(client.put(&json!({ "version": 0, "name": "A\nB", "photos": [] })).await.0, 422);
    let vast = json!({ "version": 0, "photos": vec!["00".repeat(12); 3_000] });
    assert_eq!(client.put(&vast).await.0, 413);
    assert_eq!(client.put(&json!({ "version": 0, "photos": ["x"] })).await.0, 422);
}
