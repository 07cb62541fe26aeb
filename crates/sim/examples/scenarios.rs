//! Simulates the scenarios that are named, or are in files, and says how long each part took.
//!
//! `cargo run --release -p procession-sim --example scenarios june_saturday year`
#![allow(clippy::print_stdout, reason = "a bench prints")]
#![allow(clippy::disallowed_methods, reason = "a bench reads the machine's clock")]

use std::time::Instant;

use procession_sim::{Scenario, simulate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for name in std::env::args().skip(1) {
        let begun = Instant::now();
        let scenario = match name.ends_with(".toml") {
            true => Scenario::read(&std::fs::read_to_string(&name)?)?,
            false => Scenario::shipped(&name)?,
        };
        let report = simulate(&scenario)?;
        println!("{}\n{name}: {:.1} s", report.text(), begun.elapsed().as_secs_f64());
    }
    Ok(())
}
