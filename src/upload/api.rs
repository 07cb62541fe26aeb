//! The service as its API shows it, through what passes: restarts, and lines that break.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use procession_domain::{
    Clock, ContentHash, GalleryId, StudioId, Timestamp,
    gallery::{Consent, Wedding},
};
use procession_flow::receipt::Receipt;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::{
    error::{Failure, Refusal, Stop, Trouble},
    report::Event,
};

/// Waits between tries: the first, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// A service that never answered is waited for no longer than this: it is probably somewhere else.
const FIRST_PATIENCE: Duration = Duration::from_secs(5);
/// How often it is asked whether the receipt is there.
const RECEIPT_WAIT: Duration = Duration::from_millis(500);

/// Tries of the same thing that did not succeed.
#[derive(Debug, Default)]
pub(super) struct Tries {
    count: u32,
    since: Option<Timestamp>,
}

/// The gallery that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The studio's name for it.
    pub(crate) name: String,
    /// What people call it, if somebody said so; else what a new one is called.
    pub(crate) title: Option<String>,
    pub(crate) new_title: String,
    pub(crate) wedding: Option<Wedding>,
    pub(crate) consent: Option<Consent>,
}

/// A service.
pub(super) struct Api {
    http: Client,
    base: String,
    key: String,
    clock: Arc<dyn Clock>,
    patience: Duration,
    events: mpsc::UnboundedSender<Event>,
    /// It answered once.
    heard: AtomicBool,
}

#[derive(Deserialize)]
struct Studio {
    id: StudioId,
}

#[derive(Deserialize)]
struct Gallery {
    id: GalleryId,
    title: String,
    urgency: String,
    deadline: Timestamp,
}

#[derive(Deserialize)]
struct Photos {
    items: Vec<Photo>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Photo {
    original: ContentHash,
}

impl Api {
    pub(super) fn new(
        base: &str,
        key: &str,
        clock: Arc<dyn Clock>,
        patience: Duration,
        events: mpsc::UnboundedSender<Event>,
    ) -> anyhow::Result<Self> {
        let agent = concat!("procession/", env!("CARGO_PKG_VERSION"));
        let http = Client::builder().user_agent(agent).connect_timeout(Duration::from_secs(10));
        let http = http.tcp_keepalive(Duration::from_secs(30)).build().context("no HTTP client")?;
        let (base, key) = (base.to_owned(), key.to_owned());
        Ok(Self { http, base, key, clock, patience, events, heard: AtomicBool::new(false) })
    }

    /// A request to a path of the service, or to one of its absolute URLs.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with('/') { format!("{}{path}", self.origin(path)) } else { path.to_owned() };
        self.http.request(method, url).bearer_auth(&self.key)
    }

    /// What stands before a path: paths that the service gives begin with that of its own address.
    fn origin(&self, path: &str) -> &str {
        let from = self.base.find("://").map_or(0, |at| at + 3);
        match self.base[from..].find('/').map(|at| self.base.split_at(from + at)) {
            Some((origin, prefix)) if path.starts_with(prefix) => origin,
            _ => &self.base,
        }
    }

    /// The answer, if it is one of success.
    pub(super) async fn answer(&self, request: RequestBuilder) -> Result<Response, Trouble> {
        let answer = request.send().await?;
        if !answer.status().is_success() {
            return Err(Trouble::of(answer).await);
        }
        self.heard.store(true, Ordering::Relaxed);
        Ok(answer)
    }

    /// After trouble that may pass, the wait before the next try.
    ///
    /// # Errors
    /// It has not passed for too long.
    pub(super) async fn wait(&self, tries: &mut Tries, why: &str, wait: Option<Duration>) -> Result<(), Stop> {
        let now = self.clock.now();
        let patience = if self.heard.load(Ordering::Relaxed) { self.patience } else { FIRST_PATIENCE };
        if now.since(*tries.since.get_or_insert(now)) > patience {
            return Err(Stop(anyhow::anyhow!("{} cannot go on: {why}", self.base)));
        }
        let backed_off = FIRST_WAIT.saturating_mul(1 << tries.count.min(10));
        tries.count += 1;
        let wait = wait.unwrap_or(backed_off).min(LONGEST_WAIT);
        drop(self.events.send(Event::Waiting { why: why.to_owned(), seconds: wait.as_secs_f64() }));
        pause(wait).await;
        Ok(())
    }

    /// Tries until it succeeds or is refused.
    pub(super) async fn persist<T>(&self, attempt: impl AsyncFn() -> Result<T, Trouble>) -> Result<T, Failure> {
        let mut tries = Tries::default();
        loop {
            match attempt().await {
                Ok(value) => return Ok(value),
                Err(Trouble::Refused(refusal)) => return Err(Failure::Refused(refusal)),
                Err(Trouble::Passing { why, wait }) => self.wait(&mut tries, &why, wait).await?,
            }
        }
    }

