//! `procession process`: from what was asked to what it means, and its run.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use procession_domain::{
    Clock, GalleryId,
    gallery::{PipelineChoice, TimeZoneName, Wedding},
};
use procession_flow::{Events, Outcome, Request, SystemClock, process};
use tokio::sync::mpsc;

use super::{partly, say};
use crate::{
    cli::{Global, Process},
    config::Config,
    human, machine,
    progress::Listener,
    wiring,
};

/// Makes a gallery.
pub(super) async fn run(args: &Process, config: &Config, global: &Global) -> anyhow::Result<ExitCode> {
    let request = resolve(args, config)?;
    let clock = Arc::new(SystemClock::default());
    let system = Arc::new(wiring::system(config, Arc::clone(&clock) as Arc<dyn Clock>, wiring::Absence::Stops).await?);
    let mut listener = Listener::new(global.json, global.quiet);
    let (sender, mut events) = mpsc::unbounded_channel();
    let events_of_this = Events::to(sender);
    let outcome = {
        let mut work = std::pin::pin!(process(&system, &request, &events_of_this));
        loop {
            tokio::select! {
                biased;
                Some(event) = events.recv() => listener.hear(&event, clock.now())?,
                result = &mut work => break result,
                interrupted = tokio::signal::ctrl_c() => {
                    interrupted?;
                    listener.end();
                    bail!("interrupted; the same command goes on where this one ended");
                }
            }
        }
    };
    while let Ok(event) = events.try_recv() {
        listener.hear(&event, clock.now())?;
    }
    listener.end();
    let outcome = outcome.context("the gallery is not finished; the same command goes on where this one ended")?;
    if !global.json && !global.quiet {
        summary(&outcome, &request).iter().try_for_each(|line| say(line))?;
    }
    let failed = outcome.progress.quarantined + outcome.progress.refused > 0 || outcome.no_receipt.is_some();
    Ok(if failed { partly() } else { ExitCode::SUCCESS })
}

/// What the arguments mean.
fn resolve(args: &Process, config: &Config) -> anyhow::Result<Request> {
    let folders = args.folders.iter().map(|folder| existing(folder)).collect::<anyhow::Result<Vec<_>>>()?;
    let out = absolute(&args.out)?;
    if let Some(folder) = folders.iter().find(|folder| folder.starts_with(&out)) {
        let (out, folder) = (out.display(), folder.display());
        bail!("--out {out} holds the photos themselves ({folder}); give a folder of its own for the result");
    }
    if args.pipeline != "auto" && !config.pipelines.contains_key(&args.pipeline) {
        let known: Vec<&str> = config.pipelines.keys().map(String::as_str).collect();
        bail!("--pipeline {}: there is no such pipeline; there are auto, {}", args.pipeline, known.join(", "));
    }
    let mut except = config.store_folders().iter().map(|store| absolute(store)).collect::<anyhow::Result<Vec<_>>>()?;
    except.push(absolute(&config.data)?);
    Ok(Request {
        gallery: gallery_id(args.gallery.as_deref(), &folders),
        title: title(args.title.as_deref(), &folders),
        wedding: args.wedding_date.map(|date| Wedding { date, time_zone: venue(args.time_zone.as_ref()) }),
        consent: args.consent.unwrap_or_default(),
        pipeline: PipelineChoice::from(args.pipeline.clone()),
        folders,
        out,
        except,
        signing_key: config.signing_key(),
        page: procession_web::album_page,
    })
}

pub(super) fn existing(folder: &Path) -> anyhow::Result<PathBuf> {
    let path = folder.canonicalize().with_context(|| format!("the folder {} cannot be read", folder.display()))?;
    if !path.is_dir() {
        bail!("{} is no folder; give the folder that it is in", folder.display());
    }
    Ok(path)
}

/// The path from the root, through links as far as it exists already.
pub(super) fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    let path = std::path::absolute(path).with_context(|| format!("the path {}", path.display()))?;
    for there in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (there.canonicalize(), path.strip_prefix(there)) {
            // Joining nothing would add a slash.
            return Ok(if rest == Path::new("") { real } else { real.join(rest) });
        }
    }
    Ok(path)
}

/// The same folders, in whatever order, are the same gallery.
fn gallery_id(name: Option<&str>, folders: &[PathBuf]) -> GalleryId {
    if let Some(name) = name {
        return GalleryId::named(name);
    }
    let mut paths: Vec<String> = folders.iter().map(|folder| folder.to_string_lossy().into_owned()).collect();
    paths.sort();
    paths.dedup();
    GalleryId::named(&paths.join("\n"))
}

pub(super) fn title(title: Option<&str>, folders: &[PathBuf]) -> String {
    let name = || folders.first().and_then(|folder| folder.file_name()).map(|name| name.to_string_lossy().into_owned());
    title.map(str::to_owned).or_else(name).unwrap_or_else(|| "Gallery".to_owned())
}

/// Where nobody says otherwise, the wedding was where this computer is.
pub(super) fn venue(time_zone: Option<&TimeZoneName>) -> TimeZoneName {
    let here = || machine::time_zone().and_then(|name| name.parse().ok()).unwrap_or_else(TimeZoneName::utc);
    time_zone.cloned().unwrap_or_else(here)
}

fn summary(outcome: &Outcome, request: &Request) -> Vec<String> {
    let Outcome { progress, album, no_receipt } = outcome;
    let mut counts = vec![format!("{} finished", human::count(progress.done, "photo"))];
    if progress.quarantined > 0 {
        counts.push(format!("{} could not be processed (the originals are safe)", progress.quarantined));
    }
    if progress.refused > 0 {
        counts.push(format!("{} not taken", human::count(progress.refused, "file")));
    }
    let mut lines = vec![format!("{}: {}", album.title, counts.join(", "))];
    if let Some(finished_at) = album.finished_at {
        let seconds = (album.deadline.micros() - finished_at.micros()) / 1_000_000;
        lines.push(format!("  Finished: {}", human::slack(seconds)));
    }
    lines.extend(album.notices.iter().map(|notice| format!("  Note:     {notice}")));
    match (no_receipt, &album.receipt) {
        (None, Some(receipt)) => lines.push(format!("  Receipt:  {}", request.out.join(receipt).display())),
        // The notices say why.
        _ => lines.push("  Receipt:  none; do not format the memory cards".to_owned()),
    }
    lines.push(format!("  Look at:  {}", request.out.join("index.html").display()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_folders_are_the_same_gallery() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let id = gallery_id(None, &paths(&["/card/1", "/card/2"]));
        assert_eq!(id, gallery_id(None, &paths(&["/card/2", "/card/1", "/card/1"])));
        assert_ne!(id, gallery_id(None, &paths(&["/card/1"])));
        assert_eq!(gallery_id(Some("anna"), &paths(&["/a"])), gallery_id(Some("anna"), &paths(&["/b"])));
    }

    #[test]
    fn a_path_is_followed_as_far_as_it_exists() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        std::os::unix::fs::symlink(&real, real.join("link")).unwrap();
        assert_eq!(absolute(&real.join("link/new/out")).unwrap(), real.join("new/out"));
        assert_eq!(absolute(&real.join("link")).unwrap().as_os_str(), real.as_os_str());
    }
}
