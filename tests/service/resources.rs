//! What the API tells of photos, albums and receipts, and what it lets be changed.

use std::{fs, process::Command};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    running::Running,
    sample::{finished, gallery_of_real_photos, original_path, real_photos, until, upload, upload_photo, with_models},
};

/// A JPEG that ends in its middle.
fn truncated() -> Vec<u8> {
    let mut bytes = fs::read(&real_photos()[0]).unwrap();
    bytes.truncate(600);
    bytes
}

#[tokio::test]
async fn photos_are_listed_shown_and_downloaded() {
    let service = Running::start();
    let gallery = service.open_gallery("photos").await;
    let bytes = fs::read(&real_photos()[0]).unwrap();
    let photo = upload_photo(&service, &gallery, "card 1/Küsse.jpg", bytes.clone()).await;
    assert_eq!(upload_photo(&service, &gallery, "card 2/again.jpg", bytes.clone()).await, photo);
    upload_photo(&service, &gallery, "cut.jpg", truncated()).await;
    let refused = upload(&service, &service.key, &gallery, "a.jpg", b"%PDF-1.7".to_vec()).await;
    assert_eq!(refused.status(), 422);
    finished(&service, &gallery).await;

    let path = format!("/api/v1/galleries/{gallery}/photos");
    let one = service.get(&format!("{path}/{photo}")).await;
    assert_eq!(one["names"], json!(["card 1/Küsse.jpg", "card 2/again.jpg"]));
    assert_eq!(
        (&one["name"], &one["state"], &one["failure"]),
        (&json!("card 1/Küsse.jpg"), &json!("done"), &Value::Null)
    );
    assert_eq!((&one["bytes"], &one["format"]), (&json!(bytes.len()), &json!("jpeg")));
    let hash = one["original"].as_str().unwrap();
    let preview = one["preview"].as_str().unwrap();
    assert!(
        preview.starts_with("/i/") && preview.ends_with(&format!("/preview/{photo}@{}.jpg", &hash[..16])),
        "{preview}"
    );
    let images = one["images"].as_array().unwrap();
    assert!(images.len() > 3);
    for image in images {
        let (variant, hash) = (image["variant"].as_str().unwrap(), &image["hash"].as_str().unwrap()[..16]);
        assert!(image["url"].as_str().unwrap().contains(&format!("/{variant}/{photo}@{hash}.")), "{image}");
    }
    let all = service.get(&path).await["items"].as_array().unwrap().clone();
    assert_eq!(all.len(), 2);
    assert!(all.contains(&one));
    let cut = all.iter().find(|photo| photo["name"] == "cut.jpg").unwrap();
    assert_eq!((&cut["state"], &cut["preview"]), (&json!("quarantined"), &Value::Null));
    assert!(cut["failure"]["message"].as_str().unwrap().len() > 10);
    let first = service.get(&format!("{path}?limit=1")).await;
    let second = service.get(&format!("{path}?limit=1&after={}", first["next"].as_str().unwrap())).await;
    assert_eq!([&first["items"][0], &second["items"][0]], [&all[0], &all[1]]);
    let refusals = service.get(&format!("/api/v1/galleries/{gallery}/refusals")).await;
    assert_eq!(refusals["items"][0]["name"], "a.jpg");
    // A photo of another gallery is not there.
    let other = service.open_gallery("other").await;
    let elsewhere = format!("/api/v1/galleries/{other}/photos/{photo}");
    assert_eq!(service.request(Method::GET, &elsewhere).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn an_original_is_downloaded_whole_or_in_parts() {
    let service = Running::start();
    let gallery = service.open_gallery("originals").await;
    let bytes = fs::read(&real_photos()[0]).unwrap();
    let photo = upload_photo(&service, &gallery, "card/Küsse.jpg", bytes.clone()).await;
    let path = format!("/api/v1/galleries/{gallery}/photos/{photo}/original");
    let whole = service.request(Method::GET, &path).send().await.unwrap();
    let header = |name: &str| whole.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-disposition"), "attachment; filename=\"K_sse.jpg\"; filename*=UTF-8''K%C3%BCsse.jpg");
    assert_eq!((header("content-type"), header("accept-ranges")), ("image/jpeg".to_owned(), "bytes".to_owned()));
    assert_eq!(header("content-length"), bytes.len().to_string());
    let etag = header("etag");
    assert_eq!(whole.bytes().await.unwrap(), bytes);

    let with = async |method: Method, name: &str, value: &str| {
        let answer = service.request(method, &path).header(name, value).send().await.unwrap();
        let range = answer.headers().get("content-range").map(|range| range.to_str().unwrap().to_owned());
        (answer.status().as_u16(), range, answer.bytes().await.unwrap())
    };
    let (status, range, part) = with(Method::GET, "range", "bytes=1000-1999").await;
    assert_eq!((status, range), (206, Some(format!("bytes 1000-1999/{}", bytes.len()))));
    assert_eq!(part, bytes[1_000..2_000]);
    let (status, range, _) = with(Method::GET, "range", "bytes=99999999-").await;
    assert_eq!((status, range), (416, Some(format!("bytes */{}", bytes.len()))));
    let (status, _, nothing) = with(Method::GET, "if-none-match", &etag).await;
    assert_eq!((status, nothing.len()), (304, 0));
    let head = service.request(Method::HEAD, &path).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], bytes.len().to_string().as_str());

    // Bytes that rotted are not given out.
    fs::write(original_path(&service, &bytes), b"rotten").unwrap();
    let rotten = service.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(rotten.status(), 503);
}

