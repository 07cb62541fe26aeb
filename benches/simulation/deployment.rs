//! The real binary, with a fleet of its own, and a client that sends photos.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use procession_domain::{Clock as _, urgency::Urgency};
use procession_flow::SystemClock;
use procession_sim::Scenario;
use serde_json::{Value, json};

/// Clock ticks in a second, as `/proc` counts them on Linux.
const TICKS: f64 = 100.0;

/// The one that takes most of a processor: disks and ledger are no part of the model, and must not be what is waited for.
const PIPELINE: &str = "high_resolution_portraits";

/// Real photos, each as often as needed.
#[derive(Clone)]
pub(crate) struct Photos(Vec<Vec<u8>>);

impl Photos {
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Self> {
        ensure!(!paths.is_empty(), "no photos are given");
        Ok(Self(paths.iter().map(fs::read).collect::<Result<_, _>>()?))
    }

    /// A JPEG with a comment after its first marker: another photo to every hash, the same to every eye.
    fn numbered(&self, number: usize) -> Vec<u8> {
        let jpeg = &self.0[number % self.0.len()];
        let comment = format!("photo {number:08}");
        let length = (comment.len() as u16 + 2).to_be_bytes();
        [&jpeg[..2], &[0xff, 0xfe], &length, comment.as_bytes(), &jpeg[2..]].concat()
    }
}

/// `procession serve`. It is killed with its value.
pub(crate) struct Deployment {
    process: Child,
    _output: BufReader<ChildStdout>,
    client: Client,
}

/// Who asks it. Any number of them may.
#[derive(Clone)]
pub(crate) struct Client {
    url: String,
    key: String,
    http: reqwest::Client,
}

