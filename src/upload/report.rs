//! What people and programs are told while folders are sent.

use std::io::IsTerminal as _;

use indicatif::ProgressBar;
use procession_domain::{ContentHash, GalleryId, PhotoId, Timestamp};
use procession_plan::Pace;
use serde::Serialize;

use crate::{commands::print, human, progress};

/// Without a terminal there is a line for each tenth of the files, but not for less than so many.
const PARTS: u64 = 10;
const LEAST_FILES_A_LINE: u64 = 5;

/// One thing that happened. As JSON: an object with `at` and `event` beside the fields; docs/uploads.md has the list.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    GalleryOpened {
        gallery: GalleryId,
        title: String,
        urgency: String,
        deadline: Timestamp,
    },
    FilesFound {
        files: u64,
        bytes: u64,
    },
    PhotoStored {
        name: String,
        photo: PhotoId,
        original: ContentHash,
        bytes: u64,
        /// Bytes that travelled.
        sent: u64,
        coding: Option<&'static str>,
    },
    PhotoKnown {
        name: String,
        original: ContentHash,
    },
    FileRefused {
        name: String,
        code: String,
        message: String,
    },
    FileSkipped {
        name: String,
    },
    Waiting {
        why: String,
        seconds: f64,
    },
    FilesSent {
        stored: u64,
        known: u64,
        refused: u64,
        bytes: u64,
        sent: u64,
    },
    ReadingBack,
    ReceiptIssued {
        originals: usize,
        stores: usize,
    },
    ReceiptRefused {
        why: String,
    },
}

/// Hears events and tells them. Failures are told in every way.
pub(crate) struct Listener {
    voice: Voice,
    files: u64,
    done: u64,
    refused: u64,
    pace: Pace,
    sent_bytes: u64,
}

enum Voice {
    Bar(ProgressBar),
    /// The files that were done at the last line.
    Lines(u64),
    Json,
    Quiet,
}

#[derive(Serialize)]
struct Line<'a> {
    at: Timestamp,
    #[serde(flatten)]
    event: &'a Event,
}

impl Listener {
    /// The way that the flags and the terminal ask for.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let voice = if json {
            Voice::Json
        } else if quiet {
            Voice::Quiet
        } else if std::io::stderr().is_terminal() {
            Voice::Bar(progress::bar())
        } else {
            Voice::Lines(0)
        };
        Self { voice, files: 0, done: 0, refused: 0, pace: Pace::default(), sent_bytes: 0 }
    }

    /// Takes an event in and tells what is to be told.
    ///
    /// # Errors
    /// Standard output is closed.
    pub(crate) fn hear(&mut self, event: &Event, now: Timestamp) -> std::io::Result<()> {
        match event {
            Event::FilesFound { files, .. } => {
                self.files = *files;
                self.pace.record(now, 0);
            }
            Event::PhotoStored { sent, .. } => {
                self.done += 1;
                self.sent_bytes += sent;
            }
            Event::PhotoKnown { .. } | Event::FileSkipped { .. } => self.done += 1,
            Event::FileRefused { .. } => {
                self.done += 1;
                self.refused += 1;
            }
            _ => {}
        }
        self.pace.record(now, self.done);
        if let Voice::Json = self.voice {
            return print(&serde_json::to_value(Line { at: now, event })?);
        }
        if let Some(text) = spoken(event, matches!(self.voice, Voice::Quiet)) {
            self.say(&text);
        }
        let sentence = self.sentence(now);
        match &mut self.voice {
            Voice::Bar(bar) => {
                bar.set_length(self.files);
                bar.set_position(self.done);
                bar.set_message(sentence);
            }
            Voice::Lines(at) if self.done >= *at + self.files.div_ceil(PARTS).max(LEAST_FILES_A_LINE) => {
                *at = self.done;
                self.say(&sentence);
            }
            _ => {}
        }
        Ok(())
    }

    /// Leaves the terminal as it was.
    pub(crate) fn end(&self) {
        if let Voice::Bar(bar) = &self.voice {
            bar.finish_and_clear();
        }
    }

    fn sentence(&self, now: Timestamp) -> String {
        let mut parts = vec![format!("{} of {} sent", self.done, human::count(self.files, "file"))];
        if self.refused > 0 {
            parts.push(format!("{} not taken", self.refused));
        }
        parts.push(human::bytes(self.sent_bytes));
        if let Some(estimate) = self.pace.estimate(now, self.files) {
            parts.push(format!("{:.1} a second", estimate.per_second));
            parts.push(format!("{} left", human::duration(estimate.remaining)));
        }
        parts.join(", ")
    }

    #[expect(clippy::print_stderr, reason = "progress is for people, results are on standard output")]
    fn say(&self, text: &str) {
        match &self.voice {
            Voice::Bar(bar) => bar.println(text),
            _ => eprintln!("{text}"),
        }
    }
}

/// What is said in words when an event happens.
fn spoken(event: &Event, quiet: bool) -> Option<String> {
    match event {
        Event::FileRefused { name, message, .. } => Some(format!("not taken: {name}: {message}")),
        Event::ReceiptRefused { why } => Some(format!("no receipt: {why}")),
        Event::GalleryOpened { gallery, title, urgency, deadline } if !quiet => {
            Some(format!("{title} ({gallery}): {urgency}; due at {deadline}"))
        }
        // A pause of a moment is not worth a word.
        Event::Waiting { why, seconds } if !quiet && *seconds >= 1.0 => {
            Some(format!("{why}; trying again in {seconds:.0} s"))
        }
        Event::ReadingBack if !quiet => Some("the service reads everything back for the receipt".to_owned()),
        _ => None,
    }
}
