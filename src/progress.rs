//! What people and programs are told while a gallery is made.

mod tally;

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use procession_domain::Timestamp;
use procession_flow::{Event, Told};
use serde::Serialize;

use crate::commands::print;

use tally::{Phase, Tally};

/// Without a terminal there is a line for each tenth of a phase, but not for less or more than so many things.
const PARTS: u64 = 10;
const THINGS_A_LINE: std::ops::RangeInclusive<u64> = 5..=500;
/// How often the bar is drawn though nothing happened, so that times go on.
const TICK: Duration = Duration::from_millis(200);

/// The sentence below the bar has the figures.
const TEMPLATE: &str = "{spinner} {wide_bar} {percent}%\n  {wide_msg}";

/// Hears events and tells them in one of four ways. Failures are told in all of them.
#[derive(Debug)]
pub(crate) struct Listener {
    tally: Tally,
    voice: Voice,
}

#[derive(Debug)]
enum Voice {
    /// On a terminal.
    Bar(ProgressBar),
    /// Anywhere else: the phase and what was done of it at the last line.
    Lines(Phase, u64),
    /// One object for each event on standard output.
    Json,
    Quiet,
}

/// An event on a line of its own.
#[derive(Serialize)]
struct Line<'a> {
    at: Timestamp,
    #[serde(flatten)]
    told: &'a Told,
}

impl Listener {
    /// The way that the flags and the terminal ask for.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let voice = if json {
            Voice::Json
        } else if quiet {
            Voice::Quiet
        } else if std::io::stderr().is_terminal() {
            Voice::Bar(bar())
        } else {
            Voice::Lines(Phase::Looking, 0)
        };
        Self { tally: Tally::default(), voice }
    }

    /// Takes an event in and tells what is to be told.
    ///
    /// # Errors
    /// Standard output is closed.
    pub(crate) fn hear(&mut self, told: &Told, now: Timestamp) -> std::io::Result<()> {
        self.tally.take(&told.event, now);
        if let Voice::Json = self.voice {
            return print(&serde_json::to_value(Line { at: now, told })?);
        }
        if let Some(text) = spoken(told, matches!(self.voice, Voice::Quiet)) {
            self.say(&text);
        }
        match &mut self.voice {
            Voice::Bar(bar) => draw(bar, &self.tally, now),
            Voice::Lines(phase, at) => {
                let (photos, total) = self.tally.position();
                let part = total.div_ceil(PARTS).clamp(*THINGS_A_LINE.start(), *THINGS_A_LINE.end());
                if *phase != self.tally.phase() || photos >= *at + part {
                    (*phase, *at) = (self.tally.phase(), photos);
                    let text = self.tally.sentence(now);
                    self.say(&text);
                }
            }
            Voice::Json | Voice::Quiet => {}
        }
        Ok(())
    }

    /// Leaves the terminal as it was.
    pub(crate) fn end(&self) {
        if let Voice::Bar(bar) = &self.voice {
            bar.finish_and_clear();
        }
    }

    #[expect(clippy::print_stderr, reason = "progress is for people, results are on standard output")]
    fn say(&self, text: &str) {
        match &self.voice {
            Voice::Bar(bar) => bar.println(text),
            Voice::Lines(..) | Voice::Quiet | Voice::Json => eprintln!("{text}"),
        }
    }
}

/// What is said in words when an event happens: failures always, the opening unless it must be quiet.
fn spoken(told: &Told, quiet: bool) -> Option<String> {
    match &told.event {
        Event::FileRefused { name, failure } => Some(format!("not taken: {name}: {}", failure.message)),
        Event::PhotoQuarantined { name, failure, .. } => {
            Some(format!("failed: {name}: {} (the original is safe)", failure.message))
        }
        Event::PhotoRetried { name, failure, .. } => Some(format!("will be tried again: {name}: {}", failure.message)),
        Event::GalleryOpened { title, urgency, reason, deadline } if !quiet => {
            let gallery = told.gallery;
            Some(format!("{title} ({gallery}): {}, because {reason}; due at {deadline}", urgency.name()))
        }
        _ => None,
    }
}

/// A bar with a sentence below it.
pub(crate) fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    // The template is fixed, and a test draws it.
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}

fn draw(bar: &ProgressBar, tally: &Tally, now: Timestamp) {
    let (position, total) = tally.position();
    bar.set_length(total);
    bar.set_position(position);
    bar.set_message(tally.sentence(now));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_s_template_is_one() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }
}
