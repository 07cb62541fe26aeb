//! `cargo xtask bench pixel`: the variant set of real-size photos beside sharp, in turns.
//!
//! Both contenders get the same photos and write the same files with the same number of threads: JPEG of 2048, 1024, 512
//! and 256 × 256 pixels, or WebP of 2048, 1024 and 512, and the 640 and 224 pixel RGB tensors of the models. They run in
//! turns, each as a process of its own, and with real-time priority where the user may give it (as root), so that what else
//! the machine does counts little; the ratio of each round is what counts.
//!
//! Then the stages of decoding alone, on one thread: the whole job is held against what reading the photos' coefficients takes.

mod report;

use std::{
    fs,
    io::{Write, stdout},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    demo, figures,
    run::{binary, cache, program, quiet, root, show},
    setup,
};
use report::{Contest, Measured, Score, Stages};

/// Pictures without people at 5 to 18 megapixels, under CC-BY-SA, CC-BY and CC0.
const WALLPAPERS: [&str; 2] = ["lomiri-wallpapers-16.04", "mate-backgrounds"];
const PYTHON: [&str; 3] = ["numpy==2.2.6", "pillow==12.0.0", "ssimulacra2==0.3.0"];
const SCRIPTS: &str = "xtask/bench/pixel";
const ROUNDS: usize = 5;
const THREADS: &str = "2";
/// How often a contender goes through the photos in a round.
const PASSES: &str = "4";
/// How often each stage is done; the least time counts.
const STAGE_ROUNDS: &str = "7";
const PRIORITY: [&str; 3] = ["chrt", "--rr", "5"];
const WHO: [&str; 2] = ["procession", "sharp"];
/// Names, formats, extensions, qualities.
const FORMATS: [(&str, &str, &str, &str); 2] = [("JPEG", "jpeg", "jpg", "82"), ("WebP", "webp", "webp", "80")];
/// Photos of the demo of 4352, 3088, 6028 and 4272 pixels, which are decoded at 4/8, 6/8, 3/8 and 5/8.
const PICTURES: [&str; 4] =
    ["DEMO_0013_bridge.jpg", "DEMO_0016_brook.jpg", "DEMO_0017_nuthatch.jpg", "DEMO_0032_sunset.jpg"];

/// Runs the benchmark. `--rounds N` (5), `--write` records the result in docs/performance.md.
///
/// # Errors
/// If something that it needs cannot be brought here, or a contender fails.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (rounds, write) = options(arguments)?;
    setup::for_bench()?;
    let bench = Bench::prepare()?;
    show(&mut program("cargo", &["build", "--release", "--package", "procession-pixel", "--examples"]))?;
    let contest = |(name, format, extension, quality)| bench.contest(name, format, extension, quality, rounds);
    let contests = FORMATS.into_iter().map(contest).collect::<Result<Vec<_>>>()?;
    let stages = bench.stages()?;
    figures::keep("pixel", &report::json(&contests, stages))?;
    let table = [report::table(&contests), report::photos(&contests), report::stages(stages, &contests[0])].join("\n");
    stdout().write_all(table.as_bytes()).context("cannot print")?;
    if write {
        let how = format!("median of {rounds} rounds");
        figures::record(&root().join("docs/performance.md"), "bench pixel", &how, &table)?;
        report::plot(&contests, stages)?;
    }
    Ok(())
}

/// The photos that benchmarks are made with: real sizes, made once.
///
/// # Errors
/// If what they are made of cannot be brought here.
pub(crate) fn photos() -> Result<Vec<PathBuf>> {
    Ok(Bench::prepare()?.photos)
}

/// These and four with people, made of the demo's, as links in a folder of the cache; or all of them at 480 pixels, in another.
///
/// # Errors
/// If what they are made of cannot be brought here.
pub(crate) fn photos_with_people(people: &Path, are_small: bool) -> Result<PathBuf> {
    let bench = Bench::prepare()?;
    let [full, small] = ["load", "load-small"].map(|name| bench.folder.with_file_name(name));
    show(bench.python("make_photos.py").arg("--people").args([people, &full]))?;
    for photo in &bench.photos {
        let link = full.join(photo.file_name().unwrap_or_default());
        if !link.exists() {
            fs::hard_link(photo, &link).with_context(|| format!("cannot make {}", link.display()))?;
        }
    }
    if are_small {
        show(bench.python("make_photos.py").arg("--small").args([&full, &small]))?;
    }
    Ok(if are_small { small } else { full })
}

