//! What was measured beside what is wanted. Nothing is said here that the load did not measure, but for what says so.

mod further;
mod targets;

use anyhow::Result;

use crate::figures::{list, number};
use targets::{PHOTO_SECONDS, RATE};

/// A photo of fewer is none of real size.
const MEGAPIXELS: f64 = 10.0;

/// The figures as `tests/load/report.rs` wrote them.
struct Figures<'a>(&'a str);

impl Figures<'_> {
    fn figure(&self, name: &str) -> Result<f64> {
        number(self.0, name)
    }

    fn is_true(&self, name: &str) -> bool {
        self.0.contains(&format!("\"{name}\":true"))
    }

    /// Photos of real size, with all models.
    fn is_of_the_targets(&self) -> Result<bool> {
        Ok(self.is_true("models") && self.figure("smallest_megapixels")? >= MEGAPIXELS)
    }
}

/// What stands against the sentence, or against what was asked for instead of it.
pub(super) fn short_of(report: &str, in_flight: Option<u64>) -> Result<Vec<String>> {
    let of = Figures(report);
    let mut short = Vec::new();
    let (photos, lost) = (of.figure("photos")?, of.figure("lost")?);
    if lost > 0.0 || of.figure("complaints")? > 0.0 {
        let said = list(report, "said").join("; ");
        short.push(format!("{lost} of {photos} photos are lost or wrong: {said}"));
    }
    if let Some(wanted) = in_flight {
        let most = of.figure("most_in_flight")?;
        if most < wanted as f64 {
            short.push(format!("{most} photos were in flight at once and not {wanted}"));
        }
    }
    if !of.is_of_the_targets()? {
        return Ok(short);
    }
    let (rate, p99) = (of.figure("images_per_minute")?, of.figure("photo_p99_seconds")?);
    if rate < RATE {
        short.push(format!("{rate:.0} images/min were sustained, {:.0} less than {RATE}", RATE - rate));
    }
    if p99 >= PHOTO_SECONDS {
        short.push(format!("a photo took {p99:.2} s in 99 of 100 cases, {:.2} s too long", p99 - PHOTO_SECONDS));
    }
    Ok(short)
}

/// Everything, in Markdown.
pub(super) fn table(report: &str) -> Result<String> {
    let of = Figures(report);
    Ok(format!("{}\n{}\n{}", input(&of)?, targets::table(&of)?, further::table(&of)?))
}

fn input(of: &Figures<'_>) -> Result<String> {
    Ok(format!(
        "{} photos of {:.1} to {:.0} MP ({:.1} on average) and {:.2} to {:.1} MB, {:.1} GB together, in {} galleries of mixed urgency that \
         were uploaded at the same time{}; {}; {} processes with workers, {} lanes together, on the CPU.\n",
        of.figure("photos")?,
        of.figure("smallest_megapixels")?,
        of.figure("largest_megapixels")?,
        of.figure("mean_megapixels")?,
        of.figure("smallest_bytes")? / 1e6,
        of.figure("largest_bytes")? / 1e6,
        of.figure("bytes")? / 1e9,
        of.figure("galleries")?,
        if of.is_true("queued_before") { ", all before the workers started" } else { "" },
        if of.is_true("models") { "all models, consent for faces" } else { "without models" },
        of.figure("worker_processes")?,
        of.figure("lanes")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the load writes it.
    fn report(changes: &[(&str, &str)]) -> String {
        let mut text = include_str!("report/sample.json").trim().to_owned();
        for (name, value) in changes {
            let (before, rest) = text.split_once(&format!("\"{name}\":")).unwrap();
            let end = rest.find(",\"").unwrap_or(rest.len() - 1);
            text = format!("{before}\"{name}\":{value}{}", &rest[end..]);
        }
        text
    }

    const GOOD: [(&str, &str); 2] = [("images_per_minute", "1000.4"), ("photo_p99_seconds", "2.99")];

    #[test]
    fn the_sentence_needs_all_figures() {
        assert_eq!(short_of(&report(&GOOD), None).unwrap(), Vec::<String>::new());
        let short = |name, value| short_of(&report(&[GOOD.as_slice(), &[(name, value)]].concat()), None).unwrap();
        assert_eq!(short("images_per_minute", "171.2"), ["171 images/min were sustained, 829 less than 1000"]);
        assert_eq!(short("photo_p99_seconds", "3.25"), ["a photo took 3.25 s in 99 of 100 cases, 0.25 s too long"]);
        let lost = short_of(
            &report(
                &[
                    GOOD.as_slice(),
                    &[("lost", "1"), ("complaints", "2"), ("said", r#"["IMG_1 is damaged","another"]"#)],
                ]
                .concat(),
            ),
            None,
        );
        assert_eq!(lost.unwrap(), ["1 of 300 photos are lost or wrong: IMG_1 is damaged; another"]);
    }

    #[test]
    fn small_photos_prove_nothing_about_large_ones() {
        let small = report(&[("smallest_megapixels", "0.1"), ("most_in_flight", "19000")]);
        assert_eq!(short_of(&small, None).unwrap(), Vec::<String>::new());
        assert_eq!(short_of(&small, Some(20_000)).unwrap(), ["19000 photos were in flight at once and not 20000"]);
        let blind = report(&[("models", "false")]);
        assert!(!Figures(&small).is_of_the_targets().unwrap() && !Figures(&blind).is_of_the_targets().unwrap());
    }

    #[test]
    fn every_target_has_a_row_and_none_is_met_by_default() {
        let text = table(&report(&[])).unwrap();
        assert_eq!(text.matches("\n| ").count(), 1 + 12 + 1 + 9 + 3, "{text}");
        assert!(text.contains("| missed by 829 images/min |"), "{text}");
        assert!(text.contains("not measured here: `--galleries 1 --photos 500`"), "{text}");
        assert!(text.contains("extrapolated, not measured"), "{text}");
        let large = table(&report(&[("photos", "500"), ("galleries", "1"), ("gallery_max_seconds", "180.0")])).unwrap();
        assert!(large.contains("| under 30 min | 500 photos: 3.0 min | met |"), "{large}");
    }
}
