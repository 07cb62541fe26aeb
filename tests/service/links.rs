//! Galleries as clients reach them: by a link, with its password and its end, as far as it allows.

#[path = "links/client.rs"]
mod client;
#[path = "links/favourites.rs"]
mod favourites;
#[path = "links/guests.rs"]
mod guests;

use std::time::Duration;

use procession_domain::{
    ContentHash,
    recipe::OutputFormat::{Jpeg, WebP},
};
use procession_web::access::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    prepared::{HOUR, Made, Prepared},
    running::Running,
};
use client::{Client, make_link, studio_of, with_password};

const ORIGINAL: &[u8] = b"what came from the camera";
const LARGE: &[u8] = b"for screens, large";
const USUAL: [Made<'static>; 5] = [
    ("full", Jpeg, (3_000, 2_000), b"for prints"),
    ("2048", Jpeg, (2_048, 1_365), LARGE),
    ("2048", WebP, (2_048, 1_365), b"for screens, large, compact"),
    ("512", Jpeg, (512, 341), b"for screens, small"),
    ("square-256", Jpeg, (256, 256), b"a square"),
];

#[tokio::test]
async fn a_link_opens_its_gallery_to_whoever_has_the_whole_of_it() {
    let (prepared, _) = Prepared::start().await;
    let photo = prepared.store("day/IMG_1.jpg", ORIGINAL).await;
    prepared.finish(&photo, &USUAL).await;
    let link = make_link(&prepared, json!({})).await;
    let page = Client::of(&prepared, &link).page("").await;
    assert_eq!(page.status(), 200);
    let headers = page.headers().clone();
    for (name, wanted) in [
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex, nofollow"),
        ("cache-control", "private, no-cache"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(headers[name], wanted, "{name}");
    }
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'nonce-"), "{policy}");
    let text = page.text().await.unwrap();
    assert!(text.contains("<h1>Anna &amp; Ben</h1>") && text.contains("1 photo"), "{text}");
    assert!(!text.contains("procession engine"), "how it was made is not the clients' business");

    let (id, secret) = link.trim_start_matches("/g/").split_once('_').unwrap();
    let mut other: Vec<u8> = secret.bytes().collect();
    other[0] = if other[0] == b'A' { b'B' } else { b'A' };
    let other = String::from_utf8(other).unwrap();
    for wrong in [format!("/g/{id}_{other}"), format!("/g/{}_{secret}", "0".repeat(16)), "/g/x".to_owned()] {
        let client = Client::of(&prepared, &wrong);
        let page = client.page("").await;
        assert_eq!(page.status(), 404, "{wrong}");
        assert!(page.text().await.unwrap().contains("There is no gallery here"));
        let (status, problem) = client.get("/album").await;
        assert_eq!((status, &problem["code"]), (404, &json!("not_found")), "{wrong}");
    }
}

#[tokio::test]
async fn a_password_is_asked_for_once_and_for_one_link() {
    let (prepared, _) = Prepared::start().await;
    let link = make_link(&prepared, json!({ "password": "Kornblume 7" })).await;
    let mut client = Client::of(&prepared, &link);
    let page = client.page("").await;
    assert_eq!(page.status(), 403);
    let text = page.text().await.unwrap();
    assert!(text.contains("A private gallery") && text.contains("type=\"password\""));
    assert!(!text.contains("Anna"), "whose gallery it is, is private too");
    for path in ["/album", "/favourites", "/photos?from=000000000000000000000000&count=1"] {
        let (status, problem) = client.get(path).await;
        assert_eq!((status, &problem["code"]), (403, &json!("password_required")), "{path}");
    }
    let wrong = client.unlock("kornblume 7").await;
    assert_eq!(wrong.status(), 403);
    assert!(wrong.text().await.unwrap().contains("That is not the password"));
    assert_eq!(client.page("").await.status(), 403);

    let right = client.unlock("Kornblume 7").await;
    assert_eq!((right.status(), &right.headers()["location"]), (StatusCode::SEE_OTHER, &link.parse().unwrap()));
    let cookie = right.headers()["set-cookie"].to_str().unwrap().to_owned();
    for part in [format!("; Path={link};"), "; HttpOnly; SameSite=Lax".to_owned(), "; Max-Age=2592000".to_owned()] {
        assert!(cookie.contains(&part), "{cookie}");
    }
    client.keep(&cookie);
    assert_eq!(client.page("").await.status(), 200);
    assert_eq!(client.get("/album").await.0, 200);

    let second = make_link(&prepared, json!({ "password": "Kornblume 7" })).await;
    let mut other = Client::of(&prepared, &second);
    other.keep(&cookie);
    assert_eq!(other.page("").await.status(), 403, "another link, though its password is the same");
    prepared.clock.advance(HOUR * 24 * 30);
    assert_eq!(client.page("").await.status(), 403, "thirty days later");
}

#[tokio::test]
async fn whoever_guesses_has_to_wait_and_nobody_else() {
    let (prepared, _) = Prepared::start().await;
    let link = make_link(&prepared, json!({ "password": "Kornblume 7" })).await;
    let client = Client::of(&prepared, &link);
    for _ in 0..12 {
        assert_eq!(client.unlock("Kornblume 7").await.status(), 303, "knowing it costs nothing");
    }
    for _ in 0..10 {
        assert_eq!(client.unlock("Rose").await.status(), 403);
    }
    let stopped = client.unlock("Kornblume 7").await;
    assert_eq!((stopped.status(), &stopped.headers()["retry-after"]), (StatusCode::TOO_MANY_REQUESTS, &60.into()));
    assert!(stopped.text().await.unwrap().contains("Too many wrong passwords"));
    let (status, problem) = client.unlock_as_a_script("Kornblume 7").await;
    assert_eq!(
        (status, &problem["code"], &problem["retry_after_seconds"]),
        (429, &json!("too_many_requests"), &json!(60))
    );

    assert_eq!(client.from("127.0.0.9").unlock("Kornblume 7").await.status(), 303, "somebody elsewhere");
    let other = make_link(&prepared, json!({ "password": "Kornblume 7" })).await;
    assert_eq!(Client::of(&prepared, &other).unlock("Kornblume 7").await.status(), 303, "another link");

    prepared.clock.advance(Duration::from_secs(60));
    assert_eq!(client.unlock("Rose").await.status(), 403);
    assert_eq!(client.unlock("Kornblume 7").await.status(), 429);
    prepared.clock.advance(Duration::from_secs(60));
    assert_eq!(client.unlock("Kornblume 7").await.status(), 303);
}

#[tokio::test]
async fn a_link_cannot_be_guessed_from_everywhere_at_once() {
    let (prepared, _) = Prepared::start().await;
    let link = make_link(&prepared, json!({ "password": "Kornblume 7" })).await;
    let client = Client::of(&prepared, &link);
    // Longer than any password, so nothing is computed for it.
    let guess = "x".repeat(1_001);
    for address in 0..20 {
        let from = client.from(&format!("127.0.1.{address}"));
        for _ in 0..10 {
            assert_eq!(from.unlock(&guess).await.status(), 403);
        }
    }
    let stopped = client.from("127.0.2.1").unlock("Kornblume 7").await;
    assert_eq!((stopped.status(), &stopped.headers()["retry-after"]), (StatusCode::TOO_MANY_REQUESTS, &15.into()));
}

#[tokio::test]
async fn whoever_tries_addresses_has_to_wait_and_a_link_still_opens() {
    let (prepared, _) = Prepared::start().await;
    let link = make_link(&prepared, json!({})).await;
    let stranger = Client::of(&prepared, &format!("/g/{}_{}", "0".repeat(16), "A".repeat(22)));
    for _ in 0..60 {
        assert_eq!(stranger.get("").await.0, 404);
    }
    let (status, problem) = stranger.get("").await;
    assert_eq!(
        (status, &problem["code"], &problem["retry_after_seconds"]),
        (429, &json!("too_many_requests"), &json!(10))
    );
    let page = stranger.page("").await;
    assert_eq!((page.status(), &page.headers()["retry-after"]), (StatusCode::TOO_MANY_REQUESTS, &10.into()));
    assert!(page.text().await.unwrap().contains("try again in 10 seconds"));
    assert_eq!(Client::of(&prepared, &link).page("").await.status(), 200);
    prepared.clock.advance(Duration::from_secs(10));
    assert_eq!(stranger.get("").await.0, 404);
}

#[tokio::test]
async fn a_link_ends_and_says_so() {
    let (prepared, _) = Prepared::start().await;
    let studio = studio_of(&prepared, Scope::ALL).await;
    let end = (prepared.service.system.clock.now().after(HOUR)).to_string();
    let link = make_link(&prepared, json!({ "expires_at": end, "password": "Kornblume 7" })).await;
    let client = Client::of(&prepared, &link);
    assert_eq!(client.page("").await.status(), 403);
    prepared.clock.advance(HOUR);
    let page = client.page("").await;
    assert_eq!(page.status(), 410);
    assert!(page.text().await.unwrap().contains("This link has ended"));
    assert_eq!(client.unlock("Kornblume 7").await.status(), 410);
    assert_eq!(
        client.get("/album").await,
        (
            410,
            json!({
                "type": "urn:procession:problem:link_ended", "status": 410, "code": "link_ended",
                "detail": "this link has ended; ask the studio for another",
            })
        )
    );

    let gallery = prepared.gallery.id;
    let links = format!("/api/v1/galleries/{gallery}/links");
    let made = studio.ask(Method::POST, &links, Some(json!({ "name": "For the parents", "downloads": "web" }))).await;
    let (id, url) = (made.1["id"].as_str().unwrap(), made.1["url"].as_str().unwrap());
    assert_eq!(Client::of(&prepared, url).page("").await.status(), 200);
    let (_, listed) = studio.ask(Method::GET, &links, None).await;
    let listed: Vec<&Value> = listed["items"].as_array().unwrap().iter().filter(|link| link["id"] == id).collect();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0]["name"], &listed[0]["downloads"], &listed[0]["has_password"]),
        (&json!("For the parents"), &json!("web"), &json!(false))
    );
    assert!(listed[0].get("url").is_none(), "its address is told once");
    assert_eq!(studio.ask(Method::DELETE, &format!("{links}/{id}"), None).await.0, 204);
    assert_eq!(studio.ask(Method::DELETE, &format!("{links}/{id}"), None).await.0, 204);
    assert_eq!(Client::of(&prepared, url).page("").await.status(), 410);
    for wrong in [
        json!({ "password": "abc" }),
        json!({ "expires_at": end }),
        json!({ "expires_at": "soon" }),
        json!({ "downloads": "all" }),
        json!({ "name": " " }),
        json!({ "more": 1 }),
    ] {
        assert_eq!(studio.ask(Method::POST, &links, Some(wrong.clone())).await.0, 422, "{wrong}");
    }
}

