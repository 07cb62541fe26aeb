//! Figures that are looked up when somebody asks for them: the queue, the stores, the process.

use std::{fs, time::Duration};

use procession_domain::{Timestamp, urgency::Urgency};
use procession_flow::forecast::{Prospect, prospects};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

use super::{Figures, Float};
use crate::{Result, Service};

/// Who asks more often gets the same.
const FRESH: Duration = Duration::from_millis(500);
/// What Linux counts the time of processes in, for programs.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Debug)]
pub(super) struct Collected {
    queue_galleries: Family<Class, Gauge>,
    queue_photos: Family<Class, Gauge>,
    queue_megapixels: Family<Class, Float>,
    queue_oldest_seconds: Family<Class, Float>,
    slack_seconds: Family<Class, Gauge>,
    leases: Gauge,
    photos_owing: Gauge,
    throughput: Float,
    workers_paused: Gauge,
    uploads_open: Gauge,
    uploads_bytes: Gauge,
    store_free: Family<Store, Gauge>,
    store_total: Family<Store, Gauge>,
    store_debts: Family<Store, Gauge>,
    store_debt_age: Family<Store, Float>,
    forecast_followed: Family<Place, Gauge>,
    cpu_seconds: Counter<f64>,
    resident_bytes: Gauge,
    open_files: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Class {
    urgency: &'static str,
}

/// The stores by their place in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Store {
    store: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Place {
    region: String,
}

impl Collected {
    pub(super) fn new(to: &mut Figures) -> Self {
        Self {
            queue_galleries: to.add("queue_galleries", "Galleries with unfinished photos", Family::default()),
            queue_photos: to.add("queue_photos", "Photos that wait or are worked on", Family::default()),
            queue_megapixels: to.add("queue_megapixels", "What these photos cost", Family::default()),
            queue_oldest_seconds: to.add("queue_oldest_age_seconds",
                "For how long the photo waits that waits longest",
                Family::default(),
            ),
            slack_seconds: to.add("deadline_slack_seconds",
                "Time to spare of the gallery that has least, negative if it will be late; absent while that is unknown",
                Family::default(),
            ),
            leases: to.add("leases_held", "Photos that workers hold", Gauge::default()),
            photos_owing: to.add("photos_owing", "Finished photos that get more formats when no photo waits", Gauge::default()),
            throughput: to.add("throughput_megapixels_per_second",
                "Work that is finished, from the last minute of work; zero while that is unknown",
                Float::default(),
            ),
            workers_paused: to.add("workers_paused", "1 while the workers wait for a fault to pass", Gauge::default()),
            uploads_open: to.add("uploads_open", "Uploads that are not complete", Gauge::default()),
            uploads_bytes: to.add("uploads_open_bytes", "Bytes of uploads that are not complete", Gauge::default()),
            store_free: to.add("store_free_bytes", "What can still be written to a store", Family::default()),
            store_total: to.add("store_size_bytes", "What the medium of a store holds in all", Family::default()),
            store_debts: to.add("store_debts", "Objects that others hold and the store does not yet", Family::default()),
            store_debt_age: to.add("store_oldest_debt_age_seconds",
                "For how long the object is owed that is owed longest",
                Family::default(),
            ),
            forecast_followed: to.add("forecast_followed",
                "1 while fleets of a region grow by its forecast, 0 while it is only shown",
                Family::default(),
            ),
            cpu_seconds: to.add("process_cpu_seconds", "Processor time that was used", Counter::default()),
            resident_bytes: to.add("process_resident_memory_bytes", "Memory that is in use", Gauge::default()),
            open_files: to.add("process_open_files", "Open files and connections", Gauge::default()),
        }
    }

    pub(super) async fn refresh(&self, service: &Service) -> Result<()> {
        self.look_at_process();
        for (index, store) in service.system.blobs.replicas().iter().enumerate() {
            if let Some(room) = store.room().await {
                let store = Store { store: index as u32 + 1 };
                self.store_free.get_or_create(&store).set(signed(room.free));
                self.store_total.get_or_create(&store).set(signed(room.total));
            }
        }
        let now = service.system.clock.now();
        for (index, owed) in service.system.blobs.owed().await?.into_iter().enumerate() {
            let store = Store { store: index as u32 + 1 };
            self.store_debts.get_or_create(&store).set(signed(owed.objects));
            let age = owed.since.map_or(0.0, |since| now.since(since).as_secs_f64());
            self.store_debt_age.get_or_create(&store).set(age);
        }
        self.look_at_forecasts(&prospects(&service.system).await?);
        let (uploads, bytes) = service.uploads.occupancy().await?;
        self.uploads_open.set(signed(uploads));
        self.uploads_bytes.set(signed(bytes));
        self.workers_paused.set(i64::from(service.live.observer.paused(now).is_some()));
        self.look_at_queue(service, now).await
    }

