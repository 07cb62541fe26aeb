//! What really happened, beside what was simulated of the same.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{Outcome, Scenario};

/// Figures may differ by this part at most.
pub const TOLERANCE: f64 = 0.15;

/// What came of a scenario, really or simulated. Seconds count from its beginning.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Witness {
    /// The galleries that the scenario lists, in its order.
    pub galleries: Vec<Ended>,
    /// Seconds of all instances, from their start to their end or to the end of the scenario.
    pub instance_seconds: f64,
    /// The most photos that waited at a time.
    pub peak_waiting_photos: u64,
    /// Megapixels that were finished.
    pub megapixels: f64,
    /// How many instances there were on average, in each stretch of [`Witness::STRETCH_SECONDS`].
    pub instances: Vec<f64>,
}

/// A gallery that was finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Ended {
    /// When its last photo had arrived.
    pub arrived_seconds: f64,
    /// When its last photo was finished.
    pub finished_seconds: f64,
}

impl Witness {
    /// The length of a stretch of time in `instances`.
    pub const STRETCH_SECONDS: f64 = 30.0;

    /// What was simulated. None if a gallery was not finished.
    pub fn simulated(scenario: &Scenario, outcome: &Outcome) -> Option<Self> {
        let galleries = (0..scenario.galleries.len()).map(|number| {
            let completed = outcome.completed.iter().find(|completed| completed.listed == number)?;
            let (arrived_seconds, finished_seconds) = (completed.arrived_seconds, completed.finished_seconds);
            Some(Ended { arrived_seconds, finished_seconds })
        });
        let seen = outcome.samples.iter().map(|of| (of.from_seconds as f64, of.instances.iter().sum()));
        let megapixels = scenario.galleries.iter().map(|listed| f64::from(listed.photos) * listed.megapixels);
        Some(Self {
            galleries: galleries.collect::<Option<_>>()?,
            instance_seconds: outcome.instance_hours * 3_600.0,
            peak_waiting_photos: outcome.peak_waiting_photos,
            megapixels: megapixels.sum(),
            instances: stretches(
                seen.filter(|(at, _)| *at < scenario.ends_at().since(scenario.begins_at()).as_secs_f64()),
            ),
        })
    }

    /// When all was finished.
    pub fn makespan_seconds(&self) -> f64 {
        self.galleries.iter().map(|ended| ended.finished_seconds).fold(0.0, f64::max)
    }
}

/// The mean number of instances in each stretch, of numbers that were seen at a time (seconds).
pub fn stretches(seen: impl IntoIterator<Item = (f64, f64)>) -> Vec<f64> {
    let mut sums: Vec<(f64, f64)> = Vec::new();
    for (at, instances) in seen {
        let stretch = (at / Witness::STRETCH_SECONDS).max(0.0) as usize;
        sums.resize(sums.len().max(stretch + 1), (0.0, 0.0));
        sums[stretch].0 += instances;
        sums[stretch].1 += 1.0;
    }
    sums.into_iter().map(|(sum, number)| if number > 0.0 { sum / number } else { 0.0 }).collect()
}

/// What really happened, beside what was simulated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Line by line.
    pub rows: Vec<Row>,
    /// What really happened.
    pub real: Witness,
    /// What was simulated.
    pub simulated: Witness,
}

/// A figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Of what.
    pub what: String,
    /// As it really was.
    pub real: f64,
    /// As it was simulated.
    pub simulated: f64,
    /// It has to agree. The others are told.
    pub judged: bool,
}

impl Row {
    /// By which part of the real figure the simulated one is more, or less if it is negative.
    pub fn difference(&self) -> f64 {
        if self.real == self.simulated { 0.0 } else { (self.simulated - self.real) / self.real.abs().max(1e-9) }
    }
}

