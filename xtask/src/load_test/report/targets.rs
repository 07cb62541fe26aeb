//! Each target beside what was measured of it here, or why nothing was.

use anyhow::Result;

use super::Figures;
use crate::figures::list;

/// Images a minute, and seconds for a photo in 99 of 100 cases.
pub(super) const RATE: f64 = 1_000.0;
pub(super) const PHOTO_SECONDS: f64 = 3.0;
const GALLERY_PHOTOS: f64 = 500.0;
const GALLERY_SECONDS: f64 = 1_800.0;
const GALLERIES: f64 = 50.0;
const IN_FLIGHT: f64 = 20_000.0;

/// A target's row: what is wanted, what was measured, and what follows.
#[derive(Clone)]
struct Row(&'static str, &'static str, String, String);

/// The table, in Markdown.
pub(super) fn table(of: &Figures<'_>) -> Result<String> {
    let rows = [speed(of)?, amount(of)?, elsewhere(of)?].concat();
    let rows = rows
        .into_iter()
        .map(|Row(what, wanted, measured, verdict)| format!("| {what} | {wanted} | {measured} | {verdict} |\n"));
    Ok(format!("| target | wanted | measured | |\n|---|---|---|---|\n{}", rows.collect::<String>()))
}

/// What a photo takes.
fn speed(of: &Figures<'_>) -> Result<Vec<Row>> {
    let p99 = of.figure("photo_p99_seconds")?;
    let photo = format!(
        "{p99:.2} s (p50 {:.2}, p95 {:.2}, longest {:.2})",
        of.figure("photo_p50_seconds")?,
        of.figure("photo_p95_seconds")?,
        of.figure("photo_max_seconds")?,
    );
    let vision = of.figure("vision_p99_seconds")?;
    let (with, found) = (of.is_true("models"), of.figure("faces")?);
    let models = match with {
        true => format!("{vision:.2} s for all models together, p99, so at most that; {found} faces were found"),
        false => "–".to_owned(),
    };
    // What all take together is more than what each takes.
    let seen = |most: f64| match with {
        true if vision < most => "met".to_owned(),
        true => "not shown: all models together take longer".to_owned(),
        false => "not measured here: no models".to_owned(),
    };
    Ok(vec![
        Row("one photo, p99", "under 3 s", photo, below(p99, PHOTO_SECONDS, "s")),
        gallery(of)?,
        Row("moment detection, an image", "under 1 s", models.clone(), seen(1.0)),
        Row("face recognition, an image", "under 2 s", models, seen(2.0)),
    ])
}

/// A gallery of 500 photos, if there was one; otherwise what the measured rate makes of it, and that it is no measurement.
fn gallery(of: &Figures<'_>) -> Result<Row> {
    let (each, last) = (of.figure("photos")? / of.figure("galleries")?, of.figure("gallery_max_seconds")?);
    let (measured, verdict) = if each >= GALLERY_PHOTOS {
        (format!("{each:.0} photos: {:.1} min", last / 60.0), below(last, GALLERY_SECONDS, "s"))
    } else {
        let minutes = GALLERY_PHOTOS / of.figure("images_per_minute")?;
        let said = format!("{each:.0} photos: {last:.0} s; 500 alone would take {minutes:.1} min at the measured rate");
        (said, "not measured here: `--galleries 1 --photos 500`".to_owned())
    };
    Ok(Row("a 500-photo gallery", "under 30 min", measured, verdict))
}

/// How many, and whether all of them are whole.
fn amount(of: &Figures<'_>) -> Result<Vec<Row>> {
    let (rate, finished, most) =
        (of.figure("images_per_minute")?, of.figure("galleries_finished")?, of.figure("most_in_flight")?);
    let throughput = format!(
        "{rate:.0} from the first upload to the last image, {:.0} in the steady middle: this one machine",
        of.figure("steady_per_minute")?
    );
    let galleries = format!(
        "{} uploaded at once, {finished} finished, {} after their promise; half after {:.0} s, the last after {:.0} s",
        of.figure("galleries")?,
        of.figure("galleries_late")?,
        of.figure("gallery_p50_seconds")?,
        of.figure("gallery_max_seconds")?,
    );
    let whole = format!(
        "{} of {} lost or wrong; {} copies of originals and {} of images read back and hashed, {} images decoded",
        of.figure("lost")?,
        of.figure("photos")?,
        of.figure("originals_checked")?,
        of.figure("variants_checked")?,
        of.figure("images_decoded")?,
    );
    let complaints = match of.figure("complaints")? > 0.0 {
        true => format!("missed: {}", list(of.0, "said").join("; ")),
        false => "met".to_owned(),
    };
    let in_flight = match most >= IN_FLIGHT {
        true => "met".to_owned(),
        false => "not measured here: `--in-flight 20000`".to_owned(),
    };
    Ok(vec![
        Row("throughput of a cluster", "1,000 images/min", throughput, reached(rate, RATE, "images/min")),
        Row("galleries at the same time", "50", galleries, reached(finished, GALLERIES, "galleries")),
        Row("images in flight at once", "20,000", format!("{most} unfinished at once"), in_flight),
        Row("data integrity", "no photo lost", whole, complaints),
    ])
}

/// What one machine cannot show.
fn elsewhere(of: &Figures<'_>) -> Result<Vec<Row>> {
    let asked = of.figure("api_answers")? + of.figure("pages_answers")?;
    let network = format!(
        "{:.2} Gbit/s of uploads, within this machine",
        8e-9 * of.figure("bytes")? / of.figure("upload_seconds")?
    );
    let answers = format!("{} of {asked} questions without an answer", of.figure("answers_failed")?);
    let not = |why: &str| format!("not measured here: {why}");
    let nothing = || "–".to_owned();
    Ok(vec![
        Row("network of a node", "10 Gbit/s", network, not("there is no other machine")),
        Row("storage of a cluster", "50,000 IOPS", nothing(), not("the three stores are folders of one disk")),
        Row("availability", "99.98%", answers, not("minutes say nothing of a year")),
        Row("failover", "under 15 s", nothing(), not("`cargo xtask drill`")),
    ])
}

/// A figure that has to stay below.
pub(super) fn below(figure: f64, most: f64, unit: &str) -> String {
    if figure < most { "met".to_owned() } else { format!("missed by {:.2} {unit}", figure - most) }
}

/// A figure that has to be reached.
fn reached(figure: f64, least: f64, unit: &str) -> String {
    if figure >= least { "met".to_owned() } else { format!("missed by {:.0} {unit}", least - figure) }
}
