//! How soon a gallery is due.

use procession_domain::{Timestamp, gallery::Wedding, urgency::Urgency};

use crate::Reason;

/// The class of a gallery at `now`, by the calendar of the venue: what counts is the date there, not here.
pub fn urgency(wedding: Option<&Wedding>, now: Timestamp) -> (Urgency, Reason) {
    let Some(Wedding { date, time_zone }) = wedding else {
        return (Urgency::StandardDelivery, Reason::new("the wedding's date is not known"));
    };
    let today = time_zone.rules().to_datetime(now.calendar()).date();
    let days = date.duration_until(today).as_hours() / 24;
    let zone = time_zone.as_str();
    let (class, when) = match days {
        0 => (Urgency::SameDayWedding, "is today".to_owned()),
        1 => (Urgency::NextDayDelivery, "was yesterday".to_owned()),
        2.. => (Urgency::StandardDelivery, format!("was {days} days ago")),
        -1 => (Urgency::StandardDelivery, "is tomorrow, so these photos are from before it".to_owned()),
        _ => (Urgency::StandardDelivery, format!("is in {} days, so these photos are from before it", -days)),
    };
    (class, Reason::new(format!("the wedding ({date}) {when}; it is {today} at the venue ({zone})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(date: &str, zone: &str, now: &str) -> Urgency {
        let wedding = Wedding { date: date.parse().unwrap(), time_zone: zone.parse().unwrap() };
        urgency(Some(&wedding), now.to_owned().try_into().unwrap()).0
    }

    #[test]
    fn the_venue_s_calendar_decides() {
        use Urgency::{NextDayDelivery, SameDayWedding, StandardDelivery};
        let noon = "2026-06-20T12:00:00Z";
        assert_eq!(class("2026-06-20", "Europe/Rome", noon), SameDayWedding);
        assert_eq!(class("2026-06-19", "Europe/Rome", noon), NextDayDelivery);
        assert_eq!(class("2026-06-18", "Europe/Rome", noon), StandardDelivery);
        assert_eq!(class("2026-06-21", "Europe/Rome", noon), StandardDelivery);
        // 23:30 in UTC is the next day in Rome, and still the same afternoon in Los Angeles.
        let late = "2026-06-20T23:30:00Z";
        assert_eq!(class("2026-06-20", "Europe/Rome", late), NextDayDelivery);
        assert_eq!(class("2026-06-20", "America/Los_Angeles", late), SameDayWedding);
        // The day on which the clocks change has 23 hours.
        assert_eq!(class("2026-03-29", "Europe/Rome", "2026-03-30T00:30:00Z"), NextDayDelivery);
    }

    #[test]
    fn the_reason_has_the_dates() {
        let wedding = Wedding { date: "2026-06-27".parse().unwrap(), time_zone: "Asia/Tokyo".parse().unwrap() };
        let (class, reason) = urgency(Some(&wedding), "2026-06-20T16:00:00Z".to_owned().try_into().unwrap());
        assert_eq!(class, Urgency::StandardDelivery);
        assert_eq!(
            reason.as_str(),
            "the wedding (2026-06-27) is in 6 days, so these photos are from before it; it is 2026-06-21 at the venue \
             (Asia/Tokyo)"
        );
        assert_eq!(urgency(None, Timestamp::from_micros(0)).1.as_str(), "the wedding's date is not known");
    }
}
