//! `kill -9` at any moment, and the same command again.

use std::{
    collections::BTreeSet,
    os::unix::process::ExitStatusExt as _,
    process::Stdio,
    time::{Duration, Instant, SystemTime},
};

use crate::bench::{Bench, assert_exit, files_below};

const PHOTOS: usize = 24;
const KILLS: u32 = 20;

/// A small generator, so that a seed tells the whole story (Steele, Lea and Flood: SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}

/// Kills runs over one gallery at twenty random moments. The moments are drawn from the length of a whole run, and a kill
/// counts only if the process was still there; whatever the machine's speed, what is asserted afterwards must hold.
#[test]
#[allow(clippy::disallowed_methods, reason = "moments of a kill are drawn from real time")]
fn a_gallery_survives_twenty_kills() {
    let seed = std::env::var("PROCESSION_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64);
    println!("PROCESSION_TEST_SEED={seed}");
    let mut random = Random(seed);
    let whole = whole_run();
    let bench = Bench::new();
    let originals = bench.fill_card(PHOTOS);
    let (mut kills, mut rounds) = (0, 0);
    while kills < KILLS {
        rounds += 1;
        assert!(rounds < 40 * KILLS, "the runs end before they can be killed");
        let mut child = bench.process(&["--quiet"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The first runs die early in the gallery, the later ones in its finish.
        std::thread::sleep(Duration::from_micros(random.below(whole.as_micros() as u64 / 3)));
        child.kill().unwrap();
        if child.wait().unwrap().signal() == Some(9) {
            kills += 1;
        }
    }
    assert_exit(&bench.process(&["--quiet"]).output().unwrap(), 0);
    bench.assert_complete(&originals);
    let variants = files_below(&bench.path("data/store/variants"));
    let made: usize = bench.album().photos.iter().map(|photo| photo.files.len()).sum();
    assert_eq!(variants.len(), made, "every variant is in the vault exactly once");
    assert_exit(&bench.procession().args(["vault", "verify"]).output().unwrap(), 0);
}

/// How long one uninterrupted run takes here.
#[allow(clippy::disallowed_methods, reason = "moments of a kill are drawn from real time")]
fn whole_run() -> Duration {
    let bench = Bench::new();
    bench.fill_card(PHOTOS);
    let start = Instant::now();
    assert_exit(&bench.process(&["--quiet"]).output().unwrap(), 0);
    start.elapsed()
}

#[test]
fn a_second_run_changes_nothing() {
    let bench = Bench::new();
    let originals = bench.fill_card(3);
    assert_exit(&bench.process(&["--quiet"]).output().unwrap(), 0);
    let files = |bench: &Bench| -> BTreeSet<(String, SystemTime)> {
        let at = |name: &str| std::fs::metadata(bench.path("out").join(name)).unwrap().modified().unwrap();
        let names = files_below(&bench.path("out"));
        names.into_iter().filter(|name| name.contains('/')).map(|name| (name.clone(), at(&name))).collect()
    };
    let before = files(&bench);
    assert_exit(&bench.process(&["--quiet"]).output().unwrap(), 0);
    assert_eq!(files(&bench), before, "finished variants are left alone");
    bench.assert_complete(&originals);
}
