//! How many instances a fleet should have now: the workers of one kind in one region that offer the same stages.
//!
//! What is needed is the largest of four figures: what the calendar keeps standing, what a trusted forecast expects, what the
//! deadlines demand, and what the queue asks for once one of its triggers is reached. More is taken at once; less only after
//! all four have been lower for a while, and never while work waits. So a forecast can raise a fleet, and cannot lower one.

mod deadlines;
mod parts;
mod policy;
mod words;

use std::time::Duration;

use procession_domain::{Timestamp, urgency::Urgency};
use serde::{Deserialize, Serialize};

use crate::{Reason, forecast::Quantiles};

use deadlines::{Demand, Supply};
pub use parts::Parts;
pub use policy::{Lead, ScalePolicy, Season, SeasonRules, Seasons};

const HOUR: Duration = Duration::from_secs(3_600);

/// What is known of a fleet and of the work that waits for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetSeen {
    /// Its instances.
    pub instances: Instances,
    /// Instances of other fleets in the same region, which share its limit.
    pub others_in_region: u32,
    /// The photos that wait for it.
    pub queue: Queue,
    /// What arrives, in megapixels a second, measured over the last minutes.
    pub arriving_megapixels_per_second: f64,
    /// The unfinished galleries, with their waiting and working photos.
    pub due: Vec<Due>,
    /// What one instance does, in megapixels a second; none while nothing was measured.
    pub megapixels_per_second: Option<f64>,
    /// What is expected to arrive; none where nobody forecasts.
    pub ahead: Option<Ahead>,
}

/// The instances of a fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instances {
    /// Those that take work.
    pub running: u32,
    /// When each of those that were started and do not take work yet is expected to.
    pub ready_at: Vec<Timestamp>,
    /// Those that finish what they hold and take nothing more. Whoever carries a decision out takes them back before it
    /// starts others, so they do not count.
    pub draining: u32,
}

impl Instances {
    /// Those that take work or are about to.
    pub fn wanted(&self) -> u32 {
        self.running.saturating_add(u32::try_from(self.ready_at.len()).unwrap_or(u32::MAX))
    }
}

/// The photos that wait for a fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Queue {
    /// How many.
    pub photos: u64,
    /// What they cost.
    pub megapixels: f64,
    /// How long the one that came first waits.
    pub oldest_wait: Duration,
}

/// What is left of a gallery, and until when it is promised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Due {
    /// Its class.
    pub urgency: Urgency,
    /// When it is promised.
    pub deadline: Timestamp,
    /// The time to spare with which it is planned, if its class is one that the season watches.
    pub margin: Duration,
    /// What is left of it.
    pub megapixels: f64,
}

/// What is expected to arrive.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ahead {
    /// The forecast has earned trust (see [`Trust`](crate::forecast::Trust)). Otherwise it is not listened to.
    pub trusted: bool,
    /// The next hours, in any order.
    pub hours: Vec<Expected>,
    /// The mean cost of a photo.
    pub megapixels_per_photo: f64,
}

/// What is expected to arrive in an hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// When the hour begins.
    pub from: Timestamp,
    /// Photos.
    pub photos: Quantiles,
}

/// What the scaler remembers from one decision to the next. A controller that starts anew remembers nothing, and takes no
/// instance away until it has seen the whole window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// When the fleet was last told to grow.
    pub grew_at: Option<Timestamp>,
    /// When the fleet was last told to shrink.
    pub shrank_at: Option<Timestamp>,
    /// What was needed, at each decision of the window, the oldest first.
    pub needed: Vec<(Timestamp, u32)>,
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The calendar keeps so many standing.
    Season,
    /// A trusted forecast expects so much.
    Forecast,
    /// Galleries would be late.
    Deadline,
    /// Too many photos wait.
    Queue,
    /// Photos wait too long.
    Delay,
    /// Little waits, and fewer carry what arrives.
    Quiet,
    /// Nothing is to be changed, or not yet.
    Steady,
}

/// How many instances there should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Instances that take work or are about to, once this is carried out. Fewer than there are means that the surplus takes no
    /// more work, the idle ones first; none is stopped while it holds work.
    pub desired: u32,
    /// What decided.
    pub cause: Cause,
    /// Every gallery can be finished by its deadline, as far as is known.
    pub within_reach: bool,
    /// Why, with the figures.
    pub reason: Reason,
    /// To be given back at the next decision.
    pub memory: Memory,
}