fn options(arguments: &[String]) -> Result<(usize, bool)> {
    let (mut rounds, mut write) = (ROUNDS, false);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--rounds" => {
                let number = words.next().context("--rounds needs a number")?;
                rounds = number.parse().with_context(|| format!("--rounds: {number} is no number"))?;
            }
            "--write" => write = true,
            other => bail!("bench pixel knows --rounds N and --write, not {other}"),
        }
    }
    Ok((rounds.max(1), write))
}

/// What [`pictures`] needs besides what is built.
///
/// # Errors
/// If it cannot be brought here.
pub(crate) fn for_pictures() -> Result<()> {
    Bench::new()?;
    demo::gallery().map(drop)
}

/// Looks at pictures of real photos beside sharp's, as the debug build makes them: on the average they must not be worse by SSIMULACRA2,
/// and none by a point.
///
/// # Errors
/// One is, or a contender fails.
pub(crate) fn pictures() -> Result<()> {
    show(&mut program("cargo", &["build", "--workspace", "--examples"]))?;
    let (demo, folder) = (demo::gallery()?, root().join("target/pictures"));
    let photos = folder.join("photos");
    fs::create_dir_all(&photos).with_context(|| format!("cannot make {}", photos.display()))?;
    let mut bench = Bench { profile: "debug", passes: "1", undisturbed: false, ..Bench::new()? };
    for name in PICTURES {
        let photo = photos.join(name);
        fs::copy(demo.join("camera-a").join(name), &photo).with_context(|| format!("cannot copy {name}"))?;
        bench.photos.push(photo);
    }
    let mut contests = Vec::new();
    for (name, format, extension, quality) in FORMATS {
        let outs = WHO.map(|who| folder.join(format).join(who));
        bench.measure(bench.ours(), &outs[0], format, quality)?;
        bench.measure(bench.theirs(), &outs[1], format, quality)?;
        let scores = bench.scores(&photos, &folder.join("references"), extension, &outs)?;
        contests.push(Contest { name: name.to_owned(), rounds: Vec::new(), scores });
    }
    eprintln!("{}", report::photos(&contests));
    report::not_below(&contests)
}

/// What the contenders need, in the cache.
struct Bench {
    folder: PathBuf,
    photos: Vec<PathBuf>,
    /// The build of ours.
    profile: &'static str,
    /// How often a contender goes through the photos.
    passes: &'static str,
    /// Processes are given real-time priority.
    undisturbed: bool,
}

impl Bench {
    /// The tools, and no photos.
    fn new() -> Result<Self> {
        let folder = cache()?.join("bench/pixel");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let [chrt, words @ ..] = PRIORITY;
        let undisturbed = quiet(program(chrt, &words).arg("true")).is_ok();
        let bench = Self { folder, photos: Vec::new(), profile: "release", passes: PASSES, undisturbed };
        bench.once("python", |place| {
            eprintln!("Installing numpy, Pillow and ssimulacra2 (100 MB)");
            let target = place.to_string_lossy();
            let pip = ["-m", "pip", "install", "--quiet", "--no-input", "--target", &target];
            quiet(program("python3", &pip).args(PYTHON)).map(drop)
        })?;
        Ok(bench)
    }

    /// The tools, and photos of real sizes.
    fn prepare() -> Result<Self> {
        let bench = Self::new()?;
        bench.once("wallpapers", |place| {
            eprintln!("Downloading the wallpapers that the photos are made of (60 MB)");
            wallpapers(place)
        })?;
        // Takes up where it was cut off, and says what it does.
        show(bench.python("make_photos.py").arg(bench.folder.join("wallpapers")).arg(bench.folder.join("photos")))?;
        let mut photos: Vec<PathBuf> =
            fs::read_dir(bench.folder.join("photos"))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        photos.retain(|photo| photo.extension().is_some_and(|extension| extension == "jpg"));
        photos.sort();
        Ok(Self { photos, ..bench })
    }

