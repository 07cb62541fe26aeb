//! The reasons of a fleet's size.

use procession_domain::Timestamp;

use super::{Cause, FleetSeen, Needs, ScalePolicy, busiest_ahead};
use crate::Reason;

pub(super) fn grows(cause: Cause, policy: &ScalePolicy, seen: &FleetSeen, needs: &Needs, now: Timestamp) -> String {
    let today = policy.today(now);
    match cause {
        Cause::Season => {
            let season = policy.seasons.of(today).name();
            format!("{} stand ready on a {:?} of the {season} season", needs.season, today.weekday())
        }
        Cause::Forecast => {
            let (hour, photos) = busiest_ahead(policy, seen, now).unwrap_or((now, 0.0));
            format!(
                "{} are needed for the {photos:.0} photos that are forecast for the hour from {hour}",
                needs.forecast
            )
        }
        Cause::Deadline => {
            let megapixels: f64 = seen.due.iter().map(|due| due.megapixels).sum();
            let galleries = seen.due.len();
            format!("{} finish {galleries} galleries ({megapixels:.0} megapixels) in time", needs.deadline)
        }
        Cause::Delay => format!("a photo has waited {} s", seen.queue.oldest_wait.as_secs()),
        Cause::Queue | Cause::Quiet | Cause::Steady => format!("{} photos wait", seen.queue.photos),
    }
}

pub(super) fn shrinks(policy: &ScalePolicy, seen: &FleetSeen, needed: u32) -> String {
    let minutes = policy.shrink_window_seconds / 60;
    format!("{} photos wait, and {needed} have been enough for {minutes} min", seen.queue.photos)
}

pub(super) fn reason(desired: u32, current: u32, capped: bool, why: &str, within_reach: bool) -> Reason {
    let change = match desired.cmp(&current) {
        std::cmp::Ordering::Greater => format!("from {current} to {desired} instances: "),
        std::cmp::Ordering::Less => format!("from {current} down to {desired} instances: "),
        std::cmp::Ordering::Equal => format!("{current} instances stay: "),
    };
    let capped = if capped { "; more are not allowed" } else { "" };
    let late = if within_reach { "" } else { "; not every gallery can be finished in time" };
    Reason::new(format!("{change}{why}{capped}{late}"))
}
