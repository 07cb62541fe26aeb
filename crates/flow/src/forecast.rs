//! What is expected to arrive in each region, made from what the ledger has kept, and kept there itself.
//!
//! The controller in office makes it anew every hour, beside its other work; its decisions about fleets, the operations page
//! and whoever asks read what it wrote.

mod history;

use std::{collections::BTreeMap, time::Duration};

use procession_domain::{Region, Timestamp};
use procession_plan::{
    forecast::{self, Forecast, ForecastPolicy, TooLittle, Venues},
    scale::Ahead,
};
use procession_vault::Document;
use serde::{Deserialize, Serialize};

use crate::{Result, System, ingest::blocking};

pub use history::{History, histories};
pub use procession_plan::forecast::{Day, Hour, Part, Quantiles};

/// More regions than this are not looked at.
const MOST: usize = 1_000;
/// All are in one list.
const OWNER: &str = "forecast";
/// Whoever has made no new one for so long has none.
const FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What an operator can choose.
#[derive(Clone, Debug, PartialEq)]
pub struct Foresight {
    /// How forecasts are made and judged.
    pub policy: ForecastPolicy,
    /// Fleets grow by a forecast that is trusted. Otherwise every forecast is only shown.
    pub follow: bool,
    /// What a photo costs before any was counted, in megapixels.
    pub assumed_megapixels_per_photo: f64,
    /// Where the venues are, where that is not what is assumed of their region.
    pub venues: Venues,
}

impl Default for Foresight {
    /// A photo has 24 megapixels, as `scale.assumed_megapixels_per_second` has it.
    fn default() -> Self {
        Self {
            policy: ForecastPolicy::default(),
            follow: true,
            assumed_megapixels_per_photo: 24.0,
            venues: Venues::default(),
        }
    }
}

/// What is expected in a region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prospect {
    /// The region.
    pub region: Region,
    /// When it was made.
    pub made_at: Timestamp,
    /// Fleets of the region grow by it. Otherwise it is only shown.
    pub followed: bool,
    /// Why, or why not.
    pub standing: String,
    /// What a photo costs, in megapixels.
    pub megapixels_per_photo: f64,
    /// The hours to come; none with too little history.
    pub forecast: Option<Forecast>,
}

impl Document for Prospect {
    const KIND: &'static str = "prospect";

    fn id(&self) -> String {
        self.region.to_string()
    }

    fn owner(&self) -> String {
        OWNER.to_owned()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.made_at.after(FORGOTTEN))
    }
}

impl Prospect {
    /// What can be expected at `now`.
    fn of(history: &History, foresight: &Foresight, now: Timestamp) -> Self {
        let made = forecast::forecast(&history.known(), &foresight.policy, now);
        let (followed, standing) = match &made {
            Err(TooLittle(why)) => (false, format!("nothing is forecast: {why}")),
            Ok(made) if !made.trust.trusted => (false, format!("only shown: {}", made.trust.reason)),
            Ok(_) if !foresight.follow => (false, "only shown: `forecast.follow` is off".to_owned()),
            Ok(made) => (true, format!("followed: {}", made.trust.reason)),
        };
        Self {
            region: history.place.region.clone(),
            made_at: now,
            followed,
            standing,
            megapixels_per_photo: history.megapixels_per_photo.unwrap_or(foresight.assumed_megapixels_per_photo),
            forecast: made.ok(),
        }
    }

    /// What a fleet has to expect that does this part of the region's work.
    pub(crate) fn ahead(&self, part: f64) -> Option<Ahead> {
        let ahead = self.forecast.as_ref()?.ahead(self.megapixels_per_photo * part);
        Some(Ahead { trusted: self.followed, ..ahead })
    }
}

/// Makes what can be expected now in every region that has a history or is one of `regions`, and writes it down. Returns the
/// regions whose forecast is followed now and was not before, or the other way around.
pub(crate) async fn make(system: &System, regions: Vec<Region>) -> Result<Vec<Prospect>> {
    let (now, foresight) = (system.clock.now(), system.settings.foresight.clone());
    let mut histories = histories(system.ledger.as_ref(), &foresight.venues, now).await?;
    for region in regions {
        histories.entry(region).or_insert_with_key(|region| History::none(foresight.venues.of(region), now));
    }
    // A hundred milliseconds for four regions: too long for a thread that serves others.
    let made = blocking(move || {
        let made = histories.values().map(|history| Prospect::of(history, &foresight, now));
        made.collect::<Vec<_>>()
    });
    let made = made.await?;
    let before = by_region(system).await?;
    let documents = system.documents();
    let mut changed = Vec::new();
    for prospect in made {
        documents.put(&prospect).await?;
        if before.get(&prospect.region).is_none_or(|before| before.followed != prospect.followed) {
            changed.push(prospect);
        }
    }
    documents.sweep::<Prospect>(now, MOST).await?;
    Ok(changed)
}

/// What is expected in a region, as it was made last; none if nobody has made it for a week.
pub(crate) async fn prospect(system: &System, region: &Region) -> Result<Option<Prospect>> {
    let found = system.documents().get::<Prospect>(region.as_str()).await?.map(|found| found.document);
    let now = system.clock.now();
    Ok(found.filter(|of| now.since(of.made_at) < FORGOTTEN))
}

/// What is expected in every region, as it was made last, by name.
///
/// # Errors
/// The ledger does not answer.
pub async fn prospects(system: &System) -> Result<Vec<Prospect>> {
    Ok(by_region(system).await?.into_values().collect())
}

async fn by_region(system: &System) -> Result<BTreeMap<Region, Prospect>> {
    let now = system.clock.now();
    let found = system.documents().list::<Prospect>(OWNER, None, MOST).await?;
    let known = found.into_iter().map(|found| found.document).filter(|of| now.since(of.made_at) < FORGOTTEN);
    Ok(known.map(|of| (of.region.clone(), of)).collect())
}

#[cfg(test)]
mod tests;
