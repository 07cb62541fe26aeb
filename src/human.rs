//! Quantities as people read them.

use std::time::Duration;

/// "45 s", "2 min", "1 h 20 min", "3 days".
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    match seconds {
        0..90 => format!("{seconds} s"),
        90..3_600 => format!("{} min", (seconds + 30) / 60),
        3_600..172_800 if minutes % 60 == 0 => format!("{hours} h"),
        3_600..172_800 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{} days", hours / 24),
    }
}

/// The time that is left to a deadline, or by how much it is missed.
pub(crate) fn slack(seconds: i64) -> String {
    let amount = duration(Duration::from_secs(seconds.unsigned_abs()));
    if seconds < 0 { format!("{amount} late") } else { format!("{amount} to spare") }
}

/// "512 B", "1.4 MB", "2.0 GB": powers of 1000, as disks are sold.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64 / 1_000.0;
    let mut unit = 0;
    while amount >= 999.95 && unit + 1 < UNITS.len() {
        amount /= 1_000.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

/// "1 photo", "2 photos", "3 copies".
pub(crate) fn count(count: u64, thing: &str) -> String {
    match thing.strip_suffix('y') {
        _ if count == 1 => format!("1 {thing}"),
        Some(stem) => format!("{count} {stem}ies"),
        None => format!("{count} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let text = |seconds| duration(Duration::from_secs(seconds));
        let expected = ["0 s", "89 s", "2 min", "60 min", "1 h", "1 h 20 min", "24 h", "2 days"];
        assert_eq!([0, 89, 90, 3_599, 3_600, 4_800, 86_400, 172_800].map(text), expected);
        assert_eq!(slack(-95), "2 min late");
    }

    #[test]
    fn counts() {
        assert_eq!([count(1, "copy"), count(2, "copy"), count(0, "photo")], ["1 copy", "2 copies", "0 photos"]);
    }

    #[test]
    fn sizes() {
        assert_eq!(
            [0, 999, 1_000, 1_449_999, 999_960, 2_000_000_000].map(bytes),
            ["0 B", "999 B", "1.0 kB", "1.4 MB", "1.0 MB", "2.0 GB"]
        );
    }
}
