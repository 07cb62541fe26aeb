//! Where the day falls into parts.
//!
//! The photos are put in the order of the day, and the order is cut into moments so that the sum of two costs is least:
//! how much the photos of each moment differ from their mean (scene features and number of faces), and a price for each
//! cut. The price falls with the pause at the cut, so that after a long pause little change is needed and within a burst
//! much. This is optimal partitioning (Jackson et al. 2005), exact, with the pruning of PELT (Killick et al. 2012).

mod title;

use procession_domain::{PhotoId, Timestamp, album::Moment, analysis::Analysis, gallery::TimeZoneName};

/// The price of a cut without a pause, in units of a squared difference of two unlike scenes (about 1) for each photo.
const CUT: f64 = 5.0;
/// A pause of so many seconds halves the price.
const PAUSE_SECONDS: f64 = 300.0;
/// A pause of so many seconds ends every moment: nothing that is one moment goes on after it.
const END_SECONDS: f64 = 5_400.0;
/// How much a change in the number of faces counts beside the scene.
const FACES_WEIGHT: f32 = 0.35;

/// What is known of a photo's place in the day.
#[derive(Clone, Copy, Debug)]
pub struct MomentEvidence<'a> {
    /// The photo.
    pub photo: PhotoId,
    /// Its name: orders photos without a time.
    pub name: &'a str,
    /// The exposure, where the camera wrote it.
    pub taken_at: Option<Timestamp>,
    /// What the models saw.
    pub analysis: &'a Analysis,
}

/// The moments of the day, in order: every photo is in exactly one, and the order in which they are given changes nothing.
/// A photo without a time stands after the one whose name comes before its own. `zone` is the venue's, for the times in
/// titles.
pub fn find_moments(photos: &[MomentEvidence<'_>], zone: &TimeZoneName) -> Vec<Moment> {
    let ordered = in_order(photos);
    let rows: Vec<Vec<f32>> = ordered.iter().map(|(photo, _)| row(photo.analysis)).collect();
    let prices: Vec<f64> = ordered.windows(2).map(|pair| price(pause(&pair[0], &pair[1]))).collect();
    let mut moments = Vec::new();
    let mut start = 0;
    for end in cuts(&rows, &prices) {
        let part: Vec<_> = ordered[start..end].iter().map(|(photo, _)| *photo).collect();
        let before = start.checked_sub(1).map(|last| pause(&ordered[last], &ordered[start]));
        moments.push(moment(&part, &rows[start..end], before, zone));
        start = end;
    }
    moments
}

/// The photos in the order of the day, each with the moment that it was placed at.
fn in_order<'a>(photos: &[MomentEvidence<'a>]) -> Vec<(MomentEvidence<'a>, Option<Timestamp>)> {
    let mut named: Vec<MomentEvidence<'a>> = photos.to_vec();
    named.sort_by(|a, b| natural(a.name, b.name).then(a.photo.cmp(&b.photo)));
    let mut last = named.iter().find_map(|photo| photo.taken_at);
    let mut placed: Vec<_> = named
        .into_iter()
        .map(|photo| {
            last = photo.taken_at.or(last);
            (photo, last)
        })
        .collect();
    // Stable: photos of one moment stay in the order of their names.
    placed.sort_by_key(|(_, at)| *at);
    placed
}

/// Compares names with runs of digits as numbers: IMG_9 comes before IMG_10.
fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    let parts = |name: &str| {
        let mut parts: Vec<(Option<u128>, String)> = Vec::new();
        let mut rest = name;
        while let Some(first) = rest.chars().next() {
            let digits = first.is_ascii_digit();
            let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            parts.push((if digits { part.parse().ok() } else { None }, part.to_owned()));
            rest = after;
        }
        parts
    };
    parts(a).cmp(&parts(b))
}

/// Seconds between two photos that follow each other.
fn pause(a: &(MomentEvidence<'_>, Option<Timestamp>), b: &(MomentEvidence<'_>, Option<Timestamp>)) -> f64 {
    match (a.1, b.1) {
        (Some(a), Some(b)) => b.since(a).as_secs_f64(),
        _ => 0.0,
    }
}

fn price(pause_seconds: f64) -> f64 {
    if pause_seconds >= END_SECONDS { f64::NEG_INFINITY } else { CUT / (1.0 + pause_seconds / PAUSE_SECONDS) }
}

