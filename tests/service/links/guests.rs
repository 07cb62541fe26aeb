//! Clients see guests only with consent, and only those whom the studio shows.

use serde_json::{Value, json};

use crate::{
    running::Running,
    sample::{gallery_of_real_photos, with_models},
};

#[tokio::test]
async fn a_hidden_guest_never_leaves_the_service() {
    let service = Running::start_with(with_models);
    let gallery = gallery_of_real_photos(&service, "Anna & Ben").await;
    let path = |part: &str| format!("/api/v1/galleries/{gallery}{part}");
    let guests = service.get(&path("/guests")).await["items"].as_array().unwrap().clone();
    let most = guests.iter().find(|guest| guest["photos"] == 2).expect("he is on two photos");
    let once = guests.iter().find(|guest| guest["photos"] == 1).expect("somebody is on one");
    for (guest, name) in [(most, "Uncle Leopold"), (once, "Aunt Leopoldine")] {
        let change = json!({ "change": { "kind": "name_guest", "face": guest["key"], "name": name } });
        service.post(&path("/corrections"), &change).await;
    }
    let made = service.post(&path("/links"), &json!({})).await;
    let link = made["url"].as_str().unwrap();
    let seen = async || {
        let get = async |path: String| {
            let request = service.http.get(format!("{}{path}", service.url)).header("accept", "text/html");
            request.send().await.unwrap().text().await.unwrap()
        };
        let (page, album) = (get(link.to_owned()).await, get(format!("{link}/album")).await);
        let album: Value = serde_json::from_str(&album).unwrap();
        let names = album["guests"].as_array().unwrap().iter().map(|guest| guest["name"].as_str().unwrap().to_owned());
        (names.collect::<Vec<String>>(), page.contains("guests-title"), format!("{page}{album}"))
    };
    let (names, has_section, _) = seen().await;
    assert_eq!((names, has_section), (vec!["Uncle Leopold".to_owned(), "Aunt Leopoldine".to_owned()], true));

    let change = json!({ "change": { "kind": "hide_guest", "face": once["key"] } });
    service.post(&path("/corrections"), &change).await;
    let (names, _, everything) = seen().await;
    assert_eq!(names, ["Uncle Leopold"]);
    assert!(!everything.contains("Leopoldine"));

    let change = json!({ "consent": { "faces": false } });
    assert_eq!(service.request(reqwest::Method::PATCH, &path("")).json(&change).send().await.unwrap().status(), 200);
    let (names, has_section, everything) = seen().await;
    assert_eq!((names, has_section), (Vec::new(), false));
    assert!(!everything.contains("Leopold"));
}