#[tokio::test]
async fn links_are_the_studios_whose_gallery_it_is() {
    let (prepared, _) = Prepared::start().await;
    let gallery = prepared.gallery.id;
    let links = format!("/api/v1/galleries/{gallery}/links");
    let link = make_link(&prepared, json!({})).await;
    let id = link.trim_start_matches("/g/").split('_').next().unwrap().to_owned();
    let operator = studio_of(&prepared, Scope::ALL).await;
    let (_, made) = operator.ask(Method::POST, "/api/v1/studios", Some(json!({ "name": "Studio Two" }))).await;
    let stranger = operator.with(made["key"]["token"].as_str().unwrap());
    assert_eq!(stranger.ask(Method::GET, &links, None).await.0, 404);
    assert_eq!(stranger.ask(Method::POST, &links, Some(json!({}))).await.0, 404);
    assert_eq!(stranger.ask(Method::DELETE, &format!("{links}/{id}"), None).await.0, 404);
    assert_eq!(stranger.ask(Method::GET, &format!("/api/v1/galleries/{gallery}/favourites"), None).await.0, 404);
    // A gallery of theirs does not lead to this link either.
    let (_, own) = stranger.ask(Method::POST, "/api/v1/galleries", Some(json!({ "title": "Own" }))).await;
    let own = format!("/api/v1/galleries/{}/links/{id}", own["id"].as_str().unwrap());
    assert_eq!(stranger.ask(Method::DELETE, &own, None).await.0, 404);
    let reader = studio_of(&prepared, [Scope::Read]).await;
    assert_eq!(reader.ask(Method::POST, &links, Some(json!({}))).await.0, 403);
    assert_eq!(reader.ask(Method::DELETE, &format!("{links}/{id}"), None).await.0, 403);
    assert_eq!(Client::of(&prepared, &link).page("").await.status(), 200);
}

