//! Images at signed addresses: what is sent, what is refused, and what is never sent.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use procession_domain::{
    ContentHash, Key,
    photo::PhotoState,
    recipe::OutputFormat::{Avif, Jpeg, WebP},
};
use procession_vault::{Blobs, MemoryBlobs, Result};
use reqwest::Response;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    bench::told_apart,
    prepared::{HOUR, Made, Prepared, sources},
    running::Running,
    sample::{real_photos, upload_photo},
};

const LARGE: &[u8] = &[1; 200_000];
const SMALL: &[u8] = &[2; 3_000];
const USUAL: [Made<'static>; 4] = [
    ("2048", Jpeg, (2_048, 1_365), LARGE),
    ("2048", WebP, (2_048, 1_365), &[3; 100_000]),
    ("512", Jpeg, (512, 341), SMALL),
    ("square-256", Jpeg, (256, 256), b"a square"),
];

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

pub(crate) async fn problem(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(header(&response, "cache-control"), "no-store", "{status}");
    assert_eq!(header(&response, "content-type"), "application/problem+json", "{status}");
    let body: serde_json::Value = response.json().await.unwrap();
    (status, body["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_image_is_sent_whole_in_parts_and_not_again() {
    let (prepared, _) = Prepared::start().await;
    let photo = prepared.store("day/IMG_1.jpg", b"an original").await;
    prepared.finish(&photo, &USUAL).await;
    let sources = prepared.sources(&photo).await;
    let url = &sources.images[0].url;

    let whole = prepared.get(url, &[]).await;
    assert_eq!(whole.status(), 200);
    let etag = format!("\"{}\"", ContentHash::of(LARGE));
    for (name, expected) in [
        ("content-type", "image/jpeg"),
        ("content-length", "200000"),
        ("etag", etag.as_str()),
        ("accept-ranges", "bytes"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("timing-allow-origin", "*"),
        ("vary", ""),
    ] {
        assert_eq!(header(&whole, name), expected, "{name}");
    }
    assert!(header(&whole, "content-disposition").starts_with("inline"));
    // For as long as the signature is valid: one to two lives of an address.
    let caching = header(&whole, "cache-control").to_owned();
    let age = caching.strip_prefix("public, max-age=").and_then(|rest| rest.strip_suffix(", immutable")).unwrap();
    assert!((3_600..=7_200).contains(&age.parse().unwrap()), "{caching}");
    assert_eq!(whole.bytes().await.unwrap(), LARGE);

    let part = prepared.get(url, &[("range", "bytes=199990-"), ("if-range", &etag)]).await;
    assert_eq!((part.status().as_u16(), header(&part, "content-range")), (206, "bytes 199990-199999/200000"));
    assert_eq!(part.bytes().await.unwrap(), [1; 10].as_slice());
    assert_eq!(prepared.get(url, &[("range", "bytes=0-9"), ("if-range", "\"other\"")]).await.status(), 200);
    assert_eq!(prepared.get(url, &[("range", "bytes=200000-")]).await.status(), 416);
    let known = prepared.get(url, &[("if-none-match", &etag)]).await;
    assert_eq!((known.status().as_u16(), header(&known, "etag")), (304, etag.as_str()));
    assert_eq!(header(&known, "cache-control"), caching);
    let head = prepared.http.head(format!("{}{url}", prepared.url)).send().await.unwrap();
    assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, "200000"));
}

#[tokio::test]
async fn only_addresses_of_ours_are_answered_and_only_in_their_time() {
    let (prepared, _) = Prepared::start().await;
    let photo = prepared.store("IMG_1.jpg", b"an original").await;
    prepared.finish(&photo, &USUAL).await;
    let sources = prepared.sources(&photo).await;
    let url = sources.images[0].url.clone();
    assert_eq!(prepared.sources(&photo).await.images[0].url, url, "an address stays the same, for caches");
    let [_, _, signature, recipe, file] = url.split('/').collect::<Vec<_>>()[..] else { panic!("{url}") };
    let [secret, expiry, mac] = signature.splitn(3, '-').collect::<Vec<_>>()[..] else { panic!("{url}") };
    let later = format!("{:x}", i64::from_str_radix(expiry, 16).unwrap() + 1);
    for forged in [
        format!("/i/{signature}/512/{file}"),
        format!("/i/{signature}/auto/{file}"),
        format!("/i/{signature}/{recipe}/{}", file.replace(".jpg", ".webp")),
        format!("/i/{secret}-{later}-{mac}/{recipe}/{file}"),
        format!("/i/{secret}-{expiry}-{}/{recipe}/{file}", "A".repeat(22)),
        format!("/i/{secret}-{expiry}-/{recipe}/{file}"),
        format!("/i/deadbeef-{expiry}-{mac}/{recipe}/{file}"),
        format!("/i/-/{recipe}/{file}"),
        "/i/a/b/c".to_owned(),
        format!("/i/{signature}/{recipe}/%ff"),
        sources.auto.replace("/auto/", "/preview/"),
    ] {
        let answer = problem(prepared.get(&forged, &[]).await).await;
        assert_eq!(answer, (403, "forbidden".to_owned()), "{forged}");
    }
    prepared.clock.advance(HOUR);
    assert_eq!(prepared.get(&url, &[]).await.status(), 200, "valid for its life at least");
    assert_ne!(prepared.sources(&photo).await.images[0].url, url);
    prepared.clock.advance(HOUR);
    assert_eq!(problem(prepared.get(&url, &[]).await).await, (410, "expired".to_owned()));
}

#[tokio::test]
async fn an_address_never_shows_other_bytes() {
    let (prepared, _) = Prepared::start().await;
    let photo = prepared.store("IMG_1.jpg", b"an original").await;
    prepared.finish(&photo, &USUAL).await;
    let old = prepared.sources(&photo).await.images[2].url.clone();
    assert_eq!(prepared.get(&old, &[]).await.status(), 200);
    prepared.service.system.ledger.redo_photos(&[photo.id]).await.unwrap();
    prepared.clock.advance(HOUR / 60);
    let waiting = prepared.get(&old, &[]).await;
    assert_eq!(header(&waiting, "retry-after"), "5");
    assert_eq!(problem(waiting).await, (503, "being_made".to_owned()));
    prepared.finish(&photo, &[("512", Jpeg, (512, 341), b"by another recipe")]).await;
    prepared.clock.advance(HOUR / 60);
    assert_eq!(problem(prepared.get(&old, &[]).await).await, (410, "replaced".to_owned()));
    let new = prepared.sources(&photo).await.images[0].url.clone();
    assert_eq!(prepared.get(&new, &[]).await.bytes().await.unwrap(), b"by another recipe".as_slice());

    let (ledger, now) = (&prepared.service.system.ledger, prepared.service.system.clock.now());
    ledger.remove_gallery(prepared.gallery.id, now, now).await.unwrap();
    prepared.clock.advance(HOUR / 60);
    for url in [old, new] {
        assert_eq!(problem(prepared.get(&url, &[]).await).await, (404, "not_found".to_owned()));
    }
}

#[tokio::test]
async fn an_image_that_was_made_this_moment_is_there() {
    let (prepared, _) = Prepared::start().await;
    let photo = prepared.store("IMG_1.jpg", b"an original").await;
    prepared.finish(&photo, &USUAL[..1]).await;
    assert_eq!(prepared.get(&prepared.sources(&photo).await.images[0].url, &[]).await.status(), 200);
    // What is known of the photo is of this moment too, and is without it.
    assert_eq!(prepared.service.system.ledger.redo_photos(&[photo.id]).await.unwrap(), 1);
    prepared.finish(&photo, &USUAL[..2]).await;
    let made = &prepared.sources(&photo).await.images[1];
    assert_eq!((made.format, prepared.get(&made.url, &[]).await.status().as_u16()), (WebP, 200));
}

#[tokio::test]
async fn what_another_process_signs_with_a_new_secret_is_known_at_once() {
    let (prepared, _) = Prepared::start().await;
    let photo = prepared.store("IMG_1.jpg", b"an original").await;
    prepared.finish(&photo, &USUAL).await;
    // This process signs with the secret that it has, another one with the newest.
    let another = prepared.another().await;
    prepared.clock.advance(HOUR / 3_600);
    another.keyring.rotate(prepared.service.system.clock.now()).await.unwrap();
    let foreign = sources(&another, &photo).await.images[0].url.clone();
    assert_ne!(foreign, prepared.sources(&photo).await.images[0].url);
    assert_eq!(prepared.get(&foreign, &[]).await.status(), 200);
    // Anybody can invent names: the ledger is asked once a second and not more.
    prepared.clock.advance(HOUR / 3_600);
    assert_eq!(prepared.get(&foreign.replace("/i/", "/i/f"), &[]).await.status(), 403);
    another.keyring.rotate(prepared.service.system.clock.now()).await.unwrap();
    let newest = sources(&another, &photo).await.images[0].url.clone();
    assert_eq!(prepared.get(&newest, &[]).await.status(), 403);
    prepared.clock.advance(HOUR / 3_600);
    assert_eq!(prepared.get(&newest, &[]).await.status(), 200);
}

#[tokio::test]
async fn a_damaged_image_is_healed_by_another_store_or_made_again_and_never_sent() {
    let (prepared, stores) = Prepared::start().await;
    let photo = prepared.store("IMG_1.jpg", b"an original").await;
    prepared.finish(&photo, &USUAL).await;
    let sources = prepared.sources(&photo).await;
    let rotten = Bytes::from(vec![9; LARGE.len()]);
    let key = Prepared::key(&photo, "2048", Jpeg);
    stores[0].repair(&key, rotten.clone()).await.unwrap();
    let healed = prepared.get(&sources.images[0].url, &[]).await;
    assert_eq!((healed.status().as_u16(), healed.bytes().await.unwrap()), (200, Bytes::from_static(LARGE)));
    assert_eq!(stores[0].get(&key).await.unwrap(), LARGE);

    let key = Prepared::key(&photo, "512", Jpeg);
    stores[0].repair(&key, rotten).await.unwrap();
    stores[1].delete(&key).await.unwrap();
    let lost = prepared.get(&sources.images[2].url, &[]).await;
    assert_eq!(problem(lost).await, (503, "being_made".to_owned()));
    assert_eq!(prepared.state(&photo).await, PhotoState::Stored, "it is put back to work");
    assert_eq!(stores[0].size(&key).await.unwrap(), None, "the damaged copy makes room");
    prepared.finish(&photo, &USUAL).await;
    prepared.clock.advance(HOUR / 3_600);
    assert_eq!(prepared.get(&sources.images[2].url, &[]).await.bytes().await.unwrap(), SMALL);
}

#[tokio::test]
async fn the_image_that_suits_is_negotiated() {
    let (prepared, _) = Prepared::start().await;
    let photo = prepared.store("IMG_1.jpg", include_bytes!("../data/photos/obama2.jpg")).await;
    let auto = prepared.sources(&photo).await.auto;
    let stand_in = prepared.get(&auto, &[("accept", "image/webp")]).await;
    assert_eq!((header(&stand_in, "content-type"), header(&stand_in, "vary")), ("image/jpeg", ""));
    assert_eq!(header(&stand_in, "cache-control"), "public, max-age=5");
    prepared.finish(&photo, &USUAL).await;
    prepared.clock.advance(HOUR / 3_600);
    let everything =
        "Accept, Sec-CH-Width, Width, Sec-CH-Viewport-Width, Viewport-Width, Sec-CH-DPR, DPR, Save-Data, ECT";
    for (said, variant, media_type, length) in [
        (&[("accept", "image/avif,image/webp,*/*")][..], "2048.webp", "image/webp", "100000"),
        (&[("accept", "image/avif"), ("sec-ch-width", "9000")], "2048.jpg", "image/jpeg", "200000"),
        (&[("sec-ch-width", "400")], "512.jpg", "image/jpeg", "3000"),
        (&[("sec-ch-width", "1000"), ("save-data", "on")], "512.jpg", "image/jpeg", "3000"),
        (&[("ect", "2g"), ("accept", "*/*")], "512.jpg", "image/jpeg", "3000"),
    ] {
        let answer = prepared.get(&auto, said).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "vary"), everything);
        assert_eq!(header(&answer, "cache-control"), "public, max-age=3600");
        assert_eq!((header(&answer, "content-type"), header(&answer, "content-length")), (media_type, length));
        assert_eq!(header(&answer, "procession-choice"), variant);
        let etag = header(&answer, "etag").to_owned();
        assert_eq!(etag, format!("\"{}\"", ContentHash::of(&answer.bytes().await.unwrap())));
        let again = [said, &[("if-none-match", &etag)]].concat();
        let known = prepared.get(&auto, &again).await;
        assert_eq!((known.status().as_u16(), header(&known, "vary")), (304, everything));
    }
    let asked = prepared.get(&format!("{auto}?w=300"), &[("width", "9000")]).await;
    assert_eq!((header(&asked, "vary"), header(&asked, "content-length")), ("Accept", "3000"));
}

