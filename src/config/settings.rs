//! The one table of everything that can be configured, but for the pipelines: what the file, the environment and
//! docs/config.md know is what is here.

use std::path::Path;

use procession_domain::Stages;
use toml::Value;

use super::{Config, LedgerAddress, Memory, relative_to, store::stores};

/// What a value is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Path,
    Stores,
    Size,
    Number,
    Text,
    Names,
    Switch,
    /// Can hold a secret: its variable may name a file instead, with `_FILE` behind its name.
    Secret,
}

impl Kind {
    /// The value of an environment variable.
    pub(super) fn parse(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Path | Self::Size | Self::Text | Self::Secret => Ok(Value::String(text.to_owned())),
            Self::Stores => {
                let paths = std::env::split_paths(text).map(|path| Value::String(path.to_string_lossy().into_owned()));
                Ok(Value::Array(paths.collect()))
            }
            Self::Names => {
                let names = text.split(',').map(|name| Value::String(name.trim().to_owned()));
                Ok(Value::Array(names.collect()))
            }
            Self::Number => {
                let whole = text.trim().parse::<i64>().map(Value::Integer);
                whole.or_else(|_| text.trim().parse::<f64>().map(Value::Float)).map_err(|_| not("a number", text))
            }
            Self::Switch => text.trim().parse().map(Value::Boolean).map_err(|_| not("true or false", text)),
        }
    }

    /// For docs/config.md.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Stores => "list of stores",
            Self::Size => "size",
            Self::Number => "number",
            Self::Text => "text",
            Self::Names => "list of names",
            Self::Secret => "secret text",
            Self::Switch => "true or false",
        }
    }
}

/// One thing that can be configured.
pub(super) struct Setting {
    /// Its place in the file: "limits.max_bytes".
    pub(super) key: &'static str,
    pub(super) kind: Kind,
    /// What it does, for docs/config.md.
    pub(super) what: &'static str,
    /// Takes a value, or says what is wrong with it. Paths are relative to the folder.
    pub(super) set: fn(&mut Config, &Value, &Path) -> Result<(), String>,
    /// The value in force.
    pub(super) show: fn(&Config) -> String,
}

macro_rules! number {
    ($key:expr, $least:literal.., $what:literal, $($field:ident).+) => {
        Setting {
            key: $key,
            kind: Kind::Number,
            what: $what,
            set: |config, value, _| whole(value, $least).map(|number| config.$($field).+ = number),
            show: |config| config.$($field).+.to_string(),
        }
    };
}

macro_rules! float {
    ($parse:expr, $key:expr, $what:literal, $($field:ident).+) => {
        Setting {
            key: $key,
            kind: Kind::Number,
            what: $what,
            set: |config, value, _| $parse(value).map(|number| config.$($field).+ = number),
            show: |config| config.$($field).+.to_string(),
        }
    };
}

macro_rules! switch {
    ($key:expr, $what:literal, $($field:ident).+) => {
        Setting {
            key: $key,
            kind: Kind::Switch,
            what: $what,
            set: |config, value, _| {
                config.$($field).+ = value.as_bool().ok_or_else(|| not("true or false", value))?;
                Ok(())
            },
            show: |config| config.$($field).+.to_string(),
        }
    };
}

mod affinity;
mod forecast;
mod load;
mod retry;
mod scale;

/// All of them.
pub(super) fn settings() -> impl Iterator<Item = &'static Setting> {
    let parts = [SETTINGS, retry::SETTINGS, affinity::SETTINGS, load::SETTINGS];
    parts.into_iter().flatten().chain(scale::settings()).chain(forecast::SETTINGS)
}