#[tokio::test]
async fn what_may_be_taken_away_is_what_the_link_says() {
    let (prepared, _) = Prepared::start().await;
    let photo = prepared.store("day/Küsse 1.jpeg", ORIGINAL).await;
    prepared.finish(&photo, &USUAL).await;
    let take = async |downloads: &str, query: &str| {
        let link = make_link(&prepared, json!({ "downloads": downloads })).await;
        let answer = prepared.get(&format!("{link}/photos/{}{query}", photo.id), &[]).await;
        let name = answer.headers().get("content-disposition").map(|name| name.to_str().unwrap().to_owned());
        (answer.status().as_u16(), name, answer.bytes().await.unwrap().to_vec())
    };
    for (downloads, query) in
        [("none", ""), ("none", "?files=web"), ("none", "?files=originals"), ("web", "?files=originals")]
    {
        let (status, name, body) = take(downloads, query).await;
        assert_eq!((status, name), (403, None), "{downloads}{query}");
        assert!(body != ORIGINAL && body != LARGE);
    }
    let web = "attachment; filename=\"K_sse 1.jpg\"; filename*=UTF-8''K%C3%BCsse%201.jpg";
    for (downloads, query) in [("web", ""), ("web", "?files=web"), ("originals", "?files=web")] {
        let taken = take(downloads, query).await;
        assert_eq!(
            taken,
            (200, Some(web.to_owned()), LARGE.to_vec()),
            "{downloads}{query}: the largest, not the print"
        );
    }
    for query in ["", "?files=originals"] {
        let (status, name, body) = take("originals", query).await;
        assert_eq!((status, body.as_slice()), (200, ORIGINAL), "{query}");
        assert!(name.unwrap().ends_with("filename*=UTF-8''K%C3%BCsse%201.jpeg"));
    }
    let pages = async |downloads: &str| {
        let link = make_link(&prepared, json!({ "downloads": downloads })).await;
        Client::of(&prepared, &link).page("").await.text().await.unwrap()
    };
    assert!(!pages("none").await.contains("data-downloads"));
    assert!(pages("web").await.contains("data-downloads"));
}