#[tokio::test]
async fn a_first_look_is_made_once_and_again_if_it_is_damaged() {
    let (prepared, stores) = Prepared::start().await;
    let photo = prepared.store("IMG_1.jpg", include_bytes!("../data/photos/obama2.jpg")).await;
    let url = prepared.sources(&photo).await.preview;
    let answer = prepared.get(&url, &[]).await;
    if answer.status() != 200 {
        panic!("{}", answer.text().await.unwrap());
    }
    assert!(header(&answer, "cache-control").ends_with("immutable"));
    let etag = header(&answer, "etag").to_owned();
    let jpeg = answer.bytes().await.unwrap();
    assert_eq!(etag, format!("\"{}\"", ContentHash::of(&jpeg)));
    let probe = procession_pixel::probe(&jpeg, &procession_pixel::Limits::default()).unwrap();
    assert_eq!(probe.width.max(probe.height), 512);

    let key = Key::Preview(photo.original);
    for store in &stores {
        let mut kept = store.get(&key).await.unwrap().to_vec();
        kept[1_000] ^= 1;
        store.repair(&key, kept.into()).await.unwrap();
    }
    // What is remembered is right; what is in the vault is not sent.
    assert_eq!(prepared.get(&url, &[]).await.bytes().await.unwrap(), jpeg);
    let made_again = procession_flow::preview(&prepared.service.system, &photo).await.unwrap();
    assert_eq!(made_again, jpeg);
    let no_photo = prepared.store("IMG_2.jpg", b"no photo at all").await;
    let answer = prepared.get(&prepared.sources(&no_photo).await.preview, &[]).await;
    assert_eq!(problem(answer).await, (404, "no_preview".to_owned()));
}

