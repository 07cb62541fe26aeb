//! `cargo xtask bench ledger`: how fast both ledgers hand out and finish jobs while many wait.

use std::{
    fmt::Write as _,
    io::{Write as _, stdout},
};

use anyhow::{Context, Result, bail};

use crate::{
    figures::{self, number},
    run::{program, quiet, root},
    setup,
};

/// Runs the benchmark. `--million` adds a backlog of 1,000,000 jobs to that of 100,000, `--seconds N` (10) of each measurement,
/// `--write` records it in docs/performance.md.
///
/// # Errors
/// If something that it needs cannot be brought here, or a ledger fails.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (mut backlogs, mut seconds, mut write) = (vec!["100000"], 10, false);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--million" => backlogs.push("1000000"),
            "--write" => write = true,
            "--seconds" => {
                let text = words.next().context("--seconds needs a number")?;
                seconds = text.parse::<usize>().with_context(|| format!("--seconds: {text} is no number"))?.max(1);
            }
            other => bail!("bench ledger knows --million, --seconds N and --write, not {other}"),
        }
    }
    setup::for_bench_ledger()?;
    let build = ["build", "--release", "--package", "procession-vault", "--example", "ledger_rate"];
    quiet(&mut program("cargo", &build))?;
    let (mut lines, seconds) = (String::new(), seconds.to_string());
    for jobs in backlogs {
        for ledger in ["sqlite", "postgres"] {
            eprintln!("{ledger}, {jobs} jobs");
            let run =
                ["run", "--quiet", "--release", "--package", "procession-vault", "--example", "ledger_rate", "--"];
            lines += &quiet(program("cargo", &run).args([ledger, jobs, &seconds]))?;
        }
    }
    figures::keep("ledger", &lines.lines().map(str::to_owned).collect::<Vec<_>>())?;
    let text = table(&lines)?;
    stdout().write_all(text.as_bytes()).context("cannot print")?;
    if write {
        let how = format!("{seconds} s each");
        figures::record(&root().join("docs/performance.md"), "bench ledger", &how, &text)?;
    }
    Ok(())
}

/// In Markdown. Writing to a string cannot fail.
fn table(lines: &str) -> Result<String> {
    let mut text =
        "| ledger | jobs waiting | jobs/s claimed and completed | claim p50, p99, ms | batch completed p50, p99, ms | \
                    at a pace: jobs/s | claim p50, p99, ms | photos/s stored | MB: process, server |\n|---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for line in lines.lines() {
        let figure = |name| number(line, name);
        let name = if line.contains("\"sqlite\"") { "SQLite" } else { "PostgreSQL" };
        let _ = writeln!(
            text,
            "| {name} | {} | **{}** | {}, {} | {}, {} | {} | {}, {} | {} | {}, {} |",
            figure("jobs")?,
            figure("jobs_per_second")?,
            figure("claim_p50_ms")?,
            figure("claim_p99_ms")?,
            figure("complete_p50_ms")?,
            figure("complete_p99_ms")?,
            figure("paced_per_second")?,
            figure("paced_claim_p50_ms")?,
            figure("paced_claim_p99_ms")?,
            figure("enqueued_per_second")?,
            figure("megabytes")?,
            figure("server_megabytes")?,
        );
    }
    Ok(text)
}
