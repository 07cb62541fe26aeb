//! A report as a page that needs nothing but itself: no script, no font, no network.

mod chart;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    Outcome, Policy, Report,
    report::{percent, span, whole},
};
use chart::{Chart, Line};

const STYLE: &str = "
:root { color-scheme: light dark; --paper: #fff; --ink: #1d1d1f; --soft: #6b6b70; --rule: #dcdce0;
  --procession: #1f6fd1; --calendar: #7b5fc9; --promises: #2a9d8f; --reactive: #d9730d; --cron: #a3467f; --fixed: #8a8a90; --demand: #bcd3ee;
  --region-0: #1f6fd1; --region-1: #2a9d8f; --region-2: #b5539c; --region-3: #d9a30d; }
@media (prefers-color-scheme: dark) { :root { --paper: #17181a; --ink: #ececef; --soft: #a0a0a8; --rule: #36373b;
  --procession: #6aa9f4; --calendar: #ab96ec; --promises: #5cc5b6; --reactive: #f0a058; --cron: #d98bc4; --fixed: #8e8e96; --demand: #2c4563;
  --region-0: #6aa9f4; --region-1: #5cc5b6; --region-2: #d98bc4; --region-3: #e8c15a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .25rem; }
p { margin: .25rem 0; } .soft { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin-top: 1rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .35rem .75rem; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: var(--paper); }
svg { display: block; width: 100%; min-width: 44rem; height: auto; margin-top: .5rem; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
svg .rule { stroke: var(--rule); stroke-width: 1; }
svg .line { fill: none; stroke-width: 1.5; stroke-linejoin: round; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; color: var(--soft); font-size: .9rem; }
.legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; margin-right: .4rem; vertical-align: -1px; }
";

/// The page, as HTML.
pub fn page(report: &Report) -> String {
    let Report { title, about, from, until, seed, .. } = report;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – simulated" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                p { (about) }
                p.soft {
                    (from) " up to " (until) ", seed " (seed) "; " (whole(report.galleries as f64)) " galleries, "
                    (whole(report.photos as f64)) " photos, " (whole(report.megapixels)) " megapixels; an instance does "
                    (report.megapixels_per_second) " megapixels a second. Simulated, with the decisions of production."
                }
                (policies(report))
                (classes(report))
                (charts(report))
            }
        }
    };
    page.into_string()
}

fn policies(report: &Report) -> Markup {
    let bounds = report.bounds;
    html! {
        div.scroll { table {
            tr {
                th { "policy" } th { "in time" } th { "missed" } th { "worst late" } th { "instance-hours" }
                th { "× all work" } th { "× calendar" } th { "starts" } th { "most at a time" }
            }
            @for outcome in &report.outcomes { tr {
                td { (outcome.policy.name()) }
                td { (percent(outcome.in_time())) }
                td { (whole(outcome.missed() as f64)) }
                td { (span(outcome.worst_late_seconds())) }
                td { (whole(outcome.instance_hours)) }
                td { (format!("{:.2}", outcome.instance_hours / bounds.work_hours.max(1e-9))) }
                td { (format!("{:.2}", outcome.instance_hours / bounds.calendar_hours.max(1e-9))) }
                td { (whole(outcome.starts as f64)) }
                td { (outcome.peak_instances.iter().map(u32::to_string).collect::<Vec<_>>().join(" · ")) }
            } }
        } }
        p.soft {
            "Nobody can do all work in fewer than " (whole(bounds.work_hours)) " instance-hours, nor with what the calendar keeps "
            "standing in fewer than " (whole(bounds.calendar_hours)) ", with everything known beforehand."
        }
    }
}

fn classes(report: &Report) -> Markup {
    let mut rows = Vec::new();
    for (index, class) in report.outcomes.first().into_iter().flat_map(|outcome| outcome.classes.iter().enumerate()) {
        rows.push((class.urgency, class.galleries, index));
    }
    html! {
        div.scroll { table {
            tr {
                th { "class" } th { "galleries" }
                @for outcome in &report.outcomes { th { (outcome.policy.name()) } }
            }
            @for (urgency, galleries, index) in rows { tr {
                td { (urgency.name().replace('_', " ")) }
                td { (whole(galleries as f64)) }
                @for outcome in &report.outcomes {
                    @if let Some(class) = outcome.classes.get(index) {
                        td { (whole(class.missed as f64)) " / " (span(class.median_seconds)) " / " (span(class.p99_seconds)) }
                    }
                }
            } }
        } }
        p.soft {
            "Galleries that were late, and the time from the last photo's arrival until all was finished: half took less, "
            "99 in a hundred took less."
        }
    }
}

fn charts(report: &Report) -> Markup {
    let line = |outcome: &Outcome, values: Vec<f64>| Line {
        name: outcome.policy.name().to_owned(),
        colour: format!("--{}", outcome.policy.name()),
        values,
        filled: false,
    };
    let each = |value: fn(&crate::Sample) -> f64| {
        report.outcomes.iter().map(move |outcome| line(outcome, outcome.samples.iter().map(value).collect()))
    };
    let demand = report.outcomes.first().map(|outcome| Line {
        name: "what arrives".to_owned(),
        colour: "--demand".to_owned(),
        values: outcome
            .samples
            .iter()
            .map(|s| s.arrived_megapixels_per_second / report.megapixels_per_second)
            .collect(),
        filled: true,
    });
    let capacity = demand.into_iter().chain(each(|sample| sample.instances.iter().sum())).collect();
    let waiting = each(|sample| sample.waiting_photos as f64).collect();
    let missed = each(|sample| sample.missed as f64).collect();
    html! {
        (Chart { report, title: "Demand and capacity, in instances", lines: capacity })
        (Chart { report, title: "Instances by region, our policy", lines: regions(report) })
        (Chart { report, title: "Photos that wait, at the most", lines: waiting })
        (Chart { report, title: "Galleries that were late, when they were finished", lines: missed })
    }
}

fn regions(report: &Report) -> Vec<Line> {
    let ours = report.outcomes.iter().find(|outcome| outcome.policy == Policy::Procession);
    let region = |(index, region): (usize, &procession_domain::Region)| Line {
        name: region.to_string(),
        colour: format!("--region-{}", index % 4),
        values: ours.into_iter().flat_map(|outcome| &outcome.samples).map(|sample| sample.instances[index]).collect(),
        filled: false,
    };
    report.regions.iter().enumerate().map(region).collect()
}
