//! What the contenders printed, and the table that is made of it.

use std::fmt::Write as _;

use anyhow::{Result, ensure};

use crate::{
    figures::{number, spread},
    plot::{self, Bar, Group},
};

/// What one contender took for all photos.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) images: f64,
    pub(super) seconds: f64,
    pub(super) cpu_seconds: f64,
    pub(super) peak_rss_bytes: f64,
}

/// What a contender's files are worth.
#[derive(Clone, Debug)]
pub(super) struct Score {
    /// The mean of the photos.
    pub(super) ssimulacra2: f64,
    pub(super) bytes: f64,
    /// Each photo's name, and SSIMULACRA2 at 2048 pixels.
    pub(super) photos: Vec<(String, f64)>,
}

/// What the stages of decoding took alone, in milliseconds a photo.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stages {
    pub(super) coefficients: f64,
    pub(super) planes: f64,
    pub(super) cascade: f64,
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

/// Reads a line of score.py that has these photos.
pub(super) fn score(line: &str, photos: &[&str]) -> Result<Score> {
    let photos = photos.iter().map(|name| Ok((name.to_string(), number(line, name)?))).collect::<Result<_>>()?;
    Ok(Score { ssimulacra2: number(line, "ssimulacra2")?, bytes: number(line, "bytes")?, photos })
}

/// Reads the line of bench_stages.
pub(super) fn stages_measured(line: &str) -> Result<Stages> {
    let number = |name| number(line, name);
    Ok(Stages {
        coefficients: number("coefficients_ms")?,
        planes: number("planes_ms")?,
        cascade: number("cascade_ms")?,
    })
}

/// Everything that was measured, an object each.
pub(super) fn json(contests: &[Contest], stages: Stages) -> Vec<String> {
    let side = |m: &Measured| {
        let Measured { images, seconds, cpu_seconds, peak_rss_bytes } = m;
        format!(
            "{{\"images\":{images},\"seconds\":{seconds},\"cpu_seconds\":{cpu_seconds},\"peak_rss_bytes\":{peak_rss_bytes}}}"
        )
    };
    let score = |s: &Score| {
        let photos: String = s.photos.iter().map(|(name, score)| format!(",\"{name}\":{score}")).collect();
        format!("{{\"ssimulacra2\":{},\"bytes\":{}{photos}}}", s.ssimulacra2, s.bytes)
    };
    let contests = contests.iter().map(|Contest { name, rounds, scores: (ours, theirs) }| {
        let rounds = rounds
            .iter()
            .map(|(ours, theirs)| format!("{{\"procession\":{},\"sharp\":{}}}", side(ours), side(theirs)))
            .collect::<Vec<_>>();
        let (rounds, ours, theirs) = (rounds.join(","), score(ours), score(theirs));
        format!("{{\"files\":\"{name}\",\"rounds\":[{rounds}],\"procession\":{ours},\"sharp\":{theirs}}}")
    });
    let Stages { coefficients, planes, cascade } = stages;
    let stages = format!("{{\"coefficients_ms\":{coefficients},\"planes_ms\":{planes},\"cascade_ms\":{cascade}}}");
    contests.chain([stages]).collect()
}

/// Writes docs/figures/pixel.svg.
///
/// # Errors
/// If it cannot be written.
pub(super) fn plot(contests: &[Contest], stages: Stages) -> Result<()> {
    let mut groups = Vec::new();
    for Contest { name, rounds, .. } in contests {
        let of = |figure: fn(&(Measured, Measured)) -> f64| spread(rounds.iter().map(figure).collect()).0;
        let ours = of(|(ours, _)| 60.0 * ours.images / ours.seconds);
        let theirs = of(|(_, theirs)| 60.0 * theirs.images / theirs.seconds);
        let ratio = of(|(ours, theirs)| theirs.seconds / ours.seconds);
        let bar = |name: &str, value, note, series| Bar { name: name.to_owned(), value, note, series };
        groups.push(Group {
            name: format!("{name} files and tensors"),
            bars: vec![
                bar("Procession", ours, format!("{ratio:.2} × sharp"), 0),
                bar("sharp", theirs, String::new(), 1),
            ],
        });
    }
    let floor = super::THREADS.parse::<f64>()? * 60e3 / stages.coefficients;
    let limit = Bar { name: "nothing made".to_owned(), value: floor, note: "the limit".to_owned(), series: 2 };
    groups.push(Group { name: "Entropy decoding alone, on as many threads".to_owned(), bars: vec![limit] });
    plot::bars("pixel", "The variant set of photos of 12 to 45 megapixels, on two threads", "images a minute", &groups)
}

