//! What happens, told as it happens. Nothing depends on anybody listening.

use procession_domain::{
    ContentHash, GalleryId, PhotoId, Stage, Timestamp,
    gallery::Progress,
    photo::{Failure, Timings},
    recipe::OutputFormat,
    urgency::Urgency,
};
use serde::Serialize;
use tokio::sync::mpsc;

/// An event, and the gallery that it happened in. As JSON: one object with the fields of both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// The gallery.
    pub gallery: GalleryId,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// One thing that happened. As JSON: an object with `event` beside the fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The gallery is open and has its place in the schedule.
    GalleryOpened {
        /// Its title.
        title: String,
        /// Its class.
        urgency: Urgency,
        /// Why that class.
        reason: String,
        /// When it is promised.
        deadline: Timestamp,
    },
    /// A photo has given the gallery another class.
    GalleryRanked {
        /// Its class.
        urgency: Urgency,
        /// Why that class.
        reason: String,
        /// When it is promised.
        deadline: Timestamp,
    },
    /// The folders were walked.
    FilesFound {
        /// How many files there are.
        files: u64,
        /// Their length together.
        bytes: u64,
    },
    /// A photo's original is durable in enough replicas and was read back.
    PhotoStored {
        /// The photo.
        photo: PhotoId,
        /// The path that it came under.
        name: String,
        /// Its hash.
        original: ContentHash,
        /// Its length.
        bytes: u64,
        /// False if the gallery had these bytes already.
        new: bool,
    },
    /// A file was not accepted. It stays where it is.
    FileRefused {
        /// Its path.
        name: String,
        /// Why.
        failure: Failure,
    },
    /// A file that is no photo and does not claim to be one was passed over.
    FileSkipped {
        /// Its path.
        name: String,
    },
    /// Everything that was given is durable.
    IngestFinished {
        /// How far the gallery is.
        progress: Progress,
    },
    /// A worker began.
    PhotoStarted {
        /// The photo.
        photo: PhotoId,
        /// Its name.
        name: String,
    },
    /// A photo is finished.
    PhotoDone {
        /// The photo.
        photo: PhotoId,
        /// Its name.
        name: String,
        /// The pipeline that was taken.
        pipeline: String,
        /// Why.
        reason: String,
        /// How many outputs it has.
        variants: usize,
        /// How many faces were seen, if anybody looked.
        faces: Option<usize>,
        /// What it cost in the schedule.
        megapixels: f64,
        /// How long the steps took.
        timings: Timings,
    },
    /// A finished photo has the formats now that it was owed.
    FormatsMade {
        /// The photo.
        photo: PhotoId,
        /// Its name.
        name: String,
        /// The formats.
        formats: Vec<OutputFormat>,
    },
    /// A worker did its part of a photo; others go on with it.
    PhotoPassedOn {
        /// The photo.
        photo: PhotoId,
        /// Its name.
        name: String,
        /// What comes next.
        stage: Stage,
    },
    /// A photo cannot be processed; its original is safe.
    PhotoQuarantined {
        /// The photo.
        photo: PhotoId,
        /// Its name.
        name: String,
        /// Why.
        failure: Failure,
    },
    /// A photo failed for now and will be tried again.
    PhotoRetried {
        /// The photo.
        photo: PhotoId,
        /// Its name.
        name: String,
        /// What happened.
        failure: Failure,
        /// When it is tried again.
        retry_at: Timestamp,
    },
    /// Variants are being written to the result's folder.
    Exporting {
        /// Files that are in place.
        done: u64,
        /// Files in all.
        total: u64,
    },
    /// Replicas are being read back for the receipt.
    ReadingBack {
        /// Originals that were compared.
        done: u64,
        /// Originals times replicas.
        total: u64,
    },
    /// The receipt is signed: every replica of every original was read back.
    ReceiptIssued {
        /// How many originals it names.
        originals: usize,
        /// In how many stores each of them is.
        stores: usize,
    },
    /// There is no receipt.
    ReceiptRefused {
        /// Which copy is missing or wrong, or why it could not be read.
        why: String,
    },
    /// The gallery is finished.
    GalleryFinished {
        /// How far it is: all done or quarantined.
        progress: Progress,
        /// When.
        finished_at: Timestamp,
        /// Seconds left to the deadline; negative if it was missed.
        slack_seconds: i64,
        /// The folder of the result, where one was asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        out: Option<String>,
    },
}

impl Event {
    /// Its name: `event` in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::GalleryOpened { .. } => "gallery_opened",
            Self::GalleryRanked { .. } => "gallery_ranked",
            Self::FilesFound { .. } => "files_found",
            Self::PhotoStored { .. } => "photo_stored",
            Self::FileRefused { .. } => "file_refused",
            Self::FileSkipped { .. } => "file_skipped",
            Self::IngestFinished { .. } => "ingest_finished",
            Self::PhotoStarted { .. } => "photo_started",
            Self::PhotoDone { .. } => "photo_done",
            Self::FormatsMade { .. } => "formats_made",
            Self::PhotoQuarantined { .. } => "photo_quarantined",
            Self::PhotoPassedOn { .. } => "photo_passed_on",
            Self::PhotoRetried { .. } => "photo_retried",
            Self::Exporting { .. } => "exporting",
            Self::ReadingBack { .. } => "reading_back",
            Self::ReceiptIssued { .. } => "receipt_issued",
            Self::ReceiptRefused { .. } => "receipt_refused",
            Self::GalleryFinished { .. } => "gallery_finished",
        }
    }
}

/// Where events go.
#[derive(Clone, Debug)]
pub struct Events(Option<mpsc::UnboundedSender<Told>>);

impl Events {
    /// Events go to this channel.
    pub fn to(sender: mpsc::UnboundedSender<Told>) -> Self {
        Self(Some(sender))
    }

    /// Nobody listens.
    pub fn nowhere() -> Self {
        Self(None)
    }

    /// Tells what happened in a gallery.
    pub fn tell(&self, gallery: GalleryId, event: Event) {
        if let Some(sender) = &self.0 {
            // A listener that went away misses the rest; the work goes on.
            let _ = sender.send(Told { gallery, event });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_s_name_is_the_one_in_json() {
        let (progress, name) = (Progress::default(), String::new());
        let failure = Failure { kind: procession_domain::Kind::Bug, message: String::new() };
        let events = [
            Event::FilesFound { files: 0, bytes: 0 },
            Event::FileRefused { name: name.clone(), failure },
            Event::FileSkipped { name: name.clone() },
            Event::IngestFinished { progress },
            Event::Exporting { done: 0, total: 0 },
            Event::ReadingBack { done: 0, total: 0 },
            Event::ReceiptIssued { originals: 0, stores: 0 },
            Event::ReceiptRefused { why: name },
            Event::GalleryFinished { progress, finished_at: Timestamp::from_micros(0), slack_seconds: 0, out: None },
        ];
        for event in events {
            assert_eq!(serde_json::to_value(&event).unwrap()["event"], event.name());
        }
    }
}
