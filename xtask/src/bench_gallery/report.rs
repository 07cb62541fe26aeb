//! What was measured, its tables and its plots.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use crate::{
    figures::{number, spread},
    plot::{self, Bar, Group},
};

/// Who makes the gallery's files.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Contender {
    Reception,
    ReceptionModels,
    Portraits,
    PortraitsModels,
    SharpBest,
    SharpUsual,
    SharpPortraits,
}

impl Contender {
    pub(super) const ALL: [Self; 7] = [
        Self::Reception,
        Self::ReceptionModels,
        Self::SharpBest,
        Self::SharpUsual,
        Self::Portraits,
        Self::PortraitsModels,
        Self::SharpPortraits,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reception => "`reception_photos`, no models",
            Self::ReceptionModels => "`reception_photos`, models",
            Self::Portraits => "`high_resolution_portraits`, no models",
            Self::PortraitsModels => "`high_resolution_portraits`, models",
            Self::SharpBest => "sharp at its best: the files of `reception_photos`",
            Self::SharpUsual => "sharp as usual: the files of `reception_photos`",
            Self::SharpPortraits => "sharp at its best: the files of `high_resolution_portraits`",
        }
    }

    /// What `--pipeline` is.
    pub(super) fn pipeline(self) -> &'static str {
        match self {
            Self::Portraits | Self::PortraitsModels => "high_resolution_portraits",
            _ => "reception_photos",
        }
    }

    pub(super) fn has_models(self) -> bool {
        matches!(self, Self::ReceptionModels | Self::PortraitsModels)
    }

    /// What sharp is told, where it is sharp.
    pub(super) fn sharp(self) -> Option<[&'static str; 2]> {
        match self {
            Self::SharpBest => Some(["best", "reception"]),
            Self::SharpUsual => Some(["usual", "reception"]),
            Self::SharpPortraits => Some(["best", "portraits"]),
            _ => None,
        }
    }

    /// The files of a photo: JPEG and WebP of three sizes and a square, and the full size.
    pub(super) fn files(self) -> usize {
        if self.opponent() == Self::SharpPortraits { 8 } else { 7 }
    }

    /// Who makes the same files at its best.
    fn opponent(self) -> Self {
        match self {
            Self::Portraits | Self::PortraitsModels | Self::SharpPortraits => Self::SharpPortraits,
            _ => Self::SharpBest,
        }
    }
}

/// One gallery that somebody made.
pub(super) struct Measured {
    contender: Contender,
    processors: usize,
    photos: usize,
    /// Bytes of the images that were made.
    made_bytes: u64,
    seconds: f64,
    cpu_seconds: f64,
    peak_rss_bytes: f64,
    /// Resident megabytes, at every look.
    resident: Vec<f64>,
}

impl Measured {
    /// From what measure.py said.
    pub(super) fn of(
        contender: Contender,
        processors: usize,
        photos: usize,
        made_bytes: u64,
        line: &str,
    ) -> Result<Self> {
        let number = |name| number(line, name);
        let listed = line.split_once("\"resident\":[").context("no resident memory")?.1;
        let resident = listed.split(']').next().unwrap_or_default().split(',').filter_map(|figure| figure.parse().ok());
        Ok(Self {
            contender,
            processors,
            photos,
            made_bytes,
            seconds: number("seconds")?,
            cpu_seconds: number("cpu_seconds")?,
            peak_rss_bytes: number("peak_rss_bytes")?,
            resident: resident.collect(),
        })
    }

    /// Photos a minute.
    pub(super) fn rate(&self) -> f64 {
        60.0 * self.photos as f64 / self.seconds
    }

    pub(super) fn json(&self) -> String {
        let Self { contender, processors, photos, made_bytes, seconds, cpu_seconds, peak_rss_bytes, resident } = self;
        let name = contender.name();
        format!(
            "{{\"who\":\"{name}\",\"processors\":{processors},\"photos\":{photos},\"made_bytes\":{made_bytes},\"seconds\":{seconds},\
             \"cpu_seconds\":{cpu_seconds},\"peak_rss_bytes\":{peak_rss_bytes},\"resident_mb\":{resident:?}}}"
        )
    }
}

/// The middle of a figure over the rounds, and its ends.
fn middle(rows: &[Measured], who: Contender, processors: usize, figure: impl Fn(&Measured) -> f64) -> (f64, f64, f64) {
    let is_it = |row: &&Measured| row.contender == who && row.processors == processors;
    spread(rows.iter().filter(is_it).map(figure).collect())
}

/// In each round, what one took to what the other took; then the middle and the ends.
fn ratio(
    rows: &[Measured],
    one: (Contender, usize),
    other: (Contender, usize),
    figure: fn(&Measured) -> f64,
) -> (f64, f64, f64) {
    let of = |(who, processors)| rows.iter().filter(move |row| row.contender == who && row.processors == processors);
    spread(of(one).zip(of(other)).map(|(one, other)| figure(one) / figure(other)).collect())
}

