//! When kinds of device divide a photo's life: the figures of `procession_plan::AffinityPolicy`.

use super::{Kind, Setting, not, positive};

/// Of something that is so many times as much: at least once.
macro_rules! times {
    ($key:expr, $what:literal, $($field:ident).+) => {
        Setting {
            key: $key,
            kind: Kind::Number,
            what: $what,
            set: |config, value, _| match positive(value)? {
                times if times >= 1.0 => {
                    config.$($field).+ = times;
                    Ok(())
                }
                times => Err(format!("{times} is less than 1")),
            },
            show: |config| config.$($field).+.to_string(),
        }
    };
}

macro_rules! seconds {
    ($key:expr, $what:literal, $($field:ident).+) => {
        Setting {
            key: $key,
            kind: Kind::Number,
            what: $what,
            set: |config, value, _| {
                let seconds = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
                match seconds.ok_or_else(|| not("a number", value))? {
                    seconds if seconds >= 0.0 && seconds.is_finite() => {
                        config.$($field).+ = seconds;
                        Ok(())
                    }
                    seconds => Err(format!("{seconds} is less than 0, or has no end")),
                }
            },
            show: |config| config.$($field).+.to_string(),
        }
    };
}

pub(super) const SETTINGS: &[Setting] = &[
    times!(
        "affinity.begin_at",
        "Kinds of device that offer all stages divide them if so many times as much is finished by it as undivided.",
        affinity.begin_at
    ),
    times!(
        "affinity.keep_at",
        "They stay divided as long as it is so many times as much; at most `affinity.begin_at`.",
        affinity.keep_at
    ),
    times!(
        "affinity.move_at",
        "They are divided at another place if so many times as much is finished there.",
        affinity.move_at
    ),
    seconds!(
        "affinity.most_behind_seconds",
        "Once what waits behind that place takes longer than this, nobody adds to it, …",
        affinity.most_behind_seconds
    ),
    seconds!(
        "affinity.fewer_behind_seconds",
        "… until it takes no longer than this; at most `affinity.most_behind_seconds`.",
        affinity.fewer_behind_seconds
    ),
];
