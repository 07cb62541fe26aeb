//! What the ledger has kept of the past, as `plan` wants to know it.

use std::{collections::BTreeMap, time::Duration};

use procession_domain::{
    Region, Timestamp,
    demand::{Arrivals, Booked},
};
use procession_plan::forecast::{Booking, Known, Place, Series, Venues};
use procession_vault::Ledger;

use crate::{Error, Result};

const HOUR: Duration = Duration::from_secs(3_600);
/// So much is looked at: two years, and the weeks in which the forecast is tried.
const DAYS: u32 = 2 * 366 + 12 * 7;
/// What a photo costs is taken from so many of the last hours.
const COST_HOURS: usize = 56 * 24;

/// The past of a region, and the weddings that are booked there.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// Where the photos arrive.
    pub place: Place,
    /// How many photos arrived, hour by hour, until the present hour.
    pub arrivals: Series,
    /// The weddings that were announced.
    pub bookings: Vec<Booking>,
    /// The mean cost of a photo in the last eight weeks; none if nothing is known of it.
    pub megapixels_per_photo: Option<f64>,
}

impl History {
    /// No past.
    pub fn none(place: Place, now: Timestamp) -> Self {
        Self { place, arrivals: Series::empty(now), bookings: Vec::new(), megapixels_per_photo: None }
    }

    /// What a forecast is made from.
    pub fn known(&self) -> Known<'_> {
        Known { place: &self.place, history: &self.arrivals, bookings: &self.bookings }
    }

    /// The past of each region that has any, from what arrived, by hour, and what was announced.
    ///
    /// # Errors
    /// `Bug` if an arrival is not at the beginning of an hour.
    pub fn of_regions(
        arrivals: Vec<Arrivals>,
        bookings: Vec<Booked>,
        venues: &Venues,
        now: Timestamp,
    ) -> Result<BTreeMap<Region, Self>> {
        let mut histories = BTreeMap::new();
        let new = |region: &Region| Self::none(venues.of(region), now);
        for Booked { region, wedding, announced_at } in bookings {
            let history = histories.entry(region).or_insert_with_key(new);
            history.bookings.push(Booking { wedding, announced_at });
        }
        let mut of_regions: BTreeMap<Region, Vec<Arrivals>> = BTreeMap::new();
        for of in arrivals {
            of_regions.entry(of.region.clone()).or_default().push(of);
        }
        for (region, arrivals) in of_regions {
            histories.entry(region).or_insert_with_key(new).take(&arrivals, now)?;
        }
        Ok(histories)
    }

    /// By hours, the first first.
    fn take(&mut self, arrivals: &[Arrivals], now: Timestamp) -> Result<()> {
        let Some(first) = arrivals.first() else { return Ok(()) };
        let place = |hour: Timestamp| (hour.since(first.hour).as_secs() / HOUR.as_secs()) as usize;
        let mut photos = vec![0.0; place(now)];
        for of in arrivals {
            photos.get_mut(place(of.hour)).into_iter().for_each(|hour| *hour = of.photos as f64);
        }
        self.arrivals = Series::new(first.hour, photos).map_err(|error| Error::Bug(error.to_string()))?;
        let (mut count, mut megapixels) = (0, 0.0);
        for of in arrivals.iter().rev().filter(|of| of.megapixels > 0.0).take(COST_HOURS) {
            count += of.photos;
            megapixels += of.megapixels;
        }
        self.megapixels_per_photo = (count > 0).then(|| megapixels / count as f64);
        Ok(())
    }
}

/// The last two years of each region that has some, as they are known at `now`.
///
/// # Errors
/// The ledger does not answer.
pub async fn histories(ledger: &dyn Ledger, venues: &Venues, now: Timestamp) -> Result<BTreeMap<Region, History>> {
    let from = Timestamp::from_micros(now.micros().saturating_sub((24 * HOUR * DAYS).as_micros() as i64));
    let arrivals = ledger.arrivals(from).await?;
    let bookings = ledger.bookings(venues.of(&Region::local()).today(from)).await?;
    History::of_regions(arrivals, bookings, venues, now)
}
