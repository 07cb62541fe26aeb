//! The days to come on the operations page, drawn on the server: it changes once an hour.

use std::fmt::Write as _;

use jiff::{civil::Date, tz::TimeZone};
use maud::{Markup, html};
use procession_domain::{Timestamp, gallery::TimeZoneName};

use super::shell::{icon, sentence};
use crate::live::{
    forecast::{DAYS_BEFORE, DayView, Forecasts, HourView, RegionForecast, first_day},
    operations::FleetView,
};

/// Days before today, today, and the seven after it.
const DAYS: i64 = DAYS_BEFORE + 8;
const HEIGHT: f64 = 100.0;

/// All regions.
pub(super) fn drawn(forecasts: &Forecasts) -> Markup {
    html! {
        @if forecasts.regions.is_empty() {
            p.quiet { "Nothing is known yet: a forecast needs photos that arrived, or a history that was imported." }
        }
        @for region in &forecasts.regions { (of_region(region, forecasts.at)) }
    }
}

fn of_region(region: &RegionForecast, now: Timestamp) -> Markup {
    let busiest = region.days.iter().max_by(|a, b| a.photos.mean.total_cmp(&b.photos.mean));
    let (kind, sign) = if region.followed { ("good", "check") } else { ("warn", "alert") };
    let name = format!("forecast-{}", region.region);
    html! {
        section.forecast id=(name) aria-labelledby={ (name) "-title" } {
            p.pair {
                b id={ (name) "-title" } { (region.region) }
                span.tag.(kind) {
                    (icon(sign))
                    @if region.followed { "Followed" } @else { "Only shown" }
                }
            }
            @if let Some(day) = busiest { p.busiest { (sentence(&day.reason)) } }
            p.quiet.reason { (sentence(&region.standing)) @for fleet in &region.fleets { " " (workers(fleet)) } }
            @if !region.hours.is_empty() || !region.arrived.is_empty() { (chart(region, now, busiest)) }
            @if !region.days.is_empty() { (days(region)) }
        }
    }
}

fn workers(fleet: &FleetView) -> String {
    let FleetView { device, running, desired, stages, .. } = fleet;
    let workers = if *desired == 1 { "worker runs" } else { "workers run" };
    match stages.as_slice() {
        [] => format!("{running} of {desired} {device} {workers}."),
        some => format!("{running} of {desired} {device} {workers} for {} only.", some.join(", ").replace('_', " ")),
    }
}

/// Where things stand in the chart: days from left to right, photos an hour from the bottom up.
struct Frame {
    zone: TimeZone,
    first: Date,
    most: f64,
}

impl Frame {
    fn x(&self, moment: Timestamp) -> f64 {
        let at = self.zone.to_datetime(moment.calendar());
        let days = self.first.duration_until(at.date()).as_hours() as f64 / 24.0;
        days + (f64::from(at.hour()) + f64::from(at.minute()) / 60.0) / 24.0
    }

    fn y(&self, photos: f64) -> f64 {
        HEIGHT - HEIGHT * photos / self.most
    }

    /// A line that is level for each hour.
    fn steps(&self, hours: impl Iterator<Item = (Timestamp, f64)>) -> Vec<(f64, f64)> {
        let step = |(from, photos): (Timestamp, f64)| {
            let (x, y) = (self.x(from), self.y(photos));
            [(x, y), (x + 1.0 / 24.0, y)]
        };
        hours.flat_map(step).filter(|(x, _)| (0.0..=DAYS as f64).contains(x)).collect()
    }
}

fn path(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    for (x, y) in points {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}{x:.3},{y:.1}", if text.is_empty() { "M" } else { "L" });
    }
    text
}

