//! How long the models look at a photo on this machine, one photo at a time, and with two at the same time.
//!
//! `cargo run --release -p procession-vision --example vision_rate THREADS ROUNDS PHOTO…`. Decoding is not in the time. Prints one line
//! of JSON. `cargo xtask bench vision` runs it.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench prints, and reads the machine's clock")]

use std::{error::Error, path::PathBuf, sync::Arc, thread, time::Instant};

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
    let mut count = |what| arguments.next().ok_or(what).map(|text| text.parse::<usize>());
    let (threads, rounds) = (count("say: THREADS ROUNDS PHOTO…")??, count("say: THREADS ROUNDS PHOTO…")??);
    let photos: Vec<View> = arguments.map(|path| view(&path.into())).collect::<Outcome<_>>()?;
    let vision = Arc::new(Vision::load(&Cache::new(Cache::default_dir()), threads)?);
    let mut asks = Vec::new();
    for (name, ask) in ASKS {
        analyze(&vision, &photos, ask)?;
        let mut times = Vec::new();
        for _ in 0..rounds {
            times.extend(analyze(&vision, &photos, ask)?);
        }
        times.sort_by(f64::total_cmp);
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        let both = together(&vision, &photos, ask, rounds)?;
        asks.push(format!(
            "{{\"ask\":\"{name}\",\"mean_ms\":{mean:.2},\"p50_ms\":{:.2},\"p95_ms\":{:.2},\"max_ms\":{:.2},\"two_at_once_mean_ms\":{both:.2}}}",
            at(0.5),
            at(0.95),
            at(1.0)
        ));
    }
    let faces = |view: &View| Ok(vision.analyze(view, ASKS[1].1)?.faces.map_or(0, |faces| faces.len()));
    let faces: Vec<usize> = photos.iter().map(faces).collect::<Outcome<_>>()?;
    println!(
        "{{\"threads\":{threads},\"photos\":{},\"faces\":{},\"asks\":[{}]}}",
        photos.len(),
        faces.iter().sum::<usize>(),
        asks.join(",")
    );
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

/// The processor milliseconds of each photo.
fn analyze(vision: &Vision, photos: &[View], ask: Ask) -> Outcome<Vec<f64>> {
    let timed = |view: &View| {
        let start = processor_ms()?;
        let seen = vision.analyze(view, ask)?;
        vision.look_closer(view, seen, ask)?;
        Ok(processor_ms()? - start)
    };
    photos.iter().map(timed).collect()
}

/// The mean milliseconds a photo takes where two threads have all photos each.
fn together(vision: &Arc<Vision>, photos: &[View], ask: Ask, rounds: usize) -> Outcome<f64> {
    let start = Instant::now();
    let work = || -> Outcome<()> { (0..rounds).try_for_each(|_| analyze(vision, photos, ask).map(drop)) };
    thread::scope(|scope| -> Outcome<()> {
        let other = scope.spawn(work);
        work()?;
        other.join().map_err(|_| "a thread panicked")?
    })?;
    Ok(start.elapsed().as_secs_f64() * 1e3 / (2 * rounds * photos.len()) as f64)
}
