//! What is looked for on a photo, stage by stage, and what comes next: decided by what was found so far, whoever found it.

use procession_domain::{
    Stage, Stages,
    analysis::Analysis,
    gallery::Gallery,
    job::{Claim, Found},
    photo::Timings,
    recipe::AnalysisLevel,
};
use procession_pixel::{Probe, View};
use procession_plan::{Evidence, choose_pipeline};
use procession_vision::Ask;

use super::no_pipeline;
use crate::{Result, System};

/// A photo on its way through its stages.
pub(super) struct Course<'a> {
    system: &'a System,
    gallery: &'a Gallery,
    probe: &'a Probe,
    /// What was found so far.
    pub(super) found: Found,
}

impl<'a> Course<'a> {
    pub(super) fn new(system: &'a System, claim: &'a Claim, probe: &'a Probe) -> Self {
        let nothing = || Found {
            done: Stages::NONE,
            analysis: Analysis::default(),
            models: system.models().to_owned(),
            pipeline: String::new(),
            timings: Timings::default(),
        };
        Self { system, gallery: &claim.gallery, probe, found: claim.found.clone().unwrap_or_else(nothing) }
    }

    /// The first stage that is wanted and not done. What this gallery or pipeline does not want is passed over, and so is what
    /// needs faces where there are none. If the gallery has consent, or another pipeline, since others looked, that is made
    /// up for.
    pub(super) fn next(&self) -> Result<Stage> {
        let Found { done, analysis, pipeline, .. } = &self.found;
        if !done.contains(Stage::AiAnalysis) || self.choose()?.0 != *pipeline {
            return Ok(Stage::AiAnalysis);
        }
        let faces = analysis.faces.as_ref();
        let wants_guests = self.gallery.consent.faces && faces.is_some_and(|faces| !faces.is_empty());
        // Where there are no models, nobody looked for faces.
        let wants_scene =
            self.system.settings.pipelines[pipeline].analysis >= AnalysisLevel::Moments && faces.is_some();
        Ok(match done {
            done if wants_guests && !done.contains(Stage::FaceRecognition) => Stage::FaceRecognition,
            done if wants_scene && !done.contains(Stage::MomentDetection) => Stage::MomentDetection,
            _ => Stage::Compression,
        })
    }

    /// The pipeline that suits what was found, and why.
    pub(super) fn choose(&self) -> Result<(String, String)> {
        let (width, height) = self.probe.upright();
        let faces = self.found.analysis.faces.as_deref();
        let evidence = Evidence { capture: &self.probe.capture, width, height, faces };
        match choose_pipeline(&evidence, &self.gallery.pipeline, &self.system.settings.pipelines) {
            Some((name, reason)) => Ok((name, reason.to_string())),
            None => Err(no_pipeline(self.system, self.gallery)),
        }
    }

    /// Does a stage. Where this worker has no models, there is nothing to be seen.
    #[tracing::instrument(skip_all, fields(stage = %stage))]
    pub(super) fn look(&mut self, stage: Stage, view: &View) -> Result<()> {
        match stage {
            Stage::AiAnalysis => self.analyze(view)?,
            Stage::FaceRecognition => self.look_closer(view, Ask { embeddings: true, ..Ask::default() })?,
            Stage::MomentDetection => self.look_closer(view, Ask { scene: true, ..Ask::default() })?,
            Stage::Compression => {}
        }
        self.found.done = self.found.done.with(stage);
        Ok(())
    }

    /// What every pipeline wants to know, and by what it is chosen: faces and sharpness. Then what the chosen one wants to know
    /// of the faces.
    fn analyze(&mut self, view: &View) -> Result<()> {
        let ask = Ask { faces: true, ..Ask::default() };
        let seen = self.system.vision.as_ref().map(|vision| vision.analyze(view, ask)).transpose()?;
        self.found.done = Stages::NONE;
        self.found.analysis = seen.unwrap_or_default();
        self.system.models().clone_into(&mut self.found.models);
        self.found.pipeline = self.choose()?.0;
        let level = self.system.settings.pipelines[&self.found.pipeline].analysis;
        self.look_closer(view, Ask { expressions: level >= AnalysisLevel::Comprehensive, ..Ask::default() })
    }

    fn look_closer(&mut self, view: &View, ask: Ask) -> Result<()> {
        if let Some(vision) = &self.system.vision {
            let seen = std::mem::take(&mut self.found.analysis);
            self.found.analysis = vision.look_closer(view, seen, ask)?;
        }
        Ok(())
    }
}
