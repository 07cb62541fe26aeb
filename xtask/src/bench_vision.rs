//! `cargo xtask bench vision`: what looking at a photo takes.

use std::{
    fmt::Write as _,
    fs,
    io::{Write as _, stdout},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    bench_pixel, demo,
    figures::{self, number},
    run::{program, quiet, root, show},
    setup,
};

/// Runs the benchmark. `--rounds N` (3) looks at each photo so often; `--write` records it in docs/performance.md.
///
/// # Errors
/// If something that it needs cannot be brought here, or a model fails.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (rounds, write) = figures::rounds_and_write("vision", arguments)?;
    setup::for_bench()?;
    show(&mut program("cargo", &["build", "--package", "procession"]))?;
    setup::models("debug")?;
    let sets = [("the demo's gallery", files_below(&demo::gallery()?)?), ("the large photos", bench_pixel::photos()?)];
    let build = ["build", "--release", "--package", "procession-vision", "--example", "vision_rate"];
    quiet(&mut program("cargo", &build))?;
    let (mut json, mut text) = (String::new(), HEAD.to_owned());
    for (set, photos) in &sets {
        let run = ["run", "--quiet", "--release", "--package", "procession-vision", "--example", "vision_rate", "--"];
        let lines = quiet(program("cargo", &run).arg(rounds.to_string()).args(photos))?;
        text += &rows(set, &lines)?;
        json += &lines;
    }
    figures::keep("vision", &json.lines().map(str::to_owned).collect::<Vec<_>>())?;
    stdout().write_all(text.as_bytes()).context("cannot print")?;
    if write {
        let how = format!("one thread, {rounds} rounds");
        figures::record(&root().join("docs/performance.md"), "bench vision", &how, &text)?;
    }
    Ok(())
}

const HEAD: &str =
    "| photos | asked | processor ms a photo: mean | p50 | p95 | most | faces found |\n|---|---|---|---|---|---|---|\n";

/// In Markdown. Writing to a string cannot fail.
fn rows(set: &str, lines: &str) -> Result<String> {
    let mut text = String::new();
    for line in lines.lines() {
        let figure = |name| number(line, name);
        let _ = writeln!(
            text,
            "| {set} ({}) | {} | **{}** | {} | {} | {} | {} |",
            figure("photos")?,
            figures::text(line, "ask")?,
            figure("mean_ms")?,
            figure("p50_ms")?,
            figure("p95_ms")?,
            figure("max_ms")?,
            figure("faces")?,
        );
    }
    Ok(text)
}

/// The JPEG and PNG files in the folders of a folder, by path.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut photos = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            photos.extend(files_below(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "jpg" || extension == "png") {
            photos.push(path);
        }
    }
    photos.sort();
    Ok(photos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_was_asked_and_what_it_took() {
        let line = r#"{"ask":"faces","photos":8,"faces":3,"mean_ms":41.5,"p50_ms":30.0,"p95_ms":90.0,"max_ms":95.5}"#;
        assert_eq!(rows("a set", line).unwrap(), "| a set (8) | faces | **41.5** | 30 | 90 | 95.5 | 3 |\n");
        assert!(rows("a set", "{}").is_err());
    }
}
