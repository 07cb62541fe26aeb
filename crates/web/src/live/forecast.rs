//! What is expected in each region, and what arrived there in the last days.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use axum::extract::State;
use futures::try_join;
use jiff::{civil::Date, tz::TimeZone};
use procession_domain::{Region, Timestamp, demand::Arrivals};
use procession_flow::{
    capacity::capacities,
    forecast::{Prospect, Quantiles, prospects},
    registry::Standing,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::operations::{FleetView, fleet};
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope},
    api::Json,
};

const FRESH: Duration = Duration::from_millis(500);
/// What arrived is shown for so many days before today.
pub(crate) const DAYS_BEFORE: i64 = 3;

/// What is expected at one moment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Forecasts {
    /// The moment (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: Timestamp,
    /// Each region that has a history or a fleet, by name.
    pub(crate) regions: Vec<RegionForecast>,
}

/// What is expected in a region.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegionForecast {
    /// Its name.
    pub(crate) region: String,
    /// The time zone of its venues: whose days these are.
    pub(crate) time_zone: String,
    /// When the forecast was made (RFC 3339); null while no controller has made one.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) made_at: Option<Timestamp>,
    /// Whether fleets grow by it. Otherwise it is only shown.
    pub(crate) followed: bool,
    /// Why, or why not.
    pub(crate) standing: String,
    /// The model that was chosen: `last_week`, `four_weeks`, `last_year`, `calendar` or `bookings`; null without a forecast.
    model: Option<&'static str>,
    /// Why that one.
    model_reason: Option<String>,
    /// What a photo is taken to cost, in megapixels; null without a forecast.
    megapixels_per_photo: Option<f64>,
    /// Photos an hour that the workers at work there can do; null while too little is known.
    pub(crate) photos_an_hour: Option<f64>,
    /// The fleets of the region.
    pub(crate) fleets: Vec<FleetView>,
    /// The photos that arrived, by hour, from the beginning of the third day before today; hours without photos are not there.
    pub(crate) arrived: Vec<ArrivedView>,
    /// The days to come and the present one.
    pub(crate) days: Vec<DayView>,
    /// The hours to come and the present one.
    pub(crate) hours: Vec<HourView>,
}

/// Photos that arrived.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct ArrivedView {
    /// When the hour began (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    pub(crate) from: Timestamp,
    /// How many.
    pub(crate) photos: u64,
}

/// A day, as it is where the venues are.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DayView {
    /// The day, as in 2026-06-20.
    #[schema(value_type = String, format = Date)]
    pub(crate) date: Date,
    /// The photos that are expected.
    pub(crate) photos: Expectation,
    /// Weddings on it that are announced so far.
    pub(crate) booked: u32,
    /// What makes it more or less than an ordinary day.
    pub(crate) reason: String,
}

/// An hour.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct HourView {
    /// When it begins (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    pub(crate) from: Timestamp,
    /// The photos that are expected.
    pub(crate) photos: Expectation,
}

/// A number that is not certain.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Expectation {
    /// On average.
    pub(crate) mean: f64,
    /// One case in ten is below.
    pub(crate) p10: f64,
    /// Half of the cases are below.
    pub(crate) p50: f64,
    /// Nine cases in ten are below.
    pub(crate) p90: f64,
    /// 99 cases in a hundred are below.
    pub(crate) p99: f64,
}

impl From<Quantiles> for Expectation {
    fn from(Quantiles { mean, p10, p50, p90, p99 }: Quantiles) -> Self {
        Self { mean, p10, p50, p90, p99 }
    }
}

/// What is expected in each region in the next days, whether fleets grow by it, and what arrived in the last days.
#[utoipa::path(get, path = "/api/v1/operations/forecast", operation_id = "get_forecast", tag = "operations",
    responses((status = 200, body = Forecasts), Problem))]
pub(crate) async fn get(State(service): State<Arc<Service>>, caller: Caller) -> Result<Json<Forecasts>> {
    caller.require(Scope::Operate)?;
    Ok(Json(forecasts(&service).await?))
}

