//! The tables and the JSON of what was measured.

use std::fmt::Write as _;

use super::clients::{Measured, Uploads};
use crate::figures::spread;

/// Both at one number of connections: each round's measurements, ours first.
pub(super) struct Contest {
    pub(super) set: &'static str,
    pub(super) connections: usize,
    pub(super) rounds: Vec<(Measured, Measured)>,
}

/// Everything that was measured.
pub(super) struct Report {
    /// Lengths of the images.
    pub(super) images: Vec<u64>,
    pub(super) contests: Vec<Contest>,
    pub(super) uploads: Uploads,
    /// Milliseconds.
    pub(super) first_looks: Vec<f64>,
}

impl Contest {
    /// The middle of a figure over the rounds, and its ends.
    fn of(&self, figure: impl Fn(&(Measured, Measured)) -> f64) -> (f64, f64, f64) {
        spread(self.rounds.iter().map(figure).collect())
    }

    /// The middle of one side's figure.
    fn both(&self, figure: fn(&Measured) -> f64) -> (f64, f64) {
        (self.of(|(ours, _)| figure(ours)).0, self.of(|(_, theirs)| figure(theirs)).0)
    }
}

impl Report {
    /// In Markdown. Writing to a string cannot fail.
    pub(super) fn table(&self) -> String {
        let bytes: u64 = self.images.iter().sum();
        let mut text = format!(
            "{} images of {:.0} kB on average, {:.0} MB together.\n\n\
             | images | connections | × nginx (range) | requests/s: ours, nginx | MB/s: ours, nginx | p50, ms: ours, nginx | \
             p99, ms: ours, nginx |\n|---|---|---|---|---|---|---|\n",
            self.images.len(),
            bytes as f64 / 1e3 / self.images.len() as f64,
            bytes as f64 / 1e6,
        );
        for contest in &self.contests {
            let (ratio, low, high) = contest.of(|(ours, theirs)| ours.rate() / theirs.rate());
            let (rate, their_rate) = contest.both(Measured::rate);
            let (megabytes, their_megabytes) = contest.both(|m| m.bytes / m.seconds / 1e6);
            let ((p50, their_p50), (p99, their_p99)) = (contest.both(|m| m.p50_ms), contest.both(|m| m.p99_ms));
            let _ = writeln!(
                text,
                "| {} | {} | **{ratio:.2}** ({low:.2} to {high:.2}) | {rate:.0}, {their_rate:.0} | {megabytes:.0}, \
                 {their_megabytes:.0} | {p50:.2}, {their_p50:.2} | {p99:.2}, {their_p99:.2} |",
                contest.set, contest.connections,
            );
        }
        let Uploads { photos, megabytes, ours, theirs } = self.uploads;
        let (look, fastest, slowest) = spread(self.first_looks.clone());
        let _ = writeln!(
            text,
            "\n| uploads | × nginx | MB/s: ours, nginx |\n|---|---|---|\n\
             | {photos} photos, {megabytes:.0} MB | **{:.2}** | {ours:.0}, {theirs:.0} |\n\n\
             From the end of a photo's upload to its first look, with the workers busy: {look:.0} ms ({fastest:.0} to {slowest:.0}, {} \
             photos).",
            ours / theirs,
            self.first_looks.len(),
        );
        text
    }

    /// Every round of every contest, and what else was measured.
    pub(super) fn json(&self) -> Vec<String> {
        let side = |m: &Measured| {
            let Measured { requests, bytes, seconds, p50_ms, p99_ms } = m;
            format!(
                "{{\"requests\":{requests},\"bytes\":{bytes},\"seconds\":{seconds},\"p50_ms\":{p50_ms},\"p99_ms\":{p99_ms}}}"
            )
        };
        let contests = self.contests.iter().map(|Contest { set, connections, rounds }| {
            let rounds: Vec<String> = rounds
                .iter()
                .map(|(ours, theirs)| format!("{{\"procession\":{},\"nginx\":{}}}", side(ours), side(theirs)))
                .collect();
            format!("{{\"images\":\"{set}\",\"connections\":{connections},\"rounds\":[{}]}}", rounds.join(","))
        });
        let Uploads { photos, megabytes, ours, theirs } = self.uploads;
        let rest = [
            format!("{{\"images\":{},\"image_bytes\":{}}}", self.images.len(), self.images.iter().sum::<u64>()),
            format!(
                "{{\"uploads\":{photos},\"megabytes\":{megabytes},\"procession_mb_per_s\":{ours},\"nginx_mb_per_s\":{theirs}}}"
            ),
            format!("{{\"first_look_ms\":{:?}}}", self.first_looks),
        ];
        contests.chain(rest).collect()
    }
}
