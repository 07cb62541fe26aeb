//! `procession upload`: from what was asked to what it means, and its run.

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use procession_domain::{Clock, gallery::Wedding};
use procession_flow::{SystemClock, receipt::Receipt};
use tokio::sync::mpsc;

use super::{
    partly,
    process::{absolute, existing, title, venue},
    say,
};
use crate::{
    cli::{Global, Upload},
    config::Config,
    human, machine,
    upload::{Listener, Outcome, Request, Wanted, upload},
};

/// Sends folders, and ends with the receipt.
pub(super) async fn run(args: Upload, config: &Config, global: &Global) -> anyhow::Result<ExitCode> {
    let paper = args.receipt.clone();
    let request = resolve(args, config)?;
    let clock = Arc::new(SystemClock::default());
    let mut listener = Listener::new(global.json, global.quiet);
    let (sender, mut events) = mpsc::unbounded_channel();
    let began = clock.now();
    let sent = {
        let mut work = std::pin::pin!(upload(&request, Arc::clone(&clock) as Arc<dyn Clock>, sender));
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
    let (outcome, receipt) = sent.context("not everything is sent; the same command goes on where this one ended")?;
    if let (Ok(receipt), Some(paper)) = (&receipt, &paper) {
        std::fs::write(paper, serde_json::to_vec_pretty(receipt)?)
            .with_context(|| format!("the receipt {} cannot be written", paper.display()))?;
    }
    if !global.json && !global.quiet {
        let seconds = clock.now().since(began);
        summary(&outcome, receipt.as_ref().ok(), paper.as_deref(), seconds).iter().try_for_each(|line| say(line))?;
    }
    Ok(if outcome.refused > 0 || receipt.is_err() { partly() } else { ExitCode::SUCCESS })
}

/// What the arguments mean.
fn resolve(args: Upload, config: &Config) -> anyhow::Result<Request> {
    let folders = args.folders.iter().map(|folder| existing(folder)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut except = config.store_folders().iter().map(|store| absolute(store)).collect::<anyhow::Result<Vec<_>>>()?;
    except.push(absolute(&config.data)?);
    let name = args.gallery.unwrap_or_else(|| {
        let mut paths: Vec<String> = folders.iter().map(|folder| folder.to_string_lossy().into_owned()).collect();
        paths.sort();
        paths.dedup();
        let date = args.wedding_date.map(|date| date.to_string()).unwrap_or_default();
        // A name of any computer's and folder's that tells nobody what they are called, and is short.
        blake3::hash([&machine::host_name(), &*paths.join("\n"), &date].join("\n").as_bytes()).to_hex().to_string()
    });
    let wedding = args.wedding_date.map(|date| Wedding { date, time_zone: venue(args.time_zone.as_ref()) });
    Ok(Request {
        gallery: Wanted {
            name,
            new_title: title(args.title.as_deref(), &folders),
            title: args.title,
            wedding,
            consent: args.consent,
        },
        to: args.to,
        key: args.key,
        folders,
        except,
        parallel: usize::from(args.parallel),
        part_bytes: u64::from(args.part) << 20,
        coding: args.coding,
        memory: config.data.join("sending"),
        patience: Duration::from_secs(args.patience.into()),
    })
}

fn summary(outcome: &Outcome, receipt: Option<&Receipt>, paper: Option<&Path>, took: Duration) -> Vec<String> {
    let mut counts = vec![format!("{} stored", human::count(outcome.stored, "photo"))];
    if outcome.known > 0 {
        counts.push(format!("{} there already", outcome.known));
    }
    if outcome.refused > 0 {
        counts.push(format!("{} not taken", human::count(outcome.refused, "file")));
    }
    let mut lines = vec![counts.join(", ")];
    if outcome.sent_bytes > 0 {
        let speed = (outcome.sent_bytes as f64 / took.as_secs_f64().max(1e-3)) as u64;
        let (photos, sent) = (human::bytes(outcome.bytes), human::bytes(outcome.sent_bytes));
        let sent = if outcome.sent_bytes == outcome.bytes { sent } else { format!("{photos} as {sent}") };
        lines.push(format!("  Sent:    {sent} in {}, {} a second", human::duration(took), human::bytes(speed)));
    }
    match receipt {
        Some(receipt) => {
            let kept = "signed; --receipt FILE keeps it".to_owned();
            lines.push(format!("  Receipt: {}", paper.map_or(kept, |paper| paper.display().to_string())));
            lines.push(format!("  Note:    {}", receipt.statement.meaning));
        }
        None => lines.push("  Receipt: none; do not format the memory cards".to_owned()),
    }
    lines
}