/// In Markdown. Writing to a string cannot fail.
pub(super) fn table(rows: &[Measured]) -> String {
    let mut text = "| who | images/min on 1, on 2 processors | 2 ÷ 1 (range) | processor s a photo | peak memory, MB | × sharp's best by the \
                    clock (range) | by processor time | MB of images a photo |\n|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for who in Contender::ALL {
        let two = middle(rows, who, 2, Measured::rate).0;
        let (rates, scaling) = match who.sharp() {
            None => {
                let (scaling, low, high) = ratio(rows, (who, 1), (who, 2), |row| row.seconds);
                let one = middle(rows, who, 1, Measured::rate).0;
                (format!("{one:.0}, {two:.0}"), format!("{scaling:.2} ({low:.2} to {high:.2})"))
            }
            Some(_) => (format!("–, {two:.0}"), "–".to_owned()),
        };
        let cpu = middle(rows, who, 2, |row| row.cpu_seconds / row.photos as f64).0;
        let peak = middle(rows, who, 2, |row| row.peak_rss_bytes / 1e6).2;
        let sharp = (who.opponent(), 2);
        let (clock, slowest, fastest) = ratio(rows, sharp, (who, 2), |row| row.seconds);
        let by_cpu = ratio(rows, sharp, (who, 2), |row| row.cpu_seconds).0;
        let made = middle(rows, who, 2, |row| row.made_bytes as f64 / 1e6 / row.photos as f64).0;
        let _ = writeln!(
            text,
            "| {} | {rates} | {scaling} | {cpu:.2} | {peak:.0} | **{clock:.2}** ({slowest:.2} to \
             {fastest:.2}) | {by_cpu:.2} | {made:.2} |",
            who.name(),
        );
    }
    text
}

/// Writes docs/figures/gallery.svg.
pub(super) fn plot(rows: &[Measured]) -> Result<()> {
    let groups: Vec<Group> = Contender::ALL
        .into_iter()
        .map(|who| {
            let [one, two] = [1, 2].map(|processors| middle(rows, who, processors, Measured::rate).0);
            let series = usize::from(who.sharp().is_some());
            let bar = |name: &str, value, note| Bar { name: name.to_owned(), value, note, series };
            let mut bars = vec![bar("2 processors", two, String::new())];
            if who.sharp().is_none() {
                let scaling = ratio(rows, (who, 1), (who, 2), |row| row.seconds).0;
                bars[0].note = format!("{scaling:.2} × one");
                bars.insert(0, bar("1 processor", one, String::new()));
            }
            Group { name: who.name().replace('`', ""), bars }
        })
        .collect();
    plot::bars("gallery", "Whole galleries, from the card to the page", "images a minute", &groups)
}

/// The gallery of many photos.
pub(super) fn many(measured: &Measured) -> String {
    let looks = measured.resident.len();
    let steady = measured.resident.get(looks / 10..looks * 9 / 10).unwrap_or_default();
    let (middle, _, most) = spread(steady.to_vec());
    let last = spread(measured.resident.get(looks * 9 / 10..).unwrap_or_default().to_vec()).2;
    format!(
        "| photos | seconds | images/min | processor ms a photo | resident memory, MB: processing, median | most | in the last tenth of the time, most | peak, MB |\n\
         |---|---|---|---|---|---|---|---|\n| {} | {:.0} | {:.0} | {:.1} | {middle:.0} | {most:.0} | {last:.0} | {:.0} |\n",
        measured.photos,
        measured.seconds,
        measured.rate(),
        1e3 * measured.cpu_seconds / measured.photos as f64,
        measured.peak_rss_bytes / 1e6,
    )
}

/// Writes docs/figures/memory.svg.
pub(super) fn plot_memory(measured: &Measured) -> Result<()> {
    let step = measured.seconds / (measured.resident.len() + 1) as f64;
    let points: Vec<(f64, f64)> =
        measured.resident.iter().enumerate().map(|(look, megabytes)| ((look + 1) as f64 * step, *megabytes)).collect();
    let title = format!("Resident memory over a gallery of {} small photos", measured.photos);
    plot::course("memory", &title, ["seconds", "MB"], &points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processors_are_held_against_one_and_against_sharp() {
        let of = |who, processors, seconds: f64| {
            let line = format!(
                "{{\"seconds\":{seconds},\"cpu_seconds\":8.0,\"peak_rss_bytes\":1000000,\"resident\":[1.5,2]}}"
            );
            Measured::of(who, processors, 16, 32_000_000, &line).unwrap()
        };
        let rows =
            [of(Contender::Reception, 1, 7.6), of(Contender::Reception, 2, 4.0), of(Contender::SharpBest, 2, 8.0)];
        let text = table(&rows);
        let row = "| `reception_photos`, no models | 126, 240 | 1.90 (1.90 to 1.90) | 0.50 | 1 | **2.00** (2.00 to 2.00) | 1.00 | 2.00 |";
        assert!(text.contains(row), "{text}");
        assert_eq!(rows[0].resident, [1.5, 2.0]);
    }
}
