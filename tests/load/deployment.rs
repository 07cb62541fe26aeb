//! The deployment that is loaded: PostgreSQL, three stores, an API node and workers, each a process of its own.

use std::path::{Path, PathBuf};

use procession_domain::{gallery::Rank, photo::Photo, photo::PhotoState};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    node::{Node, Program},
    postgres::Server,
};

/// Of the stores; all processes are in the first.
const REGIONS: [&str; 3] = ["us-east-1", "us-west-2", "eu-west-1"];
/// For photos in flight, of each process.
const MEMORY: &str = "2GiB";

/// All of it. It ends with its value, and its folder goes.
pub(crate) struct Deployment {
    program: Program,
    ledger_url: String,
    pub(crate) stores: Vec<PathBuf>,
    pub(crate) api: Node,
    pub(crate) workers: Vec<Node>,
    pub(crate) ledger: Server,
    /// The last to go.
    pub(crate) folder: TempDir,
}

/// A gallery as the ledger has it.
pub(crate) struct Listed {
    pub(crate) rank: Rank,
    pub(crate) photos: Vec<(Photo, PhotoState)>,
    /// Files that were not taken.
    pub(crate) refusals: usize,
}

impl Deployment {
    /// Starts everything but the workers, in a new folder below this one.
    pub(crate) fn start(program: &Program, below: &Path) -> Self {
        std::fs::create_dir_all(below).unwrap();
        let folder = tempfile::Builder::new().prefix("deployment-").tempdir_in(below).unwrap();
        let stores: Vec<PathBuf> = REGIONS.iter().map(|region| folder.path().join("stores").join(region)).collect();
        let ledger = Server::start(&[]);
        let ledger_url = ledger.database("procession");
        let api =
            Node::start_as(program, folder.path(), "api", &configuration("api,controller", &ledger_url, &stores, 1));
        Self { program: program.clone(), ledger_url, stores, api, workers: Vec::new(), ledger, folder }
    }

    /// Starts another worker, with so many photos at the same time.
    pub(crate) fn add_worker(&mut self, lanes: usize) {
        let name = format!("worker-{}", self.workers.len());
        let configuration = configuration("worker", &self.ledger_url, &self.stores, lanes);
        self.workers.push(Node::start_as(&self.program, self.folder.path(), &name, &configuration));
    }

    /// The key that may do everything.
    pub(crate) fn key(&self) -> &str {
        self.api.key.as_deref().unwrap()
    }

    pub(crate) fn binary(&self) -> &Path {
        &self.program.binary
    }

    /// What the ledger has of a gallery, told by the product's own command.
    pub(crate) fn listed(&self, gallery: &str) -> Listed {
        let own = self.folder.path().join("api");
        let output = std::process::Command::new(self.binary())
            .args(["gallery", "show", gallery, "--json", "--config"])
            .arg(own.join("procession.toml"))
            .env("PROCESSION_DATA", own.join("data"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{gallery}: {}", String::from_utf8_lossy(&output.stderr));
        let mut shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        let photos = shown["photos"].as_array_mut().unwrap().iter_mut().map(|entry| {
            let mut part = |name: &str| entry[name].take();
            (serde_json::from_value(part("photo")).unwrap(), serde_json::from_value(part("state")).unwrap())
        });
        let photos = photos.collect();
        let refusals = shown["refusals"].as_array().map_or(0, Vec::len);
        Listed { rank: serde_json::from_value(shown["rank"].take()).unwrap(), photos, refusals }
    }

    /// The last lines of everybody's log.
    pub(crate) fn logs(&self) -> String {
        let names = (0..self.workers.len()).map(|number| format!("worker-{number}"));
        let logs = std::iter::once("api".to_owned()).chain(names).map(|name| {
            let text = std::fs::read_to_string(self.folder.path().join(&name).join("log.txt")).unwrap_or_default();
            let from = text.lines().count().saturating_sub(12);
            format!("== {name}\n{}", text.lines().skip(from).collect::<Vec<_>>().join("\n"))
        });
        logs.collect::<Vec<_>>().join("\n")
    }
}

fn configuration(roles: &str, ledger: &str, stores: &[PathBuf], lanes: usize) -> String {
    let stores =
        REGIONS.iter().zip(stores).map(|(region, folder)| format!("{{ region = {region:?}, folder = {folder:?} }}"));
    format!(
        "ledger = {ledger:?}\nregion = {:?}\nroles = {roles:?}\nthreads = {lanes}\nmemory = {MEMORY:?}\nstores = [{}]\n",
        REGIONS[0],
        stores.collect::<Vec<_>>().join(", ")
    )
}
