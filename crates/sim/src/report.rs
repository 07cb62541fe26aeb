//! What a scenario showed, for people.

use std::{fmt::Write as _, thread};

use jiff::civil::Date;
use procession_domain::{Region, urgency::Urgency};
use serde::Serialize;

use crate::{Bounds, Error, Outcome, Result, Scenario, Traffic, run::run};

/// What a scenario showed: its policies on the same weddings and the same faults.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What was simulated.
    pub title: String,
    /// What it is to show.
    pub about: String,
    /// The first day.
    pub from: Date,
    /// The day after the last.
    pub until: Date,
    /// What chance followed from.
    pub seed: u64,
    /// Where the fleets were.
    pub regions: Vec<Region>,
    /// The speed of an instance, in megapixels a second.
    pub megapixels_per_second: f64,
    /// Galleries that were uploaded.
    pub galleries: u64,
    /// Their photos.
    pub photos: u64,
    /// Their megapixels.
    pub megapixels: f64,
    /// The part of the forecasts that were trusted, 0 to 1.
    pub forecasts_trusted: f64,
    /// The fewest instance-hours.
    pub bounds: Bounds,
    /// What came of each policy, in the order of the scenario.
    pub outcomes: Vec<Outcome>,
}

/// Simulates a scenario under each of its policies.
///
/// # Errors
/// `Invalid` if its days are out of the calendar.
pub fn simulate(scenario: &Scenario) -> Result<Report> {
    let traffic = Traffic::new(scenario)?;
    let forecasts = traffic.forecasts(scenario)?;
    let (traffic, forecasts) = (&traffic, &forecasts);
    let outcomes = thread::scope(|scope| {
        let policies = scenario.policies.iter();
        let tasks: Vec<_> =
            policies.map(|policy| scope.spawn(move || run(scenario, traffic, forecasts, *policy))).collect();
        tasks.into_iter().map(|task| task.join().map_err(|_| Error::Broken)).collect::<Result<Vec<Outcome>>>()
    })?;
    let made = || forecasts.iter().flatten();
    Ok(Report {
        title: scenario.title.clone(),
        about: scenario.about.clone(),
        from: scenario.from,
        until: scenario.until,
        seed: scenario.seed,
        regions: scenario.regions.clone(),
        megapixels_per_second: scenario.service.megapixels_per_second,
        galleries: traffic.uploads.len() as u64,
        photos: traffic.uploads.iter().map(|upload| u64::from(upload.photos)).sum(),
        megapixels: traffic.uploads.iter().map(crate::Upload::total_megapixels).sum(),
        forecasts_trusted: made().filter(|forecast| forecast.trusted).count() as f64 / made().count().max(1) as f64,
        bounds: Bounds::of(scenario, traffic),
        outcomes,
    })
}

