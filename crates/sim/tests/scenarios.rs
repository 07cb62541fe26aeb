//! Scenarios, run to their end.
//!
//! The reports of the short ones are kept in `tests/golden`. `UPDATE_GOLDEN=1 cargo nextest run -p procession-sim` writes
//! them anew; then read what changed, and say why in the commit.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

use std::{fs, path::Path};

use procession_domain::urgency::Urgency;
use procession_sim::{Outcome, Policy, Scenario, simulate};

/// A day with little to do, and all that can go wrong.
const TROUBLE: &str = r#"
title = "Trouble"
about = "Everything at once."
from = "2026-06-20"
until = "2026-06-21"
history_days = 150
weddings_a_year = 20000

[service]
megapixels_per_second = 12.0

[steps]
place_seconds = 30

[[fault]]
kind = "lost_region"
at = "2026-06-20T18:00:00Z"
minutes = 240
region = "eu-west-1"

[[fault]]
kind = "lost_region"
at = "2026-06-20T20:00:00Z"
minutes = 60
region = "us-east-1"

[[fault]]
kind = "lost_instances"
at = "2026-06-20T23:30:00Z"
region = "us-east-1"
instances = 30

[[fault]]
kind = "slow_instances"
at = "2026-06-20T16:00:00Z"
minutes = 600
region = "us-west-2"
instances = 10
speed = 0.2

[[fault]]
kind = "late_autoscaler"
at = "2026-06-20T00:00:00Z"
minutes = 1440
delay_minutes = 30

[[fault]]
kind = "other_demand"
from = "2026-06-20"
until = "2026-06-21"
factor = 2.0
"#;

fn golden(name: &str) {
    let text = simulate(&Scenario::shipped(name).unwrap()).unwrap().text();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    assert_eq!(kept, text, "the report of {name} is another; UPDATE_GOLDEN=1 writes it anew");
}

#[test]
fn a_quiet_tuesday() {
    golden("quiet_tuesday");
}

#[test]
fn a_saturday_in_june() {
    golden("june_saturday");
}

#[test]
fn a_lost_region() {
    golden("lost_region");
}

#[test]
fn a_late_autoscaler() {
    golden("late_autoscaler");
}

#[test]
fn a_few_galleries_on_this_machine() {
    golden("this_machine");
}

/// Who counts photos and not pixels is late; whoever knows the deadlines is not.
#[test]
fn large_photos_on_slow_nodes() {
    golden("slow_nodes");
    let report = simulate(&Scenario::shipped("slow_nodes").unwrap()).unwrap();
    for outcome in &report.outcomes {
        assert_eq!(outcome.missed() > 0, outcome.policy == Policy::Reactive, "{:?}", outcome.policy);
    }
}

#[test]
fn the_same_seed_gives_the_same_report_and_another_seed_another() {
    let scenario = Scenario::read(TROUBLE).unwrap();
    let first = simulate(&scenario).unwrap();
    assert_eq!(first, simulate(&scenario).unwrap());
    let other = simulate(&Scenario { seed: 2, ..scenario }).unwrap();
    assert_ne!(first.text(), other.text());
}

/// Each photo is finished once: those that a lost instance held are done again, and counted when they are finished.
#[test]
fn whatever_goes_wrong_every_photo_is_finished_exactly_once() {
    for seed in 1..4 {
        let scenario = Scenario { seed, ..Scenario::read(TROUBLE).unwrap() };
        let report = simulate(&scenario).unwrap();
        assert!(report.photos > 100_000, "{}", report.photos);
        for Outcome { policy, photos_arrived, photos_finished, photos_repeated, .. } in &report.outcomes {
            assert_eq!((report.photos, report.photos), (*photos_arrived, *photos_finished), "{policy:?}");
            assert!(*photos_repeated > 0, "instances were lost with what they held: {policy:?}");
        }
        let galleries: Vec<u64> = report.outcomes.iter().map(Outcome::galleries).collect();
        assert!(galleries.iter().all(|of| *of == report.galleries), "{galleries:?} of {}", report.galleries);
    }
}

/// With time to spare for all, the most urgent are not late before the others are.
#[test]
fn a_fleet_that_is_large_enough_misses_nothing_and_none_is_below_the_bound() {
    let calm = TROUBLE.split("[[fault]]").next().unwrap();
    let report = simulate(&Scenario::read(calm).unwrap()).unwrap();
    let fixed = report.outcomes.iter().find(|outcome| outcome.policy == Policy::Fixed).unwrap();
    assert_eq!(fixed.missed(), 0);
    assert_eq!(fixed.peak_instances, [32; 4]);
    assert!(report.bounds.beyond_reach_megapixels < 1.0);
    // A claim takes a tenth more or less than the mean; over so many that is nothing.
    for outcome in &report.outcomes {
        assert!(outcome.instance_hours > report.bounds.work_hours * 0.99, "{outcome:?}");
    }
    let ours = report.outcomes.iter().find(|outcome| outcome.policy == Policy::Procession).unwrap();
    assert!(ours.instance_hours > report.bounds.calendar_hours * 0.99);
}

#[test]
fn earliest_deadlines_first_leaves_time_to_whoever_has_it() {
    // A tenth of the instances that the work would need for a while: standard galleries wait, those of today do not.
    let text = TROUBLE.split("[[fault]]").next().unwrap().replace(
        "[service]",
        "[scale]\nmost_instances_in_region = 8\nbase_instances = 1\n\n[reactive]\nleast = 1\nmost = 8\n\n[service]",
    );
    let report = simulate(&Scenario::read(&text).unwrap()).unwrap();
    for outcome in report.outcomes.iter().filter(|outcome| outcome.policy != Policy::Fixed) {
        let spare = |urgency| {
            let class = outcome.classes.iter().find(|class| class.urgency == urgency);
            class.and_then(|class| class.least_spare_seconds).unwrap()
        };
        assert!(spare(Urgency::StandardDelivery) > spare(Urgency::SameDayWedding), "{outcome:?}");
    }
}

#[test]
fn a_promise_from_the_first_photo_is_harder_to_keep() {
    let calm = TROUBLE.split("[[fault]]").next().unwrap();
    let late = |text: &str| {
        let report = simulate(&Scenario::read(text).unwrap()).unwrap();
        report.outcomes.iter().find(|outcome| outcome.policy == Policy::Fixed).unwrap().missed()
    };
    assert_eq!(late(calm), 0);
    let harder = calm.replace("weddings_a_year", "promise_from = \"first_photo\"\nweddings_a_year");
    assert!(late(&harder) > 0, "uploads of an hour cannot be finished after half an hour");
}

#[test]
fn the_page_stands_alone() {
    let calm = TROUBLE.split("[[fault]]").next().unwrap();
    let report = simulate(&Scenario::read(calm).unwrap()).unwrap();
    let page = procession_sim::page(&report);
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("prefers-color-scheme"));
    assert_eq!(page.matches("<svg").count(), 4);
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));
    assert!(!page.contains("NaN"));
}