#[tokio::test]
async fn guests_and_moments_are_corrected_and_taken_back() {
    let service = Running::start_with(with_models);
    let gallery = gallery_of_real_photos(&service, "corrected").await;
    let path = |name: &str| format!("/api/v1/galleries/{gallery}/{name}");
    let guests = async || service.get(&path("guests")).await["items"].as_array().unwrap().clone();
    let before = guests().await;
    assert!(before.len() >= 2, "the set-up fetched no models: {before:?}");
    let (first, second) = (&before[0], &before[1]);
    assert_eq!(first["photos"], 2, "one person on two photos");
    let correct = async |change: Value| {
        let request = service.request(Method::POST, &path("corrections")).json(&json!({ "change": change }));
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    let named = json!({ "kind": "name_guest", "face": first["key"], "name": "Aunt Leopoldine" });
    let (status, made) = correct(named.clone()).await;
    assert_eq!((status, &made["id"], &made["undone"]), (StatusCode::CREATED, &json!(1), &json!(false)));
    assert_eq!(guests().await[0]["name"], "Aunt Leopoldine");
    assert_eq!(correct(named).await.0, StatusCode::CONFLICT, "it is so already");
    let nobody = json!({ "kind": "hide_guest", "face": format!("{}-0", "00".repeat(12)) });
    let (status, problem) = correct(nobody).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid")));
    let merged = json!({ "kind": "merge_guests", "face": second["key"], "with": first["key"] });
    // Two people on one photo are not one.
    assert!(matches!(correct(merged).await.0, StatusCode::CREATED | StatusCode::CONFLICT));

    let change = async |method: Method, path: &str| {
        let answer = service.request(method, path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()["undone"].clone()
    };
    assert_eq!(change(Method::DELETE, &path("corrections/1")).await, true);
    assert_ne!(guests().await[0]["name"], "Aunt Leopoldine");
    assert_eq!(change(Method::POST, &path("corrections/1/redo")).await, false);
    assert!(guests().await.iter().any(|guest| guest["name"] == "Aunt Leopoldine"));
    let missing = service.request(Method::DELETE, &path("corrections/99")).send().await.unwrap();
    assert_eq!(missing.status(), 404);

    let moments = service.get(&path("moments")).await["items"].as_array().unwrap().clone();
    let title = json!({ "kind": "rename_moment", "photo": moments[0]["photos"][0], "title": "Speeches" });
    assert_eq!(correct(title).await.0, StatusCode::CREATED);
    let album = service.get(&path("album")).await;
    assert_eq!(album["moments"][0]["title"], "Speeches");
    assert_eq!(album["photos"].as_array().unwrap().len(), real_photos().len());
    assert!(album["photos"][0]["files"][0]["path"].as_str().unwrap().starts_with("/i/"));

    // Without consent nobody has a name.
    let withdrawn = json!({ "consent": { "faces": false } });
    let answer = service.request(Method::PATCH, &path("")[..path("").len() - 1]).json(&withdrawn).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(guests().await.is_empty());
    let log = service.get(&path("corrections")).await["items"].as_array().unwrap().clone();
    assert!(log.iter().all(|entry| entry["change"]["kind"] == "rename_moment"), "{log:?}");
    assert_eq!(log.len(), 1);
}

#[tokio::test]
async fn a_receipt_says_what_is_safe_and_no_more() {
    let service = Running::start();
    let gallery = service.open_gallery("receipt").await;
    let path = format!("/api/v1/galleries/{gallery}/receipt");
    let ask = async || service.request(Method::POST, &path).send().await.unwrap().status().as_u16();
    assert_eq!(ask().await, 409, "nothing is there to vouch for");
    let photos = real_photos();
    let card = service.path("card");
    fs::create_dir(&card).unwrap();
    for (number, photo) in photos.iter().take(2).enumerate() {
        let name = format!("{number}.jpg");
        fs::copy(photo, card.join(&name)).unwrap();
        upload_photo(&service, &gallery, &name, fs::read(photo).unwrap()).await;
    }
    let none = service.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(none.status(), 404);
    assert_eq!(none.json::<Value>().await.unwrap()["code"], "no_receipt");

    // A copy that is not what it was: no receipt, and it is said why.
    let first = fs::read(&photos[0]).unwrap();
    let copy = original_path(&service, &first);
    fs::write(&copy, b"rotten").unwrap();
    assert_eq!(ask().await, 202);
    let refused = until(&service, &path, |_, problem| problem["state"] == "refused").await;
    let hash = procession_domain::ContentHash::of(&first).to_string();
    assert!(refused["detail"].as_str().unwrap().contains(&hash), "{refused}");

    fs::write(&copy, &first).unwrap();
    assert_eq!(ask().await, 202);
    let receipt = until(&service, &path, |status, _| status == 200).await;
    let file = service.path("receipt.json");
    fs::write(&file, receipt.to_string()).unwrap();
    let check = |code: i32| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_procession"));
        let output = command.args(["receipt", "check"]).arg(&file).arg(&card).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    };
    check(0);
    let is_current = async || {
        let answer = service.request(Method::GET, &path).send().await.unwrap();
        answer.headers()["procession-receipt-current"].to_str().unwrap().to_owned()
    };
    assert_eq!(is_current().await, "true");
    fs::copy(&photos[2], card.join("2.jpg")).unwrap();
    check(1);
    upload_photo(&service, &gallery, "2.jpg", fs::read(&photos[2]).unwrap()).await;
    assert_eq!(is_current().await, "false");
    assert_eq!(ask().await, 202);
    until(&service, &path, |_, receipt| receipt["statement"]["originals"].as_array().is_some_and(|all| all.len() == 3))
        .await;
    assert_eq!(is_current().await, "true");
}

#[tokio::test]
async fn a_removed_gallery_is_found_nowhere() {
    let service = Running::start();
    let gallery = service.open_gallery("removed").await;
    let bytes = fs::read(&real_photos()[0]).unwrap();
    upload_photo(&service, &gallery, "a.jpg", bytes.clone()).await;
    let manifests = service.path("data/store/manifests").join(&gallery);
    assert_eq!(fs::read_dir(&manifests).unwrap().count(), 1);
    let path = format!("/api/v1/galleries/{gallery}");
    assert_eq!(service.request(Method::DELETE, &path).send().await.unwrap().status(), 204);
    assert_eq!(service.request(Method::DELETE, &path).send().await.unwrap().status(), 404);
    assert_eq!(service.request(Method::GET, &path).send().await.unwrap().status(), 404);
    assert_eq!(fs::read_dir(&manifests).unwrap().count(), 0, "nothing would bring it back");
    // Until nobody can be at it any more, and here another gallery has the photo by then.
    assert!(original_path(&service, &bytes).exists());
    let other = service.open_gallery("other").await;
    upload_photo(&service, &other, "b.jpg", bytes).await;
}
