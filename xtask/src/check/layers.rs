//! Which crate may use which. The compiler enforces what the manifests say; this enforces what they may say.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};

/// The layers, from the bottom up: a crate and what it may use of ours.
const LAYERS: [(&str, &[&str]); 9] = [
    ("domain", &[]),
    ("plan", &["domain"]),
    ("pixel", &["domain"]),
    ("vault", &["domain"]),
    ("vision", &["domain", "pixel"]),
    ("flow", &["domain", "plan", "pixel", "vault", "vision"]),
    ("web", &["domain", "vault", "flow"]),
    ("scaler", &["domain", "plan", "pixel", "vault", "flow"]),
    ("sim", &["domain", "plan", "vault", "flow"]),
];

/// Crates that only think, and what would let them do more.
const PURE: [&str; 2] = ["domain", "plan"];
const IMPURE: [&str; 9] =
    ["tokio", "sqlx", "reqwest", "hyper", "axum", "object_store", "async-trait", "futures", "tracing-subscriber"];

/// Every breach, in words.
pub(super) fn faults(root: &Path) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let mut crates = Vec::new();
    for entry in fs::read_dir(root.join("crates"))? {
        crates.push(entry?.file_name().to_string_lossy().into_owned());
    }
    crates.sort();
    for name in &crates {
        let path = format!("crates/{name}/Cargo.toml");
        let manifest = fs::read_to_string(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
        faults.extend(breaches(name, &dependencies(&manifest)).into_iter().map(|fault| format!("{path}: {fault}")));
    }
    let absent = LAYERS.iter().filter(|(name, _)| !crates.iter().any(|known| known == name));
    faults.extend(absent.map(|(name, _)| format!("crates/{name}: has a layer but does not exist")));
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md")).context("cannot read ARCHITECTURE.md")?;
    faults.extend(disagreements(&architecture));
    Ok(faults)
}

/// What a crate's dependencies break.
fn breaches(name: &str, dependencies: &[String]) -> Vec<String> {
    let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == name) else {
        return vec!["is in no layer; add it to xtask/src/check/layers.rs and to ARCHITECTURE.md".to_owned()];
    };
    let ours = dependencies.iter().filter_map(|dependency| dependency.strip_prefix("procession-"));
    let mut faults: Vec<String> = ours
        .filter(|used| !allowed.contains(used))
        .map(|used| format!("{name} uses {used}, which its layer does not allow"))
        .collect();
    if PURE.contains(&name) {
        let impure = dependencies.iter().filter(|dependency| IMPURE.contains(&dependency.as_str()));
        faults.extend(impure.map(|dependency| format!("{name} is pure and uses {dependency}")));
    }
    faults
}

/// The names under every kind of dependencies, those of tests included.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_open = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            is_open = section.ends_with("dependencies");
            if let Some((_, name)) = section.split_once("dependencies.") {
                names.push(name.to_owned());
            }
        } else if is_open && !line.starts_with('#') && line.contains('=') {
            let name: String =
                line.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
            names.push(name);
        }
    }
    names
}

/// Where the table in ARCHITECTURE.md says something else than the one above.
fn disagreements(architecture: &str) -> Vec<String> {
    let mut told: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let table = architecture.lines().skip_while(|line| !line.starts_with("| crate |")).skip(2);
    for row in table.take_while(|line| line.starts_with('|')) {
        let mut cells = row.split('|').skip(1).map(str::trim);
        if let (Some(name), Some(uses)) = (cells.next(), cells.next()) {
            told.insert(name.trim_matches('`'), uses.split(',').map(str::trim).collect());
        }
    }
    let mut faults = Vec::new();
    for (name, allowed) in LAYERS {
        let wanted = if allowed.is_empty() { vec!["–"] } else { allowed.to_vec() };
        if told.get(name) != Some(&wanted) {
            faults.push(format!("ARCHITECTURE.md: the crate table must say that {name} uses {}", wanted.join(", ")));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_dependency_is_seen() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\nserde.workspace = true\n# tokio = \"1\"\n\
            procession-domain = { path = \"..\" }\n[dev-dependencies]\ntempfile = \"3\"\n\
            [target.'cfg(unix)'.dependencies]\nnix = \"1\"\n[dependencies.tokio]\nversion = \"1\"\n[lints]\nworkspace = true\n";
        assert_eq!(dependencies(manifest), ["serde", "procession-domain", "tempfile", "nix", "tokio"]);
    }

    #[test]
    fn a_breach_is_named() {
        let uses = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(breaches("vision", &uses(&["procession-domain", "procession-pixel", "ort"])).is_empty());
        assert_eq!(breaches("pixel", &uses(&["procession-vault"])).len(), 1);
        assert_eq!(breaches("plan", &uses(&["procession-domain", "tokio"])), ["plan is pure and uses tokio"]);
        assert_eq!(breaches("common", &[]).len(), 1);
    }

    #[test]
    fn a_table_that_says_something_else_is_noticed() {
        let mut table = "| crate | may use | what |\n| --- | --- | --- |\n".to_owned();
        for (name, allowed) in LAYERS {
            let uses = if allowed.is_empty() { "–".to_owned() } else { allowed.join(", ") };
            table += &format!("| `{name}` | {uses} | – |\n");
        }
        assert!(disagreements(&table).is_empty());
        assert_eq!(disagreements(&table.replace("domain, pixel |", "domain, vault |")).len(), 1);
        assert_eq!(disagreements("").len(), LAYERS.len());
    }
}
