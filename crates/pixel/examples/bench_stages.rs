//! The stages of a photo's decoding, each alone on one thread.
//!
//! `bench_stages ROUNDS PHOTO...` prints one line of JSON: the means, over the photos, of the least time in milliseconds that
//! reading a photo's coefficients took, decoding it to planes, and making the cascade too.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its result is its output")]

use std::{fs, time::Instant};

use procession_pixel::{CpuDevice, Device, Extent, Limits, Source, probe, stages};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [rounds, photos @ ..] = arguments.as_slice() else {
        return Err("usage: bench_stages ROUNDS PHOTO...".into());
    };
    let rounds: usize = rounds.parse()?;
    let device = CpuDevice::new(1);
    let extent = Extent { long_edge: 2048, full: false };
    let mut sums = [0.0; 3];
    for photo in photos {
        let bytes = fs::read(photo)?;
        let probe = probe(&bytes, &Limits::default())?;
        let source = Source { bytes: bytes.into(), probe };
        let least = [
            least(rounds, || stages::coefficients(&source, extent)),
            least(rounds, || stages::planes(&source, extent).is_ok()),
            least(rounds, || device.decode(vec![(source.clone(), extent)]).remove(0).is_ok()),
        ];
        eprintln!("{photo}: coefficients {:.1} ms, planes {:.1} ms, cascade {:.1} ms", least[0], least[1], least[2]);
        for (sum, least) in sums.iter_mut().zip(least) {
            *sum += least;
        }
    }
    let mean = sums.map(|sum| sum / photos.len().max(1) as f64);
    println!("{{\"coefficients_ms\":{:.2},\"planes_ms\":{:.2},\"cascade_ms\":{:.2}}}", mean[0], mean[1], mean[2]);
    Ok(())
}

/// The least time of so many rounds, in milliseconds.
fn least(rounds: usize, work: impl Fn() -> bool) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..rounds {
        #[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
        let start = Instant::now();
        assert!(work());
        least = least.min(start.elapsed().as_secs_f64() * 1e3);
    }
    least
}
