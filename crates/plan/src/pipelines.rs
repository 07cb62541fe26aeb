//! The pipelines that there are unless the operator says otherwise.

use std::collections::BTreeMap;

use procession_domain::recipe::Pipeline;
use serde::Deserialize;

/// The default pipelines as the part of the configuration that they are, with comments.
pub const PIPELINES_TOML: &str = include_str!("../config/pipelines.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    pipelines: BTreeMap<String, Pipeline>,
}

/// The default pipelines by name: `high_resolution_portraits`, `reception_photos`, `social_media_variants`.
pub fn pipelines() -> BTreeMap<String, Pipeline> {
    // The text is part of the program, and a test reads it.
    toml::from_str::<Document>(PIPELINES_TOML).map(|document| document.pipelines).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use procession_domain::recipe::{AnalysisLevel, Fit, MetadataPolicy, OutputFormat, Priority};

    use super::*;

    #[test]
    fn the_defaults_are_read_and_valid() {
        let document: Document = toml::from_str(PIPELINES_TOML).unwrap();
        for (name, pipeline) in &document.pipelines {
            pipeline.recipe.check().unwrap_or_else(|error| panic!("{name}: {error}"));
            let has_jpeg = |formats: &[procession_domain::recipe::Encoding]| {
                formats.iter().any(|encoding| encoding.format == OutputFormat::Jpeg)
            };
            assert!(pipeline.recipe.variants.iter().all(|spec| has_jpeg(&spec.formats)), "{name}: JPEG always");
        }
        assert_eq!(document.pipelines, pipelines());
    }

    #[test]
    fn they_are_what_the_mission_says() {
        let table: Vec<_> = pipelines()
            .into_iter()
            .map(|(name, p)| (name, p.preferred_device, p.priority, p.analysis, p.recipe.metadata))
            .collect();
        let row = |name: &str, device: &str, priority, analysis, metadata| {
            (name.to_owned(), device.to_owned(), priority, analysis, metadata)
        };
        use AnalysisLevel::{Basic, Comprehensive, Moments};
        let expected = [
            row("high_resolution_portraits", "a100_80gb", Priority::High, Comprehensive, MetadataPolicy::Keep),
            row("reception_photos", "a100_40gb", Priority::Medium, Moments, MetadataPolicy::Strip),
            row("social_media_variants", "t4", Priority::Low, Basic, MetadataPolicy::Strip),
        ];
        assert_eq!(table, expected);
        let names = |name: &str| -> Vec<String> {
            pipelines()[name].recipe.variants.iter().map(|spec| spec.name.clone()).collect()
        };
        assert_eq!(names("high_resolution_portraits"), ["full", "2048", "1024", "512", "square-256"]);
        assert_eq!(names("reception_photos"), ["2048", "1024", "512", "square-256"]);
        let social = ["1024", "512", "square-256", "crop-1x1", "crop-4x5", "crop-9x16"];
        assert_eq!(names("social_media_variants"), social);
        let full = &pipelines()["high_resolution_portraits"].recipe.variants[0];
        assert_eq!(full.fit, Fit::Full);
        assert!(full.formats[0].full_chroma && full.formats[0].quality == 92);
    }
}
