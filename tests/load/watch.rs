//! What processes take: processor time and memory, looked at twice a second.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

const LOOK: Duration = Duration::from_millis(500);
/// What Linux counts the time of processes in, for programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// Watches processes until it is asked for what it saw.
pub(crate) struct Watch {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<std::sync::atomic::AtomicBool>,
    thread: JoinHandle<()>,
    start: Instant,
    busy_before: (f64, f64),
}

#[derive(Default)]
struct Seen {
    processes: BTreeMap<u32, Process>,
    /// Seconds, and the resident bytes of each role's processes together.
    course: Vec<(f64, BTreeMap<&'static str, u64>)>,
}

/// What was seen of a process.
#[derive(Clone, Copy, Debug)]
struct Process {
    role: &'static str,
    resident: u64,
    peak: u64,
    cpu_seconds: f64,
}

/// What processes took.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The part (0 to 1) of all processors that was busy, with whatever else the machine did.
    pub(crate) machine: f64,
    /// The same of the processes of a role.
    pub(crate) roles: BTreeMap<&'static str, f64>,
    /// The most memory in bytes that each process of a role had, the largest first.
    pub(crate) peaks: BTreeMap<&'static str, Vec<u64>>,
    /// Of a role's processes together, at twenty moments.
    pub(crate) course: Vec<Value>,
    /// By how much the workers' memory was larger in the last fifth of the time than in the second: 1 if it was the same.
    pub(crate) growth: f64,
}

impl Watch {
    pub(crate) fn start() -> Self {
        let (seen, stop) = (Arc::<Mutex<Seen>>::default(), Arc::<std::sync::atomic::AtomicBool>::default());
        let (start, all, ends) = (Instant::now(), Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !ends.load(std::sync::atomic::Ordering::Relaxed) {
                look(&mut all.lock().unwrap_or_else(PoisonError::into_inner), start.elapsed());
                std::thread::sleep(LOOK);
            }
        });
        Self { seen, stop, thread, start, busy_before: busy() }
    }

    /// Watches a process from now on.
    pub(crate) fn add(&self, role: &'static str, process: u32) {
        let new = Process { role, resident: 0, peak: 0, cpu_seconds: 0.0 };
        self.seen.lock().unwrap().processes.insert(process, new);
    }

    /// The end, with what was seen.
    pub(crate) fn end(self) -> Taken {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        self.thread.join().unwrap();
        let mut seen = self.seen.lock().unwrap();
        look(&mut seen, self.start.elapsed());
        let (before, now) = (self.busy_before, busy());
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
        let seconds = self.start.elapsed().as_secs_f64();
        let mut taken = Taken {
            machine: (now.0 - before.0) / (now.1 - before.1).max(1.0),
            growth: growth(&seen.course),
            ..Taken::default()
        };
        for process in seen.processes.values() {
            *taken.roles.entry(process.role).or_default() += process.cpu_seconds / seconds / cores;
            taken.peaks.entry(process.role).or_default().push(process.peak);
        }
        taken.peaks.values_mut().for_each(|peaks| peaks.sort_by(|one, other| other.cmp(one)));
        let step = (seen.course.len() / 20).max(1);
        taken.course = seen
            .course
            .iter()
            .step_by(step)
            .map(|(seconds, roles)| {
                let megabytes: BTreeMap<&str, u64> =
                    roles.iter().map(|(role, bytes)| (*role, bytes / 1_000_000)).collect();
                json!({ "seconds": seconds.round(), "resident_mb": megabytes })
            })
            .collect();
        taken
    }
}

fn look(seen: &mut Seen, at: Duration) {
    let mut now: BTreeMap<&'static str, u64> = BTreeMap::new();
    for (id, process) in &mut seen.processes {
        let read = |name: &str| fs::read_to_string(format!("/proc/{id}/{name}")).unwrap_or_default();
        let status = read("status");
        // A process that has ended is no longer there; what it took stays.
        process.resident = kibibytes(&status, "VmRSS:").map_or(0, |kib| kib << 10);
        process.peak = process.peak.max(kibibytes(&status, "VmHWM:").map_or(0, |kib| kib << 10));
        process.cpu_seconds = process.cpu_seconds.max(cpu_seconds(&read("stat")).unwrap_or(0.0));
        *now.entry(process.role).or_default() += process.resident;
    }
    seen.course.push((at.as_secs_f64(), now));
}

fn growth(course: &[(f64, BTreeMap<&'static str, u64>)]) -> f64 {
    let workers: Vec<f64> = course
        .iter()
        .filter_map(|(_, roles)| roles.get("worker"))
        .filter(|bytes| **bytes > 0)
        .map(|bytes| *bytes as f64)
        .collect();
    let fifth = workers.len() / 5;
    if fifth == 0 {
        return 1.0;
    }
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    mean(&workers[workers.len() - fifth..]) / mean(&workers[fifth..2 * fifth])
}

/// Ticks in which a processor was busy, and all ticks: the first line of /proc/stat, whose 4th and 5th figures are idle.
fn busy() -> (f64, f64) {
    let text = fs::read_to_string("/proc/stat").unwrap();
    let ticks: Vec<f64> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|word| word.parse().ok())
        .collect();
    let all: f64 = ticks.iter().sum();
    (all - ticks[3] - ticks[4], all)
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// User and system time: the 14th and 15th field of proc(5), the 2nd of which is in brackets and may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_seen_with_its_time_and_memory() {
        let watch = Watch::start();
        watch.add("worker", std::process::id());
        std::hint::black_box(vec![1_u8; 64 << 20]);
        let taken = watch.end();
        assert!(taken.peaks["worker"][0] > 1 << 20 && taken.machine <= 1.0, "{taken:?}");
    }

    #[test]
    fn growth_compares_the_end_with_the_beginning_and_leaves_out_the_start() {
        let course = |bytes: [u64; 10]| bytes.map(|bytes| (0.0, BTreeMap::from([("worker", bytes)])));
        assert_eq!(growth(&course([1, 90, 100, 100, 100, 100, 100, 100, 100, 100])), 1.0);
        assert_eq!(growth(&course([1, 1, 100, 100, 100, 100, 100, 100, 250, 250])), 2.5);
        assert_eq!(growth(&[]), 1.0);
    }
}
