//! What was measured besides the targets.

use anyhow::Result;

use super::{
    Figures,
    targets::{RATE, below},
};

/// Answers of the API and the pages.
const ANSWER_MS: f64 = 100.0;

/// The table, in Markdown.
pub(super) fn table(of: &Figures<'_>) -> Result<String> {
    let rows = [
        ("answers of the API while all this goes on", answers(of, "api")?),
        ("the operations page", answers(of, "pages")?),
        ("all formats", formats(of)),
        ("a photo's time, means", stages(of)?),
        ("processors", processors(of)?),
        ("GPU", "none: this build computes on the CPU".to_owned()),
        ("most memory", memory(of)?),
        ("shares while every gallery waited", shares(of, "loaded")?),
        ("uploads", uploads(of)?),
    ];
    let rows: String = rows.into_iter().map(|(what, measured)| format!("| {what} | {measured} |\n")).collect();
    Ok(format!("| besides | measured |\n|---|---|\n{rows}{}", scaling(of)?))
}

fn answers(of: &Figures<'_>, whose: &str) -> Result<String> {
    let figure = |name: &str| of.figure(&format!("{whose}_{name}"));
    let p99 = figure("p99_ms")?;
    let verdict = below(p99, ANSWER_MS, "ms");
    Ok(format!("p50 {:.0} ms, p99 {p99:.0} ms of {} (100 ms wanted: {verdict})", figure("p50_ms")?, figure("answers")?))
}

/// Photos are finished without what can wait: when that was there as well.
fn formats(of: &Figures<'_>) -> String {
    match (of.figure("made_seconds"), of.figure("made_per_minute")) {
        (Ok(seconds), Ok(rate)) => format!(
            "photos are finished as JPEG in all sizes; the WebP of all of them was there {seconds:.0} s after the start: {rate:.0} images/min of \
             everything together"
        ),
        _ => "not waited for".to_owned(),
    }
}

fn stages(of: &Figures<'_>) -> Result<String> {
    let mean = |name: &str| of.figure(&format!("{name}_mean_seconds"));
    Ok(format!(
        "read {:.3}, decoded {:.3}, looked at {:.3}, rendered {:.3}, stored {:.3} s",
        mean("fetch")?,
        mean("decode")?,
        mean("vision")?,
        mean("render")?,
        mean("store")?,
    ))
}

fn processors(of: &Figures<'_>) -> Result<String> {
    let part = |name: &str| of.figure(&format!("cpu_{name}")).map(|part| 100.0 * part);
    Ok(format!(
        "{:.0}% busy; the workers {:.0}%, the API node {:.0}%, the uploading clients {:.0}%",
        part("machine")?,
        part("workers")?,
        part("api")?,
        part("clients")?,
    ))
}

fn memory(of: &Figures<'_>) -> Result<String> {
    let peak = |name: &str| of.figure(&format!("{name}_peak_bytes")).map(|bytes| bytes / 1e6);
    Ok(format!(
        "API {:.0} MB, a worker {:.0} MB, PostgreSQL {:.0} MB, a client {:.0} MB; the workers' in the last fifth of the time {:.2} × that in \
         the second",
        peak("api")?,
        peak("worker")?,
        peak("ledger")?,
        peak("client")?,
        of.figure("worker_memory_growth")?,
    ))
}

fn shares(of: &Figures<'_>, run: &str) -> Result<String> {
    let part = |name: &str| of.figure(&format!("{run}_{name}")).map(|part| 100.0 * part);
    Ok(format!(
        "same-day {:.0}%, next-day {:.0}%, standard {:.0}% of {} photos' work; by weight {:.0}, {:.0}, {:.0}; Jain's index of the galleries, \
         by weight, {:.2}",
        part("same_day_share")?,
        part("next_day_share")?,
        part("standard_share")?,
        of.figure(&format!("{run}_photos"))?,
        part("same_day_due")?,
        part("next_day_due")?,
        part("standard_due")?,
        of.figure(&format!("{run}_jain"))?,
    ))
}

fn uploads(of: &Figures<'_>) -> Result<String> {
    Ok(format!(
        "all acknowledged after {:.0} s; {} receipts, each after every copy was read back, the last after {:.0} s",
        of.figure("upload_seconds")?,
        of.figure("receipts")?,
        of.figure("receipt_seconds")?,
    ))
}

/// The rates by the number of lanes, and what follows from them if more machines are like more lanes.
fn scaling(of: &Figures<'_>) -> Result<String> {
    let rates: Vec<(f64, f64)> = (1..=1024)
        .filter_map(|lanes| Some((f64::from(lanes), of.figure(&format!("lanes_{lanes}_per_minute")).ok()?)))
        .collect();
    let (Some((_, one)), Some((lanes, all))) = (rates.first(), rates.last()) else { return Ok(String::new()) };
    let shown: Vec<String> = rates.iter().map(|(lanes, rate)| format!("{lanes}: {rate:.0}")).collect();
    let mut text = format!("| images/min by lanes, everything queued before | {} |\n", shown.join(", "));
    text += &format!("| shares of three galleries that were queued before | {} |\n", shares(of, "drained")?);
    if *lanes > 1.0 {
        let efficiency = (all / (one * lanes)).min(1.0);
        let nodes = (RATE / (of.figure("images_per_minute")? * efficiency)).ceil();
        text += &format!(
            "| *extrapolated, not measured* | {lanes} lanes did {:.0}% of {lanes} times what one does; if machines like this add up in the same way, \
             {nodes} of them reach 1,000 images/min |\n",
            100.0 * efficiency,
        );
    }
    Ok(text)
}
