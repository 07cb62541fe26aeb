//! `procession gallery`.

use std::process::ExitCode;

use procession_domain::{
    GalleryId,
    gallery::{Gallery as Row, Progress, Rank},
    photo::{Photo, PhotoState},
};
use procession_vault::Ledger;
use serde_json::{Value, json};

use super::{print, say};
use crate::{
    cli::{Gallery, Global},
    config::Config,
    human, wiring,
};

/// Lists galleries or shows one.
pub(super) async fn run(command: Gallery, config: &Config, global: &Global) -> anyhow::Result<ExitCode> {
    match (wiring::existing_ledger(config).await?, command) {
        (Some(ledger), Gallery::List) => list(ledger.as_ref(), global).await?,
        (Some(ledger), Gallery::Show { id }) => show(ledger.as_ref(), id, global).await?,
        (None, Gallery::List) if global.json => print(&json!([]))?,
        (None, Gallery::List) => say("There are no galleries yet.")?,
        (None, Gallery::Show { id }) => anyhow::bail!("gallery {id}: {} has no galleries yet", config.data.display()),
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(ledger: &dyn Ledger, global: &Global) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for (gallery, rank) in ledger.galleries().await? {
        let progress = ledger.progress(gallery.id).await?;
        rows.push((gallery, rank, progress));
    }
    if global.json {
        print(&rows.iter().map(|(gallery, rank, progress)| object(gallery, rank, progress)).collect())?;
        return Ok(());
    }
    for (gallery, rank, progress) in &rows {
        let state = if progress.is_finished() {
            format!("{} finished", human::count(progress.done, "photo"))
        } else {
            format!("{} of {} finished", progress.done, human::count(progress.stored(), "photo"))
        };
        say(&format!("{}  {}: {state}, due at {}", gallery.id, gallery.title, rank.deadline))?;
    }
    if rows.is_empty() {
        say("There are no galleries yet.")?;
    }
    Ok(())
}

async fn show(ledger: &dyn Ledger, id: GalleryId, global: &Global) -> anyhow::Result<()> {
    let (gallery, rank) = ledger.gallery(id).await?;
    let progress = ledger.progress(id).await?;
    let (photos, refusals) = (ledger.photos(id).await?, ledger.refusals(id).await?);
    if global.json {
        let mut value = object(&gallery, &rank, &progress);
        let photo = |(photo, state): &(Photo, PhotoState)| json!({ "photo": public(photo), "state": state });
        value["photos"] = photos.iter().map(photo).collect();
        value["refusals"] = json!(refusals);
        print(&value)?;
        return Ok(());
    }
    let urgency = rank.urgency.name();
    say(&format!("{} ({id})", gallery.title))?;
    if let Some(wedding) = &gallery.wedding {
        say(&format!("  Wedding:  {} ({})", wedding.date, wedding.time_zone.as_str()))?;
    }
    say(&format!("  Opened:   {}", gallery.opened_at))?;
    say(&format!("  Due:      {} ({urgency})", rank.deadline))?;
    say(&format!("  Pipeline: {}", String::from(gallery.pipeline.clone())))?;
    say(&format!("  Guests:   {}", if gallery.consent.faces { "with consent" } else { "no consent" }))?;
    let Progress { waiting, working, done, owing, quarantined, refused } = progress;
    say(&format!(
        "  Photos:   {done} finished, {waiting} waiting, {working} in work, {quarantined} failed, {refused} not taken"
    ))?;
    if owing > 0 {
        say(&format!("            {owing} of the finished ones are still owed formats"))?;
    }
    for (photo, state) in &photos {
        let size = format!("{} × {}", photo.width, photo.height);
        let state = match state {
            PhotoState::Stored => "waiting".to_owned(),
            PhotoState::Done(finished) => {
                let variants = human::count(finished.variants.len() as u64, "variant");
                format!("{variants} by {} ({})", finished.pipeline, finished.pipeline_reason)
            }
            PhotoState::Quarantined(failure) => format!("failed: {}", failure.message),
        };
        say(&format!("  {}  {}  {size}: {state}", photo.id, photo.name()))?;
    }
    refusals
        .iter()
        .try_for_each(|refusal| say(&format!("  not taken: {}: {}", refusal.name, refusal.failure.message)))?;
    Ok(())
}

fn object(gallery: &Row, rank: &Rank, progress: &Progress) -> Value {
    json!({ "gallery": gallery, "rank": rank, "progress": progress })
}

/// A photo without the place where it was taken.
fn public(photo: &Photo) -> Photo {
    let mut photo = photo.clone();
    photo.capture.gps = None;
    photo
}
