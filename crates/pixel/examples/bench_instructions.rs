//! One photo up to one step, for `cargo xtask bench instructions`, which counts the instructions.
//!
//! `bench_instructions read|planes|cascade|jpeg|webp PHOTO`: read stops before decoding, planes before the cascade, the others
//! encode the cascade's three sizes as well. Prints the photo's megapixels as JSON.
#![allow(clippy::print_stdout, reason = "its result is its output")]

use std::fs;

use procession_domain::recipe::{Encoding, Fit, MetadataPolicy, OutputColour, OutputFormat, Recipe, VariantSpec};
use procession_pixel::{CpuDevice, Device, Extent, Limits, Plan, Source, probe, stages};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [step, photo] = arguments.as_slice() else {
        return Err("usage: bench_instructions read|planes|cascade|jpeg|webp PHOTO".into());
    };
    let bytes = fs::read(photo)?;
    let probe = probe(&bytes, &Limits::default())?;
    println!("{{\"megapixels\":{:.3}}}", f64::from(probe.width) * f64::from(probe.height) / 1e6);
    let source = Source { bytes: bytes.into(), probe };
    let format = match step.as_str() {
        "read" => return Ok(()),
        "planes" => return Ok(stages::planes(&source, Extent { long_edge: 2048, full: false })?),
        "cascade" => None,
        "jpeg" => Some((OutputFormat::Jpeg, 82)),
        "webp" => Some((OutputFormat::WebP, 80)),
        other => return Err(format!("there is no step {other}").into()),
    };
    let plan = format.map(|format| Plan::new(&recipe(format), &source.probe, &[])).transpose()?;
    let device = CpuDevice::new(1);
    let decoded = device.decode(vec![(source, Extent { long_edge: 2048, full: false })]).remove(0)?;
    if let Some(plan) = plan {
        device.render(vec![(decoded, plan)]).remove(0)?;
    }
    Ok(())
}

/// 2048, 1024 and 512 pixels.
fn recipe((format, quality): (OutputFormat, u8)) -> Recipe {
    let formats = vec![Encoding { format, quality, full_chroma: false }];
    let spec = |edge: u32| VariantSpec {
        name: edge.to_string(),
        fit: Fit::LongEdge(edge),
        formats: formats.clone(),
        sharpen: 0.0,
    };
    Recipe {
        colour: OutputColour::Srgb,
        metadata: MetadataPolicy::Strip,
        variants: [2048, 1024, 512].map(spec).to_vec(),
    }
}
