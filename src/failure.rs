//! The edge, where a failure is told: once, with everything that caused it.

use std::process::ExitCode;

use serde_json::json;

use crate::commands::print;

/// Could not run, or was used wrongly.
const COULD_NOT_RUN: u8 = 2;

/// Tells why nothing came of it. Whoever reads JSON gets the failure there too.
#[expect(clippy::print_stderr, reason = "the one place that tells failures to people")]
pub(crate) fn tell(error: &anyhow::Error, json: bool) -> ExitCode {
    if is_closed_pipe(error) {
        // Whoever reads has read enough: `procession gallery list | head`.
        return ExitCode::SUCCESS;
    }
    if json {
        // If standard output is gone, standard error has the failure.
        drop(print(&json!({ "event": "failed", "message": format!("{error:#}") })));
    }
    let mut lines = error.chain().map(ToString::to_string);
    eprintln!("procession: {}", lines.next().unwrap_or_default());
    lines.for_each(|line| eprintln!("  because: {line}"));
    ExitCode::from(COULD_NOT_RUN)
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
