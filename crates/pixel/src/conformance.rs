//! What every [`Device`] guarantees, as a suite that runs against each of them.

use procession_domain::{
    capture::Capture,
    photo::Format,
    recipe::{Encoding, Fit, MetadataPolicy, OutputColour, OutputFormat, Recipe, VariantSpec},
};

use crate::{
    ColourProfile, Device, Extent, Orientation, Plan, Probe, Rendered, Source,
    encode::{self, Notes},
    frame::{Chroma, Raster},
    ycc,
};

/// Runs the suite.
///
/// # Panics
/// If the device breaks a guarantee; the message says which.
pub fn check(device: &dyn Device) {
    let info = device.info();
    assert!(info.lanes >= 1 && info.batch >= 1, "{info:?} takes no photos");
    results_come_in_order_and_apart(device);
    equal_input_gives_equal_output(device);
    sizes_are_those_of_the_plan(device);
    the_footprint_covers_what_is_certain(device);
}

/// Each photo's outcome: its files, or why there are none.
type Outcome = Result<Vec<Rendered>, String>;

fn results_come_in_order_and_apart(device: &dyn Device) {
    let mut cut = photo(300, 200, 3);
    cut.bytes = cut.bytes.slice(..cut.bytes.len() / 2);
    let batch = vec![photo(320, 240, 1), cut, photo(200, 300, 2), photo(64, 48, 6)];
    let alone: Vec<Outcome> = batch.iter().flat_map(|source| process(device, vec![source.clone()])).collect();
    assert!(alone[1].is_err(), "a photo that is cut off was decoded");
    assert!([0, 2, 3].iter().all(|&index| alone[index].is_ok()), "a good photo failed: {alone:?}");
    assert_eq!(process(device, batch), alone, "a batch gives something else than its photos one by one");
}

fn equal_input_gives_equal_output(device: &dyn Device) {
    let first = process(device, vec![photo(333, 217, 5)]);
    // Other work between, which leaves other things behind in whatever is reused.
    let _ = process(device, vec![photo(640, 480, 8)]);
    assert_eq!(process(device, vec![photo(333, 217, 5)]), first, "the same photo gives different bytes");
}

fn sizes_are_those_of_the_plan(device: &dyn Device) {
    for orientation in [1, 6] {
        let source = Source { probe: turned(photo(401, 299, 7).probe, orientation), ..photo(401, 299, 7) };
        let upright = source.probe.upright();
        let files = process(device, vec![source]).remove(0).unwrap_or_default();
        let sizes: Vec<_> = files.iter().map(|file| (file.name.as_str(), file.width, file.height)).collect();
        let small = crate::cascade::fit(upright, 128);
        assert_eq!(sizes, [("full", upright.0, upright.1), ("small", small.0, small.1), ("square", 64, 64)]);
    }
}

fn the_footprint_covers_what_is_certain(device: &dyn Device) {
    let probe = Probe { width: 11_600, height: 8_700, image: 0..40_000_000, ..photo(64, 48, 1).probe };
    let part = device.footprint(&probe, Extent { long_edge: 2048, full: false });
    let full = device.footprint(&probe, Extent { long_edge: 2048, full: true });
    let least = 40_000_000 + 11_600 * 8_700 * 3 / 2;
    assert!(part > 40_000_000, "a footprint of {part} does not even hold the photo's bytes");
    assert!(full >= part && full > least, "a footprint of {full} does not hold the photo's pixels, {least}");
}

fn turned(probe: Probe, orientation: u32) -> Probe {
    Probe { orientation: Orientation::from_exif(orientation), ..probe }
}

fn process(device: &dyn Device, batch: Vec<Source>) -> Vec<Outcome> {
    let recipe = recipe();
    let probes: Vec<Probe> = batch.iter().map(|source| source.probe.clone()).collect();
    let extent = Plan::extent(&recipe);
    let decoded = device.decode(batch.into_iter().map(|source| (source, extent)).collect());
    assert_eq!(decoded.len(), probes.len(), "a photo has no result");
    let mut outcomes = Vec::new();
    let mut rest = Vec::new();
    for (index, (result, probe)) in decoded.into_iter().zip(probes).enumerate() {
        let planned = result.and_then(|decoded| {
            assert!(!decoded.thumbhash.is_empty(), "a photo has no placeholder");
            assert_eq!(decoded.view.photo_size(), probe.upright(), "the view has another size than the photo");
            Ok((decoded, Plan::new(&recipe, &probe, &[])?))
        });
        match planned {
            Ok(pair) => rest.push((index, pair)),
            Err(error) => outcomes.push((index, Err(error.to_string()))),
        }
    }
    let (places, pairs): (Vec<usize>, Vec<_>) = rest.into_iter().unzip();
    let rendered = device.render(pairs);
    assert_eq!(rendered.len(), places.len(), "a plan has no result");
    outcomes
        .extend(places.into_iter().zip(rendered.into_iter().map(|result| result.map_err(|error| error.to_string()))));
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

fn recipe() -> Recipe {
    let spec = |name: &str, fit| VariantSpec {
        name: name.to_owned(),
        fit,
        formats: vec![Encoding { format: OutputFormat::Jpeg, quality: 85, full_chroma: false }],
        sharpen: 0.4,
    };
    let square = Fit::Crop { width: 1, height: 1, long_edge: 64 };
    let variants = vec![spec("full", Fit::Full), spec("small", Fit::LongEdge(128)), spec("square", square)];
    Recipe { colour: OutputColour::Srgb, metadata: MetadataPolicy::Strip, variants }
}

/// A JPEG with detail everywhere, another for each seed.
fn photo(width: usize, height: usize, seed: usize) -> Source {
    let rgb = (0..width * height * 3).map(|i| ((i * i / 11) ^ (i * seed * 13)) as u8 / 2 + (i / width) as u8 / 4);
    let raster = Raster { width, height, rgb: rgb.collect() };
    let notes = Notes { colour: OutputColour::Srgb, exif: &[] };
    let bytes = encode::jpeg::jpeg(&ycc::from_raster(&raster), Chroma::Full, 90, notes).unwrap_or_default();
    let probe = Probe {
        format: Format::Jpeg,
        width: width as u32,
        height: height as u32,
        orientation: Orientation::UPRIGHT,
        colour: ColourProfile::Srgb,
        capture: Capture::default(),
        single_scan: true,
        image: 0..bytes.len(),
    };
    Source { bytes: bytes.into(), probe }
}