const SETTINGS: &[Setting] = &[
    Setting {
        key: "data",
        kind: Kind::Path,
        what: "Folder of the ledger, the signing key and, by default, the store. Also `$PROCESSION_DATA` and `--data`.",
        set: |config, value, base| path(value, base).map(|path| config.data = path),
        show: |config| config.data.display().to_string(),
    },
    Setting {
        key: "ledger",
        kind: Kind::Secret,
        what: "Where the ledger is: a path, or for several machines `postgres://user:password@host/database`, with all \
               servers of which one is the primary: `one,two:5433,three`. By default the file `ledger.db` in the data folder.",
        set: |config, value, base| {
            let text = value.as_str().unwrap_or_default().trim();
            config.ledger = Some(match LedgerAddress::is_url(text) {
                true => LedgerAddress::Postgres(text.to_owned()),
                false => LedgerAddress::File(path(value, base)?),
            });
            Ok(())
        },
        show: |config| config.ledger().to_string(),
    },
    Setting {
        key: "stores",
        kind: Kind::Stores,
        what: "Where a copy of every original is kept, each on a disk or in a region of its own: paths of folders, or tables \
               for folders and buckets in regions (see below). Also `--store`. By default the folder `store` in the data \
               folder.",
        set: |config, value, base| stores(value, base).map(|stores| config.stores = stores),
        show: |config| {
            let stores: Vec<String> = config.stores().iter().map(ToString::to_string).collect();
            // Paths alone are shown as the environment would have them.
            stores.join(if config.has_places() { ", " } else { ":" })
        },
    },
    Setting {
        key: "region",
        kind: Kind::Text,
        what: "The region of this process. It reads from the stores of its region first; a store without a region is in it.",
        set: |config, value, _| {
            let name = value.as_str().ok_or_else(|| not("a name in quotes", value))?;
            config.region = name.parse().map_err(|error: procession_domain::Invalid| error.to_string())?;
            Ok(())
        },
        show: |config| config.region.to_string(),
    },
    Setting {
        key: "replicas_awaited",
        kind: Kind::Number,
        what: "`procession serve` acknowledges a photo when so many stores in different regions hold it; the others are owed \
               it and get it later. By default 2 where there are 3 or more stores, else all. `procession process` waits for \
               all.",
        set: |config, value, _| whole(value, 1).map(|number: u32| config.replicas_awaited = Some(number as usize)),
        show: |config| config.replicas_awaited().to_string(),
    },
    Setting {
        key: "models",
        kind: Kind::Path,
        what: "Folder of the models. Also `$PROCESSION_MODELS`.",
        set: |config, value, base| path(value, base).map(|path| config.models = path),
        show: |config| config.models.display().to_string(),
    },
    Setting {
        key: "threads",
        kind: Kind::Number,
        what: "Photos that are processed at the same time, 1 to 1024. Also `--threads`. By default one for each \
               processor.",
        set: |config, value, _| {
            let threads: u16 = whole(value, 1)?;
            if threads > 1_024 {
                return Err(format!("{threads} is more than 1024"));
            }
            config.threads = Some(usize::from(threads));
            Ok(())
        },
        show: |config| config.threads().to_string(),
    },
    Setting {
        key: "memory",
        kind: Kind::Size,
        what: "Memory that photos in flight take together: `\"4GiB\"`, `\"500MB\"` or a part of the machine's, `\"25%\"`. \
               Also `--memory`.",
        set: |config, value, _| size(value).map(|memory| config.memory = memory),
        show: |config| config.memory.to_string(),
    },
    number!(
        "lease_seconds",
        3..,
        "So long after a process died at the latest, its photos are taken up by another.",
        lease_seconds
    ),
    Setting {
        key: "critical_share",
        kind: Kind::Number,
        what: "The part of the work, up to 1, that galleries take whose deadline is near, while others wait.",
        set: |config, value, _| match positive(value)? {
            share if share <= 1.0 => {
                config.critical_share = share;
                Ok(())
            }
            share => Err(format!("{share} is more than 1")),
        },
        show: |config| config.critical_share.to_string(),
    },
    Setting {
        key: "roles",
        kind: Kind::Text,
        what: "What a process of `procession serve` does: some of `api`, `worker` and `controller`, with commas between. \
               Also `--roles`.",
        set: |config, value, _| {
            config.service.roles = value.as_str().unwrap_or_default().parse()?;
            Ok(())
        },
        show: |config| config.service.roles.to_string(),
    },
    Setting {
        key: "worker.stages",
        kind: Kind::Names,
        what: "What workers do of a photo's job: some of `ai_analysis`, `face_recognition`, `moment_detection` and \
               `compression`. By default all. Where a worker's stages end, another's go on: see docs/operations.md.",
        set: |config, value, _| {
            let names = value.as_array().ok_or_else(|| not("a list of names", value))?;
            let stage = |name: &Value| match name.as_str() {
                Some(name) => name.parse().map_err(|error: procession_domain::Invalid| error.to_string()),
                None => Err(not("a name in quotes", name)),
            };
            let stages: Stages = names.iter().map(stage).collect::<Result<_, _>>()?;
            if stages.is_empty() {
                return Err("names no stage".to_owned());
            }
            config.stages = stages;
            Ok(())
        },
        show: |config| config.stages.to_string(),
    },
    Setting {
        key: "service.listen",
        kind: Kind::Text,
        what: "Address and port on which `procession serve` listens. Also `--listen`.",
        set: |config, value, _| {
            let address = value.as_str().and_then(|text| text.parse().ok());
            config.service.listen = address.ok_or_else(|| not("an address with a port, like 127.0.0.1:8080", value))?;
            Ok(())
        },
        show: |config| config.service.listen.to_string(),
    },
    Setting {
        key: "service.scaler_listen",
        kind: Kind::Text,
        what: "Address and port on which a process with the role `controller` answers KEDA how many workers there should be, \
               without TLS: see docs/operations.md. By default none.",
        set: |config, value, _| {
            let address = value.as_str().and_then(|text| text.parse().ok());
            config.service.scaler_listen =
                Some(address.ok_or_else(|| not("an address with a port, like 0.0.0.0:9090", value))?);
            Ok(())
        },
        show: |config| config.service.scaler_listen.map(|address| address.to_string()).unwrap_or_default(),
    },
    Setting {
        key: "service.public_url",
        kind: Kind::Text,
        what: "How the outside reaches the service, such as `https://photos.example.com`. Also `--public-url`. By default \
               the address on which it listens.",
        set: |config, value, _| {
            config.service.public_url = Some(public_url(value.as_str().unwrap_or_default())?);
            Ok(())
        },
        show: |config| config.service.public_url.clone().unwrap_or_default(),
    },
    Setting {
        key: "service.uploads",
        kind: Kind::Path,
        what: "Folder of uploads that are not complete. By default the folder `uploads` in the data folder.",
        set: |config, value, base| path(value, base).map(|path| config.service.uploads = Some(path)),
        show: |config| config.service_settings().uploads.display().to_string(),
    },
    number!(
        "service.upload_life_hours",
        1..,
        "An upload that nobody continues for so long is forgotten.",
        service.upload_life_hours
    ),
    number!(
        "service.upload_room_gib",
        1..,
        "GiB that incomplete uploads may take together; new ones are refused until others are complete.",
        service.upload_room_gib
    ),
    number!(
        "service.idle_seconds",
        1..,
        "A client that sends or takes nothing for so long is cut off.",
        service.idle_seconds
    ),
    number!(
        "service.url_life_hours",
        1..,
        "A signed URL of an image or archive is valid at least so long.",
        service.url_life_hours
    ),
    number!(
        "service.drain_seconds",
        0..,
        "At a shutdown, requests and photos in work have so long to end.",
        service.drain_seconds
    ),
    number!(
        "service.most_connections",
        16..,
        "Connections at the same time; more wait to be accepted.",
        service.most_connections
    ),
    Setting {
        key: "service.delivery_memory",
        kind: Kind::Size,
        what: "Memory that images and archives on their way to clients take together, besides `memory`; up to half of it \
               keeps the images that are asked for most.",
        set: |config, value, _| size(value).map(|memory| config.service.delivery_memory = memory),
        show: |config| config.service.delivery_memory.to_string(),
    },
    switch!(
        "service.private_webhooks",
        "Webhooks may call addresses of private networks and of this machine.",
        service.private_webhooks
    ),
    number!(
        "service.webhook_first_wait_seconds",
        1..,
        "A webhook that was not taken is sent again after this wait. It doubles with every further attempt.",
        service.webhook_retry.first_wait_seconds
    ),
    number!(
        "service.webhook_longest_wait_seconds",
        1..,
        "No wait is longer.",
        service.webhook_retry.longest_wait_seconds
    ),
    number!(
        "service.webhook_attempts",
        1..,
        "After so many attempts a webhook's message is given up.",
        service.webhook_retry.attempts
    ),
    Setting {
        key: "log.format",
        kind: Kind::Text,
        what: "How `procession serve` writes its log to standard error: `text`, or `json` with an object a line and a line for \
               each request.",
        set: |config, value, _| {
            config.log_format = value.as_str().unwrap_or_default().parse()?;
            Ok(())
        },
        show: |config| config.log_format.name().to_owned(),
    },
    Setting {
        key: "traces.endpoint",
        kind: Kind::Text,
        what: "Collector to which `procession serve` sends its spans by OTLP over HTTP, such as `http://127.0.0.1:4318`. By \
               default none are sent.",
        set: |config, value, _| {
            config.traces_endpoint = Some(public_url(value.as_str().unwrap_or_default())?);
            Ok(())
        },
        show: |config| config.traces_endpoint.clone().unwrap_or_default(),
    },
    number!("limits.max_bytes", 1.., "A longer file is not accepted.", limits.max_bytes),
    number!("limits.max_pixels", 1.., "A photo with more pixels is not processed.", limits.max_pixels),
    number!("limits.max_edge", 1.., "A photo with a longer edge, in pixels, is not processed.", limits.max_edge),
    float!(
        positive,
        "promises.same_day_wedding.weight",
        "Share of the resources that galleries of today's weddings have, relative to the other classes.",
        promises.same_day_wedding.weight
    ),
    number!(
        "promises.same_day_wedding.complete_within_minutes",
        1..,
        "They are promised so long after they arrived.",
        promises.same_day_wedding.complete_within_minutes
    ),
    float!(
        positive,
        "promises.next_day_delivery.weight",
        "The same for yesterday's weddings.",
        promises.next_day_delivery.weight
    ),
    number!(
        "promises.next_day_delivery.complete_within_minutes",
        1..,
        "The same for yesterday's weddings.",
        promises.next_day_delivery.complete_within_minutes
    ),
    float!(
        positive,
        "promises.standard_delivery.weight",
        "The same for all others.",
        promises.standard_delivery.weight
    ),
    number!(
        "promises.standard_delivery.complete_within_minutes",
        1..,
        "The same for all others.",
        promises.standard_delivery.complete_within_minutes
    ),
];

