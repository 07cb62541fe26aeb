//! What was measured, as flat JSON that `cargo xtask load-test` reads.

use procession_domain::photo::{PhotoState, Timings};
use serde_json::{Map, Value, json};

use crate::{
    figures::{Fairness, Life, fairness, percentile, steady, sustained},
    run::{Form, Measured},
};

/// All figures. Times are in the unit of their name, memory in bytes, shares from 0 to 1.
pub(crate) fn report(form: &Form, measured: &Measured) -> Value {
    let mut all = Map::new();
    for part in
        [input(form, measured), speed(measured), galleries(measured), resources(form, measured), checked(measured)]
    {
        all.extend(part.as_object().unwrap().clone());
    }
    for scaled in &measured.scaled {
        all.insert(format!("lanes_{}_per_minute", scaled.lanes), json!(scaled.per_minute));
        // The last is the one with most photos.
        all.extend(shared("drained_", &scaled.shared));
    }
    for (kind, milliseconds) in &measured.answers.kinds {
        all.insert(format!("answer_{kind}_p99_ms"), json!(percentile(milliseconds, 0.99)));
    }
    all.values_mut().for_each(round);
    Value::Object(all)
}

/// How the work was shared, with these names.
fn shared(prefix: &str, of: &Fairness) -> Map<String, Value> {
    let mut figures = vec![("photos".to_owned(), json!(of.photos)), ("jain".to_owned(), json!(of.jain))];
    for (class, (share, due)) in ["same_day", "next_day", "standard"].iter().zip(of.shares.iter().zip(of.due)) {
        figures.extend([(format!("{class}_share"), json!(share)), (format!("{class}_due"), json!(due))]);
    }
    figures.into_iter().map(|(name, figure)| (format!("{prefix}{name}"), figure)).collect()
}

/// To four decimals, which no figure needs more of and every reader understands.
fn round(figure: &mut Value) {
    if let (false, Some(number)) = (figure.is_u64(), figure.as_f64()) {
        *figure = json!((number * 1e4).round() / 1e4);
    }
}

fn input(form: &Form, measured: &Measured) -> Value {
    let sent: Vec<u64> = measured.cards.iter().flat_map(|card| &card.photos).map(|photo| photo.bytes).collect();
    let photos = measured.listed.iter().flat_map(|listed| &listed.photos);
    let megapixels: Vec<f64> =
        photos.map(|(photo, _)| f64::from(photo.width) * f64::from(photo.height) / 1e6).collect();
    json!({
        "photos": sent.len(), "galleries": measured.cards.len(), "lanes": form.lanes, "queued_before": form.queued,
        "models": form.program.models.is_some(), "sources": form.sources.len(),
        "bytes": sent.iter().sum::<u64>(), "smallest_bytes": sent.iter().min(), "largest_bytes": sent.iter().max(),
        "smallest_megapixels": percentile(&megapixels, 0.0), "largest_megapixels": percentile(&megapixels, 1.0),
        "mean_megapixels": megapixels.iter().sum::<f64>() / megapixels.len().max(1) as f64,
    })
}

fn speed(measured: &Measured) -> Value {
    let of = |figure: &dyn Fn(&Life) -> f64| measured.lives.iter().map(figure).collect::<Vec<f64>>();
    let (photo, vision) = (of(&Life::processing), of(&|life| life.timings.vision_seconds));
    let mean = |figure: fn(&Timings) -> f64| {
        of(&|life| figure(&life.timings)).iter().sum::<f64>() / measured.lives.len().max(1) as f64
    };
    json!({
        "images_per_minute": sustained(&measured.lives), "steady_per_minute": steady(&measured.lives),
        "photo_p50_seconds": percentile(&photo, 0.5), "photo_p95_seconds": percentile(&photo, 0.95),
        "photo_p99_seconds": percentile(&photo, 0.99), "photo_max_seconds": percentile(&photo, 1.0),
        "vision_p50_seconds": percentile(&vision, 0.5), "vision_p99_seconds": percentile(&vision, 0.99),
        "vision_max_seconds": percentile(&vision, 1.0),
        "fetch_mean_seconds": mean(|t| t.fetch_seconds), "decode_mean_seconds": mean(|t| t.decode_seconds),
        "vision_mean_seconds": mean(|t| t.vision_seconds), "render_mean_seconds": mean(|t| t.render_seconds),
        "store_mean_seconds": mean(|t| t.store_seconds),
        "faces": measured.lives.iter().map(|life| life.faces).sum::<usize>(),
        "photos_with_faces": measured.lives.iter().filter(|life| life.faces > 0).count(),
        "seconds": percentile(&of(&|life| life.finished), 1.0),
        "upload_seconds": measured.upload_seconds, "made_seconds": measured.made_seconds,
        "made_per_minute": measured.made_seconds.map(|seconds| 60.0 * measured.lives.len() as f64 / seconds.max(1e-3)),
    })
}

