//! How fleets are scaled: the figures of `procession_plan::ScalePolicy`.

use procession_domain::urgency::Urgency;
use procession_plan::{
    forecast::Level,
    scale::{Lead, Season},
};
use toml::Value;

use super::{Kind, Setting, not, part, positive, text, whole};
use crate::config::Config;

/// All of them.
pub(super) fn settings() -> impl Iterator<Item = &'static Setting> {
    FLEETS.iter().chain(&PEAK).chain(&MODERATE).chain(&OFF)
}

const FLEETS: &[Setting] = &[
    Setting {
        key: "scale.lead",
        kind: Kind::Text,
        what: "What leads a fleet: `forecast` (the calendar keeps workers standing, forecast and queue bring more), `calendar` (the \
               calendar alone) or `deadlines` (only `base_instances` stand). Deadlines bring more in any case.",
        set: |config, value, _| {
            let lead = Lead::ALL.into_iter().find(|lead| value.as_str() == Some(lead.name()));
            config.scale.lead = lead.ok_or_else(|| not("forecast, calendar or deadlines", value))?;
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
    float!(
        part,
        "scale.shrink_step",
        "At most this part of a fleet goes at once, 0 to 1, and at least one worker.",
        scale.shrink_step
    ),
    float!(
        part,
        "scale.utilisation",
        "The part of its time for which a worker is planned, 0 to 1. The rest is for what is uneven.",
        scale.utilisation
    ),
    float!(
        positive,
        "scale.assumed_megapixels_per_second",
        "What a worker is taken to do in a second before any was measured, in megapixels.",
        scale.assumed_megapixels_per_second
    ),
    Setting {
        key: "scale.forecast_level",
        kind: Kind::Text,
        what: "Capacity is made for so much of what is forecast: `p50`, `p90` or `p99`, which half, nine in ten or 99 in a hundred \
               hours stay below; or `p10`.",
        set: |config, value, _| {
            let level = Level::ALL.into_iter().find(|level| value.as_str() == Some(level.name()));
            config.scale.forecast_level = level.ok_or_else(|| not("p10, p50, p90 or p99", value))?;
            Ok(())
        },
        show: |config| config.scale.forecast_level.name().to_owned(),
    },
    number!(
        "scale.forecast_lead_seconds",
        0..,
        "Capacity is there so long before the hour for which it is forecast.",
        scale.forecast_lead_seconds
    ),
    Setting {
        key: "scale.time_zone",
        kind: Kind::Text,
        what: "Whose months, Saturdays and hours decide: the time zone of the venues. By default that of each region's own, and \
               `UTC` for one that is not known.",
        set: |config, value, _| {
            let zone = text(value)?.parse().map_err(|error: procession_domain::Invalid| error.to_string())?;
            config.foresight.venues.time_zone = Some(zone);
            Ok(())
        },
        show: |config| {
            config.foresight.venues.time_zone.as_ref().map_or_else(String::new, |zone| zone.as_str().to_owned())
        },
    },
    Setting {
        key: "scale.months",
        kind: Kind::Text,
        what: "The season of each month, January first: twelve of `peak`, `moderate` and `off`, with spaces between them.",
        set: months,
        show: |config| config.scale.seasons.months.map(Season::name).join(" "),
    },
];

fn months(config: &mut Config, value: &Value, _: &std::path::Path) -> Result<(), String> {
    let season = |name: &str| Season::ALL.into_iter().find(|season| season.name() == name);
    let seasons: Option<Vec<Season>> = text(value)?.split_whitespace().map(season).collect();
    let months = seasons.and_then(|seasons| seasons.try_into().ok());
    config.scale.seasons.months = months.ok_or_else(|| not("twelve of peak, moderate and off", value))?;
    Ok(())
}

/// What holds in a season.
macro_rules! season {
    ($name:literal, $season:ident) => {
        [
            float!(positive,
                concat!("scale.", $name, ".base_times"),
                "In that season a fleet's base is multiplied by this.",
                scale.seasons.$season.base_times
            ),
            float!(positive,
                concat!("scale.", $name, ".saturday_times"),
                "The same on Saturdays.",
                scale.seasons.$season.saturday_times
            ),
            Setting {
                key: concat!("scale.", $name, ".grow_at_photos"),
                kind: Kind::Number,
                what: "With so many photos waiting a fleet grows then; 0 for `scale.grow_at_photos`.",
                set: |config, value, _| {
                    let photos = whole(value, 0)?;
                    config.scale.seasons.$season.grow_at_photos = (photos > 0).then_some(photos);
                    Ok(())
                },
                show: |config| config.scale.seasons.$season.grow_at_photos.unwrap_or(0).to_string(),
            },
            number!(
                concat!("scale.", $name, ".grow_at_wait_minutes"),
                0..,
                "When a photo has waited so long a fleet grows then.",
                scale.seasons.$season.grow_at_wait_minutes
            ),
            Setting {
                key: concat!("scale.", $name, ".watched"),
                kind: Kind::Text,
                what: "Galleries of this class (`same_day_wedding`, `next_day_delivery`, `standard_delivery`) and more urgent ones are \
                       planned with time to spare then.",
                set: |config, value, _| {
                    let class = Urgency::ALL.into_iter().find(|class| value.as_str() == Some(class.name()));
                    let class = class.ok_or_else(|| not("a class of urgency", value))?;
                    config.scale.seasons.$season.watched = class;
                    Ok(())
                },
                show: |config| config.scale.seasons.$season.watched.name().to_owned(),
            },
        ]
    };
}

const PEAK: [Setting; 5] = season!("peak", peak);
const MODERATE: [Setting; 5] = season!("moderate", moderate);
const OFF: [Setting; 5] = season!("off", off);