impl Comparison {
    /// Puts one beside the other. Both have the galleries of the scenario.
    pub fn new(scenario: &Scenario, real: Witness, simulated: Witness) -> Self {
        let mut rows = Vec::new();
        let mut row = |what: String, figure: &dyn Fn(&Witness) -> f64, judged| {
            rows.push(Row { what, real: figure(&real), simulated: figure(&simulated), judged });
        };
        for (number, listed) in scenario.galleries.iter().enumerate() {
            let took = |of: &Witness| {
                of.galleries.get(number).map_or(0.0, |ended| ended.finished_seconds - ended.arrived_seconds)
            };
            let class = listed.urgency.name().replace('_', " ");
            row(format!("{} ({class}): seconds from the last photo to finished", listed.name), &took, true);
        }
        row("seconds until all was finished".to_owned(), &Witness::makespan_seconds, true);
        row("seconds of instances".to_owned(), &|of| of.instance_seconds, true);
        row("megapixels finished".to_owned(), &|of| of.megapixels, false);
        row("photos that waited, at the most".to_owned(), &|of| of.peak_waiting_photos as f64, false);
        for stretch in 0..real.instances.len().min(simulated.instances.len()) {
            let from = stretch as f64 * Witness::STRETCH_SECONDS;
            let what = format!("instances, second {from:.0} to {:.0}", from + Witness::STRETCH_SECONDS);
            row(what, &|of| of.instances[stretch], false);
        }
        Self { rows, real, simulated }
    }

    /// Those that have to agree and do not.
    pub fn apart(&self) -> Vec<&Row> {
        self.rows.iter().filter(|row| row.judged && row.difference().abs() > TOLERANCE).collect()
    }

    /// As a table in Markdown. Figures that do not have to agree have their difference in brackets.
    pub fn table(&self) -> String {
        let mut text = "| what | real | simulated | difference |\n| --- | ---: | ---: | ---: |\n".to_owned();
        for row in &self.rows {
            let Row { what, real, simulated, judged } = row;
            let difference = format!("{:+.1}%", row.difference() * 100.0);
            let difference = if *judged { difference } else { format!("({difference})") };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {what} | {real:.1} | {simulated:.1} | {difference} |");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(seconds: f64) -> Witness {
        Witness {
            galleries: vec![Ended { arrived_seconds: 30.0, finished_seconds: 30.0 + seconds }],
            instance_seconds: 600.0,
            peak_waiting_photos: 40,
            megapixels: 2_400.0,
            instances: stretches([(0.0, 1.0), (29.0, 2.0), (30.0, 2.0), (95.0, 1.0)]),
        }
    }

    fn compared(seconds: f64) -> Comparison {
        let text = "title = 'a'\nabout = 'b'\nfrom = '2026-06-01'\nuntil = '2026-06-02'\n[[gallery]]\nname = 'Anna'\n\
            urgency = 'same_day_wedding'\nat_seconds = 0\nphotos = 100\nupload_seconds = 30\nmegapixels = 24\n";
        Comparison::new(&Scenario::read(text).unwrap(), course(60.0), course(seconds))
    }

    #[test]
    fn what_is_within_the_tolerance_agrees_and_what_is_beyond_does_not() {
        assert_eq!(compared(60.0).apart(), Vec::<&Row>::new());
        assert_eq!(compared(68.9).apart(), Vec::<&Row>::new());
        let too_long = compared(69.1);
        assert_eq!(too_long.apart().len(), 1);
        assert!(
            too_long.table().contains(
                "| Anna (same day wedding): seconds from the last photo to finished | 60.0 | 69.1 | +15.2% |"
            )
        );
        assert_eq!(compared(50.9).apart().len(), 1, "{}", compared(50.9).table());
        assert_eq!(compared(30.0).apart().len(), 2, "half the time is half the makespan too");
    }

    #[test]
    fn instances_are_told_by_stretches_and_are_not_judged() {
        assert_eq!(course(1.0).instances, [1.5, 2.0, 0.0, 1.0]);
        let mut other = compared(60.0);
        other.rows.iter_mut().filter(|row| !row.judged).for_each(|row| row.simulated *= 2.0);
        assert!(other.apart().is_empty());
        assert!(other.table().contains("| instances, second 0 to 30 | 1.5 | 3.0 | (+100.0%) |"), "{}", other.table());
    }
}
