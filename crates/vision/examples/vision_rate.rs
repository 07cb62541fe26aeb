//! How long the models look at a photo on this machine, in processor time.
//!
//! `cargo run --release -p procession-vision --example vision_rate ROUNDS PHOTO…`. Decoding is not in the time. Prints a line of
//! JSON for each thing that pipelines ask. `cargo xtask bench vision` runs it.
#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::{error::Error, path::PathBuf};

use procession_pixel::{CpuDevice, Device, Extent, Limits, Source, View, probe};
use procession_vision::{Ask, Cache, Vision};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const NOTHING: Ask = Ask { faces: false, expressions: false, embeddings: false, scene: false };

/// What is asked, as the pipelines ask it: basic, moments, comprehensive, and this with consent.
const ASKS: [(&str, Ask); 5] = [
    ("sharpness", NOTHING),
    ("faces", Ask { faces: true, ..NOTHING }),
    ("faces, scene", Ask { faces: true, scene: true, ..NOTHING }),
    ("faces, scene, expressions", Ask { faces: true, scene: true, expressions: true, ..NOTHING }),
    ("faces, scene, expressions, guests", Ask { faces: true, scene: true, expressions: true, embeddings: true }),
];

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let rounds = arguments.next().ok_or("say: ROUNDS PHOTO…")?.parse::<usize>()?;
    let photos: Vec<View> = arguments.map(|path| view(&path.into())).collect::<Outcome<_>>()?;
    // On the thread that asks: what it had of the processor is then what looking took.
    let vision = Vision::load(&Cache::new(Cache::default_dir()), 1)?;
    for (name, ask) in ASKS {
        analyze(&vision, &photos, ask)?;
        let (mut times, mut faces) = (Vec::new(), 0);
        for _ in 0..rounds {
            let seen = analyze(&vision, &photos, ask)?;
            faces = seen.iter().map(|(faces, _)| faces).sum();
            times.extend(seen.into_iter().map(|(_, time)| time));
        }
        times.sort_by(f64::total_cmp);
        let at = |part: f64| times.get((times.len().saturating_sub(1) as f64 * part) as usize).copied().unwrap_or(0.0);
        let mean = times.iter().sum::<f64>() / times.len().max(1) as f64;
        println!(
            "{{\"ask\":\"{name}\",\"photos\":{},\"faces\":{faces},\"mean_ms\":{mean:.1},\"p50_ms\":{:.1},\"p95_ms\":{:.1},\"max_ms\":{:.1}}}",
            photos.len(),
            at(0.5),
            at(0.95),
            at(1.0)
        );
    }
    Ok(())
}

fn view(path: &PathBuf) -> Outcome<View> {
    let bytes: bytes::Bytes = std::fs::read(path)?.into();
    let probe = probe(&bytes, &Limits::default())?;
    let extent = Extent { long_edge: 2048, full: false };
    let decoded = CpuDevice::new(1).decode(vec![(Source { bytes, probe }, extent)]).pop();
    Ok(decoded.ok_or("the device returned nothing")??.view)
}

/// What this thread has had of the processor, in milliseconds: what else the machine does is not in it.
fn processor_ms() -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: u64 = text.split_whitespace().next().ok_or("no time in schedstat")?.parse()?;
    Ok(nanoseconds as f64 / 1e6)
}

/// Of each photo, how many faces were found and the processor milliseconds that it took.
fn analyze(vision: &Vision, photos: &[View], ask: Ask) -> Outcome<Vec<(usize, f64)>> {
    let timed = |view: &View| {
        let start = processor_ms()?;
        // As a photo's job asks: faces first, then what the pipeline that they chose wants besides.
        let seen = vision.analyze(view, Ask { faces: ask.faces, ..NOTHING })?;
        let seen = vision.look_closer(view, seen, ask)?;
        Ok((seen.faces.map_or(0, |faces| faces.len()), processor_ms()? - start))
    };
    photos.iter().map(timed).collect()
}
