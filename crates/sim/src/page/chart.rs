//! A chart over time, as SVG.

use jiff::Span;
use maud::{Markup, Render, html};

use crate::{Report, report::whole};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 240.0;
/// Room for the figures on the left and below.
const LEFT: f64 = 56.0;
const BELOW: f64 = 22.0;
const ABOVE: f64 = 8.0;

/// Lines over the time of a scenario.
pub(super) struct Chart<'a> {
    pub(super) report: &'a Report,
    pub(super) title: &'static str,
    pub(super) lines: Vec<Line>,
}

/// A line: a value for each sample.
pub(super) struct Line {
    pub(super) name: String,
    /// A custom property of the style sheet.
    pub(super) colour: String,
    pub(super) values: Vec<f64>,
    /// Everything below it is filled.
    pub(super) filled: bool,
}

impl Render for Chart<'_> {
    fn render(&self) -> Markup {
        let highest = self.lines.iter().flat_map(|line| &line.values).copied().fold(0.0, f64::max);
        let top = round_up(highest.max(1.0));
        let points = self.lines.iter().map(|line| line.values.len()).max().unwrap_or(0).max(2);
        let y = |value: f64| ABOVE + (HEIGHT - ABOVE - BELOW) * (1.0 - value / top);
        html! {
            h2 { (self.title) }
            div.legend {
                @for line in &self.lines { span { i style=(format!("background: var({})", line.colour)) {} (line.name) } }
            }
            div.scroll { svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(self.title) {
                @for part in 0..=4 {
                    @let value = top * f64::from(part) / 4.0;
                    line.rule x1=(LEFT) x2=(WIDTH) y1=(fixed(y(value))) y2=(fixed(y(value))) {}
                    text x=(LEFT - 6.0) y=(fixed(y(value) + 4.0)) text-anchor="end" { (figure(value)) }
                }
                @for (x, label) in self.times(points) {
                    text x=(fixed(x)) y=(HEIGHT - 6.0) text-anchor="middle" { (label) }
                }
                @for line in &self.lines {
                    @if line.filled {
                        path d=(line.path(points, y, Some(y(0.0)))) style=(format!("fill: var({})", line.colour)) {}
                    } @else {
                        path.line d=(line.path(points, y, None)) style=(format!("stroke: var({})", line.colour)) {}
                    }
                }
            } }
        }
    }
}

impl Chart<'_> {
    /// Where on the axis which times are written.
    fn times(&self, points: usize) -> Vec<(f64, String)> {
        let samples = self.report.outcomes.iter().map(|outcome| &outcome.samples);
        let Some(samples) = samples.max_by_key(|samples| samples.len()).filter(|samples| !samples.is_empty()) else {
            return Vec::new();
        };
        let start = self.report.from.at(0, 0, 0, 0);
        let is_long = (self.report.until - self.report.from).get_days() > 10;
        let label = |part: usize| {
            let index = part * samples.len() / 8;
            let seconds = i64::try_from(samples.get(index)?.from_seconds).ok()?;
            let at = start.checked_add(Span::new().seconds(seconds)).ok()?;
            let text = at.strftime(if is_long { "%-d %b" } else { "%a %H:%M" }).to_string();
            Some((x(index, points), text))
        };
        (1..8).filter_map(label).collect()
    }
}

impl Line {
    /// The line itself, or down to `floor` and back what is below it.
    fn path(&self, points: usize, y: impl Fn(f64) -> f64, floor: Option<f64>) -> String {
        let point = |(index, value): (usize, &f64)| format!("{} {}", fixed(x(index, points)), fixed(y(*value)));
        let line: Vec<String> = self.values.iter().enumerate().map(point).collect();
        match floor {
            Some(floor) => {
                let (floor, end) = (fixed(floor), fixed(x(self.values.len().saturating_sub(1), points)));
                format!("M {} {floor} L {} L {end} {floor} Z", fixed(LEFT), line.join(" L "))
            }
            None => format!("M {}", line.join(" L ")),
        }
    }
}

fn x(index: usize, points: usize) -> f64 {
    LEFT + (WIDTH - LEFT) * index as f64 / (points - 1).max(1) as f64
}

fn fixed(number: f64) -> String {
    format!("{number:.1}")
}

/// A figure of the axis: thousands as k, millions as M.
fn figure(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{}M", trim(v / 1e6)),
        v if v >= 1e4 => format!("{}k", trim(v / 1e3)),
        v if v.fract() == 0.0 => whole(v),
        v => trim(v),
    }
}

fn trim(value: f64) -> String {
    format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// 1, 2, 4, 6 or 8 times a power of ten, at least so much.
fn round_up(value: f64) -> f64 {
    let power = 10.0_f64.powf(value.log10().floor());
    let step = [1.0, 2.0, 4.0, 6.0, 8.0].into_iter().find(|step| step * power >= value);
    step.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_has_plain_figures() {
        assert_eq!([0.7, 1.0, 1.2, 33.0, 128.0, 850.0].map(round_up), [0.8, 1.0, 2.0, 40.0, 200.0, 1000.0]);
        assert_eq!([0.25, 50.0, 15_000.0, 2.5e6].map(figure), ["0.25", "50", "15k", "2.5M"]);
    }
}
