//! Galleries and photos to test with.

use procession_domain::{
    ContentHash, GalleryId, Kind, PhotoId, Stage, Stages, StudioId, Timestamp, WorkerId,
    analysis::{Analysis, Face, Region},
    capture::Capture,
    gallery::{Consent, Gallery, PipelineChoice, Progress, Rank},
    job::{Claim, Found},
    photo::{Failure, Finished, Format, Photo, Timings},
    recipe::{AnalysisLevel, Fingerprint, MetadataPolicy, OutputColour, Pipeline, Priority, Recipe},
    urgency::Urgency,
};

use super::super::{Arrival, Ask, Ledger};

/// So many seconds after some moment.
pub(in crate::ledger) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_782_000_000_000_000 + seconds * 1_000_000)
}

pub(in crate::ledger) fn gallery(name: &str) -> Gallery {
    Gallery {
        id: GalleryId::named(name),
        studio: StudioId::local(),
        title: name.to_owned(),
        wedding: None,
        consent: Consent { faces: true },
        pipeline: PipelineChoice::Auto,
        opened_at: at(0),
    }
}

/// Critical from second 1,000 on, due at second 2,000.
pub(in crate::ledger) fn rank(weight: f64) -> Rank {
    Rank { urgency: Urgency::StandardDelivery, weight, since: at(0), deadline: at(2_000), critical_at: at(1_000) }
}

/// Of a photo of one megapixel whose gallery's promise is the one of [`rank`], at any time.
pub(in crate::ledger) fn arrival() -> Arrival {
    Arrival { priority: Priority::Medium, cost: 1.0, rank: rank(1.0) }
}

/// The `number`th photo of a gallery.
pub(in crate::ledger) fn photo(gallery: GalleryId, number: usize) -> Photo {
    let original = ContentHash::of(&number.to_le_bytes());
    Photo {
        id: PhotoId::of(gallery, &original),
        gallery,
        original,
        bytes: 1_000,
        crc32: Some(u32::MAX),
        format: Format::Jpeg,
        width: 6_000,
        height: 4_000,
        single_scan: true,
        names: vec![format!("day/{number:04}.jpg")],
        capture: Capture { camera_make: Some("Canon".to_owned()), iso: Some(400), ..Capture::default() },
        stored_at: at(1),
    }
}

/// Opens a gallery of `photos` stored photos of one megapixel each.
pub(in crate::ledger) async fn filled(ledger: &dyn Ledger, name: &str, weight: f64, photos: usize) -> Gallery {
    let gallery = ledger.open_gallery(&gallery(name), &rank(weight)).await.unwrap();
    for number in 0..photos {
        assert!(
            ledger
                .store_photo(&photo(gallery.id, number), &Arrival { rank: rank(weight), ..arrival() })
                .await
                .unwrap()
                .is_some()
        );
    }
    gallery
}

pub(in crate::ledger) fn worker(name: &str) -> WorkerId {
    WorkerId(name.to_owned())
}

/// Claims for worker "w" at a second, for ten seconds.
pub(in crate::ledger) async fn claim(ledger: &dyn Ledger, count: usize, second: i64) -> Vec<Claim> {
    claim_as(ledger, "w", count, None, second).await
}

/// Claims for a worker at a second, for ten seconds.
pub(in crate::ledger) async fn claim_as(
    ledger: &dyn Ledger,
    name: &str,
    count: usize,
    only: Option<GalleryId>,
    second: i64,
) -> Vec<Claim> {
    let (worker, now, expires_at) = (worker(name), at(second), at(second + 10));
    let ask = Ask { worker: &worker, region: None, count, only, at: Stages::ALL, stages: Stages::ALL, now, expires_at };
    ledger.claim(&ask).await.unwrap()
}

/// Claims jobs at some stages alone, at second 5.
pub(in crate::ledger) async fn claim_at(ledger: &dyn Ledger, stages: &[Stage], count: usize) -> Vec<Claim> {
    let (worker, at_stages) = (worker("specialist"), stages.iter().copied().collect());
    let ask = Ask {
        worker: &worker,
        region: None,
        count,
        only: None,
        at: at_stages,
        stages: at_stages,
        now: at(5),
        expires_at: at(15),
    };
    ledger.claim(&ask).await.unwrap()
}

pub(in crate::ledger) fn failure(message: &str) -> Failure {
    Failure { kind: Kind::Corrupt, message: message.to_owned() }
}

/// What was found so far: one face, and its embedding where it is given.
pub(in crate::ledger) fn found(embedding: Option<Vec<f32>>) -> Found {
    let Finished { analysis, pipeline, timings, .. } = finished(embedding);
    let done = Stages::between(Stage::AiAnalysis, Stage::MomentDetection);
    Found { done, analysis, models: "test".to_owned(), pipeline, timings }
}

/// A result with one face, and its embedding where it is given.
pub(in crate::ledger) fn finished(embedding: Option<Vec<f32>>) -> Finished {
    let recipe = Recipe { colour: OutputColour::Srgb, metadata: MetadataPolicy::Strip, variants: Vec::new() };
    let (priority, analysis) = (Priority::Medium, AnalysisLevel::Basic);
    let pipeline = Pipeline { preferred_device: "cpu".to_owned(), priority, analysis, recipe };
    let region = Region { x: 0.25, y: 0.25, width: 0.5, height: 0.5 };
    let face = Face { region, score: 0.75, landmarks: [[0.5; 2]; 5], expression: None, embedding };
    Finished {
        pipeline: "reception_photos".to_owned(),
        pipeline_reason: "the default".to_owned(),
        fingerprint: Fingerprint::of(&pipeline, "test 1"),
        variants: Vec::new(),
        owed: None,
        thumbhash: "1QcSHQRnh493V4dIh4eXh1h4kJUI".to_owned(),
        analysis: Analysis { faces: Some(vec![face]), ..Analysis::default() },
        timings: Timings { decode_seconds: 0.5, ..Timings::default() },
        finished_at: at(5),
    }
}

pub(in crate::ledger) fn progress(waiting: u64, working: u64, done: u64, quarantined: u64) -> Progress {
    Progress { waiting, working, done, quarantined, ..Progress::default() }
}