    fn look_at_forecasts(&self, made: &[Prospect]) {
        // A region of which nothing is known any more is not served.
        self.forecast_followed.clear();
        for of in made {
            let place = Place { region: of.region.to_string() };
            self.forecast_followed.get_or_create(&place).set(i64::from(of.followed));
        }
    }

    async fn look_at_queue(&self, service: &Service, now: Timestamp) -> Result<()> {
        self.photos_owing.set(signed(service.system.ledger.owing().await?));
        let expected = service.live.observer.expected(&service.system, FRESH).await?;
        self.throughput.set(expected.rate.map_or(0.0, |rate| rate.megapixels_per_second));
        self.leases.set(signed(expected.galleries.iter().map(|(backlog, _)| backlog.working).sum()));
        for urgency in Urgency::ALL {
            let class = Class { urgency: urgency.name() };
            let galleries = || expected.galleries.iter().filter(|(backlog, _)| backlog.rank.urgency == urgency);
            let photos = galleries().map(|(backlog, _)| backlog.waiting + backlog.working).sum();
            let megapixels = galleries().map(|(backlog, _)| backlog.megapixels()).sum();
            let oldest = galleries().filter_map(|(backlog, _)| backlog.waiting_since()).min();
            self.queue_galleries.get_or_create(&class).set(signed(galleries().count() as u64));
            self.queue_photos.get_or_create(&class).set(signed(photos));
            self.queue_megapixels.get_or_create(&class).set(megapixels);
            let age = oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
            self.queue_oldest_seconds.get_or_create(&class).set(age);
            match galleries().filter_map(|(_, outlook)| outlook.slack_seconds).min() {
                Some(slack) => drop(self.slack_seconds.get_or_create(&class).set(slack)),
                None => drop(self.slack_seconds.remove(&class)),
            }
        }
        Ok(())
    }

    fn look_at_process(&self) {
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        if let Some(seconds) = cpu_seconds(&read("stat")) {
            self.cpu_seconds.inc_by((seconds - self.cpu_seconds.get()).max(0.0));
        }
        if let Some(bytes) = resident_bytes(&read("status")) {
            self.resident_bytes.set(signed(bytes));
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // Without the one that is open to count them.
            self.open_files.set(signed(files.count() as u64) - 1);
        }
    }
}

/// User and system time: the 14th and 15th field of proc(5), the 2nd of which is in brackets and may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1_024)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::prometheus_text, registry::Registry};

    use super::*;

    #[test]
    fn whether_a_forecast_is_followed_is_said_of_each_region_that_has_one() {
        let mut figures = Figures { registry: Registry::default(), table: Vec::new() };
        let collected = Collected::new(&mut figures);
        let made = |region: &str, followed| Prospect {
            region: region.parse().unwrap(),
            made_at: Timestamp::from_micros(0),
            followed,
            standing: String::new(),
            megapixels_per_photo: 24.0,
            forecast: None,
        };
        let served = || {
            let mut text = String::new();
            prometheus_text::encode(&mut text, &figures.registry).unwrap();
            let mut lines: Vec<String> =
                text.lines().filter_map(|line| Some(line.strip_prefix("forecast_followed")?.to_owned())).collect();
            lines.sort();
            lines
        };
        collected.look_at_forecasts(&[made("eu-west-1", true), made("us-east-1", false)]);
        assert_eq!(served(), ["{region=\"eu-west-1\"} 1", "{region=\"us-east-1\"} 0"]);
        collected.look_at_forecasts(&[made("us-east-1", true)]);
        assert_eq!(served(), ["{region=\"us-east-1\"} 1"]);
        collected.look_at_forecasts(&[]);
        assert_eq!(served(), [""; 0]);
    }

    #[test]
    fn the_process_is_read_whatever_its_name_is() {
        let stat = "42 (odd) name) S 1 42 42 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 9 0 5 6 7";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds(""), None);
        assert_eq!(resident_bytes("VmPeak:\t 10 kB\nVmRSS:\t   2048 kB\n"), Some(2 << 20));
    }
}