#[tokio::test]
async fn lists_for_pages_name_whole_photos_by_width() {
    let (prepared, _) = Prepared::start().await;
    let photo = prepared.store("IMG_1.jpg", b"an original").await;
    let empty = prepared.sources(&photo).await;
    assert_eq!(
        (empty.src(1_024), empty.srcset(Jpeg), empty.modern().len()),
        (empty.preview.as_str(), String::new(), 0)
    );
    prepared.finish(&photo, &USUAL).await;
    let sources = prepared.sources(&photo).await;
    let url = |index: usize| &sources.images[index].url;
    assert_eq!(sources.srcset(Jpeg), format!("{} 512w, {} 2048w", url(2), url(0)));
    assert_eq!(sources.modern(), [(WebP, format!("{} 2048w", url(1)))]);
    assert_eq!(sources.srcset(Avif), "");
    assert_eq!(
        (sources.src(512), sources.src(513), sources.src(9_000)),
        (url(2).as_str(), url(0).as_str(), url(0).as_str())
    );
}

/// A store whose reads are counted, and wait for the gate.
#[derive(Debug)]
struct Gated {
    inner: MemoryBlobs,
    reads: AtomicUsize,
    gate: Semaphore,
}

#[async_trait]
impl Blobs for Gated {
    fn name(&self) -> String {
        self.inner.name()
    }

