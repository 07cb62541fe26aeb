//! What is forecast: the figures of `procession_plan::forecast::ForecastPolicy`, and whether it is followed.

use procession_plan::forecast::Country;

use super::{Kind, Setting, not, part, positive, text, whole};

pub(super) const SETTINGS: &[Setting] = &[
    switch!(
        "forecast.follow",
        "Fleets grow by a forecast that has earned trust. Otherwise it is only shown.",
        foresight.follow
    ),
    float!(
        part,
        "forecast.trusted_error",
        "It is trusted if it was wrong by at most this part of what arrived, by days, in the last weeks.",
        foresight.policy.trusted_error
    ),
    float!(
        part,
        "forecast.trusted_coverage",
        "It is not trusted if fewer than this part of those hours stayed below the quantile 0.9.",
        foresight.policy.trusted_coverage
    ),
    number!(
        "forecast.validation_weeks",
        2..,
        "So many of the last weeks are forecast again, each from what was known before it.",
        foresight.policy.validation_weeks
    ),
    float!(
        part,
        "forecast.better_by",
        "A model is taken only if it is better than repeating what was by this part of the error.",
        foresight.policy.better_by
    ),
    number!(
        "forecast.least_history_days",
        28..,
        "With a shorter history nothing is forecast.",
        foresight.policy.least_history_days
    ),
    number!("forecast.horizon_days", 1.., "So many days ahead are forecast.", foresight.policy.horizon_days),
    float!(
        positive,
        "forecast.assumed_megapixels_per_photo",
        "What a photo is taken to cost before any was counted, in megapixels.",
        foresight.assumed_megapixels_per_photo
    ),
    Setting {
        key: "forecast.countries",
        kind: Kind::Text,
        what: "Whose holidays count: of `US`, `IE`, `GB` and `SG` those in which the venues are, with spaces between them. By default \
               those of each region, and none for one that is not known.",
        set: |config, value, _| {
            let countries: Result<Vec<Country>, _> = text(value)?.split_whitespace().map(str::parse).collect();
            let countries = countries.map_err(|error: procession_domain::Invalid| error.to_string())?;
            config.foresight.venues.countries = Some(countries);
            Ok(())
        },
        show: |config| {
            let countries = config.foresight.venues.countries.iter().flatten();
            countries.map(|country| country.code()).collect::<Vec<_>>().join(" ")
        },
    },
];
