//! Layers: each sets what it says and leaves the rest. All that is wrong is found, in all layers, before anything is told.

use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use procession_domain::recipe::Pipeline;
use serde::Deserialize as _;
use toml::{Table, Value};

use super::{
    Config, Memory, Roles,
    settings::{Kind, Setting, settings},
};

/// Variables with this prefix are ours.
const PREFIX: &str = "PROCESSION__";
/// Short names of settings in the environment. The long ones win.
const SHORT: [(&str, &str); 2] = [("PROCESSION_DATA", "data"), ("PROCESSION_MODELS", "models")];
/// Names the configuration file.
const FILE: &str = "PROCESSION_CONFIG";

/// The environment as text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// This process's.
    pub(crate) fn of_this_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Self(std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A base folder of the XDG specification: `variable`, or `below` the home folder.
    pub(super) fn home(&self, variable: &str, below: &str) -> PathBuf {
        match self.get(variable) {
            Some(folder) => PathBuf::from(folder),
            None => PathBuf::from(self.get("HOME").unwrap_or("/")).join(below),
        }
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}

/// What flags set. They were checked when they were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) data: Option<PathBuf>,
    pub(crate) stores: Vec<PathBuf>,
    pub(crate) threads: Option<u16>,
    pub(crate) memory: Option<Memory>,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) public_url: Option<String>,
    pub(crate) roles: Option<Roles>,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has {}:\n  {}", crate::human::count(.0.len() as u64, "error"), .0.join("\n  "))]
pub(crate) struct Errors(pub(super) Vec<String>);

/// Reads all layers. Without a `file`, the one that `$PROCESSION_CONFIG` names is read, or the user's if there is one.
///
/// # Errors
/// Everything that is wrong in any layer, each with where it is.
pub(crate) fn load(file: Option<&Path>, environment: &Environment, flags: &Flags) -> Result<Config, Errors> {
    let mut layers = Layers { config: Config::defaults(environment), errors: Vec::new() };
    match file.map(Path::to_owned).or_else(|| environment.get(FILE).map(PathBuf::from)) {
        Some(file) => layers.take_file(&file, true),
        None => {
            layers.take_file(&environment.home("XDG_CONFIG_HOME", ".config").join("procession/config.toml"), false);
        }
    }
    layers.take_environment(environment);
    layers.take_flags(flags);
    layers.check_together();
    if layers.errors.is_empty() { Ok(layers.config) } else { Err(Errors(layers.errors)) }
}

struct Layers {
    config: Config,
    errors: Vec<String>,
}