    /// Asks until there is an answer.
    async fn ask(&self, request: impl Fn() -> RequestBuilder) -> Result<Result<Response, Refusal>, Stop> {
        match self.persist(async || self.answer(request()).await).await {
            Ok(answer) => Ok(Ok(answer)),
            Err(Failure::Refused(refusal)) => Ok(Err(refusal)),
            Err(Failure::Stop(stop)) => Err(stop),
        }
    }

    /// The JSON of an answer; whatever the service refuses here ends the run.
    async fn read<T: serde::de::DeserializeOwned>(&self, answer: Result<Response, Refusal>) -> Result<T, Stop> {
        let answer = answer.map_err(|refusal| Stop::because(&refusal))?;
        let context = || format!("{} answers in another way than a Procession of this version", self.base);
        answer.json().await.with_context(context).map_err(Stop)
    }

    /// The codings that the service offers.
    pub(super) async fn codings(&self) -> Result<Vec<String>, Stop> {
        let answer = self.ask(|| self.request(Method::OPTIONS, "/files")).await?;
        let answer = answer.map_err(|refusal| Stop::because(&refusal))?;
        let offered = answer.headers().get("procession-codings").and_then(|value| value.to_str().ok());
        Ok(offered.unwrap_or_default().split(',').map(|name| name.trim().to_owned()).collect())
    }

    /// Opens the gallery, or changes what was said of one that is open.
    pub(super) async fn open(&self, wanted: &Wanted) -> Result<GalleryId, Stop> {
        let own = self.ask(|| self.request(Method::GET, "/api/v1/studio")).await?;
        let studio: Studio = self.read(own).await?;
        let path = format!("/api/v1/galleries/{}", GalleryId::in_studio(studio.id, &wanted.name));
        let mut said = Map::new();
        let mut say = |key: &str, value: Option<Value>| said.extend(value.map(|value| (key.to_owned(), value)));
        say("title", wanted.title.as_ref().map(|title| json!(title)));
        say("wedding", wanted.wedding.as_ref().map(|wedding| json!(wedding)));
        say("consent", wanted.consent.map(|consent| json!(consent)));
        let gallery: Gallery = match self.ask(|| self.request(Method::GET, &path)).await? {
            Err(refusal) if refusal.status == 404 => {
                said.insert("name".to_owned(), json!(wanted.name));
                said.entry("title").or_insert_with(|| json!(wanted.new_title));
                self.read(self.ask(|| self.request(Method::POST, "/api/v1/galleries").json(&said)).await?).await?
            }
            found if said.is_empty() => self.read(found).await?,
            found => {
                self.read::<Gallery>(found).await?;
                self.read(self.ask(|| self.request(Method::PATCH, &path).json(&said)).await?).await?
            }
        };
        let Gallery { id, title, urgency, deadline } = gallery;
        drop(self.events.send(Event::GalleryOpened { gallery: id, title, urgency, deadline }));
        Ok(id)
    }

    /// The hashes of the photos that the gallery has.
    pub(super) async fn originals(&self, gallery: GalleryId) -> Result<HashSet<ContentHash>, Stop> {
        let (mut known, mut after) = (HashSet::new(), String::new());
        loop {
            let path = format!("/api/v1/galleries/{gallery}/photos?limit=1000{after}");
            let page: Photos = self.read(self.ask(|| self.request(Method::GET, &path)).await?).await?;
            known.extend(page.items.into_iter().map(|photo| photo.original));
            let Some(next) = page.next else { return Ok(known) };
            after = format!("&after={next}");
        }
    }

    /// The receipt for all these photos, or why there is none.
    pub(super) async fn receipt(
        &self,
        gallery: GalleryId,
        safe: &HashSet<ContentHash>,
    ) -> Result<Result<Receipt, String>, Stop> {
        if safe.is_empty() {
            return Ok(Err("the gallery has no photos".to_owned()));
        }
        let path = format!("/api/v1/galleries/{gallery}/receipt");
        drop(self.events.send(Event::ReadingBack));
        if let Err(refusal) = self.ask(|| self.request(Method::POST, &path)).await? {
            return Ok(Err(refusal.detail));
        }
        loop {
            match self.ask(|| self.request(Method::GET, &path)).await? {
                Ok(answer)
                    if answer.headers().get("procession-receipt-state").is_none_or(|state| state != "reading") =>
                {
                    let receipt: Receipt = self.read(Ok(answer)).await?;
                    let named: HashSet<ContentHash> =
                        receipt.statement.originals.iter().map(|original| original.hash).collect();
                    return Ok(match safe.difference(&named).count() {
                        0 => Ok(receipt),
                        missing => Err(format!("the receipt does not name {missing} of the photos")),
                    });
                }
                Err(refusal) if refusal.code == "no_receipt" && refusal.state.as_deref() != Some("reading") => {
                    return Ok(Err(refusal.detail));
                }
                Err(refusal) if refusal.code != "no_receipt" => return Err(Stop::because(&refusal)),
                _ => pause(RECEIPT_WAIT).await,
            }
        }
    }
}

async fn pause(time: Duration) {
    // Nothing to wait for but time.
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}