/// Decides how many instances there should be at `now`.
///
/// It holds that `desired` is at most the policy's limit less what others in the region have; that more load never means
/// fewer instances; that without a forecast there are never more than with one.
pub fn scale(policy: &ScalePolicy, seen: &FleetSeen, memory: Memory, now: Timestamp) -> Decision {
    let limit = policy.most_instances_in_region.saturating_sub(seen.others_in_region);
    let current = seen.instances.wanted();
    let (needs, within_reach) = Needs::of(policy, seen, limit, now);
    let needed = needs.all().min(limit);
    let mut memory = memory;
    memory.remember(policy, needed, now);

    let (cause, grown) = needs.to_grow(policy, seen, &memory, now);
    let (desired, cause, why) = if grown.min(limit) > current {
        memory.grew_at = Some(now);
        (grown.min(limit), cause, words::grows(cause, policy, seen, &needs, now))
    } else if current > limit {
        (limit, Cause::Steady, format!("others in the region have {}, which leaves {limit}", seen.others_in_region))
    } else {
        match to_shrink(policy, seen, &memory, current, now) {
            Ok(fewer) => {
                memory.shrank_at = Some(now);
                (fewer, Cause::Quiet, words::shrinks(policy, seen, needed))
            }
            Err(why) => (current, Cause::Steady, why),
        }
    };
    let reason = words::reason(desired, current, grown > limit, &why, within_reach);
    Decision { desired, cause, within_reach, reason, memory }
}

/// What each of the four asks for, and what the arrivals of the last minutes take.
struct Needs {
    season: u32,
    forecast: u32,
    deadline: u32,
    /// None while no trigger of the queue is reached.
    queue: Option<(Cause, u32)>,
    arrivals: u32,
}

impl Needs {
    /// The needs, and whether every deadline is within reach.
    fn of(policy: &ScalePolicy, seen: &FleetSeen, limit: u32, now: Timestamp) -> (Self, bool) {
        let measured = seen.megapixels_per_second.filter(|speed| *speed > 0.0 && speed.is_finite());
        let full = measured.unwrap_or(policy.assumed_megapixels_per_second);
        let planned = full * policy.utilisation;
        let rules = policy.rules_at(now);
        let supply = Supply::new(&seen.instances, policy, planned, now);
        let promised = Demand::promised(seen, now);
        let deadline = Demand::planned(seen, rules, now).needs(&supply, limit).max(promised.needs(&supply, limit));
        let within_reach = promised.is_met(&supply.at_speed(full), limit);
        let needs = Self {
            season: policy.standing(now),
            // What is uneven is in the quantile already.
            forecast: expected(policy, seen, now).map_or(0, |rate| instances(rate / full)),
            deadline,
            queue: trigger(policy, seen, rules).map(|cause| {
                let wait = f64::from(rules.grow_at_wait_minutes.max(1)) * 60.0;
                let rate = seen.queue.megapixels / wait + seen.arriving_megapixels_per_second;
                (cause, instances(rate / planned))
            }),
            arrivals: instances(seen.arriving_megapixels_per_second / planned),
        };
        (needs, within_reach)
    }

    /// With fewer, the fleet would soon grow again.
    fn all(&self) -> u32 {
        let queue = self.queue.map_or(0, |(_, instances)| instances);
        self.season.max(self.forecast).max(self.deadline).max(queue).max(self.arrivals)
    }

    /// How far the fleet grows now, and for whom. The queue waits for its cool-down; the others for nothing.
    fn to_grow(&self, policy: &ScalePolicy, seen: &FleetSeen, memory: &Memory, now: Timestamp) -> (Cause, u32) {
        let rests = memory.grew_at.is_some_and(|at| now.since(at).as_secs() < u64::from(policy.grow_cool_down_seconds));
        let queue = self.queue.filter(|_| !rests).map(|(cause, instances)| {
            // A trigger is answered even where those that are there seem enough, unless the answer is on its way.
            let one_more =
                if seen.instances.ready_at.is_empty() { seen.instances.wanted().saturating_add(1) } else { 0 };
            (cause, instances.max(one_more))
        });
        let asked = [
            (Cause::Season, self.season),
            (Cause::Forecast, self.forecast),
            queue.unwrap_or((Cause::Queue, 0)),
            (Cause::Deadline, self.deadline),
        ];
        asked.into_iter().max_by_key(|(_, instances)| *instances).unwrap_or((Cause::Steady, 0))
    }
}