/// What a photo looks like, for differences: the scene's features, and the number of faces on a scale that flattens.
fn row(analysis: &Analysis) -> Vec<f32> {
    let faces = analysis.faces.as_ref().map_or(0.0, |faces| (1.0 + faces.len() as f32).ln());
    let features = analysis.scene.as_ref().map(|scene| scene.features.as_slice()).unwrap_or_default();
    features.iter().copied().chain([FACES_WEIGHT * faces]).collect()
}

/// The ends of the moments: the cheapest way to cut `rows`, where a cut after row `i` costs `prices[i]`.
fn cuts(rows: &[Vec<f32>], prices: &[f64]) -> Vec<usize> {
    let sums = Sums::of(rows);
    // best[end]: the least cost of the rows before `end` with a cut there, and where the last moment then starts.
    let mut best = vec![(0.0, 0)];
    let mut starts = vec![0];
    for end in 1..=rows.len() {
        let costs: Vec<f64> = starts.iter().map(|&start: &usize| best[start].0 + sums.spread(start, end)).collect();
        let price = prices.get(end - 1).copied().unwrap_or(0.0);
        let cheapest = (0..starts.len()).min_by(|&a, &b| costs[a].total_cmp(&costs[b])).unwrap_or(0);
        if price == f64::NEG_INFINITY {
            // A cut that is always made: nothing before it matters any more, so its cost does not either.
            best.push((0.0, starts[cheapest]));
            starts.clear();
        } else {
            let cost = costs[cheapest] + price;
            best.push((cost, starts[cheapest]));
            let mut costs = costs.into_iter();
            // A start that is worse than a cut here stays worse, since spreads never shrink as rows are added.
            starts.retain(|_| costs.next().is_some_and(|start_cost| start_cost <= cost));
        }
        starts.push(end);
    }
    let mut ends = Vec::new();
    let mut end = rows.len();
    while end > 0 {
        ends.push(end);
        end = best[end].1;
    }
    ends.reverse();
    ends
}

/// Running sums, so that the spread of any run of rows takes time for one row only.
struct Sums {
    width: usize,
    values: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn of(rows: &[Vec<f32>]) -> Self {
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        let (mut values, mut squares) = (vec![0.0; width], vec![0.0]);
        for (index, row) in rows.iter().enumerate() {
            for place in 0..width {
                // Aligned at the end, where the number of faces stands: a photo without features has that alone.
                let value = (place + row.len()).checked_sub(width).map_or(0.0, |at| f64::from(row[at]));
                values.push(values[index * width + place] + value);
            }
            squares.push(squares[index] + row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>());
        }
        Self { width, values, squares }
    }

    /// The sum of squared differences of rows `start..end` to their mean.
    fn spread(&self, start: usize, end: usize) -> f64 {
        let (low, high) = (&self.values[start * self.width..], &self.values[end * self.width..]);
        let total: f64 = (0..self.width).map(|place| (high[place] - low[place]).powi(2)).sum();
        (self.squares[end] - self.squares[start] - total / (end - start) as f64).max(0.0)
    }
}

fn moment(part: &[MomentEvidence<'_>], rows: &[Vec<f32>], pause_before: Option<f64>, zone: &TimeZoneName) -> Moment {
    let (title, reason) = title::of(part, pause_before, zone);
    let times = || part.iter().filter_map(|photo| photo.taken_at);
    Moment {
        title,
        reason,
        starts_at: times().min(),
        ends_at: times().max(),
        photos: part.iter().map(|photo| photo.photo).collect(),
        cover: part[cover(part, rows)].photo,
    }
}

/// The photo that shows the moment best: like the others, and appealing.
fn cover(part: &[MomentEvidence<'_>], rows: &[Vec<f32>]) -> usize {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let sum = |place: usize| rows.iter().filter_map(|row| row.get(place)).sum::<f32>();
    let mean: Vec<f32> = (0..width).map(|place| sum(place) / rows.len() as f32).collect();
    let worth = |index: usize| {
        let likeness: f32 = rows[index].iter().zip(&mean).map(|(a, b)| a * b).sum();
        likeness + part[index].analysis.appeal()
    };
    (0..part.len()).max_by(|&a, &b| worth(a).total_cmp(&worth(b)).then(b.cmp(&a))).unwrap_or(0)
}

#[cfg(test)]
mod tests;