    /// Makes a folder of the cache, unless it is there: it gets its name only when it is complete.
    fn once(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let (place, unfinished) = (self.folder.join(name), self.folder.join(format!("{name}.part")));
        if place.exists() {
            return Ok(());
        }
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        fs::create_dir_all(&unfinished)?;
        make(&unfinished)?;
        fs::rename(&unfinished, &place).with_context(|| format!("cannot make {}", place.display()))
    }

    fn python(&self, script: &str) -> Command {
        let mut command = program("python3", &[&format!("{SCRIPTS}/{script}")]);
        command.env("PYTHONPATH", self.folder.join("python"));
        command
    }

    /// Lets both make the files of one format, in turns, and scores what they wrote.
    fn contest(&self, name: &str, format: &str, extension: &str, quality: &str, rounds: usize) -> Result<Contest> {
        let outs = WHO.map(|who| self.folder.join("out").join(format).join(who));
        let mut measured = Vec::new();
        // One round that does not count warms the file cache.
        for round in 0..=rounds {
            let ours = self.measure(self.ours(), &outs[0], format, quality)?;
            let theirs = self.measure(self.theirs(), &outs[1], format, quality)?;
            if round > 0 {
                eprintln!("{name}, round {round} of {rounds}: {:.2} × sharp", theirs.seconds / ours.seconds);
                measured.push((ours, theirs));
            }
        }
        eprintln!("{name}: scoring");
        let scores = self.scores(&self.folder.join("photos"), &self.folder.join("references"), extension, &outs)?;
        Ok(Contest { name: name.to_owned(), rounds: measured, scores })
    }

    /// What both wrote of the photos in a folder, against references that are made where they are not there.
    fn scores(&self, photos: &Path, references: &Path, extension: &str, outs: &[PathBuf; 2]) -> Result<(Score, Score)> {
        let mut score = self.python("score.py");
        score.arg(photos).arg(references).arg(extension).args(outs);
        let scores = quiet(&mut score)?;
        let photos: Vec<_> = self.photos.iter().filter_map(|photo| photo.file_stem()?.to_str()).collect();
        let mut scores = scores.lines().map(|line| report::score(line, &photos));
        let (ours, theirs) = scores.next().zip(scores.next()).context("score.py did not score both")?;
        Ok((ours?, theirs?))
    }

    fn ours(&self) -> Command {
        self.example("bench_pixel")
    }

    fn example(&self, name: &str) -> Command {
        // Beside the product's binary, where cargo puts examples.
        let example = binary(self.profile).with_file_name("examples").join(name);
        self.contender(&example.to_string_lossy())
    }

    /// The stages of decoding, each alone on one thread.
    fn stages(&self) -> Result<Stages> {
        let mut stages = self.example("bench_stages");
        stages.arg(STAGE_ROUNDS).args(&self.photos);
        report::stages_measured(&quiet(&mut stages)?)
    }

    fn theirs(&self) -> Command {
        let mut command = self.contender("node");
        command.arg(format!("{SCRIPTS}/job.js"));
        command
    }

    fn contender(&self, name: &str) -> Command {
        let [chrt, words @ ..] = PRIORITY;
        if self.undisturbed { program(chrt, &[&words[..], &[name]].concat()) } else { program(name, &[]) }
    }

    fn measure(&self, mut contender: Command, out: &Path, format: &str, quality: &str) -> Result<Measured> {
        contender.args([THREADS, self.passes]).arg(out).args([format, quality]).args(&self.photos);
        report::measured(&quiet(&mut contender)?)
    }
}

/// Debian's packages, unpacked without being installed.
fn wallpapers(place: &Path) -> Result<()> {
    let download = || quiet(program("apt-get", &["download", "--quiet"]).args(WALLPAPERS).current_dir(place));
    if download().is_err() {
        setup::update_debian()?;
        download()?;
    }
    for entry in fs::read_dir(place)?.collect::<Result<Vec<_>, _>>()? {
        quiet(program("dpkg-deb", &["--extract"]).arg(entry.path()).arg(place))?;
        fs::remove_file(entry.path())?;
    }
    Ok(())
}