/// The trigger of the queue that is reached.
fn trigger(policy: &ScalePolicy, seen: &FleetSeen, rules: &SeasonRules) -> Option<Cause> {
    if policy.lead != Lead::Forecast {
        return None;
    }
    let depth = rules.grow_at_photos.unwrap_or(policy.grow_at_photos);
    let wait = Duration::from_secs(u64::from(rules.grow_at_wait_minutes) * 60);
    if seen.queue.photos > 0 && seen.queue.oldest_wait >= wait {
        Some(Cause::Delay)
    } else {
        (seen.queue.photos >= depth).then_some(Cause::Queue)
    }
}

/// The most that a trusted forecast expects, in megapixels a second.
fn expected(policy: &ScalePolicy, seen: &FleetSeen, now: Timestamp) -> Option<f64> {
    let (_, photos) = busiest_ahead(policy, seen, now)?;
    let cost = seen.ahead.as_ref()?.megapixels_per_photo;
    Some(photos * cost / HOUR.as_secs_f64())
}

/// Of the hours that an instance started now would see first, the one for which a trusted forecast expects most: when it begins,
/// and the photos for which capacity is made.
fn busiest_ahead(policy: &ScalePolicy, seen: &FleetSeen, now: Timestamp) -> Option<(Timestamp, f64)> {
    let ahead = seen.ahead.as_ref().filter(|ahead| ahead.trusted && policy.lead == Lead::Forecast)?;
    let until = now.after(policy.warm_up() + Duration::from_secs(u64::from(policy.forecast_lead_seconds)));
    let hours = ahead.hours.iter().filter(|expected| expected.from < until && expected.from.after(HOUR) > now);
    let photos = hours.map(|expected| (expected.from, expected.photos.at(policy.forecast_level)));
    photos.max_by(|a, b| a.1.total_cmp(&b.1))
}

/// How many the fleet shrinks to, or why it does not.
fn to_shrink(
    policy: &ScalePolicy,
    seen: &FleetSeen,
    memory: &Memory,
    current: u32,
    now: Timestamp,
) -> Result<u32, String> {
    let window = Duration::from_secs(u64::from(policy.shrink_window_seconds));
    let enough = memory.needed.iter().map(|(_, needed)| *needed).max().unwrap_or(current);
    let span = match window.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    };
    let within = |at: Option<Timestamp>| at.is_some_and(|at| now.since(at) < window);
    if enough >= current {
        return Err(format!("so many were needed within the last {span}"));
    }
    if seen.queue.photos > policy.shrink_at_photos {
        let (photos, most) = (seen.queue.photos, policy.shrink_at_photos);
        return Err(format!("{photos} photos wait, and a fleet shrinks at {most}"));
    }
    if seen.instances.ready_at.iter().any(|ready| *ready > now) {
        return Err("an instance is starting".to_owned());
    }
    if within(memory.grew_at) || within(memory.shrank_at) || within(memory.needed.first().map(|(at, _)| *at)) {
        return Err(format!("fewer would do, but not for {span} yet"));
    }
    let step = ((f64::from(current) * policy.shrink_step) as u32).max(1);
    Ok(enough.max(current.saturating_sub(step)))
}

impl Memory {
    fn remember(&mut self, policy: &ScalePolicy, needed: u32, now: Timestamp) {
        self.needed.push((now, needed));
        let window = Duration::from_secs(u64::from(policy.shrink_window_seconds));
        // One record from before the window stays, so that the window is covered.
        let old = self.needed.iter().skip(1).take_while(|(at, _)| now.since(*at) >= window).count();
        self.needed.drain(..old);
    }
}

/// A part of an instance is a whole one. What is not a number asks for none.
fn instances(number: f64) -> u32 {
    (number - 1e-9).ceil().clamp(0.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests;