impl Deployment {
    /// Starts it over a folder with these roles and the scenario's policies; `instances` of its fleet stand at the least.
    pub(crate) fn start(folder: &Path, roles: &str, scenario: &Scenario, instances: (u32, u32)) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let config = folder.join("config.toml");
        fs::write(&config, configuration(scenario, instances)?)?;
        let mut process = Command::new(env!("CARGO_BIN_EXE_procession"))
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--roles", roles])
            .env("PROCESSION_CONFIG", &config)
            .env("PROCESSION_DATA", folder.join("data"))
            .env("PROCESSION_MODELS", folder.join("no-models"))
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(fs::File::options().create(true).append(true).open(folder.join("log.txt"))?)
            .spawn()
            .context("procession does not start")?;
        let mut output = BufReader::new(process.stdout.take().context("procession has no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let log = || fs::read_to_string(folder.join("log.txt")).unwrap_or_default();
        let said: Value = serde_json::from_str(&line).with_context(|| format!("it did not start: {line}{}", log()))?;
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let http = reqwest::Client::builder().no_proxy().build()?;
        let client = Client { url: text("url"), key: text("key"), http };
        Ok(Self { process, _output: output, client })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// SIGTERM, and its end.
    pub(crate) fn end(mut self) -> Result<()> {
        let told = Command::new("kill").arg(self.id().to_string()).status()?;
        ensure!(told.success() && self.process.wait()?.success(), "procession did not end as it should");
        Ok(())
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Client {
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.http.get(format!("{}/api/v1/{path}", self.url)).bearer_auth(&self.key).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Opens a gallery of this class and returns its id.
    pub(crate) async fn open(&self, title: &str, urgency: Urgency) -> Result<String> {
        let days = match urgency {
            Urgency::SameDayWedding => 0,
            Urgency::NextDayDelivery => 1,
            Urgency::StandardDelivery => 7,
        };
        let date = today().checked_sub(jiff::Span::new().days(days))?.to_string();
        let body = json!({ "title": title, "pipeline": PIPELINE, "wedding": { "date": date, "time_zone": "UTC" } });
        let request = self.http.post(format!("{}/api/v1/galleries", self.url)).bearer_auth(&self.key).json(&body);
        let made: Value = request.send().await?.error_for_status()?.json().await?;
        ensure!(made["urgency"] == urgency.name(), "{title} is {}", made["urgency"]);
        Ok(made["id"].as_str().context("the gallery has no id")?.to_owned())
    }

    /// Sends a photo; returns when it is stored.
    pub(crate) async fn send(&self, gallery: &str, photos: &Photos, number: usize) -> Result<()> {
        let bytes = photos.numbered(number);
        let name = STANDARD.encode(format!("IMG_{number:05}.jpg"));
        let metadata = format!("gallery {},filename {name}", STANDARD.encode(gallery));
        let request = self.http.post(format!("{}/files", self.url)).bearer_auth(&self.key);
        let request = request.header("Tus-Resumable", "1.0.0").header("Upload-Length", bytes.len());
        let request = request.header("Content-Type", "application/offset+octet-stream");
        let answer = request.header("Upload-Metadata", metadata).body(bytes).send().await?;
        ensure!(answer.status() == 201, "a photo was answered with {}", answer.status());
        Ok(())
    }

    /// Photos of a gallery that are finished.
    pub(crate) async fn done(&self, gallery: &str) -> Result<u64> {
        let progress = &self.get(&format!("galleries/{gallery}")).await?["progress"];
        ensure!(progress["quarantined"].as_u64().unwrap_or(0) == 0, "a photo cannot be processed: {progress}");
        progress["done"].as_u64().context("no progress")
    }

    /// Photos that wait, workers that take work.
    pub(crate) async fn look(&self) -> Result<(u64, u64, Value)> {
        let seen = self.get("operations").await?;
        let list = |name: &str| seen[name].as_array().cloned().unwrap_or_default();
        let waiting = list("queue").iter().filter_map(|of| of["waiting"].as_u64()).sum();
        let working = list("workers").iter().filter(|of| of["standing"] == "working").count() as u64;
        Ok((waiting, working, seen))
    }
}

/// The scenario's policies as the binary's configuration. Between `instances.0` and `instances.1` workers stand, each with a
/// lane.
fn configuration(scenario: &Scenario, instances: (u32, u32)) -> Result<String> {
    let (scale, workers) = (&scenario.scale, scenario.scale.most_instances_in_region);
    let season = |rules: &procession_plan::scale::SeasonRules| {
        json!({ "base_times": rules.base_times, "saturday_times": rules.saturday_times,
            "grow_at_photos": rules.grow_at_photos, "grow_at_wait_minutes": rules.grow_at_wait_minutes })
    };
    let value = json!({
        "threads": workers,
        "promises": scenario.promises,
        "scale": {
            "local_workers": workers, "base_instances": instances.0, "most_instances_in_region": instances.1,
            "grow_at_photos": scale.grow_at_photos, "shrink_at_photos": scale.shrink_at_photos,
            "warm_up_seconds": scale.warm_up_seconds, "grow_cool_down_seconds": scale.grow_cool_down_seconds,
            "shrink_window_seconds": scale.shrink_window_seconds,
            "peak": season(&scale.seasons.peak), "moderate": season(&scale.seasons.moderate),
            "off": season(&scale.seasons.off),
        },
    });
    Ok(toml::to_string(&value)?)
}

/// The processes that this process started and that have not ended.
pub(crate) fn children(process: u32) -> Vec<u32> {
    let of = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    tasks
        .map(of)
        .flat_map(|text| text.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

/// The time that a process had of the processors so far, in seconds.
pub(crate) fn processor_seconds(process: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // What is before the bracket is a name, and may be anything.
    let after = text.rsplit_once(')').context("not a line of /proc")?.1;
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok());
    Ok(ticks.sum::<f64>() / TICKS)
}

/// The day, by universal time.
pub(crate) fn today() -> jiff::civil::Date {
    jiff::tz::TimeZone::UTC.to_datetime(SystemClock::default().now().calendar()).date()
}

pub(crate) async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
