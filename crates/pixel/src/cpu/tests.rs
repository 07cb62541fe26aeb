use bytes::Bytes;
use procession_domain::{
    analysis::Region,
    capture::Capture,
    photo::Format,
    recipe::{Encoding, Fit, MetadataPolicy, OutputColour, OutputFormat, Recipe, VariantSpec},
};

use super::*;
use crate::{
    ColourProfile, Orientation,
    libjpeg::coder::{Coding, Kind, code},
};

const ALL: Region = Region { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };

/// A picture whose corners differ: red grows to the right, green downwards, blue at the left top.
pub(crate) fn picture(width: usize, height: usize) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (x * 255 / width.max(2), y * 255 / height.max(2));
            rgb.extend([u as u8, v as u8, if u + v < 200 { 200 } else { 20 }]);
        }
    }
    rgb
}

pub(crate) fn source(bytes: Vec<u8>, width: usize, height: usize, orientation: u32) -> Source {
    let probe = Probe {
        format: Format::Jpeg,
        width: width as u32,
        height: height as u32,
        orientation: Orientation::from_exif(orientation),
        colour: ColourProfile::Srgb,
        capture: Capture::default(),
        image: 0..bytes.len(),
    };
    Source { bytes: Bytes::from(bytes), probe }
}

pub(crate) fn recipe(fits: &[(Fit, OutputFormat)]) -> Recipe {
    let spec = |(index, (fit, format)): (usize, &(Fit, OutputFormat))| VariantSpec {
        name: format!("v{index}"),
        fit: *fit,
        formats: vec![Encoding { format: *format, quality: 90, full_chroma: false }],
        sharpen: 0.0,
    };
    let variants = fits.iter().enumerate().map(spec).collect();
    Recipe { colour: OutputColour::Srgb, metadata: MetadataPolicy::Strip, variants }
}

fn process(source: Source, recipe: &Recipe) -> Result<(Decoded, Vec<Rendered>), Error> {
    let device = CpuDevice::new(1);
    let extent = Plan::extent(recipe);
    let plan = Plan::new(recipe, &source.probe, &[])?;
    let decoded = device.decode(vec![(source.clone(), extent)]).remove(0)?;
    let rendered = device.render(vec![(decoded, plan)]).remove(0)?;
    Ok((device.decode(vec![(source, extent)]).remove(0)?, rendered))
}

fn look(bytes: &[u8], width: u32, height: u32) -> View {
    let source = source(bytes.to_vec(), width as usize, height as usize, 1);
    decode(source, Extent { long_edge: 2048, full: false }).unwrap().view
}

#[test]
fn every_kind_of_jpeg_shows_the_same_picture() {
    let (width, height) = (161, 119);
    let rgb = picture(width, height);
    let plain = look(&code(width, height, &rgb, Coding::PLAIN), width as u32, height as u32).rgb(ALL, 40, 30);
    let samplings = [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (1, 4), (4, 2)];
    for sampling in samplings {
        for (progressive, restart) in [(false, 0), (true, 0), (false, 3)] {
            let how = Coding { sampling, progressive, restart, ..Coding::PLAIN };
            let seen = look(&code(width, height, &rgb, how), width as u32, height as u32).rgb(ALL, 40, 30);
            assert_near(&plain, &seen, 4.0, &format!("{how:?}"));
        }
    }
    let how = Coding { kind: Kind::Rgb, sampling: (1, 1), ..Coding::PLAIN };
    let seen = look(&code(width, height, &rgb, how), width as u32, height as u32).rgb(ALL, 40, 30);
    assert_near(&plain, &seen, 4.0, "RGB");
}

/// The root of the mean squared difference is below `limit`.
fn assert_near(a: &crate::Rgb8, b: &crate::Rgb8, limit: f64, what: &str) {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let squares: f64 = a.data.iter().zip(&b.data).map(|(x, y)| f64::from(x.abs_diff(*y)).powi(2)).sum();
    let difference = (squares / a.data.len() as f64).sqrt();
    assert!(difference < limit, "{what} differs by {difference:.1}");
}

#[test]
fn a_plain_photo_becomes_its_variants() {
    let (width, height) = (1601, 1067);
    let bytes = code(width, height, &picture(width, height), Coding::PLAIN);
    let recipe = recipe(&[(Fit::LongEdge(1024), OutputFormat::Jpeg), (Fit::LongEdge(512), OutputFormat::Jpeg)]);
    let (decoded, rendered) = process(source(bytes, width, height, 1), &recipe).unwrap();
    let sizes: Vec<_> = rendered.iter().map(|r| (r.name.as_str(), r.width, r.height)).collect();
    assert_eq!(sizes, [("v0", 1024, 682), ("v1", 512, 341)]);
    for variant in &rendered {
        let seen = look(&variant.bytes, variant.width, variant.height).rgb(ALL, 64, 43);
        assert_near(&decoded.view.rgb(ALL, 64, 43), &seen, 3.0, &variant.name);
    }
}
