//! `cargo xtask test`: everything that must hold, each step with its outcome and its time.

use std::{path::PathBuf, process::Command};

use anyhow::{Result, bail};

use crate::{
    bench_pixel, check,
    run::{files_below, find, program, root, show},
    setup,
    steps::{Step, run_steps},
};

/// Where tests of pages in a browser live.
const BROWSER_TESTS: &str = "crates/web/tests/browser";

/// In this order: what is quick first, and the tests before clippy, which builds everything its own way.
const STEPS: [Step; 10] = [
    Step { name: "set-up", work: setup::for_tests, is_needed: true },
    Step { name: "formatting", work: check::formatting, is_needed: false },
    Step { name: "layers, files, documents", work: check::structure, is_needed: false },
    Step { name: "deployment", work: check::deployment, is_needed: false },
    Step { name: "build", work: build, is_needed: true },
    Step { name: "models", work: models, is_needed: true },
    Step { name: "tests", work: tests, is_needed: false },
    Step { name: "pages in the browser", work: pages, is_needed: false },
    Step { name: "pictures beside sharp", work: bench_pixel::pictures, is_needed: false },
    Step { name: "clippy", work: check::clippy, is_needed: false },
];

/// Sets everything up and runs every step.
pub(crate) fn run() -> Result<()> {
    run_steps(&STEPS)
}

fn build() -> Result<()> {
    show(&mut program("cargo", &["test", "--workspace", "--no-run"]))
}

fn models() -> Result<()> {
    setup::models("debug")
}

fn tests() -> Result<()> {
    if find("cargo-nextest").is_some() {
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
    if let (None, Some(browser)) = (std::env::var_os("CHROMIUM"), find("chromium")) {
        command.env("CHROMIUM", browser);
    }
    show(&mut strict(command))
}

/// A test that lacks what it needs fails; it never passes by being skipped.
fn strict(mut command: Command) -> Command {
    command.env("PROCESSION_REQUIRE_ALL", "1");
    command
}