fn chart(region: &RegionForecast, now: Timestamp, busiest: Option<&DayView>) -> Markup {
    let zone = region.time_zone.parse::<TimeZoneName>().map_or(TimeZone::UTC, |zone| zone.rules());
    let first = zone.to_datetime(first_day(&zone, now).calendar()).date();
    let arrived = region.arrived.iter().map(|of| of.photos as f64).fold(0.0, f64::max);
    let expected = region.hours.iter().map(|of| of.photos.p90).fold(0.0, f64::max);
    // What the workers can do is drawn where it does not make all else small.
    let can = region.photos_an_hour.filter(|can| *can <= 1.5 * arrived.max(expected));
    let frame = Frame { zone, first, most: (1.08 * arrived.max(expected).max(can.unwrap_or(0.0))).max(1.0) };
    let line = |of: fn(&HourView) -> f64| frame.steps(region.hours.iter().map(|hour| (hour.from, of(hour))));
    let (low, high) = (line(|hour| hour.photos.p10), line(|hour| hour.photos.p90));
    let band = path(high.into_iter().chain(low.into_iter().rev()));
    let bars = region.arrived.iter().map(|of| (frame.x(of.from), frame.y(of.photos as f64)));
    let present = frame.x(now);
    let label = match busiest {
        Some(day) => format!("Photos by hour, three days back and seven ahead. {}", day.reason),
        None => "Photos by hour that arrived in the last three days".to_owned(),
    };
    html! {
        figure.days {
            p.most.quiet.number aria-hidden="true" { (count(frame.most / 1.08)) " photos an hour" }
            svg.plot viewBox={ "0 0 " (DAYS) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(label) {
                @for day in 1..DAYS { line.day x1=(day) x2=(day) y1="0" y2=(HEIGHT) {} }
                path.band d={ (band) "Z" } {}
                path.median d=(path(line(|hour| hour.photos.p50))) {}
                @for (x, y) in bars { rect.arrived x=(format!("{x:.3}")) y=(format!("{y:.1}")) width="0.042" height=(format!("{:.1}", HEIGHT - y)) {} }
                @if let Some(can) = can { line.can x1="0" x2=(DAYS) y1=(frame.y(can)) y2=(frame.y(can)) {} }
                line.now x1=(format!("{present:.3}")) x2=(format!("{present:.3}")) y1="0" y2=(HEIGHT) {}
            }
            ol.ticks aria-hidden="true" {
                @for day in 0..DAYS { (tick(region, &frame, first.saturating_add(jiff::Span::new().days(day)), day)) }
            }
            figcaption.legend.quiet {
                span { i.arrived {} "arrived" }
                span { i.median {} "the middle: half of such hours have less" }
                span { i.band {} "eight in ten such hours" }
                @if let Some(can) = region.photos_an_hour {
                    span { i.can {} "those at work do " (count(can)) " an hour" }
                }
            }
        }
    }
}

/// Below a day: its name, and how many photos.
fn tick(region: &RegionForecast, frame: &Frame, date: Date, number: i64) -> Markup {
    let expected = region.days.iter().find(|day| day.date == date);
    let of_day = |moment| frame.zone.to_datetime(Timestamp::calendar(moment)).date() == date;
    let arrived: u64 = region.arrived.iter().filter(|of| of_day(of.from)).map(|of| of.photos).sum();
    let photos = match expected {
        Some(day) => count(day.photos.mean),
        None if number < DAYS_BEFORE => count(arrived as f64),
        None => "–".to_owned(),
    };
    let weekday = format!("{:?}", date.weekday());
    html! {
        li.today[number == DAYS_BEFORE] {
            span { (weekday.get(..2).unwrap_or_default()) span.month { " " (date.day()) } }
            span.quiet.number { (photos) }
        }
    }
}

/// To two or three digits.
fn count(photos: f64) -> String {
    match photos {
        ..999.5 => format!("{photos:.0}"),
        ..9_950.0 => format!("{:.1}k", photos / 1e3),
        ..999_500.0 => format!("{:.0}k", photos / 1e3),
        _ => format!("{:.1}M", photos / 1e6),
    }
}

fn days(region: &RegionForecast) -> Markup {
    html! {
        details.each id={ "days-" (region.region) } {
            summary { "Why, day by day" }
            ul.rows {
                @for day in &region.days {
                    li.reason { (sentence(&day.reason)) " " span.quiet { "Eight times in ten " (count(day.photos.p10)) " to " (count(day.photos.p90)) "." } }
                }
            }
        }
    }
}