#[tokio::test]
async fn many_photos_are_one_file_as_far_as_the_link_allows() {
    let (prepared, _) = Prepared::start().await;
    let first = prepared.store("a.jpg", ORIGINAL).await;
    prepared.finish(&first, &USUAL).await;
    let second = prepared.store("b.jpg", b"not finished yet").await;
    let links =
        [("none", json!({})), ("web", json!({ "downloads": "web" })), ("all", json!({ "downloads": "originals" }))];
    let mut clients = Vec::new();
    for (name, wanted) in links {
        clients.push((name, Client::of(&prepared, &make_link(&prepared, wanted).await)));
    }
    let [(_, none), (_, web), (_, all)] = &mut clients[..] else { unreachable!() };
    assert_eq!(none.post("/archive", &json!({ "of": "all" })).await.0, 403);
    assert_eq!(none.post("/archive", &json!({ "of": "all", "files": "web" })).await.0, 403);
    assert_eq!(web.post("/archive", &json!({ "of": "all", "files": "originals" })).await.0, 403);
    assert_eq!(web.post("/archive", &json!({ "of": "favourites" })).await.0, 422, "there are none");
    assert_eq!(web.post("/archive", &json!({ "of": { "moment": 9 } })).await.0, 404);
    assert_eq!(web.post("/archive", &json!({ "of": "guests" })).await.0, 422);

    let (_, made) = web.post("/archive", &json!({ "of": "all" })).await;
    assert_eq!(made["photos"], 1, "what is finished");
    let archive = prepared.get(made["url"].as_str().unwrap(), &[]).await.bytes().await.unwrap();
    let holds = |bytes: &[u8]| archive.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(LARGE) && !holds(ORIGINAL) && !holds(b"for prints"));
    assert_eq!(archive.len() as u64, made["bytes"].as_u64().unwrap());

    let (_, made) = all.post("/archive", &json!({ "of": "all" })).await;
    assert_eq!(made["photos"], 2, "originals are there from the beginning");
    all.put_and_keep(&json!({ "version": 0, "photos": [second.id] })).await;
    let (_, made) = all.post("/archive", &json!({ "of": "favourites" })).await;
    let archive = prepared.get(made["url"].as_str().unwrap(), &[]).await.bytes().await.unwrap();
    let holds = |bytes: &[u8]| archive.windows(bytes.len()).any(|window| window == bytes);
    assert!(made["photos"] == 1 && holds(b"not finished yet") && !holds(ORIGINAL));
    let (_, made) = all.post("/archive", &json!({ "of": { "moment": 0 }, "files": "web" })).await;
    assert_eq!(made["photos"], 1);
}