impl Report {
    /// As text: the same for the same scenario and seed, to the letter.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "{}\n{}\n", self.title, self.about)?;
        writeln!(text, "{} up to {}, seed {}, {} regions", self.from, self.until, self.seed, self.regions.len())?;
        let photos = whole(self.photos as f64);
        writeln!(
            text,
            "{} galleries, {photos} photos, {} megapixels",
            whole(self.galleries as f64),
            whole(self.megapixels)
        )?;
        writeln!(text, "an instance does {} megapixels a second", self.megapixels_per_second)?;
        writeln!(text, "{:.0}% of the forecasts were trusted\n", self.forecasts_trusted * 100.0)?;
        self.write_policies(text)?;
        self.write_classes(text)?;
        writeln!(text, "median, 99%: from the arrival of a gallery's last photo until all of it is finished")?;
        self.write_decisions(text)
    }

    fn write_policies(&self, text: &mut String) -> std::fmt::Result {
        let Bounds { work_hours, calendar_hours, beyond_reach_megapixels } = self.bounds;
        writeln!(
            text,
            "policy      in time    missed  worst late  instance-hours  of work  of calendar  starts  peak by region"
        )?;
        for outcome in &self.outcomes {
            let peaks: Vec<String> = outcome.peak_instances.iter().map(u32::to_string).collect();
            writeln!(
                text,
                "{:<10} {:>8}  {:>8}  {:>10}  {:>14}  {:>7.2}  {:>11.2}  {:>6}  {}",
                outcome.policy.name(),
                percent(outcome.in_time()),
                whole(outcome.missed() as f64),
                span(outcome.worst_late_seconds()),
                whole(outcome.instance_hours),
                outcome.instance_hours / work_hours.max(1e-9),
                outcome.instance_hours / calendar_hours.max(1e-9),
                whole(outcome.starts as f64),
                peaks.join(" "),
            )?;
        }
        writeln!(text, "\nlower bounds of the instance-hours, with everything known beforehand")?;
        writeln!(text, "{:>14}  of work: every instance works all its life", whole(work_hours))?;
        writeln!(
            text,
            "{:>14}  of calendar: what the calendar keeps standing, and what that cannot do in time",
            whole(calendar_hours)
        )?;
        if beyond_reach_megapixels >= 1.0 {
            writeln!(text, "{:>14}  megapixels that nobody could do in time", whole(beyond_reach_megapixels))?;
        }
        Ok(())
    }

    fn write_classes(&self, text: &mut String) -> std::fmt::Result {
        writeln!(
            text,
            "\nclass              policy      galleries    missed   in time  least to spare  median     99%"
        )?;
        for urgency in Urgency::ALL {
            for outcome in &self.outcomes {
                let Some(class) = outcome.classes.iter().find(|class| class.urgency == urgency) else { continue };
                let in_time = 1.0 - class.missed as f64 / class.galleries.max(1) as f64;
                let spare = class.least_spare_seconds.map_or("-".to_owned(), |seconds| match seconds < 0.0 {
                    true => format!("-{}", span(-seconds)),
                    false => span(seconds),
                });
                writeln!(
                    text,
                    "{:<18} {:<10}  {:>9}  {:>8}  {:>8}  {spare:>14}  {:>6}  {:>6}",
                    urgency.name(),
                    outcome.policy.name(),
                    whole(class.galleries as f64),
                    whole(class.missed as f64),
                    percent(in_time),
                    span(class.median_seconds),
                    span(class.p99_seconds),
                )?;
            }
        }
        Ok(())
    }

    fn write_decisions(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text)?;
        for outcome in &self.outcomes {
            let all: u64 = outcome.decisions.values().sum();
            let causes: Vec<String> =
                outcome.decisions.iter().map(|(cause, number)| format!("{cause} {}", whole(*number as f64))).collect();
            let causes = if causes.is_empty() { String::new() } else { format!(" ({})", causes.join(", ")) };
            let repeated = match outcome.photos_repeated {
                0 => String::new(),
                photos => format!("; {} photos of lost instances done again", whole(photos as f64)),
            };
            let unfinished = match outcome.photos_arrived - outcome.photos_finished.min(outcome.photos_arrived) {
                0 => String::new(),
                photos => format!("; {} PHOTOS NOT FINISHED", whole(photos as f64)),
            };
            writeln!(text, "{}: {} decisions{causes}{repeated}{unfinished}", outcome.policy.name(), whole(all as f64))?;
        }
        Ok(())
    }
}

/// With commas between the thousands.
pub(crate) fn whole(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = if number <= -0.5 { "-".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Never 100% where something was missed.
pub(crate) fn percent(part: f64) -> String {
    if part >= 1.0 { "100%".to_owned() } else { format!("{:.3}%", (part * 1e5).floor() / 1e3) }
}

/// Seconds, for people.
pub(crate) fn span(seconds: f64) -> String {
    match seconds {
        s if s <= 0.0 => "-".to_owned(),
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 6_000.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}
