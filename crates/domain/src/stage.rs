//! The stages of a photo's life, and sets of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// A part of a photo's job. The order is the order of a photo's life: what the models see decides what is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Where the faces are, how they look, how sharp the photo is; the pipeline is chosen by it.
    AiAnalysis,
    /// Whose faces they are, as numbers: only with consent.
    FaceRecognition,
    /// The signals from which moments are found.
    MomentDetection,
    /// All variants.
    Compression,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::AiAnalysis, Self::FaceRecognition, Self::MomentDetection, Self::Compression];

    /// Its name: `ai_analysis`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AiAnalysis => "ai_analysis",
            Self::FaceRecognition => "face_recognition",
            Self::MomentDetection => "moment_detection",
            Self::Compression => "compression",
        }
    }

    /// Its place in the order, from 0.
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Stage {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|stage| stage.name() == name);
        found.ok_or_else(|| Invalid::new("stage", name, format!("is unknown; the stages are {}", Stages::ALL)))
    }
}

/// A set of stages. As JSON: the list of their names in their order.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Stage>", into = "Vec<Stage>")]
pub struct Stages(u8);

impl Stages {
    /// All of them.
    pub const ALL: Self = Self(0b1111);
    /// None.
    pub const NONE: Self = Self(0);

    /// From one stage to another, both with it.
    pub fn between(first: Stage, last: Stage) -> Self {
        Stage::ALL.into_iter().filter(|stage| (first..=last).contains(stage)).collect()
    }

    /// Whether the stage is one of them.
    pub fn contains(self, stage: Stage) -> bool {
        self.0 & (1 << stage.index()) != 0
    }

    /// Whether all of the others are among them.
    pub fn contains_all(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// With this one too.
    #[must_use]
    pub fn with(self, stage: Stage) -> Self {
        Self(self.0 | (1 << stage.index()))
    }

    /// Those of either.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those of both.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In their order.
    pub fn iter(self) -> impl Iterator<Item = Stage> {
        Stage::ALL.into_iter().filter(move |stage| self.contains(*stage))
    }

    /// The last stage to which whoever offers these carries a job that is at `stage`; none if it does not offer that one.
    pub fn last_from(self, stage: Stage) -> Option<Stage> {
        Stage::ALL.into_iter().filter(|next| *next >= stage).take_while(|next| self.contains(*next)).last()
    }

    /// The part of a job that whoever offers these does of one that is at `stage`, 0 to 1. Each stage is a quarter: the parts of
    /// all who have a job one after another add up to the whole.
    pub fn part_from(self, stage: Stage) -> f64 {
        let stages = self.last_from(stage).map_or(0, |last| last.index() + 1 - stage.index());
        stages as f64 / Stage::ALL.len() as f64
    }

    /// Stages that follow each other without a gap, as first and last, the latest first.
    pub fn runs(self) -> Vec<(Stage, Stage)> {
        let begins = |stage: &Stage| stage.index() == 0 || !self.contains(Stage::ALL[stage.index() - 1]);
        let mut runs: Vec<_> =
            self.iter().filter(begins).filter_map(|first| Some((first, self.last_from(first)?))).collect();
        runs.reverse();
        runs
    }
}

impl FromIterator<Stage> for Stages {
    fn from_iter<I: IntoIterator<Item = Stage>>(stages: I) -> Self {
        stages.into_iter().fold(Self::NONE, Self::with)
    }
}

impl From<Vec<Stage>> for Stages {
    fn from(stages: Vec<Stage>) -> Self {
        stages.into_iter().collect()
    }
}

impl From<Stages> for Vec<Stage> {
    fn from(stages: Stages) -> Self {
        stages.iter().collect()
    }
}

impl fmt::Display for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Stage::name).collect();
        f.write_str(&names.join(", "))
    }
}

impl fmt::Debug for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_sets() -> impl Iterator<Item = Stages> {
        (0..16).map(Stages)
    }

    #[test]
    fn a_set_is_the_list_of_its_names() {
        for stages in all_sets() {
            let json = serde_json::to_string(&stages).unwrap();
            assert_eq!(serde_json::from_str::<Stages>(&json).unwrap(), stages);
            let names: Result<Stages, _> =
                stages.to_string().split(", ").filter(|name| !name.is_empty()).map(str::parse).collect();
            assert_eq!(names, Ok(stages));
        }
        let ends = Stages::from_iter([Stage::Compression, Stage::AiAnalysis]);
        assert_eq!(serde_json::to_string(&ends).unwrap(), r#"["ai_analysis","compression"]"#);
        assert!("sorting".parse::<Stage>().unwrap_err().to_string().contains("moment_detection"));
    }

    #[test]
    fn runs_are_what_one_worker_does_in_one_go() {
        for stages in all_sets() {
            let runs = stages.runs();
            let of_runs = runs.iter().fold(Stages::NONE, |all, (first, last)| all.or(Stages::between(*first, *last)));
            assert_eq!(of_runs, stages);
            assert!(runs.windows(2).all(|pair| pair[1].1.index() + 1 < pair[0].0.index()), "{stages:?}: {runs:?}");
            for (first, last) in runs {
                assert_eq!(stages.last_from(first), Some(last));
            }
        }
        assert_eq!(Stages::ALL.runs(), [(Stage::AiAnalysis, Stage::Compression)]);
    }

    #[test]
    fn the_parts_of_all_who_have_a_job_add_up_to_the_whole() {
        for stages in all_sets() {
            let others: Stages = Stage::ALL.into_iter().filter(|stage| !stages.contains(*stage)).collect();
            let (mut at, mut whole) = (Some(Stage::AiAnalysis), 0.0);
            while let Some(stage) = at {
                let holder = if stages.contains(stage) { stages } else { others };
                whole += holder.part_from(stage);
                at = holder.last_from(stage).and_then(|last| Stage::ALL.get(last.index() + 1).copied());
            }
            assert!((whole - 1.0_f64).abs() < 1e-12);
        }
        assert_eq!(Stages::ALL.part_from(Stage::AiAnalysis), 1.0);
        assert_eq!(Stages::NONE.part_from(Stage::Compression), 0.0);
    }
}