#[tokio::test]
async fn a_link_leads_to_no_photo_of_another_gallery() {
    let (prepared, _) = Prepared::start().await;
    let photo = prepared.store("IMG_1.jpg", ORIGINAL).await;
    prepared.finish(&photo, &USUAL).await;
    let studio = studio_of(&prepared, Scope::ALL).await;
    let (_, other) = studio.ask(Method::POST, "/api/v1/galleries", Some(json!({ "title": "Clara & Dan" }))).await;
    let links = format!("/api/v1/galleries/{}/links", other["id"].as_str().unwrap());
    let (_, made) = studio.ask(Method::POST, &links, Some(json!({ "downloads": "originals" }))).await;
    let client = Client::of(&prepared, made["url"].as_str().unwrap());
    assert_eq!(client.get(&format!("/photos/{}", photo.id)).await.0, 404);
    assert_eq!(client.get(&format!("/photos?from={}&count=9", photo.id)).await.0, 404);
    assert_eq!(client.get("/album").await.1["photos"], json!([]));
    let chosen = client.put(&json!({ "version": 0, "name": null, "photos": [photo.id] })).await;
    assert_eq!(chosen.1["photos"], json!([]), "nor can it be chosen");
}

#[tokio::test]
async fn a_gallery_is_there_before_it_is_finished_and_comes_in_parts() {
    let (prepared, _) = Prepared::start().await;
    let first = prepared.store("a.jpg", ORIGINAL).await;
    prepared.finish(&first, &USUAL).await;
    let second = prepared.store("b.jpg", b"another").await;
    let link = make_link(&prepared, json!({})).await;
    let client = Client::of(&prepared, &link);
    let (_, album) = client.get("/album").await;
    assert_eq!(album["coming"], 1);
    assert_eq!(album["photos"].as_array().unwrap().len(), 2);
    let details = |known: &Value, id: &str| {
        let photos = known["photos"].as_array().unwrap().clone();
        let found = photos.into_iter().find(|photo| photo["id"] == id);
        found.unwrap()
    };
    let done = details(&album["details"], &first.id.to_string());
    let urls: Vec<&str> = done["urls"].as_array().unwrap().iter().map(|url| url.as_str().unwrap()).collect();
    assert_eq!(urls.len(), 3, "what screens need: not the print, not the square");
    assert_eq!(prepared.get(urls[0], &[]).await.bytes().await.unwrap(), LARGE);
    let coming = details(&album["details"], &second.id.to_string());
    assert!(coming["urls"][0].as_str().unwrap().contains("/preview/"));
    let page = client.page("").await.text().await.unwrap();
    assert!(page.contains("1 photo is shown in a first, smaller version"), "{page}");

    let (_, part) = client.get(&format!("/photos?from={}&count=1", first.id)).await;
    assert_eq!(part["photos"].as_array().unwrap().len(), 1);
    assert_eq!(details(&part, &first.id.to_string())["urls"], done["urls"]);
    for wrong in ["?from=x&count=1", "?count=1", "?from=000000000000000000000000&count=1"] {
        assert!(matches!(client.get(&format!("/photos{wrong}")).await.0, 400 | 404 | 422), "{wrong}");
    }

    let answer = prepared.get(&format!("{link}/album"), &[]).await;
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let again = prepared.get(&format!("{link}/album"), &[("if-none-match", &tag)]).await;
    assert_eq!((again.status(), again.bytes().await.unwrap().len()), (StatusCode::NOT_MODIFIED, 0));
    prepared.finish(&second, &USUAL).await;
    prepared.clock.advance(HOUR);
    let changed = prepared.get(&format!("{link}/album"), &[("if-none-match", &tag)]).await;
    assert_eq!(changed.status(), 200);
    assert_eq!(client.get("/album").await.1["coming"], 0);
}

