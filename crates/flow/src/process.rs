//! A folder of photos to a finished gallery, in this process.
//!
//! The same steps finish a new gallery, one that was interrupted anywhere, and one that was changed: each looks at what is
//! there and does what is missing.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use procession_domain::{
    GalleryId, StudioId,
    album::Album,
    error::chain,
    gallery::{Consent, Gallery, PipelineChoice, Progress, Rank, Wedding},
};
use tokio::sync::watch;

use crate::{
    Error, Event, Events, Result, System, Worker,
    album::{Contents, album},
    export::{export_variants, write},
    gallery::{open_gallery, redo_outdated},
    ingest::{blocking, ingest, walk},
    receipt,
};

/// Lost variants are made again so often before it is given up.
const EXPORT_ATTEMPTS: u32 = 3;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which gallery: the same id goes on with the same gallery.
    pub gallery: GalleryId,
    /// What people call it.
    pub title: String,
    /// When and where the wedding was.
    pub wedding: Option<Wedding>,
    /// What the studio has consent for.
    pub consent: Consent,
    /// Which pipeline.
    pub pipeline: PipelineChoice,
    /// Where the photos are.
    pub folders: Vec<PathBuf>,
    /// Where the result goes.
    pub out: PathBuf,
    /// Folders that are not looked into though they may lie among the photos.
    pub except: Vec<PathBuf>,
    /// The file of the key that signs receipts.
    pub signing_key: PathBuf,
    /// Makes `index.html` of the album.
    pub page: fn(&Album) -> String,
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// All photos done, quarantined or refused.
    pub progress: Progress,
    /// The document that was written.
    pub album: Album,
    /// Why there is no receipt, if there is none.
    pub no_receipt: Option<String>,
}

/// Carries a gallery from its folders to its result.
///
/// # Errors
/// What stops everything: a vault that is full or does not answer, a result's folder that cannot be written. The same
/// request goes on where this one ended.
pub async fn process(system: &Arc<System>, request: &Request, events: &Events) -> Result<Outcome> {
    let wanted = Gallery {
        id: request.gallery,
        studio: StudioId::local(),
        title: request.title.clone(),
        wedding: request.wedding.clone(),
        consent: request.consent,
        pipeline: request.pipeline.clone(),
        opened_at: system.clock.now(),
    };
    let (gallery, _) = open_gallery(system, wanted, events).await?;
    redo_outdated(system, &gallery).await?;
    let (folders, mut except) = (request.folders.clone(), request.except.clone());
    except.push(request.out.clone());
    let files = blocking(move || walk(&folders, &except)).await?;
    let bytes = files.iter().filter_map(|file| file.bytes.as_ref().ok()).sum();
    events.tell(gallery.id, Event::FilesFound { files: files.len() as u64, bytes });

    let (more, no_more) = watch::channel(true);
    let worker = Worker::new(Arc::clone(system), Some(gallery.id), events.clone());
    let take_all = async {
        ingest(system, &gallery, files, events).await?;
        let progress = system.ledger.progress(gallery.id).await?;
        events.tell(gallery.id, Event::IngestFinished { progress });
        more.send_replace(false);
        Ok::<_, Error>(())
    };
    tokio::try_join!(take_all, worker.run(no_more))?;
    let (_, rank) = system.ledger.gallery(gallery.id).await?;
    finish(system, request, gallery, rank, events).await
}

/// Album, export, receipt, page: everything that needs the whole gallery.
async fn finish(
    system: &Arc<System>,
    request: &Request,
    gallery: Gallery,
    rank: Rank,
    events: &Events,
) -> Result<Outcome> {
    let mut attempt = 0;
    let (contents, mut album) = loop {
        let contents = Contents::read(system, gallery.clone(), rank).await?;
        let album = album(system, &contents);
        let lost = export_variants(system, &album, &contents.photos, &request.out, events).await?;
        let Some(first) = lost.first() else { break (contents, album) };
        attempt += 1;
        if attempt == EXPORT_ATTEMPTS {
            return Err(Error::VariantsLost(*first));
        }
        system.ledger.redo_photos(&lost).await?;
        let (_, no_more) = watch::channel(false);
        Worker::new(Arc::clone(system), Some(gallery.id), events.clone()).run(no_more).await?;
    };
    let signing_key = &request.signing_key;
    let receipt =
        receipt::issue(system, &gallery, &contents.photos, contents.refusals.clone(), signing_key, events).await;
    let no_receipt = receipt.as_ref().err().map(|error| chain(error));
    album.receipt = receipt.is_ok().then(|| "receipt.json".to_owned());
    album.notices.extend(no_receipt.iter().map(|why| format!("There is no receipt: {why}")));
    write_documents(&request.out, &album, receipt.ok().as_ref(), request.page)?;
    let progress = system.ledger.progress(gallery.id).await?;
    let finished_at = system.clock.now();
    let slack_seconds = (rank.deadline.micros() - finished_at.micros()) / 1_000_000;
    let out = Some(request.out.display().to_string());
    events.tell(gallery.id, Event::GalleryFinished { progress, finished_at, slack_seconds, out });
    Ok(Outcome { progress, album, no_receipt })
}

fn write_documents(
    out: &Path,
    album: &Album,
    receipt: Option<&receipt::Receipt>,
    page: fn(&Album) -> String,
) -> Result<()> {
    let bug = |error: serde_json::Error| Error::Bug(error.to_string());
    match receipt {
        Some(receipt) => write(&out.join("receipt.json"), &serde_json::to_vec_pretty(receipt).map_err(bug)?)?,
        // A receipt of an earlier run says what is no longer proven.
        None => drop(std::fs::remove_file(out.join("receipt.json"))),
    }
    write(&out.join("gallery.json"), &serde_json::to_vec_pretty(album).map_err(bug)?)?;
    write(&out.join("index.html"), page(album).as_bytes())
}
