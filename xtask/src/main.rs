//! The developer's commands. Built with the standard library and `anyhow` only, so that it is there within seconds on a
//! machine that has nothing else yet.

mod bench_forecast;
mod bench_gallery;
mod bench_instructions;
mod bench_ledger;
mod bench_pixel;
mod bench_serve;
mod bench_simulation;
mod bench_transfer;
mod bench_vision;
mod cards;
mod chaos;
mod check;
mod demo;
mod drill;
mod figures;
mod load_test;
mod plot;
mod run;
mod scaling;
mod servers;
mod setup;
mod steps;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
The developer's commands of Procession.

  cargo xtask demo         sets everything up, processes a gallery of real photos, says where to look
  cargo xtask test         sets everything up, passes all the tests
  cargo xtask check        formatting, clippy, layers, files, documents, deployment; `check deployment` that alone
  cargo xtask setup        only what demo and test do first
  cargo xtask bench pixel  measures the pixel path beside sharp (--rounds N, --write)
  cargo xtask pictures     fails if pictures of real photos are worse than sharp's (as `test` does)
  cargo xtask bench instructions  counts the instructions of the pixel path, fails if they are 3% more (--write)
  cargo xtask bench vision measures what looking at a photo takes (--rounds N, --write)
  cargo xtask bench ledger measures both ledgers with 100,000 jobs (--million, --seconds N, --write)
  cargo xtask bench forecast rates the forecast beside statsforecast (--weeks N, --arima, --write)
  cargo xtask drill        breaks a real deployment and measures how it goes on (--write)
  cargo xtask chaos        breaks it at random (--seed N, --minutes M, --photos N, --galleries N, --break, --write)
  cargo xtask scaling      grows fleets to ten times their size, really and in a simulated season (--break)
  cargo xtask load-test    measures a loaded deployment beside the targets (--help: its options)
  cargo xtask bench serve  measures delivery and uploads beside nginx (--rounds N, --seconds N, --write)
  cargo xtask bench transfer  measures how photos travel, beside nginx and what the machine can (--rounds N, --write)
  cargo xtask bench gallery  measures whole galleries from card to page beside sharp (--rounds N, --ten-thousand, --write)
  cargo xtask bench simulation  does a few galleries really and simulated, and compares (--break, --write)
  cargo xtask photos       only makes the demo's folder of photos, and says where
  cargo xtask credits      prints the table of the demo gallery's photos

Exit codes: 0 all good, 1 something failed, 2 no such command.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["demo"] => demo::run(),
        ["test"] => test::run(),
        ["check"] => check::run(),
        ["check", "deployment"] => check::deployment(),
        ["setup"] => setup::run(),
        ["bench", "pixel", ..] => bench_pixel::run(&arguments[2..]),
        ["pictures"] => setup::for_bench().and_then(|()| bench_pixel::pictures()),
        ["bench", "forecast", ..] => bench_forecast::run(&arguments[2..]),
        ["bench", "instructions", ..] => bench_instructions::run(&arguments[2..]),
        ["bench", "ledger", ..] => bench_ledger::run(&arguments[2..]),
        ["chaos", ..] => chaos::run(&arguments[1..]),
        ["scaling", ..] => scaling::run(&arguments[1..]),
        ["load-test", ..] => load_test::run(&arguments[1..]),
        ["drill", ..] => drill::run(&arguments[1..]),
        ["bench", "serve", ..] => bench_serve::run(&arguments[2..]),
        ["bench", "transfer", ..] => bench_transfer::run(&arguments[2..]),
        ["bench", "gallery", ..] => bench_gallery::run(&arguments[2..]),
        ["bench", "simulation", ..] => bench_simulation::run(&arguments[2..]),
        ["bench", "vision", ..] => bench_vision::run(&arguments[2..]),
        ["photos"] => demo::photos(),
        ["credits"] => demo::print_credits(),
        ["help" | "--help" | "-h"] => {
            eprintln!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
