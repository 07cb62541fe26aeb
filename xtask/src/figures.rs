//! Figures of benchmarks: read, summed up, and recorded with where they come from.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::run::{program, quiet, root};

/// A number in flat JSON.
pub(crate) fn number(line: &str, name: &str) -> Result<f64> {
    let after = line.split(&format!("\"{name}\":")).nth(1).with_context(|| format!("no {name} in {line:?}"))?;
    let digits: String = after.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '-')).collect();
    digits.parse().with_context(|| format!("{name} is no number in {line:?}"))
}

/// A text without quotes in flat JSON.
pub(crate) fn text(line: &str, name: &str) -> Result<String> {
    let after = line.split(&format!("\"{name}\":\"")).nth(1).with_context(|| format!("no {name} in {line:?}"))?;
    Ok(after.split('"').next().unwrap_or_default().to_owned())
}

/// Texts without brackets or quotes, in a list in flat JSON.
pub(crate) fn list(line: &str, name: &str) -> Vec<String> {
    let after = line.split(&format!("\"{name}\":[")).nth(1).unwrap_or_default();
    let inside = after.split(']').next().unwrap_or_default();
    inside.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The middle of some figures, and the smallest and largest.
pub(crate) fn spread(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    let middle = figures.get(figures.len() / 2).copied().unwrap_or(0.0);
    (middle, figures.first().copied().unwrap_or(0.0), figures.last().copied().unwrap_or(0.0))
}

/// Writes what was measured, an object each, with its date, machine and commit, to `target/bench/NAME.json`.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn keep(name: &str, rows: &[String]) -> Result<()> {
    let folder = root().join("target/bench");
    fs::create_dir_all(&folder).context("cannot make target/bench")?;
    let (date, machine, commit, rows) = (date()?, machine(), commit(), rows.join(",\n"));
    let text = format!(
        "{{\"bench\":\"{name}\",\"date\":\"{date}\",\"machine\":\"{machine}\",\"commit\":\"{commit}\",\"rows\":[\n{rows}\n]}}\n"
    );
    fs::write(folder.join(format!("{name}.json")), text).with_context(|| format!("cannot write {name}.json"))
}

/// Puts what was measured between the marks of this command, such as `bench pixel`, in a document, with the date, the machine
/// and the commit.
pub(crate) fn record(document: &Path, command: &str, how: &str, table: &str) -> Result<()> {
    let start = format!("<!-- {command}: written by `cargo xtask {command} --write` -->");
    let end = format!("<!-- {command}: end -->");
    let text = fs::read_to_string(document).with_context(|| format!("cannot read {}", document.display()))?;
    let (Some((before, rest)), Some((_, after))) = (text.split_once(&start), text.split_once(&end)) else {
        bail!("{} lacks the marks between which the table stands", document.display());
    };
    if !rest.contains(&end) {
        bail!("{} has its marks the wrong way round", document.display());
    }
    let (date, machine, commit) = (date()?, machine(), commit());
    let noted = format!("{before}{start}\n\n{date}, {machine}, commit {commit}, {how}:\n\n{table}\n{end}{after}");
    fs::write(document, noted).with_context(|| format!("cannot write {}", document.display()))
}

/// Today, in UTC.
pub(crate) fn date() -> Result<String> {
    Ok(quiet(&mut program("date", &["--utc", "+%Y-%m-%d"]))?.trim().to_owned())
}

/// What was measured: the current commit, with a plus if anything but documents was changed since; "unknown" outside a repository.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| quiet(&mut program("git", arguments));
    let Ok(hash) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown".to_owned() };
    let is_clean = git(&["status", "--porcelain", "--", ".", ":!docs"]).is_ok_and(|changes| changes.is_empty());
    format!("{}{}", hash.trim(), if is_clean { "" } else { "+" })
}

/// The processor, how many of it, and the widest vectors that it has: what is called the same may be of generations that differ by half.
pub(crate) fn machine() -> String {
    machine_of(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default())
}

/// The machine that has these processors (proc_cpuinfo(5)).
fn machine_of(cpus: &str) -> String {
    let field = |name: &str| {
        let mut fields = cpus.lines().filter_map(|line| line.split_once(':'));
        fields.find_map(|(field, value)| (field.trim() == name).then(|| value.trim()))
    };
    let name = field("model name").unwrap_or("an unknown processor");
    let has = |feature: &str| field("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == feature));
    let widest = [("avx512_vbmi2", "AVX-512"), ("avx2", "AVX2")].into_iter().find(|(feature, _)| has(feature));
    let of = match (field("cpu family"), field("model")) {
        (Some(family), Some(model)) => {
            format!(" (family {family}, model {model}, {})", widest.map_or("no AVX2", |w| w.1))
        }
        _ => String::new(),
    };
    format!("{name}{of} with {} cores", cpus.lines().filter(|line| line.starts_with("processor")).count())
}

/// What a bench is told that knows `--rounds N` (3) and `--write`.
pub(crate) fn rounds_and_write(bench: &str, arguments: &[String]) -> Result<(usize, bool)> {
    let (mut rounds, mut write) = (3, false);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--write" => write = true,
            "--rounds" => {
                let text = words.next().context("--rounds needs a number")?;
                rounds = text.parse::<usize>().with_context(|| format!("--rounds: {text} is no number"))?.max(1);
            }
            other => bail!("bench {bench} knows --rounds N and --write, not {other}"),
        }
    }
    Ok((rounds, write))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_of_one_name_are_told_apart() {
        let cpu = |model: u8, flags: &str| {
            format!(
                "processor\t: 0\ncpu family\t: 25\nmodel\t\t: {model}\nmodel name\t: AMD EPYC\nflags\t\t: fpu {flags}\n\n"
            )
        };
        assert_eq!(machine_of(&cpu(1, "avx avx2").repeat(2)), "AMD EPYC (family 25, model 1, AVX2) with 2 cores");
        assert_eq!(machine_of(&cpu(17, "avx2 avx512_vbmi2")), "AMD EPYC (family 25, model 17, AVX-512) with 1 cores");
        assert_eq!(machine_of("processor : 0\n"), "an unknown processor with 1 cores");
    }

    #[test]
    fn figures_are_read_from_flat_json() {
        let line = r#"{"images":8,"seconds":1.25,"cpu_seconds":2.4}"#;
        assert_eq!(number(line, "seconds").unwrap(), 1.25);
        assert_eq!(number(line, "cpu_seconds").unwrap(), 2.4);
        assert!(number(line, "bytes").is_err());
        assert_eq!(list(r#"{"a":1,"said":["one","two"],"b":[]}"#, "said"), ["one", "two"]);
        assert!(list(line, "said").is_empty());
    }

    #[test]
    fn the_middle_and_the_ends() {
        assert_eq!(spread(vec![3.0, 1.0, 2.0]), (2.0, 1.0, 3.0));
    }
}
