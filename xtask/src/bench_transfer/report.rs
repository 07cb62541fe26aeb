//! The tables of what was measured.

use std::fmt::Write as _;

use crate::figures::spread;

pub(super) const NGINX: &str = "nginx, PUT";
pub(super) const DISK: &str = "the disk: write and fsync";
pub(super) const STRAIGHT: &str = "curl, PUT to SeaweedFS";
pub(super) const ARCHIVE: &str = "the archive of the originals";
pub(super) const FILE: &str = "nginx, a file";

/// One measurement.
pub(super) struct Row {
    pub(super) kind: &'static str,
    pub(super) who: &'static str,
    pub(super) at_once: usize,
    pub(super) round: usize,
    pub(super) bytes: u64,
    pub(super) seconds: f64,
}

/// An upload on a line that was cut: the photo's bytes, and what was sent in all.
pub(super) struct Resumed {
    pub(super) who: &'static str,
    pub(super) bytes: u64,
    pub(super) sent: u64,
}

impl Row {
    /// Megabytes a second.
    pub(super) fn rate(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.seconds
    }

    pub(super) fn json(&self) -> String {
        let Self { kind, who, at_once, round, bytes, seconds } = self;
        format!(
            "{{\"kind\":\"{kind}\",\"who\":\"{who}\",\"at_once\":{at_once},\"round\":{round},\"bytes\":{bytes},\"seconds\":{seconds:.6}}}"
        )
    }
}

impl Resumed {
    /// What was sent again, in hundredths of the photo.
    fn again(&self) -> f64 {
        100.0 * (self.sent as f64 / self.bytes as f64 - 1.0)
    }

    pub(super) fn json(&self) -> String {
        let Self { who, bytes, sent } = self;
        format!("{{\"kind\":\"resume\",\"who\":\"{who}\",\"bytes\":{bytes},\"sent_bytes\":{sent}}}")
    }
}

/// In Markdown. Writing to a string cannot fail.
pub(super) fn table(rows: &[Row], resumed: &[Resumed]) -> String {
    let mut text =
        "| uploads at once | who | MB/s acknowledged (range) | × nginx's PUT | × the disk |\n|---|---|---|---|---|\n"
            .to_owned();
    for (at_once, who) in contenders(rows, "upload") {
        let own = of(rows, "upload", who, at_once);
        let (rate, low, high) = spread(own.iter().map(|row| row.rate()).collect());
        let [nginx, disk] = [NGINX, DISK].map(|peer| ratio(&own, &of(rows, "upload", peer, at_once)));
        let _ =
            writeln!(text, "| {at_once} | {who} | **{rate:.0}** ({low:.0} to {high:.0}) | {nginx:.2} | {disk:.2} |");
    }
    let hash = |who| spread(rows.iter().filter(|row| row.kind == "hash" && row.who == who).map(Row::rate).collect()).0;
    let (blake3, sha256) = (hash("BLAKE3"), hash("SHA-256"));
    let _ = writeln!(
        text,
        "\nHashing the same bytes on all processors: BLAKE3 {blake3:.0} MB/s, SHA-256 {sha256:.0} MB/s."
    );
    for (kind, peer, heads) in [
        ("bucket", STRAIGHT, "| uploads at once to a bucket | who | MB/s acknowledged (range) | × curl |"),
        ("download", FILE, "| downloads at once | what | MB/s (range) | × nginx |"),
    ] {
        let _ = writeln!(text, "\n{heads}\n|---|---|---|---|");
        for (at_once, who) in contenders(rows, kind) {
            let own = of(rows, kind, who, at_once);
            let (rate, low, high) = spread(own.iter().map(|row| row.rate()).collect());
            let ratio = ratio(&own, &of(rows, kind, peer, at_once));
            let _ = writeln!(text, "| {at_once} | {who} | **{rate:.0}** ({low:.0} to {high:.0}) | {ratio:.2} |");
        }
    }
    text + &cut(resumed)
}

fn cut(resumed: &[Resumed]) -> String {
    let mut text =
        "\n| cut in the middle of a photo | photos | sent again, % of the photo: median | most |\n|---|---|---|---|\n"
            .to_owned();
    let mut clients: Vec<&str> = resumed.iter().map(|upload| upload.who).collect();
    clients.dedup();
    for who in clients {
        let again: Vec<f64> = resumed.iter().filter(|upload| upload.who == who).map(Resumed::again).collect();
        let (photos, (middle, _, most)) = (again.len(), spread(again));
        let _ = writeln!(text, "| {who} | {photos} | {middle:.2} | {most:.2} |");
    }
    text
}

/// Who was measured at a kind, and with how many at once, in the order of the numbers and then of the first round.
fn contenders(rows: &[Row], kind: &str) -> Vec<(usize, &'static str)> {
    let mut seen = Vec::new();
    for row in rows.iter().filter(|row| row.kind == kind) {
        if !seen.contains(&(row.at_once, row.who)) {
            seen.push((row.at_once, row.who));
        }
    }
    seen.sort_by_key(|(at_once, _)| *at_once);
    seen
}

fn of<'a>(rows: &'a [Row], kind: &str, who: &str, at_once: usize) -> Vec<&'a Row> {
    rows.iter().filter(|row| row.kind == kind && row.who == who && row.at_once == at_once).collect()
}

/// How many times as fast one is as the other: each round's, then the middle.
fn ratio(ours: &[&Row], theirs: &[&Row]) -> f64 {
    spread(ours.iter().zip(theirs).map(|(ours, theirs)| ours.rate() / theirs.rate()).collect()).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_the_rounds() {
        let row = |who, round, seconds| Row { kind: "upload", who, at_once: 4, round, bytes: 100_000_000, seconds };
        let rows = [
            row(NGINX, 1, 0.1),
            row(DISK, 1, 0.5),
            row("us", 1, 1.0),
            row(NGINX, 2, 0.2),
            row(DISK, 2, 0.5),
            row("us", 2, 1.0),
        ];
        let text = table(&rows, &[Resumed { who: "us", bytes: 1_000, sent: 1_010 }]);
        assert!(text.contains("| 4 | us | **100** (100 to 100) | 0.20 | 0.50 |"), "{text}");
        assert!(text.contains("| us | 1 | 1.00 | 1.00 |"), "{text}");
    }
}
