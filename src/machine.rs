//! What this computer has.

use std::{fs, path::Path};

/// Where nothing tells how much memory there is.
const ASSUMED_MEMORY_BYTES: u64 = 8 << 30;

/// Memory that this process can count on: the machine's, or its container's where that is less.
pub(crate) fn memory_bytes() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_memory_bytes(&text));
    let container =
        fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse::<u64>().ok());
    let machine = machine.unwrap_or(ASSUMED_MEMORY_BYTES);
    container.map_or(machine, |limit| limit.min(machine))
}

fn total_memory_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1_024)
}

/// Processors that this process may use.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Bytes that can still be written below a folder, or below the nearest folder above it that exists.
pub(crate) fn disk_free_bytes(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|ancestor| ancestor.is_dir())?;
    let statistics = rustix::fs::statvfs(there).ok()?;
    Some(statistics.f_bavail.saturating_mul(statistics.f_frsize))
}

/// The name of this computer; empty where it has none.
pub(crate) fn host_name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// The name of this computer's time zone, where it has one of the IANA database.
pub(crate) fn time_zone() -> Option<String> {
    let named = std::env::var("TZ").ok().map(|zone| zone.trim_start_matches(':').to_owned());
    named.filter(|zone| !zone.is_empty()).or_else(|| {
        let target = fs::read_link("/etc/localtime").ok()?;
        Some(target.to_str()?.split_once("/zoneinfo/")?.1.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read() {
        let text = "MemTotal:       16384 kB\nMemFree:          100 kB\n";
        assert_eq!(total_memory_bytes(text), Some(16 << 20));
        assert_eq!(total_memory_bytes("nothing"), None);
        assert!(memory_bytes() > 0 && processors() > 0);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_space_of_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        assert!(disk_free_bytes(&folder.path().join("not/yet")).is_some());
    }
}
