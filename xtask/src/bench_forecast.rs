//! `cargo xtask bench forecast`: how wrong the forecast is, beside statsforecast on the same series.

use std::{
    fmt::Write as _,
    fs,
    io::{Write as _, stdout},
};

use anyhow::{Context, Result, bail};

use crate::{
    figures::{self, number},
    run::{program, quiet, root},
    setup,
};

const FOLDER: &str = "target/bench/forecast";

/// Runs the benchmark. `--weeks N` (26) are forecast again, `--arima` asks AutoARIMA too, `--write` records it in docs/forecast.md.
///
/// # Errors
/// If something that it needs cannot be brought here, or a forecast fails.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (mut weeks, mut arima, mut write) = (26, false, false);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--arima" => arima = true,
            "--write" => write = true,
            "--weeks" => {
                let text = words.next().context("--weeks needs a number")?;
                weeks = text.parse::<usize>().with_context(|| format!("--weeks: {text} is no number"))?.max(1);
            }
            other => bail!("bench forecast knows --weeks N, --arima and --write, not {other}"),
        }
    }
    let packages = setup::for_bench_forecast()?;
    let weeks = weeks.to_string();
    let folder = root().join(FOLDER);
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove the old series")?;
    }
    eprintln!("Procession, each series");
    let example = ["run", "--quiet", "--release", "--package", "procession-sim", "--example", "forecast_rate", "--"];
    let ours = quiet(program("cargo", &example).args([FOLDER, &weeks]))?;
    eprintln!("statsforecast, each series");
    let mut compare = program("python3", &["xtask/bench/forecast/compare.py", FOLDER, &weeks]);
    compare.env("PYTHONPATH", packages).env("PYTHONDONTWRITEBYTECODE", "1").args(arima.then_some("--arima"));
    let all = quiet(&mut compare)?;
    fs::write(folder.join("ours.json"), &ours).context("cannot write ours.json")?;
    fs::write(folder.join("all.json"), &all).context("cannot write all.json")?;
    let text = format!("{}\n{}", beside(&all)?, by_hours(&ours)?);
    stdout().write_all(text.as_bytes()).context("cannot print")?;
    if write {
        let how = format!("the last {weeks} weeks of each series");
        figures::record(&root().join("docs/forecast.md"), "bench forecast", &how, &text)?;
    }
    Ok(())
}

/// By days, in Markdown: a row for each model, a column for each series. Writing to a string cannot fail.
fn beside(lines: &str) -> Result<String> {
    let (mut series, mut models) = (Vec::new(), Vec::new());
    for line in lines.lines() {
        push_new(&mut series, figures::text(line, "series")?);
        push_new(&mut models, figures::text(line, "model")?);
    }
    let mut text = format!("| by days: WAPE, % / pinball, % of the mean | {} |\n|---|", series.join(" | "));
    text += &"---|".repeat(series.len());
    text.push('\n');
    for model in &models {
        let _ = write!(text, "| {model} |");
        for name in &series {
            let is_it = |line: &&str| {
                figures::text(line, "series").is_ok_and(|of| of == *name)
                    && figures::text(line, "model").is_ok_and(|of| of == *model)
            };
            let line = lines.lines().find(is_it).with_context(|| format!("no {model} for {name}"))?;
            let (error, pinball) = (100.0 * number(line, "daily_error")?, 100.0 * number(line, "pinball")?);
            let pinball = if pinball < 0.0 { "–".to_owned() } else { format!("{pinball:.2}") };
            let _ = write!(text, " {error:.1} / {pinball} |");
        }
        text.push('\n');
    }
    Ok(text)
}

/// By hours, in Markdown: Procession's own models.
fn by_hours(lines: &str) -> Result<String> {
    let mut text =
        "| series | chosen most | WAPE by hours, % | pinball by hours, % of the mean | hours at or below p90, % | \
                    one forecast, ms | WAPE by days of each model, % |\n|---|---|---|---|---|---|---|\n"
            .to_owned();
    let is_chosen = |line: &&str| figures::text(line, "model").is_ok_and(|of| of == "chosen");
    for line in lines.lines().filter(is_chosen) {
        let series = figures::text(line, "series")?;
        let others = lines
            .lines()
            .filter(|other| !is_chosen(other) && figures::text(other, "series").is_ok_and(|of| of == series));
        let told: Result<Vec<String>> = others
            .map(|line| Ok(format!("{} {:.1}", figures::text(line, "model")?, 100.0 * number(line, "daily_error")?)))
            .collect();
        let _ = writeln!(
            text,
            "| {series} | {} | {:.1} | {:.1} | {:.1} | {:.0} | {} |",
            figures::text(line, "chose")?,
            100.0 * number(line, "hourly_error")?,
            100.0 * number(line, "pinball")?,
            100.0 * number(line, "coverage")?,
            1_000.0 * number(line, "seconds")?,
            told?.join(", "),
        );
    }
    Ok(text)
}

fn push_new(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_stand_below_each_other_and_series_beside() {
        let line = |series, model, error: f64, pinball: f64| {
            format!("{{\"series\":\"{series}\",\"model\":\"{model}\",\"daily_error\":{error},\"pinball\":{pinball}}}\n")
        };
        let lines = line("a", "x", 0.25, 0.07)
            + &line("a", "y", 0.5, -1.0)
            + &line("b", "x", 0.1, 0.02)
            + &line("b", "y", 0.2, 0.03);
        let table = beside(&lines).unwrap();
        assert!(table.ends_with("| x | 25.0 / 7.00 | 10.0 / 2.00 |\n| y | 50.0 / – | 20.0 / 3.00 |\n"), "{table}");
        assert!(beside(&lines.replace("\"b\",\"model\":\"y\"", "\"b\",\"model\":\"z\"")).is_err());
    }
}