/// Each gallery from the start of its client to its last photo, beside its promise; and how the work was shared.
fn galleries(measured: &Measured) -> Value {
    let (mut took, mut receipts, mut late) = (Vec::new(), Vec::new(), 0);
    let since = |at: procession_domain::Timestamp| (at.micros() - measured.began.micros()) as f64 / 1e6;
    for (listed, uploaded) in measured.listed.iter().zip(&measured.uploaded) {
        let finished = listed.photos.iter().map(|(_, state)| match state {
            PhotoState::Done(finished) => Some(finished.finished_at),
            _ => None,
        });
        let last = finished.collect::<Option<Vec<_>>>().and_then(|finished| finished.into_iter().max());
        late += usize::from(last.is_some_and(|last| last > listed.rank.deadline));
        took.extend(last.map(since));
        receipts.extend(uploaded.receipt_at.map(since));
    }
    let weights: Vec<(usize, f64)> = measured
        .cards
        .iter()
        .zip(&measured.listed)
        .map(|(card, listed)| (card.urgency as usize, listed.rank.weight))
        .collect();
    let mut all = shared("loaded_", &fairness(&measured.lives, &weights));
    let more = json!({
        "galleries_finished": took.len(), "galleries_late": late,
        "gallery_p50_seconds": percentile(&took, 0.5), "gallery_max_seconds": percentile(&took, 1.0),
        "receipts": receipts.len(), "receipt_seconds": percentile(&receipts, 1.0),
    });
    all.extend(more.as_object().unwrap().clone());
    Value::Object(all)
}

fn resources(form: &Form, measured: &Measured) -> Value {
    let (answers, taken) = (&measured.answers, &measured.taken);
    let role = |name: &str| taken.roles.get(name).copied().unwrap_or(0.0);
    let peaks = |name: &str| taken.peaks.get(name).cloned().unwrap_or_default();
    let most = |name: &str| peaks(name).first().copied().unwrap_or(0);
    json!({
        "cpu_machine": taken.machine, "cpu_workers": role("worker"), "cpu_api": role("api"), "cpu_clients": role("client"),
        "api_peak_bytes": most("api"), "worker_peak_bytes": most("worker"), "worker_peaks_bytes": peaks("worker"),
        "client_peak_bytes": most("client"), "ledger_peak_bytes": measured.ledger_memory as u64,
        "worker_memory_growth": taken.growth, "memory_course": taken.course, "worker_processes": form.lanes.min(2),
        "api_answers": answers.api.len(), "api_p50_ms": percentile(&answers.api, 0.5),
        "api_p99_ms": percentile(&answers.api, 0.99), "api_max_ms": percentile(&answers.api, 1.0),
        "pages_answers": answers.pages.len(), "pages_p50_ms": percentile(&answers.pages, 0.5),
        "pages_p99_ms": percentile(&answers.pages, 0.99), "answers_failed": answers.failed,
        "most_in_flight": answers.most_in_flight(),
        "upload_waits": measured.uploaded.iter().map(|uploaded| uploaded.waits).sum::<usize>(),
    })
}

fn checked(measured: &Measured) -> Value {
    let checked = &measured.checked;
    // Whoever reads it looks for the ends of texts and lists.
    let said = checked.complaints.iter().take(20).map(|text| text.replace(['"', '[', ']'], "'")).collect::<Vec<_>>();
    json!({
        "originals_checked": checked.originals, "variants_checked": checked.variants, "images_decoded": checked.decoded,
        "lost": checked.lost, "complaints": checked.complaints.len(), "said": said,
        "finished": measured.lives.len(),
    })
}
