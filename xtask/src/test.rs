//! `cargo xtask test`: everything that must hold, each step with its outcome and its time.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, bail};

use crate::{
    check,
    run::{files_below, is_installed, program, root, show, timed},
    setup,
};

/// Where tests of pages in a browser live.
const BROWSER_TESTS: &str = "crates/web/tests/browser";

type Step = (&'static str, fn() -> Result<()>);

/// In this order: what is quick first, and the tests' build before clippy's, so that a failing test is known soon.
const STEPS: [Step; 7] = [
    ("formatting", check::formatting),
    ("layers, files, documents", check::structure),
    ("build", build),
    ("models", models),
    ("tests", tests),
    ("pages in the browser", pages),
    ("clippy", check::clippy),
];

/// Sets everything up and runs every step, also after one has failed.
pub(crate) fn run() -> Result<()> {
    let (ready, time) = timed(setup::for_tests);
    ready?;
    let mut results = vec![("set-up", Ok(()), time)];
    for (name, step) in STEPS {
        eprintln!("\n== {name}");
        let (result, time) = timed(step);
        if let Err(error) = &result {
            eprintln!("{name}: {error:#}");
        }
        let is_fatal = result.is_err() && name == "build";
        results.push((name, result, time));
        if is_fatal {
            break;
        }
    }
    summarise(&results)
}

fn summarise(results: &[(&str, Result<()>, Duration)]) -> Result<()> {
    eprintln!();
    for (name, result, time) in results {
        let outcome = if result.is_ok() { "ok" } else { "FAILED" };
        eprintln!("{name:<26} {outcome:<7} {:>6.1} s", time.as_secs_f64());
    }
    let failed: Vec<&str> = results.iter().filter(|(_, result, _)| result.is_err()).map(|(name, ..)| *name).collect();
    if failed.is_empty() {
        eprintln!("All {} steps passed.", results.len());
        return Ok(());
    }
    bail!("failed: {}", failed.join(", "))
}

fn build() -> Result<()> {
    show(&mut program("cargo", &["test", "--workspace", "--no-run", "--quiet"]))
}

fn models() -> Result<()> {
    setup::models(Path::new("target/debug/procession"))
}

fn tests() -> Result<()> {
    if is_installed("cargo-nextest") {
        show(&mut strict(program("cargo", &["nextest", "run", "--workspace", "--no-fail-fast"])))?;
        return show(&mut strict(program("cargo", &["test", "--workspace", "--doc", "--quiet"])));
    }
    // To build the runner would take longer than all the tests.
    eprintln!("cargo-nextest is not here; `cargo test` runs the same tests");
    show(&mut strict(program("cargo", &["test", "--workspace", "--no-fail-fast"])))
}

fn pages() -> Result<()> {
    let tests: Vec<PathBuf> = files_below(&root().join(BROWSER_TESTS))?;
    let tests = tests.iter().filter(|path| path.to_string_lossy().ends_with(".test.mjs"));
    let mut command = program("node", &["--test"]);
    command.args(tests);
    if command.get_args().count() == 1 {
        bail!("{BROWSER_TESTS} has no test");
    }
    show(&mut strict(command))
}

/// A test that lacks what it needs fails; it never passes by being skipped.
fn strict(mut command: Command) -> Command {
    command.env("PROCESSION_REQUIRE_ALL", "1");
    command
}
