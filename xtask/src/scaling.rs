//! `cargo xtask scaling`, also `npm run test:wedding-season-scaling`: ten times the workers in the peak season, once with real
//! processes and photos on this machine, and once simulated for a whole season in four regions.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context, Result, bail};

use crate::{
    figures::number,
    run::{program, root, show},
    setup,
};

/// Ten times what stands in winter.
const TIMES: u64 = 10;
/// `base_instances` of the scaler's policy, which the scenario does not change.
const BASE: u64 = 3;
const SCENARIO: &str = "peak_season";
const REGIONS: usize = 4;

/// Says what was seen, and that it succeeded only if it did. `--break` lets the scaler start nobody: then it must not.
///
/// # Errors
/// By how much it fell short; or what it needs cannot be brought here.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let frozen = match arguments {
        [] => false,
        [flag] if flag == "--break" => true,
        _ => bail!("scaling knows --break and nothing else"),
    };
    setup::for_tests()?;
    let folder = root().join("target/scaling");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove the last reports")?;
    }
    let mut short = Vec::new();
    local(&folder, frozen, &mut short)?;
    simulated(&folder, frozen, &mut short)?;
    eprintln!("The chart of the season: {}", folder.join("season/index.html").display());
    if !short.is_empty() {
        bail!("the auto-scaling fell short: {}", short.join("; "));
    }
    writeln!(io::stdout(), "Successful auto-scaling to {TIMES}x capacity during peak season").context("nobody reads")
}

/// Real processes: `tests/service/fleet.rs` in its full form.
fn local(folder: &Path, frozen: bool, short: &mut Vec<String>) -> Result<()> {
    eprintln!("A real queue of real photos, and a fleet on this machine that may grow from 1 to {TIMES} workers …");
    let test = "fleet::a_fleet_grows_with_its_queue_and_loses_nothing_when_it_shrinks";
    let mut tests = program("cargo", &["test", "--package", "procession", "--test", "service", "--", "--exact", test]);
    tests.env("PROCESSION_SCALING", if frozen { "frozen" } else { "full" });
    let outcome = show(&mut tests);
    let report = fs::read_to_string(folder.join("local.json"));
    let report = match (report, &outcome) {
        (Ok(report), _) => report,
        (Err(_), Err(why)) => {
            short.push(format!("the local fleet did not get to its end: {why:#}"));
            return Ok(());
        }
        (Err(missing), Ok(())) => return Err(missing).context("the local fleet left no report"),
    };
    let figure = |name: &str| number(&report, name).map(|figure| figure as u64);
    let (photos, done) = (figure("photos")?, figure("done")?);
    let (most, leases, seconds) = (figure("most_workers")?, figure("lost_leases")?, figure("back_after_seconds")?);
    eprintln!(
        "\n| on this machine | seen |\n|---|---|\n| workers, from 1 up to | {most} |\n| photos, finished | {photos}, {done} |\n\
         | leases lost | {leases} |\n| seconds until the fleet was back at 1 | {seconds} |\n"
    );
    if most < TIMES {
        short.push(format!("the local fleet had {most} workers and not {TIMES}"));
    }
    if done < photos || leases > 0 {
        short.push(format!("{} photos are not finished, {leases} leases were lost", photos - done));
    }
    if outcome.is_err() && short.is_empty() {
        short.push("the test of the local fleet failed".to_owned());
    }
    Ok(())
}

/// A season in four regions, by the same decisions.
fn simulated(folder: &Path, frozen: bool, short: &mut Vec<String>) -> Result<()> {
    eprintln!("May to September in four regions, simulated …");
    let season = folder.join("season");
    fs::create_dir_all(&season).context("cannot make the folder of the report")?;
    let mut scenario = fs::read_to_string(root().join(format!("scenarios/{SCENARIO}.toml"))).context("no scenario")?;
    if frozen {
        // What the calendar keeps standing on a Saturday, and nothing beyond. With less the backlog would grow all summer.
        scenario += &format!("\n[scale]\nbase_instances = {BASE}\nmost_instances_in_region = {}\n", 8 * BASE);
    }
    let file = season.join("scenario.toml");
    fs::write(&file, scenario).context("cannot write the scenario")?;
    let mut simulate = program("cargo", &["run", "--release", "--quiet", "--package", "procession", "--", "simulate"]);
    show(simulate.arg(&file).arg("--out").arg(&season))?;
    let report = fs::read_to_string(season.join("report.txt")).context("the simulation left no report")?;
    // policy, in time, missed, worst late, hours, of work, of calendar, starts, and the peak of each region.
    let row = report.lines().find(|line| line.starts_with("procession ")).context("no row of procession")?;
    let words: Vec<&str> = row.split_whitespace().collect();
    let (missed, peaks) = (words.get(2).context("no missed galleries")?, words.get(words.len() - REGIONS..));
    let peaks: Vec<u64> = peaks.unwrap_or_default().iter().filter_map(|word| word.parse().ok()).collect();
    if peaks.len() != REGIONS || peaks.iter().any(|peak| *peak < TIMES * BASE) {
        short.push(format!("the regions' fleets peaked at {peaks:?}, and {TIMES} times the base is {}", TIMES * BASE));
    }
    if *missed != "0" {
        short.push(format!("{missed} galleries of the season were late"));
    }
    Ok(())
}
