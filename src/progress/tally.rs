//! How far a gallery is, from its events alone.

use std::collections::HashSet;

use procession_domain::{PhotoId, Timestamp};
use procession_flow::Event;
use procession_plan::Pace;

use crate::human;

/// What is being done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Folders are walked.
    #[default]
    Looking,
    /// Originals are made safe; those that are safe are processed meanwhile.
    Storing,
    /// All originals are safe, the rest is processed.
    Processing,
    /// Variants are copied to the result.
    Exporting,
    /// Replicas are read for the receipt.
    ReadingBack,
    /// All is there.
    Finished,
}

/// The counts, and what follows from them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    phase: Phase,
    files: u64,
    /// Originals that are safe, files that were not taken, files that are no photos.
    safe: u64,
    refused: u64,
    skipped: u64,
    /// Photos that this run has finished or given up.
    finished: HashSet<PhotoId>,
    failed: u64,
    /// Photos that earlier runs had finished.
    before: u64,
    /// All photos, once it is known how many are one and the same.
    photos: Option<u64>,
    /// Files that are exported, or originals that are read back, and how many in all.
    step: (u64, u64),
    deadline: Option<Timestamp>,
    pace: Pace,
}

impl Tally {
    pub(super) fn take(&mut self, event: &Event, now: Timestamp) {
        match event {
            Event::GalleryOpened { deadline, .. } | Event::GalleryRanked { deadline, .. } => {
                self.deadline = Some(*deadline);
            }
            Event::FilesFound { files, .. } => {
                self.files = *files;
                self.phase = Phase::Storing;
                self.pace.record(now, 0);
            }
            Event::PhotoStored { .. } => self.safe += 1,
            Event::FileRefused { .. } => self.refused += 1,
            Event::FileSkipped { .. } => self.skipped += 1,
            Event::IngestFinished { progress } => {
                self.photos = Some(progress.stored());
                let finished = progress.done + progress.quarantined;
                self.before = finished.saturating_sub(self.finished.len() as u64);
                self.phase = Phase::Processing;
            }
            Event::PhotoDone { photo, .. } => self.finish(*photo, now),
            Event::PhotoQuarantined { photo, .. } => {
                self.failed += 1;
                self.finish(*photo, now);
            }
            Event::Exporting { done, total } => (self.phase, self.step) = (Phase::Exporting, (*done, *total)),
            Event::ReadingBack { done, total } => (self.phase, self.step) = (Phase::ReadingBack, (*done, *total)),
            Event::GalleryFinished { .. } => self.phase = Phase::Finished,
            Event::PhotoStarted { .. }
            | Event::FormatsMade { .. }
            | Event::PhotoPassedOn { .. }
            | Event::PhotoRetried { .. }
            | Event::ReceiptIssued { .. }
            | Event::ReceiptRefused { .. } => {}
        }
    }

