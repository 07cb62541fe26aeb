//! The entries of `stores`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use procession_domain::Region;
use procession_vault::{S3Options, Secret};
use toml::{Table, Value};

use super::relative_to;

/// A store and where it is.
#[derive(Clone, Debug)]
pub(crate) struct StoreConfig {
    /// Its region; `None` means this process's.
    pub(crate) region: Option<Region>,
    pub(crate) place: Place,
}

/// What a store is kept in.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Folder(PathBuf),
    Bucket(Box<S3Options>),
}

impl From<PathBuf> for StoreConfig {
    fn from(folder: PathBuf) -> Self {
        Self { region: None, place: Place::Folder(folder) }
    }
}

/// Without secrets.
impl std::fmt::Display for StoreConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Place::Folder(folder) => write!(f, "{}", folder.display())?,
            Place::Bucket(options) => write!(f, "{}", options.name())?,
        }
        self.region.as_ref().map_or(Ok(()), |region| write!(f, " ({region})"))
    }
}

/// Keys of an entry.
const KEYS: [&str; 13] = [
    "region",
    "folder",
    "endpoint",
    "bucket",
    "prefix",
    "access_key",
    "access_key_file",
    "secret_key",
    "secret_key_file",
    "storage_class",
    "request_timeout_seconds",
    "connect_timeout_seconds",
    "retries",
];

/// Reads all entries.
///
/// # Errors
/// Everything that is wrong with any of them, each with its entry.
pub(super) fn stores(value: &Value, base: &Path) -> Result<Vec<StoreConfig>, String> {
    let list = value.as_array().ok_or_else(|| format!("{value} is not a list of stores"))?;
    if list.is_empty() {
        return Err("has no stores".to_owned());
    }
    let (mut stores, mut errors) = (Vec::new(), Vec::new());
    for (index, value) in list.iter().enumerate() {
        match store(value, base) {
            Ok(store) => stores.push(store),
            Err(wrong) => errors.extend(wrong.into_iter().map(|wrong| format!("entry {}: {wrong}", index + 1))),
        }
    }
    if errors.is_empty() { Ok(stores) } else { Err(errors.join("; ")) }
}

fn store(value: &Value, base: &Path) -> Result<StoreConfig, Vec<String>> {
    match value {
        Value::String(path) if path.is_empty() => Err(vec!["is empty".to_owned()]),
        Value::String(path) => Ok(relative_to(base, path).into()),
        Value::Table(table) => {
            let mut entry = Entry { table, base, errors: Vec::new() };
            let store = entry.store();
            if entry.errors.is_empty() { Ok(store) } else { Err(entry.errors) }
        }
        other => Err(vec![format!("{other} is neither a path in quotes nor a table")]),
    }
}

struct Entry<'a> {
    table: &'a Table,
    base: &'a Path,
    errors: Vec<String>,
}

impl Entry<'_> {
    fn store(&mut self) -> StoreConfig {
        for key in self.table.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            self.errors.push(format!("there is no key {key}; there are {}", KEYS.join(", ")));
        }
        let region = self.text("region").and_then(|name| self.keep(name.parse::<Region>().map_err(|e| e.to_string())));
        let place = match self.text("folder") {
            Some(folder) => {
                let others = self.table.keys().filter(|key| *key != "folder" && *key != "region");
                let others: Vec<&str> = others.map(String::as_str).collect();
                if !others.is_empty() {
                    self.errors.push(format!("folder goes with region alone, not with {}", others.join(", ")));
                }
                Place::Folder(relative_to(self.base, &folder))
            }
            None => Place::Bucket(Box::new(self.bucket(region.as_ref()))),
        };
        StoreConfig { region, place }
    }

    fn bucket(&mut self, region: Option<&Region>) -> S3Options {
        let endpoint = self.needed("endpoint");
        let endpoint = self.keep(super::public_url(&endpoint).map_err(|why| format!("endpoint: {why}")));
        let bucket = self.needed("bucket");
        let (access_key, secret_key) = (self.secret("access_key"), self.secret("secret_key"));
        let mut options = S3Options::new(&endpoint.unwrap_or_default(), &bucket, access_key, secret_key);
        if let Some(region) = region {
            region.as_str().clone_into(&mut options.region);
        }
        options.prefix = self.text("prefix").unwrap_or_default().trim_matches('/').to_owned();
        options.storage_class = self.text("storage_class");
        let seconds = |number| Duration::from_secs(number);
        options.request_timeout = self.number("request_timeout_seconds", 1).map_or(options.request_timeout, seconds);
        options.connect_timeout = self.number("connect_timeout_seconds", 1).map_or(options.connect_timeout, seconds);
        options.retries = self.number("retries", 0).map_or(options.retries, |number| number as usize);
        options
    }

    fn keep<T>(&mut self, outcome: Result<T, String>) -> Option<T> {
        outcome.map_err(|why| self.errors.push(why)).ok()
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let text = match self.table.get(key)? {
            Value::String(text) if !text.is_empty() => Ok(text.clone()),
            // Not what is there: it may be a secret.
            _ => Err(format!("{key} is not a text in quotes")),
        };
        self.keep(text)
    }

    fn needed(&mut self, key: &str) -> String {
        if !self.table.contains_key(key) {
            self.errors.push(format!("{key} is missing"));
        }
        self.text(key).unwrap_or_default()
    }

    /// A text that is here or in a file.
    fn secret(&mut self, key: &str) -> Secret {
        let file_key = format!("{key}_file");
        match (self.table.contains_key(key), self.text(&file_key)) {
            (true, Some(_)) => self.errors.push(format!("{key} and {file_key} are both there")),
            (true, None) => return Secret::new(self.text(key).unwrap_or_default()),
            (false, Some(file)) => {
                let file = relative_to(self.base, &file);
                let text =
                    fs::read_to_string(&file).map_err(|error| format!("{file_key}: {}: {error}", file.display()));
                return Secret::new(self.keep(text).unwrap_or_default().trim());
            }
            (false, None) if !self.table.contains_key(&file_key) => {
                self.errors.push(format!("{key} or {file_key} is missing"));
            }
            (false, None) => {}
        }
        Secret::default()
    }

    fn number(&mut self, key: &str, least: i64) -> Option<u64> {
        let value = self.table.get(key)?;
        let number = value.as_integer().filter(|number| *number >= least).and_then(|number| u64::try_from(number).ok());
        self.keep(number.ok_or_else(|| format!("{key} is not a whole number from {least} on")))
    }
}
