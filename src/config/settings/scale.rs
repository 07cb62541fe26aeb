//! How fleets are scaled: the figures of `procession_plan::ScalePolicy`.

use procession_plan::scale::Lead;

use super::{Kind, Setting, positive, whole};

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "scale.lead",
        kind: Kind::Text,
        what: "What leads a fleet: `forecast` (the calendar keeps workers standing, forecast and queue bring more), `calendar` (the \
               calendar alone) or `deadlines` (only `base_instances` stand). Deadlines bring more in any case.",
        set: |config, value, _| {
            let lead = Lead::ALL.into_iter().find(|lead| value.as_str() == Some(lead.name()));
            config.scale.lead = lead.ok_or_else(|| super::not("forecast, calendar or deadlines", value))?;
            Ok(())
        },
        show: |config| config.scale.lead.name().to_owned(),
    },
    number!(
        "scale.local_workers",
        1..,
        "`procession serve` with the role `worker` starts up to so many worker processes on this machine, with itself, as \
         the controller decides. Each has its part of `threads` and `memory`.",
        local_workers
    ),
    number!("scale.base_instances", 0.., "Workers of a fleet that stand in the off season.", scale.base_instances),
    number!(
        "scale.most_instances_in_region",
        1..,
        "All fleets of a region together have at most so many workers.",
        scale.most_instances_in_region
    ),
    number!(
        "scale.grow_at_photos",
        1..,
        "With so many photos waiting a fleet grows, in a season without a figure of its own.",
        scale.grow_at_photos
    ),
    number!(
        "scale.shrink_at_photos",
        0..,
        "With more photos waiting than this no fleet shrinks.",
        scale.shrink_at_photos
    ),
    number!(
        "scale.warm_up_seconds",
        0..,
        "How long a worker takes from its start until it takes work.",
        scale.warm_up_seconds
    ),
    number!(
        "scale.grow_cool_down_seconds",
        0..,
        "What the queue asks for is at least so long apart. Deadlines wait for nothing.",
        scale.grow_cool_down_seconds
    ),
    number!(
        "scale.shrink_window_seconds",
        1..,
        "A fleet shrinks only to what was enough for so long, and not sooner after it grew or shrank.",
        scale.shrink_window_seconds
    ),
    Setting {
        key: "scale.time_zone",
        kind: Kind::Text,
        what: "Whose months and Saturdays decide: the time zone of the region's venues.",
        set: |config, value, _| {
            let name = value.as_str().unwrap_or_default();
            config.scale.time_zone = name.parse().map_err(|error: procession_domain::Invalid| error.to_string())?;
            Ok(())
        },
        show: |config| config.scale.time_zone.as_str().to_owned(),
    },
    weight!(
        "scale.peak.base_times",
        "From May to September, a fleet's base is multiplied by this.",
        scale.seasons.peak.base_times
    ),
    weight!("scale.peak.saturday_times", "The same on Saturdays.", scale.seasons.peak.saturday_times),
    Setting {
        key: "scale.peak.grow_at_photos",
        kind: Kind::Number,
        what: "With so many photos waiting a fleet grows then.",
        set: |config, value, _| whole(value, 1).map(|photos| config.scale.seasons.peak.grow_at_photos = Some(photos)),
        show: |config| config.scale.seasons.peak.grow_at_photos.map_or_else(String::new, |photos| photos.to_string()),
    },
    number!(
        "scale.peak.grow_at_wait_minutes",
        0..,
        "When a photo has waited so long a fleet grows then.",
        scale.seasons.peak.grow_at_wait_minutes
    ),
    weight!(
        "scale.moderate.base_times",
        "From March, April and October, a fleet's base is multiplied by this.",
        scale.seasons.moderate.base_times
    ),
    weight!("scale.moderate.saturday_times", "The same on Saturdays.", scale.seasons.moderate.saturday_times),
    Setting {
        key: "scale.moderate.grow_at_photos",
        kind: Kind::Number,
        what: "With so many photos waiting a fleet grows then.",
        set: |config, value, _| {
            whole(value, 1).map(|photos| config.scale.seasons.moderate.grow_at_photos = Some(photos))
        },
        show: |config| {
            config.scale.seasons.moderate.grow_at_photos.map_or_else(String::new, |photos| photos.to_string())
        },
    },
    number!(
        "scale.moderate.grow_at_wait_minutes",
        0..,
        "When a photo has waited so long a fleet grows then.",
        scale.seasons.moderate.grow_at_wait_minutes
    ),
    weight!(
        "scale.off.base_times",
        "From November to February, a fleet's base is multiplied by this.",
        scale.seasons.off.base_times
    ),
    weight!("scale.off.saturday_times", "The same on Saturdays.", scale.seasons.off.saturday_times),
    Setting {
        key: "scale.off.grow_at_photos",
        kind: Kind::Number,
        what: "With so many photos waiting a fleet grows then.",
        set: |config, value, _| whole(value, 1).map(|photos| config.scale.seasons.off.grow_at_photos = Some(photos)),
        show: |config| config.scale.seasons.off.grow_at_photos.map_or_else(String::new, |photos| photos.to_string()),
    },
    number!(
        "scale.off.grow_at_wait_minutes",
        0..,
        "When a photo has waited so long a fleet grows then.",
        scale.seasons.off.grow_at_wait_minutes
    ),
];
