//! `cargo xtask bench instructions`: how many instructions the hot steps of a photo take, beside what was recorded. Unlike
//! time, they are the same on a busy machine.

use std::{
    fmt::Write as _,
    fs,
    io::{Write as _, stdout},
    path::Path,
};

use anyhow::{Context, Result, bail};

use crate::{
    bench_pixel, figures,
    run::{binary, program, quiet, root, show},
    setup,
};

/// The steps, each with the one that it goes on from.
const STEPS: [(&str, &str); 4] = [("planes", "read"), ("cascade", "planes"), ("jpeg", "cascade"), ("webp", "cascade")];
const PHOTO: &str = "12mp_420.jpg";
const DOCUMENT: &str = "docs/performance.md";
const COMMAND: &str = "bench instructions";
/// A step that takes so much more than recorded has become slower.
const TOLERANCE: f64 = 1.03;

/// A step and its millions of instructions for each megapixel of the photo.
type Count = (&'static str, f64);

/// Counts. `--write` records the counts in docs/performance.md; without it they are held against what stands there.
///
/// # Errors
/// If something that it needs cannot be brought here, or a step takes more than 3% more than recorded.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let write = match arguments {
        [] => false,
        [word] if word == "--write" => true,
        _ => bail!("bench instructions knows --write and nothing else"),
    };
    setup::for_bench_instructions()?;
    let photos = bench_pixel::photos()?;
    let photo = photos.iter().find(|photo| photo.ends_with(PHOTO)).with_context(|| format!("{PHOTO} is missing"))?;
    let example = ["--package", "procession-pixel", "--example", "bench_instructions"];
    show(program("cargo", &["build", "--release"]).args(example))?;
    let counts = STEPS
        .into_iter()
        .map(|(step, before)| Ok((step, counted(step, photo)? - counted(before, photo)?)))
        .collect::<Result<Vec<Count>>>()?;
    let text = table(&counts);
    stdout().write_all(text.as_bytes()).context("cannot print")?;
    let document = root().join(DOCUMENT);
    if write {
        return figures::record(&document, COMMAND, "callgrind", &text);
    }
    let recorded = fs::read_to_string(&document).with_context(|| format!("cannot read {DOCUMENT}"))?;
    compare(&recorded, &counts)
}

/// Millions of instructions for each megapixel up to the end of a step.
fn counted(step: &str, photo: &Path) -> Result<f64> {
    // Beside the product's binary, where cargo puts examples.
    let example = binary("release").with_file_name("examples").join("bench_instructions");
    let mut valgrind = program("valgrind", &["--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-fd=1"]);
    let said = quiet(valgrind.arg(example).arg(step).arg(photo))?;
    Ok(collected(&said)? / 1e6 / figures::number(&said, "megapixels")?)
}

/// The number in callgrind's line `==1== Collected : 123`.
fn collected(said: &str) -> Result<f64> {
    let number = said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, number)| number.trim());
    number.and_then(|number| number.parse().ok()).with_context(|| format!("callgrind did not count: {said}"))
}

fn table(counts: &[Count]) -> String {
    let mut text = "| step | million instructions a megapixel |\n|---|---|\n".to_owned();
    for (step, count) in counts {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {step} | {count:.3} |");
    }
    text
}

/// Fails with every step that takes more than what the document has.
fn compare(document: &str, counts: &[Count]) -> Result<()> {
    let start = format!("<!-- {COMMAND}: written by");
    let (_, recorded) = document.split_once(&start).with_context(|| format!("{DOCUMENT} has no `{COMMAND}`"))?;
    let mut slower = Vec::new();
    for (step, count) in counts {
        let row = format!("| {step} | ");
        let before = recorded.lines().find_map(|line| line.strip_prefix(&row)?.strip_suffix(" |"));
        let before: f64 = before
            .and_then(|number| number.parse().ok())
            .with_context(|| format!("{DOCUMENT} has no instructions of {step}: record them with --write"))?;
        if *count > before * TOLERANCE {
            slower.push(format!("{step} takes {:.1}% more than recorded", 100.0 * (count / before - 1.0)));
        }
    }
    if !slower.is_empty() {
        bail!("{}", slower.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callgrinds_count_is_read() {
        let said = "{\"megapixels\":12.000}\n==7== Events    : Ir\n==7== Collected : 3456\n==7==\n";
        assert_eq!(collected(said).unwrap(), 3456.0);
        assert!(collected("==7== Killed").is_err());
    }

    #[test]
    fn a_step_may_take_three_percent_more_but_not_four() {
        let document = format!("<!-- {COMMAND}: written by ... -->\n\n{}\n", table(&[("planes", 10.0), ("jpeg", 2.0)]));
        assert!(compare(&document, &[("planes", 10.29), ("jpeg", 1.0)]).is_ok());
        let error = compare(&document, &[("planes", 10.0), ("jpeg", 2.08)]).unwrap_err();
        assert_eq!(error.to_string(), "jpeg takes 4.0% more than recorded");
        assert!(compare(&document, &[("webp", 1.0)]).is_err());
        assert!(compare("", &[("planes", 1.0)]).is_err());
    }
}
