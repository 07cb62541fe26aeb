//! Plots of figures as SVG, for documents: legible on light and on dark pages, for they bring their ground with them.

use std::{fmt::Write as _, fs};

use anyhow::{Context, Result};

use crate::run::root;

const WIDTH: f64 = 760.0;
const MARGIN: f64 = 20.0;
/// Where bars begin: their names are to the left.
const LEFT: f64 = 150.0;
/// What a bar's figure takes to its right.
const RIGHT: f64 = 190.0;
const BAR: f64 = 18.0;
const STYLE: &str = "\
svg{font:13px system-ui,sans-serif}.ground{fill:#fff}text{fill:#24292f;stroke:#fff;stroke-width:3;paint-order:stroke}.quiet{fill:#57606a}.axis{stroke:#d0d7de}\
.s0{fill:#0969da}.s1{fill:#8c959f}.s2{fill:none;stroke:#57606a;stroke-dasharray:4 3}.line{fill:none;stroke:#0969da;stroke-width:2}\
@media(prefers-color-scheme:dark){.ground{fill:#0d1117}text{fill:#e6edf3;stroke:#0d1117}.quiet{fill:#9198a1}.axis{stroke:#3d444d}\
.s0{fill:#4493f8}.s1{fill:#768390}.s2{stroke:#9198a1}.line{stroke:#4493f8}}";

/// Bars that belong together.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) bars: Vec<Bar>,
}

/// One bar: its colour is that of its series, 0 for ours, 1 for others', 2 for a limit.
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) value: f64,
    /// Said behind the value.
    pub(crate) note: String,
    pub(crate) series: usize,
}

/// Writes groups of bars to docs/figures/NAME.svg.
pub(crate) fn bars(name: &str, title: &str, axis: &str, groups: &[Group]) -> Result<()> {
    write(name, &bars_svg(title, axis, groups))
}

/// Writes the course of a figure to docs/figures/NAME.svg. The axes are named, first that along the bottom.
pub(crate) fn course(name: &str, title: &str, axes: [&str; 2], points: &[(f64, f64)]) -> Result<()> {
    write(name, &course_svg(title, axes, points))
}

fn write(name: &str, text: &str) -> Result<()> {
    let folder = root().join("docs/figures");
    fs::create_dir_all(&folder).context("cannot make docs/figures")?;
    fs::write(folder.join(format!("{name}.svg")), text).with_context(|| format!("cannot write {name}.svg"))
}

/// Writing to a string cannot fail, here and below.
fn bars_svg(title: &str, axis: &str, groups: &[Group]) -> String {
    let most = groups.iter().flat_map(|group| &group.bars).map(|bar| bar.value).fold(0.0, f64::max);
    let step = step(most);
    let scale = (WIDTH - LEFT - RIGHT) / most.max(f64::MIN_POSITIVE);
    let (mut body, mut y) = (String::new(), 52.0);
    let top = y;
    for group in groups {
        let _ =
            writeln!(body, "<text x='{MARGIN}' y='{:.1}' font-weight='600'>{}</text>", y + 14.0, escaped(&group.name));
        y += 22.0;
        for Bar { name, value, note, series } in &group.bars {
            let (length, middle) = (value * scale, y + 13.5);
            let _ = writeln!(
                body,
                "<text x='{:.1}' y='{middle:.1}' text-anchor='end' class='quiet'>{}</text>\n\
                 <rect x='{LEFT}' y='{y:.1}' width='{length:.1}' height='{BAR}' rx='2' class='s{series}'/>\n\
                 <text x='{:.1}' y='{middle:.1}'>{value:.0}<tspan class='quiet' dx='8'>{}</tspan></text>",
                LEFT - 8.0,
                escaped(name),
                LEFT + length + 8.0,
                escaped(note),
            );
            y += BAR + 4.0;
        }
        y += 10.0;
    }
    let mut lines = String::new();
    let mut mark = 0.0;
    while mark <= most {
        let x = LEFT + mark * scale;
        let _ = writeln!(
            lines,
            "<line x1='{x:.1}' x2='{x:.1}' y1='{top}' y2='{y:.1}' class='axis'/>\n\
             <text x='{x:.1}' y='{:.1}' text-anchor='middle' class='quiet'>{mark:.0}</text>",
            y + 16.0
        );
        mark += step;
    }
    let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
    let _ = writeln!(lines, "<text x='{middle:.1}' y='{:.1}' text-anchor='middle'>{}</text>", y + 36.0, escaped(axis));
    framed(title, y + 52.0, &(lines + &body))
}