/// What is expected now.
pub(crate) async fn forecasts(service: &Service) -> Result<Forecasts> {
    let system = &service.system;
    let now = system.clock.now();
    // Days begin up to fourteen hours earlier elsewhere.
    let from = now.micros() - (DAYS_BEFORE + 2) * 86_400_000_000;
    let arrivals = async { Ok(system.ledger.arrivals(Timestamp::from_micros(from)).await?) };
    let expected = service.live.observer.expected(system, FRESH);
    let (arrivals, prospects, fleets, expected) = try_join!(arrivals, prospects(system), capacities(system), expected)?;
    let mut arrived: BTreeMap<Region, Vec<Arrivals>> = BTreeMap::new();
    for of in arrivals {
        arrived.entry(of.region.clone()).or_default().push(of);
    }
    let mut made: BTreeMap<Region, Prospect> = prospects.into_iter().map(|of| (of.region.clone(), of)).collect();
    let names = made.keys().chain(arrived.keys()).chain(fleets.iter().map(|of| &of.fleet.region));
    let names: BTreeSet<Region> = names.cloned().collect();
    let region = |name: Region| {
        let zone = system.settings.foresight.venues.of(&name).time_zone;
        let first = first_day(&zone.rules(), now);
        let here = expected.workers.iter().filter(|of| of.region == name && of.standing == Standing::Working);
        let pace: f64 = here.filter_map(|of| of.rate).map(|rate| rate.megapixels_per_second).sum();
        let arrived = arrived.remove(&name).unwrap_or_default();
        let arrived = arrived.into_iter().filter(|of| of.hour >= first);
        let arrived = arrived.map(|of| ArrivedView { from: of.hour, photos: of.photos }).collect();
        let fleets = fleets.iter().filter(|of| of.fleet.region == name).cloned().map(fleet).collect();
        let view = RegionForecast {
            region: name.to_string(),
            time_zone: zone.as_str().to_owned(),
            fleets,
            arrived,
            ..RegionForecast::unknown()
        };
        match made.remove(&name) {
            Some(prospect) => view.with(prospect, pace),
            None => view,
        }
    };
    Ok(Forecasts { at: now, regions: names.into_iter().map(region).collect() })
}

/// The beginning of the first day that is shown.
pub(crate) fn first_day(zone: &TimeZone, now: Timestamp) -> Timestamp {
    let today = zone.to_datetime(now.calendar()).date();
    let first = today.saturating_sub(jiff::Span::new().days(DAYS_BEFORE));
    zone.to_timestamp(first.at(0, 0, 0, 0)).map_or(now, Timestamp::from)
}

impl RegionForecast {
    /// While no controller has made a forecast.
    fn unknown() -> Self {
        Self {
            region: String::new(),
            time_zone: String::new(),
            made_at: None,
            followed: false,
            standing: "nothing is forecast: no controller has made a forecast yet".to_owned(),
            model: None,
            model_reason: None,
            megapixels_per_photo: None,
            photos_an_hour: None,
            fleets: Vec::new(),
            arrived: Vec::new(),
            days: Vec::new(),
            hours: Vec::new(),
        }
    }

    fn with(self, prospect: Prospect, pace: f64) -> Self {
        let known = Self {
            made_at: Some(prospect.made_at),
            followed: prospect.followed,
            standing: prospect.standing,
            megapixels_per_photo: Some(prospect.megapixels_per_photo),
            photos_an_hour: (pace > 0.0).then(|| pace / prospect.megapixels_per_photo * 3_600.0),
            ..self
        };
        let Some(forecast) = prospect.forecast else { return known };
        let day = |day: procession_flow::forecast::Day| DayView {
            date: day.date,
            photos: day.photos.into(),
            booked: day.booked,
            reason: day.reason.into(),
        };
        Self {
            model: Some(forecast.model.name()),
            model_reason: Some(forecast.reason.into()),
            days: forecast.days.into_iter().map(day).collect(),
            hours: forecast.hours.iter().map(|of| HourView { from: of.from, photos: of.photos.into() }).collect(),
            ..known
        }
    }
}