    async fn put(&self, key: &Key, bytes: Bytes) -> Result<()> {
        self.inner.put(key, bytes).await
    }

    async fn get(&self, key: &Key) -> Result<Bytes> {
        self.inner.get(key).await
    }

    async fn get_exactly(&self, key: &Key, hash: ContentHash) -> Result<Bytes> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let _open = self.gate.acquire().await.unwrap();
        self.inner.get_exactly(key, hash).await
    }

    async fn read_back(&self, key: &Key) -> Result<Bytes> {
        self.inner.read_back(key).await
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>> {
        self.inner.size(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.inner.list(prefix).await
    }

    async fn repair(&self, key: &Key, bytes: Bytes) -> Result<()> {
        self.inner.repair(key, bytes).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.inner.delete(key).await
    }

    async fn delete_below(&self, prefix: &str) -> Result<()> {
        self.inner.delete_below(prefix).await
    }

    fn identity(&self) -> String {
        self.inner.identity()
    }

    fn replicas(&self) -> Vec<Arc<dyn Blobs>> {
        self.inner.replicas()
    }
}

#[tokio::test]
async fn however_many_ask_one_reads() {
    let store = Arc::new(Gated { inner: MemoryBlobs::default(), reads: AtomicUsize::new(0), gate: Semaphore::new(0) });
    let prepared = Prepared::start_over(tempfile::tempdir().unwrap(), Arc::clone(&store) as _).await;
    let photo = prepared.store("IMG_1.jpg", b"an original").await;
    prepared.finish(&photo, &USUAL).await;
    let url = format!("{}{}", prepared.url, prepared.sources(&photo).await.images[0].url);
    let mut requests = JoinSet::new();
    for _ in 0..40 {
        requests.spawn(prepared.http.get(&url).send());
    }
    // The answers' heads come with their bytes, so nothing has ended yet; those that came in wait for the one that reads.
    while store.reads.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    store.gate.add_permits(40);
    for answer in requests.join_all().await {
        assert_eq!(answer.unwrap().bytes().await.unwrap(), LARGE);
    }
    assert_eq!(store.reads.load(Ordering::SeqCst), 1);
}

/// Real photos, the real binary: whoever uploads a photo sees it while the photos before it wait for their turn.
#[tokio::test]
async fn a_first_look_does_not_wait_for_the_queue() {
    let service = Running::start();
    let gallery = service.open_gallery("first look").await;
    let photo = std::fs::read(&real_photos()[0]).unwrap();
    let mut uploads = JoinSet::new();
    let service = Arc::new(service);
    for number in 0..40 {
        let (service, gallery, photo) = (Arc::clone(&service), gallery.clone(), told_apart(&photo, number));
        uploads.spawn(async move { upload_photo(&service, &gallery, &format!("{number}.jpg"), photo).await });
    }
    uploads.join_all().await;
    let last = upload_photo(&service, &gallery, "last.jpg", told_apart(&photo, 99)).await;
    #[allow(clippy::disallowed_methods, reason = "told, and nothing depends on it")]
    let begun = std::time::Instant::now();
    let path = format!("/api/v1/galleries/{gallery}/photos/{last}");
    let preview = service.get(&path).await["preview"].as_str().unwrap().to_owned();
    let answer = service.http.get(format!("{}{preview}", service.url)).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), header(&answer, "content-type")), (200, "image/jpeg"));
    assert!(answer.bytes().await.unwrap().len() > 1_000);
    let took = begun.elapsed().as_millis();
    assert_eq!(service.get(&path).await["state"], "stored", "its images are still to come");
    let waiting = service.get(&format!("/api/v1/galleries/{gallery}")).await["progress"]["waiting"].as_u64().unwrap();
    assert!(waiting > 0);
    println!("the first look was there {took} ms after the upload, before {waiting} photos that wait");
}
