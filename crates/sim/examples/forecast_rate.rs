//! How good the forecast is, on made-up weddings and on a real series.
//!
//! `cargo run --release -p procession-sim --example forecast_rate FOLDER WEEKS` forecasts the last WEEKS weeks of each series
//! again, prints a line of JSON for each model, and writes the daily series to FOLDER as NAME.csv (`date,value,forecast…`) for whoever
//! wants to compare. `cargo xtask bench forecast` runs it.
#![allow(clippy::print_stdout, reason = "a bench prints")]
#![allow(clippy::disallowed_methods, reason = "a bench reads the machine's clock")]

use std::{error::Error, fmt::Write as _, fs, path::Path, time::Instant};

use jiff::civil::{Date, date};
use procession_domain::{Timestamp, gallery::TimeZoneName};
use procession_plan::forecast::{Backtest, Booking, Country, ForecastPolicy, Known, Place, Series, backtest, forecast};
use procession_sim::{DemandSpec, demand, demand::Shock};

/// Births in the United States, 2010 to 2014: see crates/plan/tests/data/README.md.
const BIRTHS: &str = include_str!("../../plan/tests/data/us-births.csv");

/// The seed of the made-up weddings.
const SEED: u64 = 20_260_620;

struct Case {
    name: String,
    place: Place,
    history: Series,
    bookings: Vec<Booking>,
    now: Timestamp,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, weeks] = arguments.as_slice() else { return Err("say: FOLDER WEEKS".into()) };
    let (folder, weeks): (&Path, u32) = (Path::new(folder), weeks.parse()?);
    fs::create_dir_all(folder)?;
    for case in cases()? {
        let known = Known { place: &case.place, history: &case.history, bookings: &case.bookings };
        let policy = ForecastPolicy::default();
        let begun = Instant::now();
        let told = forecast(&known, &policy, case.now).map_err(|error| error.0.to_string())?;
        let seconds = begun.elapsed().as_secs_f64();
        let result = backtest(&known, &policy, weeks, case.now).map_err(|error| error.0.to_string())?;
        for (name, score) in std::iter::once(("chosen", &result.chosen))
            .chain(result.models.iter().map(|score| (score.model.name(), score)))
        {
            println!(
                "{{\"series\":\"{}\",\"model\":\"{name}\",\"chose\":\"{}\",\"weeks\":{weeks},\"daily_error\":{:.4},\
                 \"hourly_error\":{:.4},\"pinball\":{:.4},\"coverage\":{:.4},\"seconds\":{seconds:.3}}}",
                case.name,
                score.model.name(),
                score.daily_error,
                score.hourly_error,
                score.pinball,
                score.coverage,
            );
        }
        fs::write(folder.join(format!("{}.csv", case.name)), table(&case, &result)?)?;
        eprintln!("{}: {}", case.name, told.reason);
        told.days.iter().take(7).for_each(|day| eprintln!("  {}", day.reason));
    }
    Ok(())
}

/// The four regions, one of them again with nothing announced, one again with a shock, and births.
fn cases() -> Result<Vec<Case>, Box<dyn Error>> {
    let mut cases = Vec::new();
    for (number, region) in (0..).zip(["us-east-1", "us-west-2", "eu-west-1", "ap-southeast-1"]) {
        cases.push(made_up(region, region, SEED + number, |_| {})?);
    }
    cases.push(made_up("eu-west-1-unannounced", "eu-west-1", SEED + 2, |spec| spec.announced = 0.0)?);
    let shock = Shock { from: date(2026, 4, 13), until: date(2026, 6, 8), factor: 0.3 };
    cases.push(made_up("us-east-1-shock", "us-east-1", SEED, |spec| spec.shocks = vec![shock])?);
    cases.push(births()?);
    Ok(cases)
}

fn made_up(name: &str, region: &str, seed: u64, change: impl Fn(&mut DemandSpec)) -> Result<Case, Box<dyn Error>> {
    let place = Place::of(&region.parse()?);
    let mut spec = DemandSpec::of(&place);
    change(&mut spec);
    let demand = demand(&place, &spec, date(2024, 6, 1), date(2026, 9, 1), seed);
    let midnight = |date: Date| -> Result<Timestamp, Box<dyn Error>> {
        Ok(place.time_zone.rules().to_timestamp(date.at(0, 0, 0, 0))?.into())
    };
    // Two years, and what is forecast again in the last of them: the season.
    let (from, now) = (midnight(date(2024, 8, 1))?, midnight(date(2026, 8, 1))?);
    let history = demand.history(from, now).ok_or("out of the calendar")?;
    Ok(Case { name: name.to_owned(), bookings: demand.bookings(), place, history, now })
}

/// All births of a day are put into one hour, so only the figures by days mean something.
fn births() -> Result<Case, Box<dyn Error>> {
    let mut hours = Vec::new();
    for line in BIRTHS.lines().skip(1) {
        let (_, births) = line.split_once(',').ok_or("a line without a comma")?;
        hours.extend([0.0; 23]);
        hours.push(births.parse()?);
    }
    let start: Timestamp = "2010-01-01T00:00:00Z".to_owned().try_into()?;
    // Two years of it, as for the others.
    let (skip, take) = (3 * 365 + 1, 2 * 365);
    let from = start.after(std::time::Duration::from_secs(86_400 * skip as u64));
    let history = Series::new(from, hours[24 * skip..24 * (skip + take)].to_vec())?;
    let place =
        Place { region: "us-east-1".parse()?, countries: vec![Country::UnitedStates], time_zone: TimeZoneName::utc() };
    let now = history.until();
    Ok(Case { name: "us-births".to_owned(), place, history, bookings: Vec::new(), now })
}

/// The whole history by days, with what was forecast of the last weeks.
fn table(case: &Case, result: &Backtest) -> Result<String, Box<dyn Error>> {
    let zone = case.place.time_zone.rules();
    let mut days: Vec<(Date, f64)> = Vec::new();
    for (index, photos) in case.history.photos().iter().enumerate() {
        let date = zone.to_datetime(case.history.begins(index).calendar()).date();
        match days.last_mut() {
            Some((last, sum)) if *last == date => *sum += photos,
            _ => days.push((date, *photos)),
        }
    }
    let mut text = "date,value,mean,p10,p50,p90,p99\n".to_owned();
    for (date, value) in days {
        write!(text, "{date},{value:.3}")?;
        match result.days.iter().find(|day| day.date == date) {
            Some(day) => {
                let of = day.expected;
                writeln!(text, ",{:.3},{:.3},{:.3},{:.3},{:.3}", of.mean, of.p10, of.p50, of.p90, of.p99)?;
            }
            None => writeln!(text, ",,,,,")?,
        }
    }
    Ok(text)
}
