//! How galleries look from outside.

use procession_domain::{
    GalleryId, Timestamp,
    gallery::{Consent, Gallery, PipelineChoice, Progress, Rank, TimeZoneName, Wedding},
    urgency::Urgency,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Problem, Result, Service};

/// A gallery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GalleryView {
    /// 24 hex digits.
    #[schema(value_type = String)]
    id: GalleryId,
    /// What people call it.
    title: String,
    /// Date and place of the wedding.
    #[schema(value_type = Option<WeddingView>)]
    wedding: Option<Wedding>,
    /// What the studio has recorded consent for.
    #[schema(value_type = ConsentView)]
    consent: Consent,
    /// `auto`, or the name of the pipeline of every photo.
    pipeline: String,
    /// When it was opened (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    /// How soon it is due: `same_day_wedding`, `next_day_delivery` or `standard_delivery`.
    #[schema(value_type = String)]
    urgency: Urgency,
    /// When it is promised (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    deadline: Timestamp,
    /// How far it is.
    #[schema(value_type = ProgressView)]
    progress: Progress,
}

/// Date and place of a wedding.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WeddingView {
    /// The day, as the couple would write it: `2026-06-20`.
    #[schema(format = Date)]
    date: String,
    /// The venue's IANA time zone.
    #[schema(example = "Europe/Rome")]
    time_zone: String,
}

/// What the studio has recorded consent for.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentView {
    /// Guests may be recognised and grouped, in this gallery alone. Taking it back erases what was known.
    pub(super) faces: bool,
}

/// How far a gallery is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgressView {
    /// Safe photos that wait for a worker.
    waiting: u64,
    /// Photos that a worker holds.
    working: u64,
    /// Finished photos.
    done: u64,
    /// Those of them that get more formats once nothing more urgent waits.
    owing: u64,
    /// Photos that cannot be processed; their originals are safe.
    quarantined: u64,
    /// Files that were not accepted as photos.
    refused: u64,
}

/// A gallery to be opened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGallery {
    /// What people call it, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub(super) title: String,
    /// A name of the caller's own, unique in the studio: opening it twice opens one gallery.
    #[schema(min_length = 1, max_length = 200)]
    pub(super) name: Option<String>,
    /// Date and place; without them the delivery is standard.
    pub(super) wedding: Option<WeddingView>,
    /// Nothing unless it is given.
    #[serde(default)]
    pub(super) consent: ConsentView,
    /// `auto` unless it is given.
    pub(super) pipeline: Option<String>,
}

/// What is to change of a gallery; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GalleryChange {
    /// What people call it, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub(super) title: Option<String>,
    /// Date and place.
    pub(super) wedding: Option<WeddingView>,
    /// What the studio has consent for. Photos are looked at again where it is new.
    pub(super) consent: Option<ConsentView>,
    /// The pipeline of its photos; those that took another are processed again.
    pub(super) pipeline: Option<String>,
}

impl WeddingView {
    pub(super) fn parse(&self) -> Result<Wedding> {
        let date = self
            .date
            .parse()
            .map_err(|_| Problem::invalid(format!("wedding.date {:?}: write it like 2026-06-20", self.date)))?;
        let time_zone: TimeZoneName = self.time_zone.parse()?;
        Ok(Wedding { date, time_zone })
    }
}

impl GalleryView {
    /// Where the page after this gallery begins.
    pub(super) fn position(&self) -> (Timestamp, GalleryId) {
        (self.opened_at, self.id)
    }
}

impl GalleryChange {
    /// The gallery as it is to be.
    pub(super) fn apply(&self, mut gallery: Gallery) -> Result<Gallery> {
        if let Some(title) = &self.title {
            gallery.title = checked_title(title)?;
        }
        if let Some(wedding) = &self.wedding {
            gallery.wedding = Some(wedding.parse()?);
        }
        if let Some(consent) = self.consent {
            gallery.consent = Consent { faces: consent.faces };
        }
        if let Some(pipeline) = &self.pipeline {
            gallery.pipeline = PipelineChoice::from(pipeline.clone());
        }
        Ok(gallery)
    }
}

pub(super) async fn view(service: &Service, gallery: Gallery, rank: Rank) -> Result<GalleryView> {
    let progress = service.system.ledger.progress(gallery.id).await?;
    Ok(of(gallery, rank, progress))
}

/// A gallery that is as far as this.
pub(super) fn of(gallery: Gallery, rank: Rank, progress: Progress) -> GalleryView {
    let Gallery { id, title, wedding, consent, pipeline, opened_at, .. } = gallery;
    let Rank { urgency, deadline, .. } = rank;
    GalleryView { id, title, wedding, consent, pipeline: pipeline.into(), opened_at, urgency, deadline, progress }
}

pub(super) fn checked_title(title: &str) -> Result<String> {
    let title = title.trim();
    if title.is_empty() || title.chars().count() > 200 || title.chars().any(char::is_control) {
        return Err(Problem::invalid("title: give 1 to 200 characters"));
    }
    Ok(title.to_owned())
}