impl Layers {
    fn take_file(&mut self, file: &Path, required: bool) {
        let origin = file.display().to_string();
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => return,
            Err(error) => return self.errors.push(format!("{origin}: cannot be read: {error}")),
        };
        match text.parse::<Table>() {
            Ok(table) => {
                let base = file.parent().unwrap_or(Path::new(""));
                self.take_table("", &table, &origin, base);
            }
            Err(error) => {
                self.errors.push(format!("{origin}: {}", error.to_string().trim_end().replace('\n', "\n    ")));
            }
        }
    }

    fn take_table(&mut self, prefix: &str, table: &Table, origin: &str, base: &Path) {
        for (name, value) in table {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            let section = format!("{key}.");
            match (setting(&key), value) {
                (Some(setting), value) => self.set(setting, value, origin, base),
                (None, Value::Table(pipelines)) if key == "pipelines" => self.take_pipelines(pipelines, origin),
                (None, Value::Table(below)) if settings().any(|setting| setting.key.starts_with(&section)) => {
                    self.take_table(&key, below, origin, base);
                }
                _ => self.errors.push(format!("{origin}: {key}: there is no such key{}", nearest(&key))),
            }
        }
    }

    fn take_pipelines(&mut self, pipelines: &Table, origin: &str) {
        for (name, value) in pipelines {
            let wrong = |why: String| format!("{origin}: pipelines.{name}: {}", why.trim_end());
            if name == "auto" || name.is_empty() {
                self.errors.push(wrong("this name is taken".to_owned()));
                continue;
            }
            let pipeline = Pipeline::deserialize(value.clone()).map_err(|error| wrong(error.message().to_owned()));
            match pipeline.and_then(|p| p.recipe.check().map(|()| p).map_err(|error| wrong(error.to_string()))) {
                Ok(pipeline) => {
                    self.config.pipelines.insert(name.clone(), pipeline);
                    self.config.origins.insert(format!("pipelines.{name}"), origin.to_owned());
                }
                Err(error) => self.errors.push(error),
            }
        }
    }

    fn take_environment(&mut self, environment: &Environment) {
        for (name, key) in SHORT {
            if let (Some(value), Some(setting)) = (environment.get(name), setting(key)) {
                self.set_text(setting, value, &format!("${name}"));
            }
        }
        for (name, value) in &environment.0 {
            let Some(path) = name.strip_prefix(PREFIX) else { continue };
            let key = path.to_lowercase().replace("__", ".");
            match (setting(&key), secret_in_file(&key)) {
                (Some(setting), _) => self.set_text(setting, value, &format!("${name}")),
                (None, Some(setting)) => self.take_secret(setting, Path::new(value), name),
                (None, None) if key.starts_with("pipelines.") => {
                    self.errors.push(format!("${name}: pipelines are configured in the file alone"));
                }
                (None, None) => self.errors.push(format!("${name}: there is no key {key}{}", nearest(&key))),
            }
        }
    }

    fn take_secret(&mut self, setting: &Setting, file: &Path, name: &str) {
        match fs::read_to_string(file) {
            Ok(secret) => self.set_text(setting, secret.trim_end(), &format!("${name}")),
            Err(error) => self.errors.push(format!("${name}: {} cannot be read: {error}", file.display())),
        }
    }

    fn take_flags(&mut self, flags: &Flags) {
        let Flags { data, stores, threads, memory, listen, public_url, roles } = flags;
        let mut take = |key: &str, name: &str| self.config.origins.insert(key.to_owned(), name.to_owned());
        if let Some(data) = data {
            take("data", "--data");
            self.config.data.clone_from(data);
        }
        if !stores.is_empty() {
            take("stores", "--store");
            self.config.stores = stores.iter().cloned().map(Into::into).collect();
        }
        if let Some(threads) = threads {
            take("threads", "--threads");
            self.config.threads = Some(usize::from(*threads));
        }
        if let Some(memory) = memory {
            take("memory", "--memory");
            self.config.memory = *memory;
        }
        if let Some(listen) = listen {
            take("service.listen", "--listen");
            self.config.service.listen = *listen;
        }
        if let Some(url) = public_url {
            take("service.public_url", "--public-url");
            self.config.service.public_url = Some(url.clone());
        }
        if let Some(roles) = roles {
            take("roles", "--roles");
            self.config.service.roles = *roles;
        }
    }

    /// What no value shows alone.
    fn check_together(&mut self) {
        // What is wrong alone is told of already.
        if !self.errors.is_empty() {
            return;
        }
        let origin =
            |keys: &[&str]| keys.iter().find_map(|key| self.config.origins.get(*key)).cloned().unwrap_or_default();
        let (stores, awaited) = (self.config.stores().len(), self.config.replicas_awaited());
        let mut errors = Vec::new();
        if awaited > stores {
            let (origin, stores) = (origin(&["replicas_awaited"]), crate::human::count(stores as u64, "store"));
            errors.push(format!("{origin}: replicas_awaited: {awaited} is more than there are: {stores}"));
        }
        let affinity = &self.config.affinity;
        for (key, value, bound, most) in [
            ("affinity.keep_at", affinity.keep_at, "affinity.begin_at", affinity.begin_at),
            (
                "affinity.fewer_behind_seconds",
                affinity.fewer_behind_seconds,
                "affinity.most_behind_seconds",
                affinity.most_behind_seconds,
            ),
        ] {
            if value > most {
                errors.push(format!("{}: {key}: {value} is more than {bound}, which is {most}", origin(&[key, bound])));
            }
        }
        self.errors = errors;
    }

    fn set_text(&mut self, setting: &Setting, text: &str, origin: &str) {
        match setting.kind.parse(text) {
            Ok(value) => self.set(setting, &value, origin, Path::new("")),
            Err(why) => self.errors.push(format!("{origin}: {why}")),
        }
    }

    fn set(&mut self, setting: &Setting, value: &Value, origin: &str, base: &Path) {
        match (setting.set)(&mut self.config, value, base) {
            Ok(()) => drop(self.config.origins.insert(setting.key.to_owned(), origin.to_owned())),
            Err(why) if origin.starts_with('$') => self.errors.push(format!("{origin}: {why}")),
            Err(why) => self.errors.push(format!("{origin}: {}: {why}", setting.key)),
        }
    }
}

fn setting(key: &str) -> Option<&'static Setting> {
    settings().find(|setting| setting.key == key)
}

/// The secret of which a key with `_file` behind it names the file.
fn secret_in_file(key: &str) -> Option<&'static Setting> {
    key.strip_suffix("_file").and_then(setting).filter(|setting| setting.kind == Kind::Secret)
}

/// A key that may have been meant.
fn nearest(key: &str) -> String {
    let near = settings().map(|setting| (strsim::damerau_levenshtein(key, setting.key), setting.key)).min();
    match near {
        Some((distance, near)) if distance <= 3 => format!("; did you mean {near}?"),
        _ => "; see docs/config.md".to_owned(),
    }
}
