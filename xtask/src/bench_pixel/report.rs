//! What the contenders printed, and the table that is made of it.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::run::{program, quiet};

/// What one contender took for all photos.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) images: f64,
    pub(super) seconds: f64,
    pub(super) cpu_seconds: f64,
    pub(super) peak_rss_bytes: f64,
}

/// What a contender's files are worth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Score {
    pub(super) ssimulacra2: f64,
    pub(super) bytes: f64,
}

/// One format: each round's measurements and the scores, ours first.
pub(super) struct Contest {
    pub(super) name: String,
    pub(super) rounds: Vec<(Measured, Measured)>,
    pub(super) scores: (Score, Score),
}

/// Reads a contender's line.
pub(super) fn measured(line: &str) -> Result<Measured> {
    let number = |name| number(line, name);
    Ok(Measured {
        images: number("images")?,
        seconds: number("seconds")?,
        cpu_seconds: number("cpu_seconds")?,
        peak_rss_bytes: number("peak_rss_bytes")?,
    })
}

/// Reads a line of score.py.
pub(super) fn score(line: &str) -> Result<Score> {
    Ok(Score { ssimulacra2: number(line, "ssimulacra2")?, bytes: number(line, "bytes")? })
}

/// A number in flat JSON.
fn number(line: &str, name: &str) -> Result<f64> {
    let after = line.split(&format!("\"{name}\":")).nth(1).with_context(|| format!("no {name} in {line:?}"))?;
    let digits: String = after.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '-')).collect();
    digits.parse().with_context(|| format!("{name} is no number in {line:?}"))
}

/// The middle of some figures, and the smallest and largest.
fn spread(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    let middle = figures.get(figures.len() / 2).copied().unwrap_or(0.0);
    (middle, figures.first().copied().unwrap_or(0.0), figures.last().copied().unwrap_or(0.0))
}

/// The table, in Markdown.
pub(super) fn table(contests: &[Contest]) -> String {
    let mut text = String::from(
        "| files | × sharp by the clock (range) | × sharp by processor time | images/min: ours, sharp | peak memory, MB: ours, \
         sharp | bytes: ours ÷ sharp | SSIMULACRA2 at 2048: ours, sharp |\n|---|---|---|---|---|---|---|\n",
    );
    for Contest { name, rounds, scores: (ours, theirs) } in contests {
        let of = |figure: fn(&(Measured, Measured)) -> f64| spread(rounds.iter().map(figure).collect());
        let (ratio, low, high) = of(|(ours, theirs)| theirs.seconds / ours.seconds);
        let cpu = of(|(ours, theirs)| theirs.cpu_seconds / ours.cpu_seconds).0;
        let (rate, their_rate) =
            (of(|(m, _)| 60.0 * m.images / m.seconds).0, of(|(_, m)| 60.0 * m.images / m.seconds).0);
        let (peak, their_peak) = (of(|(m, _)| m.peak_rss_bytes / 1e6).2, of(|(_, m)| m.peak_rss_bytes / 1e6).2);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {name} | **{ratio:.2}** ({low:.2} to {high:.2}) | {cpu:.2} | {rate:.0}, {their_rate:.0} | {peak:.0}, \
             {their_peak:.0} | {:.3} | {:.1}, {:.1} |",
            ours.bytes / theirs.bytes,
            ours.ssimulacra2,
            theirs.ssimulacra2,
        );
    }
    text
}

const START: &str = "<!-- bench pixel: written by `cargo xtask bench pixel --write` -->";
const END: &str = "<!-- bench pixel: end -->";

/// Puts the table, with the date and the machine, where the document has room for it.
pub(super) fn record(document: &Path, table: &str, rounds: usize) -> Result<()> {
    let text = fs::read_to_string(document).with_context(|| format!("cannot read {}", document.display()))?;
    let (Some((before, rest)), Some((_, after))) = (text.split_once(START), text.split_once(END)) else {
        bail!("{} lacks the marks between which the table stands", document.display());
    };
    if !rest.contains(END) {
        bail!("{} has its marks the wrong way round", document.display());
    }
    let date = quiet(&mut program("date", &["--utc", "+%Y-%m-%d"]))?;
    let (date, machine) = (date.trim(), machine());
    let noted = format!("{before}{START}\n\n{date}, {machine}, median of {rounds} rounds:\n\n{table}\n{END}{after}");
    fs::write(document, noted).with_context(|| format!("cannot write {}", document.display()))
}

fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": an unknown processor");
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    format!("{} with {cores} cores", name.trim_start_matches([' ', '\t', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_flat_json() {
        let line = r#"{"images":8,"seconds":1.25,"cpu_seconds":2.4,"peak_rss_bytes":134217728}"#;
        let read = measured(line).unwrap();
        assert_eq!((read.images, read.seconds, read.cpu_seconds), (8.0, 1.25, 2.4));
        assert!(score(line).is_err());
    }

    #[test]
    fn the_middle_and_the_ends() {
        assert_eq!(spread(vec![3.0, 1.0, 2.0]), (2.0, 1.0, 3.0));
    }
}
