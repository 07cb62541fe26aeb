//! When kinds of device divide a photo's life: the figures of `procession_plan::AffinityPolicy`.

use toml::Value;

use super::{Kind, Setting, number, positive};

pub(super) const SETTINGS: &[Setting] = &[
    float!(
        times,
        "affinity.begin_at",
        "Kinds of device that offer all stages divide them if so many times as much is finished by it as undivided.",
        affinity.begin_at
    ),
    float!(
        times,
        "affinity.keep_at",
        "They stay divided as long as it is so many times as much; at most `affinity.begin_at`.",
        affinity.keep_at
    ),
    float!(
        times,
        "affinity.move_at",
        "They are divided at another place if so many times as much is finished there.",
        affinity.move_at
    ),
    float!(
        seconds,
        "affinity.most_behind_seconds",
        "Once what waits behind that place takes longer than this, nobody adds to it, …",
        affinity.most_behind_seconds
    ),
    float!(
        seconds,
        "affinity.fewer_behind_seconds",
        "… until it takes no longer than this; at most `affinity.most_behind_seconds`.",
        affinity.fewer_behind_seconds
    ),
];

/// Of something that is so many times as much: at least once.
fn times(value: &Value) -> Result<f64, String> {
    match positive(value)? {
        times if times >= 1.0 => Ok(times),
        times => Err(format!("{times} is less than 1")),
    }
}

fn seconds(value: &Value) -> Result<f64, String> {
    match number(value)? {
        seconds if seconds >= 0.0 && seconds.is_finite() => Ok(seconds),
        seconds => Err(format!("{seconds} is less than 0, or has no end")),
    }
}
