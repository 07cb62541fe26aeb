//! Documents name paths, crates and modules. A name of something that does not exist is a fault.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::run::files_below;

/// Lines of ARCHITECTURE.md: what is longer is not read.
const LONGEST_MAP: usize = 300;

/// Endings by which a word without a folder is still a file of ours.
const ENDINGS: [&str; 8] = [".rs", ".md", ".toml", ".mjs", ".js", ".py", ".sql", ".css"];

/// Files that documents speak of and that live with the user.
const OF_USERS: [&str; 3] = ["models.toml", "procession.toml", "CREDITS.md"];

/// What documents can name.
struct Tree {
    root: PathBuf,
    crates: BTreeSet<String>,
    file_names: BTreeSet<String>,
}

/// Every name of something that does not exist, with its document and line.
pub(super) fn faults(root: &Path) -> Result<Vec<String>> {
    let tree = Tree::read(root)?;
    let mut documents: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(|name| root.join(name)).into();
    documents
        .extend(files_below(&root.join("docs"))?.into_iter().filter(|path| path.extension() == Some("md".as_ref())));
    let mut faults = Vec::new();
    for path in documents {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(&path);
        if name == Path::new("ARCHITECTURE.md") && text.lines().count() > LONGEST_MAP {
            faults.push(format!("ARCHITECTURE.md: more than {LONGEST_MAP} lines"));
        }
        let folder = path.parent().unwrap_or(root);
        faults.extend(
            tree.unknown(folder, &text)
                .map(|(line, word)| format!("{}:{line}: names `{word}`, which does not exist", name.display())),
        );
    }
    Ok(faults)
}

impl Tree {
    fn read(root: &Path) -> Result<Self> {
        let mut crates = BTreeSet::new();
        for entry in fs::read_dir(root.join("crates"))? {
            crates.insert(entry?.file_name().to_string_lossy().into_owned());
        }
        let names = files_below(root)?.into_iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
        Ok(Self { root: root.to_owned(), crates, file_names: names.collect() })
    }

    /// The words of a document that name nothing, with their lines.
    fn unknown<'a>(&'a self, folder: &'a Path, text: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
        let mut is_code = false;
        text.lines().enumerate().flat_map(move |(number, line)| {
            is_code ^= line.trim_start().starts_with("```");
            let words = if is_code { Vec::new() } else { words(line) };
            words.into_iter().filter(|word| !self.knows(folder, word)).map(move |word| (number + 1, word))
        })
    }

    fn knows(&self, folder: &Path, word: &str) -> bool {
        if let Some((first, rest)) = word.split_once("::") {
            return !self.crates.contains(first) || self.has_module(first, rest);
        }
        if let Some(name) = word.strip_prefix("procession-") {
            return self.crates.contains(name);
        }
        let bare = word.trim_end_matches('/');
        match bare.split_once('/') {
            None => {
                !ENDINGS.iter().any(|ending| bare.ends_with(ending))
                    || bare.starts_with('.')
                    || OF_USERS.contains(&bare)
                    || self.file_names.contains(bare)
            }
            Some((first, _)) => {
                let is_ours = self.root.join(first).exists() || ENDINGS.iter().any(|ending| bare.ends_with(ending));
                !is_ours || is_of_users(first) || self.root.join(bare).exists() || folder.join(bare).exists()
            }
        }
    }

    /// Whether `rest`, which may be `module`, `module::item` or `Item`, begins with something that the crate has.
    fn has_module(&self, name: &str, rest: &str) -> bool {
        let source = self.root.join("crates").join(name).join("src");
        let first = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        source.join(format!("{first}.rs")).exists() || {
            let kinds = ["fn", "struct", "enum", "trait", "type", "mod", "const"];
            let files = files_below(&source).unwrap_or_default();
            files
                .iter()
                .filter_map(|path| fs::read_to_string(path).ok())
                .any(|text| kinds.iter().any(|kind| text.contains(&format!("{kind} {first}"))))
        }
    }
}

/// Placeholders (`OUT/gallery.json`), home folders, and what builds leave.
fn is_of_users(first: &str) -> bool {
    first == "target" || first == "node_modules" || first == "~" || first.chars().all(|c| c.is_ascii_uppercase())
}

/// The words in back quotes and the targets of links, those that can be names.
fn words(line: &str) -> Vec<&str> {
    let quoted = line.split('`').skip(1).step_by(2);
    let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let links = links.filter(|link| !link.contains("://")).map(|link| link.split('#').next().unwrap_or(link));
    let odd = |c: char| c.is_whitespace() || "<>{}()*$=…\"'@,|".contains(c);
    quoted.chain(links).filter(|word| !word.is_empty() && !word.contains(odd)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let names = ["cargo.toml", "main.rs"].map(str::to_owned);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
        Tree { root, crates: BTreeSet::from(["plan".to_owned()]), file_names: names.into() }
    }

    #[test]
    fn what_exists_is_known() {
        let tree = tree();
        for word in ["src/main.rs", "src/", "main.rs", "OUT/x.rs", "image/jpeg", "--flag", "std::fs", "procession-plan"]
        {
            assert!(tree.knows(Path::new("."), word), "{word}");
        }
    }

    #[test]
    fn what_does_not_exist_is_a_fault() {
        let tree = tree();
        for word in ["src/none.rs", "none.rs", "src/none/", "plan::none", "procession-none"] {
            assert!(!tree.knows(Path::new("."), word), "{word}");
        }
        let text =
            "fine `src/main.rs`\n```\n`src/none.rs`\n```\nsee [it](src/none.md) and [this](https://example.org/a.md)\n";
        assert_eq!(tree.unknown(Path::new("."), text).collect::<Vec<_>>(), [(5, "src/none.md")]);
    }
}
