//! Steps of which each is told with its outcome and its time.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// One thing that must hold.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) work: fn() -> Result<()>,
    /// Without it the steps behind it say nothing.
    pub(crate) is_needed: bool,
}

/// Runs all steps, also after one has failed, unless that one is needed by the others; sums up at the end.
///
/// # Errors
/// When any step failed; names them all.
pub(crate) fn run_steps(steps: &[Step]) -> Result<()> {
    let mut results: Vec<(&Step, Duration, bool)> = Vec::new();
    for step in steps {
        eprintln!("== {}", step.name);
        let (result, time) = timed(step.work);
        if let Err(error) = &result {
            eprintln!("{}: {error:#}", step.name);
        }
        results.push((step, time, result.is_ok()));
        if result.is_err() && step.is_needed {
            break;
        }
    }
    eprintln!();
    for (step, time, is_ok) in &results {
        let outcome = if *is_ok { "ok" } else { "FAILED" };
        eprintln!("{:<26} {outcome:<7} {:>6.1} s", step.name, time.as_secs_f64());
    }
    let skipped = steps.len() - results.len();
    if skipped > 0 {
        eprintln!("{skipped} step(s) were not run");
    }
    let failed: Vec<&str> = results.iter().filter(|(.., is_ok)| !is_ok).map(|(step, ..)| step.name).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join("; "));
    }
    eprintln!("All {} steps passed.", results.len());
    Ok(())
}

/// What work came to, and how long it took.
#[allow(clippy::disallowed_methods, reason = "the developer's stopwatch; nothing is decided by it")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}