fn course_svg(title: &str, [along, up]: [&str; 2], points: &[(f64, f64)]) -> String {
    let (left, top, bottom, right) = (70.0, 70.0, 300.0, WIDTH - 30.0);
    let most = |pick: fn(&(f64, f64)) -> f64| points.iter().map(pick).fold(f64::MIN_POSITIVE, f64::max);
    let (longest, highest) = (most(|point| point.0), most(|point| point.1));
    let (x_scale, y_scale) = ((right - left) / longest, (bottom - top) / highest);
    let mut body = format!("<text x='{MARGIN}' y='56'>{}</text>\n", escaped(up));
    let mut mark = 0.0;
    while mark <= highest {
        let y = bottom - mark * y_scale;
        let _ = writeln!(
            body,
            "<line x1='{left}' x2='{right}' y1='{y:.1}' y2='{y:.1}' class='axis'/>\n\
             <text x='{}' y='{:.1}' text-anchor='end' class='quiet'>{mark:.0}</text>",
            left - 8.0,
            y + 4.5
        );
        mark += step(highest);
    }
    mark = 0.0;
    while mark <= longest {
        let x = left + mark * x_scale;
        let _ = writeln!(body, "<text x='{x:.1}' y='318' text-anchor='middle' class='quiet'>{mark:.0}</text>");
        mark += step(longest);
    }
    let _ =
        writeln!(body, "<text x='{:.1}' y='338' text-anchor='middle'>{}</text>", (left + right) / 2.0, escaped(along));
    let places = points.iter().map(|(x, y)| format!("{:.1},{:.1}", left + x * x_scale, bottom - y * y_scale));
    let _ = writeln!(body, "<polyline class='line' points='{}'/>", places.collect::<Vec<_>>().join(" "));
    framed(title, 354.0, &body)
}

fn framed(title: &str, height: f64, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height:.0}' width='{WIDTH}' height='{height:.0}' role='img'>\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect class='ground' width='100%' height='100%' rx='6'/>\n\
         <text x='{MARGIN}' y='30' font-size='16' font-weight='600'>{title}</text>\n{body}</svg>\n"
    )
}

/// A round distance of marks, by which there are four to ten of them.
fn step(most: f64) -> f64 {
    let unit = 10_f64.powf(most.max(1.0).log10().floor());
    match most / unit {
        times if times < 2.0 => unit / 5.0,
        times if times < 5.0 => unit / 2.0,
        _ => unit,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_neither_few_nor_many() {
        for (most, wanted) in [(9.0, 1.0), (19.0, 2.0), (430.0, 50.0), (1_828.0, 200.0)] {
            assert_eq!(step(most), wanted, "{most}");
        }
    }

    #[test]
    fn the_longest_bar_leaves_room_for_its_figure() {
        let bar = Bar { name: "us & them".to_owned(), value: 100.0, note: String::new(), series: 0 };
        let text = bars_svg("A title", "images a minute", &[Group { name: "JPEG".to_owned(), bars: vec![bar] }]);
        assert!(
            text.contains("width='420.0'") && text.contains("us &amp; them") && text.contains("images a minute"),
            "{text}"
        );
    }

    #[test]
    fn a_course_begins_and_ends_at_the_frame() {
        let text = course_svg("A title", ["seconds", "MB"], &[(0.0, 0.0), (10.0, 50.0)]);
        assert!(text.contains("points='70.0,300.0 730.0,70.0'"), "{text}");
    }
}
