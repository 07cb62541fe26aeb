//! Rules of the house that no lint knows: a file's length, its name, and that nothing is left to be done.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::run::files_below;

/// Lines of a file, its tests not counted.
const LONGEST: usize = 500;

/// Every breach, in words.
pub(super) fn faults(root: &Path) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for folder in ["src", "tests", "crates", "xtask"] {
        for path in files_below(&root.join(folder))? {
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy();
            faults.extend(faults_of(&name, &text).into_iter().map(|fault| format!("{name}: {fault}")));
        }
    }
    Ok(faults)
}

fn faults_of(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if name.ends_with("/mod.rs") {
        faults.push("a module `foo` lives in foo.rs, never in foo/mod.rs".to_owned());
    }
    let is_test = name.ends_with("tests.rs") || name.split('/').any(|part| part == "tests");
    let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count();
    if lines > LONGEST && !is_test {
        faults.push(format!("{lines} lines without its tests, {LONGEST} at most"));
    }
    for undone in [concat!("todo", "!("), concat!("unimplemented", "!(")] {
        if text.contains(undone) {
            faults.push(format!("`{undone})` is left in it"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_without_tests() {
        let long = "fn a() {}\n".repeat(LONGEST + 1);
        assert_eq!(faults_of("src/a.rs", &long).len(), 1);
        assert!(faults_of("crates/x/tests/a.rs", &long).is_empty());
        assert!(faults_of("src/a/tests.rs", &long).is_empty());
        assert!(faults_of("src/a.rs", &format!("fn a() {{}}\n#[cfg(test)]\n{long}")).is_empty());
    }

    #[test]
    fn names_and_leftovers_are_noticed() {
        assert_eq!(faults_of("src/a/mod.rs", "").len(), 1);
        assert_eq!(faults_of("src/a.rs", concat!("todo", "!()")).len(), 1);
    }
}