#[tokio::test]
async fn text_is_compressed_and_photos_are_not() {
    let (prepared, _) = Prepared::start().await;
    let photo = prepared.store("a.jpg", ORIGINAL).await;
    prepared.finish(&photo, &[("2048", Jpeg, (2_048, 1_365), &[7; 5_000])]).await;
    let link = make_link(&prepared, json!({ "downloads": "web" })).await;
    let encoding = async |path: &str| {
        let answer = prepared.get(path, &[("accept-encoding", "gzip"), ("accept", "text/html")]).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.headers().get("content-encoding").map(|name| name.to_str().unwrap().to_owned())
    };
    assert_eq!(encoding(&link).await.as_deref(), Some("gzip"));
    assert_eq!(encoding(&format!("{link}/album")).await.as_deref(), Some("gzip"));
    assert_eq!(encoding(&format!("{link}/photos/{}", photo.id)).await, None);
}

/// What opens a gallery must not be in what an operator reads, keeps or sends to somebody.
#[tokio::test]
async fn no_link_is_in_the_log_and_no_password_in_the_ledger() {
    let mut service = Running::start_with(|command| command.env("RUST_LOG", "trace"));
    let gallery = service.open_gallery("Anna & Ben").await;
    let links = format!("/api/v1/galleries/{gallery}/links");
    let made = service.post(&links, &json!({ "password": "Kornblume 7" })).await;
    let link = made["url"].as_str().unwrap();
    let secret = link.split_once('_').unwrap().1;
    let page = format!("{}{link}", service.url);
    service.http.get(&page).header("accept", "text/html").send().await.unwrap();
    service.http.get(format!("{page}/album")).send().await.unwrap();
    for password in ["Rose 8", "Kornblume 7"] {
        with_password(service.http.post(&page), password).send().await.unwrap();
    }
    assert_eq!(service.terminate(), 0);
    let log = std::fs::read_to_string(service.path("stderr.txt")).unwrap();
    assert!(log.contains("DEBUG"), "it is talkative");
    for hidden in [secret, "Kornblume", "Rose 8"] {
        assert!(!log.contains(hidden), "{hidden} is in the log");
    }
    for file in std::fs::read_dir(service.path("data")).unwrap() {
        let file = file.unwrap().path();
        if let Ok(bytes) = std::fs::read(&file) {
            let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!holds(secret) && !holds("Kornblume"), "{}", file.display());
        }
    }
    let hash = ContentHash::of(secret.as_bytes());
    assert!(!log.contains(&hash.to_string()));
}
