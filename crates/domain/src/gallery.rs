//! A gallery: the unit that is promised, scheduled and delivered.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{GalleryId, Invalid, Region, StudioId, Timestamp, urgency::Urgency};

/// When and where the wedding was. Both decide how soon the gallery is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wedding {
    /// The day of the wedding, as the couple would write it.
    pub date: Date,
    /// The venue's IANA time zone, such as `Europe/Rome`.
    pub time_zone: TimeZoneName,
}

/// The name of a time zone that exists in the IANA database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZoneName(String);

impl TimeZoneName {
    /// Universal time: what is assumed where nobody says where the venue is.
    pub fn utc() -> Self {
        Self("UTC".to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The rules of the zone.
    pub fn rules(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.0).unwrap_or(jiff::tz::TimeZone::UTC)
    }
}

impl TryFrom<String> for TimeZoneName {
    type Error = Invalid;

    fn try_from(name: String) -> Result<Self, Invalid> {
        match jiff::tz::TimeZone::get(&name) {
            Ok(_) => Ok(Self(name)),
            Err(_) => Err(Invalid::new("time zone", name, "not in the IANA database; write it like Europe/Rome")),
        }
    }
}

impl std::str::FromStr for TimeZoneName {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Self, Invalid> {
        name.to_owned().try_into()
    }
}

impl From<TimeZoneName> for String {
    fn from(name: TimeZoneName) -> Self {
        name.0
    }
}

/// What the studio has recorded consent for. Everything is refused until it is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Face embeddings may be computed and guests grouped, in this gallery alone.
    pub faces: bool,
}

/// Which pipeline the gallery's photos take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum PipelineChoice {
    /// Chosen for each photo from cheap evidence.
    #[default]
    Auto,
    /// The pipeline of this name for every photo.
    Named(String),
}

impl From<String> for PipelineChoice {
    fn from(name: String) -> Self {
        if name == "auto" { Self::Auto } else { Self::Named(name) }
    }
}

impl From<PipelineChoice> for String {
    fn from(choice: PipelineChoice) -> Self {
        match choice {
            PipelineChoice::Auto => "auto".to_owned(),
            PipelineChoice::Named(name) => name,
        }
    }
}

/// What is known of a gallery before its first photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gallery {
    /// Its id.
    pub id: GalleryId,
    /// The studio that it belongs to, for ever.
    #[serde(default = "StudioId::local")]
    pub studio: StudioId,
    /// What people call it: "Anna & Ben".
    pub title: String,
    /// Date and place; without them the delivery is standard.
    pub wedding: Option<Wedding>,
    /// What the studio has consent for.
    pub consent: Consent,
    /// The pipeline of its photos.
    pub pipeline: PipelineChoice,
    /// When it was opened.
    pub opened_at: Timestamp,
}

/// The part of the work, 0 to 1, that critical galleries take while others wait, unless the operator says otherwise.
pub const CRITICAL_SHARE: f64 = 0.7;

/// A gallery's place among the others: what `plan::rank` made of it. Kept in the gallery's row of the ledger, so a claim
/// needs nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rank {
    /// The class that the wedding's date gave.
    pub urgency: Urgency,
    /// Share under contention; greater than zero.
    pub weight: f64,
    /// From when the promise counts: the arrival of the latest photo, or the opening while there is none.
    pub since: Timestamp,
    /// When the gallery is promised.
    pub deadline: Timestamp,
    /// From here on the gallery is critical: the deadline less the predicted remaining work and a margin.
    pub critical_at: Timestamp,
}

impl Rank {
    /// The same promise, counted from no earlier than `since`.
    #[must_use]
    pub fn not_before(self, since: Timestamp) -> Self {
        let later = since.since(self.since);
        let (since, deadline) = (self.since.after(later), self.deadline.after(later));
        Self { since, deadline, critical_at: self.critical_at.after(later), ..self }
    }

    /// The rank after another photo, which alone would have the rank `arrival`. While photos before it are unfinished, the
    /// class that is promised sooner stays: an upload that lasts past midnight is still today's wedding.
    #[must_use]
    pub fn with(self, arrival: Self, is_unfinished: bool) -> Self {
        let promised = |rank: &Self| rank.deadline.since(rank.since);
        if is_unfinished && promised(&self) <= promised(&arrival) {
            self.not_before(arrival.since)
        } else {
            arrival.not_before(self.since)
        }
    }
}

/// How far a gallery is. The counts add up to the photos that were accepted, plus those refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Durable photos that wait for a worker.
    pub waiting: u64,
    /// Photos that a worker holds.
    pub working: u64,
    /// Finished photos.
    pub done: u64,
    /// Those of them that are still owed outputs.
    #[serde(default)]
    pub owing: u64,
    /// Photos that cannot be processed; their originals are safe.
    pub quarantined: u64,
    /// Files that were not accepted as photos.
    pub refused: u64,
}

/// What is unfinished of a gallery that has unfinished photos.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backlog {
    /// The gallery.
    pub gallery: GalleryId,
    /// Its place among the others.
    pub rank: Rank,
    /// Durable photos that wait for a worker.
    pub waiting: u64,
    /// Those of them whose next stage is each of [`Stage::ALL`](crate::Stage::ALL).
    pub waiting_at: [u64; 4],
    /// Photos that a worker holds.
    pub working: u64,
    /// What the waiting photos cost.
    pub waiting_megapixels: f64,
    /// What the photos cost that a worker holds.
    pub working_megapixels: f64,
    /// When the original of the photo that came first of those that wait at each stage was durable; none if none waits there.
    pub waiting_since_at: [Option<Timestamp>; 4],
    /// The cluster whose workers process it; none while any worker may.
    pub cluster: Option<Region>,
    /// Why it was placed there, or nowhere; none if nobody has decided yet.
    pub placement: Option<String>,
}

impl Backlog {
    /// When the original of the photo that came first of those that wait was durable; none if none waits.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        self.waiting_since_at.into_iter().flatten().min()
    }

    /// What its unfinished photos cost.
    pub fn megapixels(&self) -> f64 {
        self.waiting_megapixels + self.working_megapixels
    }
}

impl Progress {
    /// Every photo is done or quarantined.
    pub fn is_finished(&self) -> bool {
        self.waiting == 0 && self.working == 0
    }

    /// The photos whose originals are in the vault.
    pub fn stored(&self) -> u64 {
        self.waiting + self.working + self.done + self.quarantined
    }
}
