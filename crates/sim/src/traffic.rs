//! What arrives in a scenario, and what is known of it beforehand.

use std::thread;

use jiff::{Span, civil::Date};
use procession_domain::{Region, Timestamp, gallery, urgency::Urgency};
use procession_plan::{
    forecast::{Booking, Known, Place, Series, forecast},
    scale::Expected,
    urgency,
};

use crate::{
    DemandSpec, Error, Fault, Result, Scenario,
    demand::{self, Shock},
    scenario::midnight,
};

/// A gallery that a photographer uploads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Upload {
    /// When its first photo begins to arrive.
    pub begins_at: Timestamp,
    /// For how long photos arrive, evenly, in seconds.
    pub seconds: f64,
    /// Which of the scenario's regions it is uploaded to.
    pub region: usize,
    /// Its class, by the calendar of the venue.
    pub urgency: Urgency,
    /// How many.
    pub photos: u32,
    /// The size of each, in megapixels.
    pub megapixels: f64,
    /// Which of those that the scenario lists it is; none if it is of a made-up wedding.
    pub listed: Option<usize>,
}

/// Everything that arrives, and what was known of it.
#[derive(Debug)]
pub struct Traffic {
    /// By the time at which they begin.
    pub uploads: Vec<Upload>,
    /// For each region.
    pub(crate) known: Vec<History>,
}

/// What a region knows of its past, and of what is booked.
#[derive(Debug)]
pub(crate) struct History {
    place: Place,
    series: Series,
    bookings: Vec<Booking>,
}

/// A forecast, as far as the scaler listens to it.
#[derive(Clone, Debug)]
pub(crate) struct Foreseen {
    pub(crate) trusted: bool,
    /// Each hour, beginning with the one in which it was made.
    pub(crate) hours: Vec<Expected>,
}

impl Upload {
    /// All of it.
    pub fn total_megapixels(&self) -> f64 {
        f64::from(self.photos) * self.megapixels
    }
}

impl Traffic {
    /// What arrives in a scenario.
    ///
    /// # Errors
    /// `Invalid` if its days are out of the calendar.
    pub fn new(scenario: &Scenario) -> Result<Self> {
        let made: Vec<_> = thread::scope(|scope| {
            let regions = scenario.regions.iter().enumerate();
            let tasks: Vec<_> =
                regions.map(|(index, region)| scope.spawn(move || of(scenario, index, region))).collect();
            tasks.into_iter().map(|task| task.join().map_err(|_| Error::Broken)?).collect::<Result<_>>()
        })?;
        let (uploads, known): (Vec<Vec<Upload>>, Vec<History>) = made.into_iter().unzip();
        let listed = scenario.galleries.iter().enumerate().map(|(number, listed)| listed.upload(number, scenario));
        let mut uploads: Vec<Upload> = uploads.into_iter().flatten().chain(listed).collect();
        uploads.sort_by_key(|upload| (upload.begins_at, upload.region));
        Ok(Self { uploads, known })
    }

    /// The forecasts of every region that are made in the scenario, one after another.
    pub(crate) fn forecasts(&self, scenario: &Scenario) -> Result<Vec<Vec<Foreseen>>> {
        thread::scope(|scope| {
            let tasks: Vec<_> = self.known.iter().map(|known| scope.spawn(|| known.forecasts(scenario))).collect();
            tasks.into_iter().map(|task| task.join().map_err(|_| Error::Broken)).collect()
        })
    }
}

impl History {
    fn forecasts(&self, scenario: &Scenario) -> Vec<Foreseen> {
        let known = Known { place: &self.place, history: &self.series, bookings: &self.bookings };
        let step = std::time::Duration::from_secs(u64::from(scenario.steps.forecast_seconds));
        let times = std::iter::successors(Some(scenario.begins_at()), |at| Some(at.after(step)));
        let made =
            times.take_while(|at| *at < scenario.ends_at()).map(|at| match forecast(&known, &scenario.forecast, at) {
                Ok(made) => {
                    let ahead = made.ahead(1.0);
                    Foreseen { trusted: ahead.trusted, hours: ahead.hours }
                }
                // Too little is known: nothing is foreseen.
                Err(_) => Foreseen { trusted: false, hours: Vec::new() },
            });
        made.collect()
    }
}

/// What arrives in a region.
fn of(scenario: &Scenario, index: usize, region: &Region) -> Result<(Vec<Upload>, History)> {
    let place = Place::of(region);
    let first = before(scenario.from, scenario.history_days)?;
    let spec = spec_of(scenario, &place);
    // Each region has chance of its own.
    let seed = scenario.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(index as u64);
    let demand = demand::demand(&place, &spec, first, scenario.until, seed);
    let (from, until) = (scenario.begins_at(), scenario.ends_at());
    let series = Series::new(midnight(first), demand.arrivals(midnight(first), until))
        .map_err(|error| Error::Nonsense(error.to_string()))?;
    let bookings = demand.bookings();
    let of_wedding = |wedding: demand::Wedding| {
        let date = gallery::Wedding { date: wedding.date, time_zone: place.time_zone.clone() };
        let within = wedding.photos.into_iter().filter(|photos| (from..until).contains(&photos.begins_at));
        let upload = within.map(|photos| Upload {
            begins_at: photos.begins_at,
            seconds: photos.upload_seconds,
            region: index,
            urgency: urgency(Some(&date), photos.begins_at).0,
            photos: u32::try_from(photos.photos).unwrap_or(u32::MAX),
            megapixels: photos.megapixels,
            listed: None,
        });
        upload.collect::<Vec<_>>()
    };
    let uploads = demand.weddings.into_iter().flat_map(of_wedding).collect();
    Ok((uploads, History { place, series, bookings }))
}

/// So many weddings in the year of the scenario, and those more or less that its faults bring.
fn spec_of(scenario: &Scenario, place: &Place) -> DemandSpec {
    let mut spec = DemandSpec::of(place);
    let years = f64::from(scenario.history_days) / 365.25;
    spec.weddings_a_year = scenario.weddings_a_year / (1.0 + spec.growth).powf(years);
    let shock = |fault: &Fault| match fault {
        Fault::OtherDemand { from, until, factor } => Some(Shock { from: *from, until: *until, factor: *factor }),
        _ => None,
    };
    spec.shocks.extend(scenario.faults.iter().filter_map(shock));
    spec
}

fn before(date: Date, days: u32) -> Result<Date> {
    let span = Span::new().try_days(i64::from(days));
    span.and_then(|span| date.checked_sub(span)).map_err(|error| Error::Nonsense(error.to_string()))
}