/// A URL of HTTP without a slash at its end.
pub(crate) fn public_url(text: &str) -> Result<String, String> {
    let has_host = |rest: &str| !rest.is_empty() && !rest.starts_with('/') && !rest.contains([' ', '?', '#']);
    match text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) {
        Some(rest) if has_host(rest) => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err(not("a URL like https://photos.example.com", format!("{text:?}"))),
    }
}

fn whole<T: TryFrom<i64>>(value: &Value, least: i64) -> Result<T, String> {
    let number = value.as_integer().ok_or_else(|| not("a whole number", value))?;
    if number < least {
        return Err(format!("{number} is less than {least}"));
    }
    T::try_from(number).map_err(|_| format!("{number} is too large"))
}

fn size(value: &Value) -> Result<Memory, String> {
    value.as_str().ok_or_else(|| not("a size in quotes", value))?.parse()
}

fn number(value: &Value) -> Result<f64, String> {
    let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
    number.ok_or_else(|| not("a number", value))
}

fn positive(value: &Value) -> Result<f64, String> {
    match number(value)? {
        number if number > 0.0 && number.is_finite() => Ok(number),
        number => Err(format!("{number} is not greater than zero")),
    }
}

/// From 0 to 1.
fn part(value: &Value) -> Result<f64, String> {
    match number(value)? {
        number if (0.0..=1.0).contains(&number) => Ok(number),
        number => Err(format!("{number} is not between 0 and 1")),
    }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| not("a text in quotes", value))
}

fn path(value: &Value, base: &Path) -> Result<std::path::PathBuf, String> {
    match value.as_str() {
        Some("") => Err("is empty".to_owned()),
        Some(text) => Ok(relative_to(base, text)),
        None => Err(not("a path in quotes", value)),
    }
}

fn not(what: &str, value: impl std::fmt::Display) -> String {
    format!("{value} is not {what}")
}