/// The stages beside the whole job's processor time, in Markdown.
pub(super) fn stages(stages: Stages, jpeg: &Contest) -> String {
    let job = spread(jpeg.rounds.iter().map(|(ours, _)| 1e3 * ours.cpu_seconds / ours.images).collect()).0;
    let Stages { coefficients, planes, cascade } = stages;
    let row = |stage: &str, ms: f64| format!("| {stage} | {ms:.1} | {:.2} |\n", ms / coefficients);
    [
        "| up to | ms a photo | × entropy decoding alone |\n|---|---|---|\n".to_owned(),
        row("the coefficients, which are forgotten: entropy decoding alone", coefficients),
        row("planes", planes),
        row("the cascade and the placeholder", cascade),
        row("all JPEG files and tensors (processor time, two threads)", job),
    ]
    .concat()
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

/// SSIMULACRA2 photo by photo, in Markdown.
pub(super) fn photos(contests: &[Contest]) -> String {
    let mut text = String::from("| SSIMULACRA2 at 2048 |");
    for Contest { name, .. } in contests {
        let _ = write!(text, " {name}: ours | sharp |");
    }
    let _ = writeln!(text, "\n|---|{}", "---|---|".repeat(contests.len()));
    for (index, (photo, _)) in contests[0].scores.0.photos.iter().enumerate() {
        let _ = write!(text, "| {photo} |");
        for Contest { scores: (ours, theirs), .. } in contests {
            let _ = write!(text, " {:.2} | {:.2} |", ours.photos[index].1, theirs.photos[index].1);
        }
        text.push('\n');
    }
    text
}

/// The most that one picture may be below sharp's.
const MOST_BELOW: f64 = 1.0;

/// Goes on only if no format's pictures are worse than sharp's on the average, and none by [`MOST_BELOW`].
///
/// # Errors
/// Some are; names them.
pub(super) fn not_below(contests: &[Contest]) -> Result<()> {
    for Contest { name, scores: (ours, theirs), .. } in contests {
        for ((photo, our), (_, their)) in ours.photos.iter().zip(&theirs.photos) {
            ensure!(*our > their - MOST_BELOW, "{photo} as {name}: SSIMULACRA2 {our:.2}, sharp's {their:.2}");
        }
        let (our, their) = (ours.ssimulacra2, theirs.ssimulacra2);
        ensure!(our >= their, "{name}: SSIMULACRA2 {our:.2} on the average, sharp's {their:.2}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_flat_json() {
        let line = r#"{"images":8,"seconds":1.25,"cpu_seconds":2.4,"peak_rss_bytes":134217728}"#;
        let read = measured(line).unwrap();
        assert_eq!((read.images, read.seconds, read.cpu_seconds), (8.0, 1.25, 2.4));
        assert!(score(line, &[]).is_err());
        let line = r#"{"ssimulacra2":75.5,"bytes":10,"12mp_420":74.25,"45mp_422":76.75}"#;
        assert!(score(line, &["33mp_420"]).is_err());
        let scored = score(line, &["12mp_420", "45mp_422"]).unwrap();
        let contest = |scores| [Contest { name: "JPEG".to_owned(), rounds: Vec::new(), scores }];
        let lower = |line: &str| score(line, &["12mp_420", "45mp_422"]).unwrap();
        assert!(not_below(&contest((scored.clone(), scored.clone()))).is_ok());
        assert!(not_below(&contest((lower(&line.replace("75.5", "75.4")), scored.clone()))).is_err());
        assert!(not_below(&contest((lower(&line.replace("76.75", "75.70")), scored.clone()))).is_err());
        let text = photos(&contest((scored.clone(), scored)));
        assert!(text.starts_with("| SSIMULACRA2 at 2048 | JPEG: ours | sharp |\n|---|---|---|\n"), "{text}");
        assert!(text.ends_with("| 12mp_420 | 74.25 | 74.25 |\n| 45mp_422 | 76.75 | 76.75 |\n"), "{text}");
    }

    #[test]
    fn the_job_is_held_against_entropy_decoding() {
        let round = Measured { images: 10.0, seconds: 1.0, cpu_seconds: 0.6, peak_rss_bytes: 0.0 };
        let score = Score { ssimulacra2: 0.0, bytes: 1.0, photos: Vec::new() };
        let jpeg = Contest { name: String::new(), rounds: vec![(round, round)], scores: (score.clone(), score) };
        let measured = stages_measured(r#"{"coefficients_ms":40.00,"planes_ms":42.00,"cascade_ms":50.00}"#).unwrap();
        let text = stages(measured, &jpeg);
        assert!(text.contains("| 60.0 | 1.50 |") && text.contains("| planes | 42.0 | 1.05 |"), "{text}");
    }
}
