//! What the load test is asked for.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::TEST;
use crate::run::program;

pub(super) const USAGE: &str = "\
cargo xtask load-test: a real deployment on this machine under load, beside the targets.

  --galleries N    so many upload at the same time (50)
  --photos P       photos of each gallery (6)
  --minutes M      instead: as many photos as are processed in M minutes
  --in-flight N    N small photos are queued before the workers start; with --minutes M they stop after M minutes
  --size small     photos of 480 pixels instead of 12 to 45 megapixels, for many of them
  --no-models      nobody looks at the photos
  --no-scaling     does not compare the rates of one lane, two lanes …
  --devices cpu    what computes; there is nothing else yet
  --binary FILE    measures this binary instead of building one
  --break          damages an original and an image before the check, which has to name them
  --json FILE      writes all figures there
  --write          records the table in docs/performance.md

The sentence is said, with exit code 0, if the figures bear it out; otherwise it says by how much they fell short, with 1.";

/// More than a machine of few processors makes of photos of real size; where minutes decide, their room is reckoned by it.
const PHOTOS_A_MINUTE: f64 = 200.0;

#[derive(Debug, PartialEq)]
pub(super) struct Options {
    galleries: u64,
    photos: u64,
    minutes: Option<f64>,
    pub(super) in_flight: Option<u64>,
    pub(super) is_small: bool,
    pub(super) has_models: bool,
    has_scaling: bool,
    breaks: bool,
    pub(super) binary: Option<PathBuf>,
    pub(super) json: Option<PathBuf>,
    pub(super) write: bool,
}

impl Options {
    /// From the command's words.
    pub(super) fn of(arguments: &[String]) -> Result<Self> {
        let (mut galleries, mut photos) = (50, None);
        let mut options = Self {
            galleries,
            photos: 6,
            minutes: None,
            in_flight: None,
            is_small: false,
            has_models: true,
            has_scaling: true,
            breaks: false,
            binary: None,
            json: None,
            write: false,
        };
        let mut words = arguments.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word {
                "--galleries" => galleries = number(word, value()?)?,
                "--photos" => photos = Some(number(word, value()?)?),
                "--minutes" => options.minutes = Some(number(word, value()?)?),
                "--in-flight" => options.in_flight = Some(number(word, value()?)?),
                "--size" => match value()? {
                    "small" => options.is_small = true,
                    "full" => options.is_small = false,
                    other => bail!("--size is small or full, not {other:?}"),
                },
                "--devices" => match value()? {
                    "cpu" => {}
                    other => bail!("this build computes on the CPU and has no device {other:?}"),
                },
                "--no-models" => options.has_models = false,
                "--no-scaling" => options.has_scaling = false,
                "--break" => options.breaks = true,
                "--binary" => options.binary = Some(value()?.into()),
                "--json" => options.json = Some(value()?.into()),
                "--write" => options.write = true,
                _ => bail!("load-test does not know {word:?}; --help says what it knows"),
            }
        }
        if options.minutes.is_some() && options.in_flight.is_none() && !options.has_scaling {
            bail!("--minutes takes its rate from the scaling: leave out --no-scaling");
        }
        options.galleries = galleries.max(1);
        if let Some(in_flight) = options.in_flight {
            (options.is_small, options.has_scaling) = (true, false);
            options.photos = in_flight.div_ceil(options.galleries);
        }
        options.photos = photos.unwrap_or(options.photos).max(1);
        Ok(options)
    }

    /// Whether the sentence is at stake: photos of real size, and all that is made of them.
    pub(super) fn is_of_the_targets(&self) -> bool {
        !self.is_small && self.has_models
    }

    /// For the room that they take.
    pub(super) fn most_photos(&self) -> u64 {
        match self.minutes.filter(|_| self.in_flight.is_none()) {
            Some(minutes) => (PHOTOS_A_MINUTE * minutes) as u64,
            None => self.galleries * self.photos,
        }
    }

    /// The test that does it.
    pub(super) fn test(&self, binary: &Path, photos: &Path) -> Command {
        let mut test = program("cargo", &["test", "--package", "procession", "--test", "load", "--"]);
        test.args(["--exact", TEST, "--nocapture"]);
        let mut set = |name: &str, value: String| {
            test.env(format!("PROCESSION_LOAD_{name}"), value);
        };
        set("BINARY", binary.display().to_string());
        set("PHOTOS", photos.display().to_string());
        set("GALLERIES", self.galleries.to_string());
        set("EACH", self.photos.to_string());
        self.minutes.into_iter().for_each(|minutes| set("MINUTES", minutes.to_string()));
        let switches = [
            ("MODELS", "off", !self.has_models),
            ("SCALING", "off", !self.has_scaling),
            ("QUEUED", "yes", self.in_flight.is_some()),
            ("BREAK", "yes", self.breaks),
        ];
        switches.into_iter().filter(|(.., is_on)| *is_on).for_each(|(name, value, _)| set(name, value.to_owned()));
        test
    }
}

fn number<T: std::str::FromStr>(word: &str, text: &str) -> Result<T> {
    text.parse().ok().with_context(|| format!("{word}: {text:?} is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &str) -> Result<Options> {
        Options::of(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_not_asked_for_is_as_the_targets_have_it() {
        let usual = options("").unwrap();
        assert!((usual.galleries, usual.photos, usual.most_photos()) == (50, 6, 300) && usual.is_of_the_targets());
        assert_eq!(options("--devices cpu --size full").unwrap(), usual);
        assert!(
            !options("--no-models").unwrap().is_of_the_targets()
                && !options("--size small").unwrap().is_of_the_targets()
        );
    }

    #[test]
    fn what_is_in_flight_is_spread_over_the_galleries() {
        let many = options("--in-flight 20000 --galleries 40").unwrap();
        assert_eq!((many.galleries, many.photos, many.is_small, many.has_scaling), (40, 500, true, false));
        assert_eq!(options("--minutes 2").unwrap().most_photos(), 400);
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        for words in
            ["--devices a100", "--galleries", "--galleries many", "--size huge", "--fast", "--minutes 2 --no-scaling"]
        {
            assert!(options(words).is_err(), "{words}");
        }
    }
}