    fn finish(&mut self, photo: PhotoId, now: Timestamp) {
        self.finished.insert(photo);
        self.pace.record(now, self.finished.len() as u64);
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// What is done of the phase, and of how much.
    pub(super) fn position(&self) -> (u64, u64) {
        match self.phase {
            Phase::Exporting | Phase::ReadingBack => self.step,
            _ => {
                let files = self.files.saturating_sub(self.refused + self.skipped);
                let total = self.photos.unwrap_or(files);
                ((self.before + self.finished.len() as u64).min(total), total)
            }
        }
    }

    /// All of it in one line.
    pub(super) fn sentence(&self, now: Timestamp) -> String {
        let (done, total) = self.position();
        let mut parts = match self.phase {
            Phase::Looking => vec!["looking for photos".to_owned()],
            Phase::Storing => {
                let taken = self.safe + self.refused + self.skipped;
                vec![format!("storing {taken} of {}", human::count(self.files, "file")), format!("{done} done")]
            }
            Phase::Processing | Phase::Finished => vec![format!("{done} of {} done", human::count(total, "photo"))],
            Phase::Exporting => vec![format!("exporting {done} of {}", human::count(total, "file"))],
            Phase::ReadingBack => vec![format!("reading back {done} of {}", human::count(total, "copy"))],
        };
        if self.failed + self.refused > 0 {
            parts.push(format!("{} failed", self.failed + self.refused));
        }
        if let Phase::Storing | Phase::Processing = self.phase {
            parts.extend(self.forecast(now, total));
        }
        parts.join(", ")
    }

    /// Rate, time that is left and slack, as far as they are known.
    fn forecast(&self, now: Timestamp, total: u64) -> Vec<String> {
        // The pace knows this run's photos alone.
        let estimate = self.pace.estimate(now, total.saturating_sub(self.before));
        let slack =
            |end: Timestamp| self.deadline.map(|deadline| human::slack((deadline.micros() - end.micros()) / 1_000_000));
        match estimate {
            Some(estimate) => {
                let mut parts = vec![
                    format!("{:.1} a second", estimate.per_second),
                    format!("{} left", human::duration(estimate.remaining)),
                ];
                parts.extend(slack(estimate.finishes_at));
                parts
            }
            None => slack(now).into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use procession_domain::{
        ContentHash, GalleryId, Kind,
        gallery::Progress,
        photo::{Failure, Timings},
        urgency::Urgency,
    };

    use super::*;

    const START: Timestamp = Timestamp::from_micros(0);

    fn at(seconds: u64) -> Timestamp {
        START.after(Duration::from_secs(seconds))
    }

    fn photo(number: u64) -> PhotoId {
        PhotoId::of(GalleryId::named("test"), &ContentHash::of(&number.to_le_bytes()))
    }

    fn done(number: u64) -> Event {
        Event::PhotoDone {
            photo: photo(number),
            name: number.to_string(),
            pipeline: "reception_photos".to_owned(),
            reason: String::new(),
            variants: 7,
            faces: None,
            megapixels: 1.0,
            timings: Timings::default(),
        }
    }

    fn opened() -> Tally {
        let mut tally = Tally::default();
        let (urgency, deadline) = (Urgency::SameDayWedding, at(1_800));
        let (title, reason) = (String::new(), String::new());
        tally.take(&Event::GalleryOpened { title, urgency, reason, deadline }, START);
        tally.take(&Event::FilesFound { files: 104, bytes: 1 }, START);
        tally
    }

    #[test]
    fn the_sentence_has_rate_rest_and_slack() {
        let mut tally = opened();
        assert_eq!(tally.sentence(START), "storing 0 of 104 files, 0 done, 30 min to spare");
        let failure = Failure { kind: Kind::Invalid, message: "empty".to_owned() };
        tally.take(&Event::FileRefused { name: "a".to_owned(), failure }, START);
        tally.take(&Event::FileSkipped { name: "b".to_owned() }, START);
        let progress = Progress { waiting: 60, done: 40, ..Progress::default() };
        tally.take(&Event::IngestFinished { progress }, START);
        (1..=20).for_each(|number| tally.take(&done(number), at(number)));
        assert_eq!(tally.position(), (60, 100));
        assert_eq!(tally.sentence(at(20)), "60 of 100 photos done, 1 failed, 1.0 a second, 40 s left, 29 min to spare");
    }

    #[test]
    fn photos_that_were_finished_during_ingest_count_once() {
        let mut tally = opened();
        (0..10).for_each(|number| tally.take(&done(number), at(number)));
        let progress = Progress { waiting: 40, done: 60, ..Progress::default() };
        tally.take(&Event::IngestFinished { progress }, at(10));
        assert_eq!(tally.position(), (60, 100));
    }

    #[test]
    fn later_phases_have_counts_of_their_own() {
        let mut tally = opened();
        tally.take(&Event::Exporting { done: 3, total: 700 }, at(30));
        assert_eq!(tally.sentence(at(30)), "exporting 3 of 700 files");
        tally.take(&Event::ReadingBack { done: 1, total: 1 }, at(31));
        assert_eq!(tally.position(), (1, 1));
    }
}
