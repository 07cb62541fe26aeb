//! `cargo xtask bench gallery`: whole galleries, from the card to the page, on one processor and on two.
//!
//! `procession process` begins with nothing each time: no ledger, no store, no result. sharp makes the same files of the same
//! photos and does nothing else.

mod report;

use std::{
    fs,
    io::{Write as _, stdout},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    bench_pixel, cards, demo, figures,
    run::{binary, files_below, program, quiet, root, show},
    setup,
};
use report::{Contender, Measured};

/// Each of the benchmark's photos is on the card so many times.
const COPIES: usize = 2;
/// Processors that they are given, with as many lanes.
const PROCESSORS: [usize; 2] = [1, 2];
const MANY: usize = 10_000;
/// Resident memory is looked at after every so many seconds.
const SAMPLE_SECONDS: &str = "1";

/// Runs the benchmark. `--rounds N` (3), `--write` records it in docs/performance.md. With `--ten-thousand` it measures one gallery of
/// 10,000 small photos instead.
///
/// # Errors
/// If something that it needs cannot be brought here, somebody fails, or an original or a file is missing afterwards.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (mut rounds, mut write, mut many) = (3, false, false);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--write" => write = true,
            "--ten-thousand" => many = true,
            "--rounds" => {
                let text = words.next().context("--rounds needs a number")?;
                rounds = text.parse::<usize>().with_context(|| format!("--rounds: {text} is no number"))?.max(1);
            }
            other => bail!("bench gallery knows --rounds N, --ten-thousand and --write, not {other}"),
        }
    }
    setup::for_bench()?;
    show(&mut program("cargo", &["build", "--release", "--package", "procession"]))?;
    let folder = root().join(if many { "target/bench/gallery-ten-thousand" } else { "target/bench/gallery" });
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove the last run's files")?;
    }
    let outcome = if many { ten_thousand(&folder, write) } else { compare(&folder, rounds, write) };
    fs::remove_dir_all(&folder).context("cannot remove the galleries")?;
    outcome
}

/// Everybody makes the gallery, in turns.
fn compare(folder: &Path, rounds: usize, write: bool) -> Result<()> {
    setup::models("release")?;
    let bench = Bench { folder, photos: cards::copies(&bench_pixel::photos()?, &folder.join("card"), 0..COPIES)? };
    let mut rows = Vec::new();
    for round in 1..=rounds {
        for processors in PROCESSORS {
            // How much faster the opponent is on two is not what is asked.
            for contender in Contender::ALL.into_iter().filter(|who| processors > 1 || who.sharp().is_none()) {
                let measured = bench.measure(contender, processors, "0")?;
                eprintln!(
                    "round {round}, {}, {processors} processors: {:.0} images/min",
                    contender.name(),
                    measured.rate()
                );
                rows.push(measured);
            }
        }
    }
    figures::keep("gallery", &rows.iter().map(Measured::json).collect::<Vec<_>>())?;
    let text = report::table(&rows);
    stdout().write_all(text.as_bytes()).context("cannot print")?;
    if write {
        let how = format!("median of {rounds} rounds");
        figures::record(&root().join("docs/performance.md"), "bench gallery", &how, &text)?;
        report::plot(&rows)?;
    }
    Ok(())
}

/// One gallery of many small photos.
fn ten_thousand(folder: &Path, write: bool) -> Result<()> {
    let small = files_below(&bench_pixel::photos_with_people(&demo::gallery()?, true)?)?;
    let mut photos = cards::copies(&small, &folder.join("card"), 0..MANY.div_ceil(small.len()))?;
    for photo in photos.split_off(MANY) {
        fs::remove_file(photo)?;
    }
    let bench = Bench { folder, photos };
    let measured = bench.measure(Contender::Reception, PROCESSORS[1], SAMPLE_SECONDS)?;
    figures::keep("gallery-ten-thousand", &[measured.json()])?;
    let text = report::many(&measured);
    stdout().write_all(text.as_bytes()).context("cannot print")?;
    if write {
        figures::record(&root().join("docs/performance.md"), "bench gallery --ten-thousand", "one run", &text)?;
        report::plot_memory(&measured)?;
    }
    Ok(())
}

struct Bench<'a> {
    folder: &'a Path,
    photos: Vec<PathBuf>,
}

impl Bench<'_> {
    /// Lets somebody make the gallery, and looks whether everything is there afterwards.
    fn measure(&self, contender: Contender, processors: usize, sample_seconds: &str) -> Result<Measured> {
        let [data, out] = ["data", "out"].map(|name| self.folder.join(name));
        let threads = processors.to_string();
        let mut measure = program("python3", &["xtask/bench/measure.py", &threads, sample_seconds]);
        match contender.sharp() {
            Some(words) => measure
                .args(["node", "xtask/bench/gallery/sharp.js"])
                .args(words)
                .arg(&threads)
                .arg(&out)
                .args(&self.photos),
            None => {
                measure.arg(binary("release")).arg("process").arg(self.folder.join("card")).arg("--out").arg(&out);
                measure.args(["--quiet", "--threads", &threads, "--pipeline", contender.pipeline()]);
                if !contender.has_models() {
                    measure.env("PROCESSION_MODELS", self.folder.join("no-models"));
                }
                measure.env("PROCESSION_DATA", &data)
            }
        };
        let line = quiet(&mut measure)?;
        let files = self.made(&out, contender)?;
        if contender.sharp().is_none() {
            let mut check = Command::new(binary("release"));
            quiet(check.args(["receipt", "check"]).arg(out.join("receipt.json")).arg(self.folder.join("card")))?;
            let mut verify = Command::new(binary("release"));
            quiet(verify.args(["vault", "verify"]).env("PROCESSION_DATA", &data))?;
            fs::remove_dir_all(data)?;
        }
        fs::remove_dir_all(out)?;
        Measured::of(contender, processors, self.photos.len(), files, &line)
    }

    /// The bytes of the images that were made, if all are there.
    fn made(&self, out: &Path, contender: Contender) -> Result<u64> {
        let mut files = files_below(out)?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "jpg" || extension == "webp"));
        let wanted = self.photos.len() * contender.files();
        if files.len() != wanted {
            bail!("{} made {} files and not {wanted}", contender.name(), files.len());
        }
        cards::bytes_of(&files)
    }
}
