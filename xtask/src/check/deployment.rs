//! What `deploy/` is made of, by the tools whose formats it is written in: Helm, hadolint, systemd. tests/deploy/check.py then
//! holds what Helm rendered, and the Compose file, against schemas and the rules that none of them has.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::{
    run::{program, quiet, root, show},
    setup,
};

const CHART: &str = "deploy/helm/procession";
/// Values of which each region has its own rendering.
const REGIONAL: &str = "deploy/helm/four-regions.yaml";
const REGIONS: [&str; 4] = ["us-east-1", "us-west-2", "eu-west-1", "ap-southeast-1"];
/// Values for a device that is not a processor.
const ACCELERATOR: &str = "tests/deploy/accelerator.yaml";
/// Values for workers of one kind of device that offer different stages.
const SPECIALISTS: &str = "tests/deploy/specialists.yaml";
const UNIT: &str = "deploy/procession.service";
const PROGRAM: &str = "/usr/local/bin/procession";
/// Ten times the exposure, of 0 to 10, that `systemd-analyze security` may find: what it was when this was written, rounded up.
const EXPOSURE: u8 = 15;

/// Renders and checks everything; the first fault ends it.
pub(super) fn run() -> Result<()> {
    setup::for_deployment()?;
    let folder = root().join("target/deploy");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot empty target/deploy")?;
    }
    fs::create_dir_all(folder.join("rendered")).context("cannot make target/deploy")?;
    render(&folder.join("rendered"))?;
    dockerfile()?;
    unit(&folder)?;
    let mut rules = program("python3", &["tests/deploy/check.py"]);
    rules.arg(folder.join("rendered")).env("PYTHONPATH", setup::python_packages());
    show(&mut rules)
}

fn render(folder: &Path) -> Result<()> {
    let helm = setup::helm().context("helm is not here")?;
    let helm = helm.to_string_lossy();
    let to = |name: &str, options: &[&str]| -> Result<()> {
        let mut command = program(&helm, &["template", "procession", CHART, "--namespace", "procession"]);
        let objects = quiet(command.args(options)).with_context(|| format!("the chart with the values {name}"))?;
        fs::write(folder.join(format!("{name}.yaml")), objects).context("cannot write what was rendered")
    };
    to("default", &[])?;
    to("accelerator", &["--values", ACCELERATOR])?;
    to("specialists", &["--values", SPECIALISTS])?;
    for region in REGIONS {
        let region_is = format!("region={region}");
        to(&format!("four-regions-{region}"), &["--values", REGIONAL, "--set", &region_is])?;
    }
    to("oldest", &["--values", REGIONAL, "--kube-version", "1.27.0"])?;
    // Last, because it does not say what is wrong with values.
    show(&mut program(&helm, &["lint", "--strict", "--quiet", CHART]))
}

fn dockerfile() -> Result<()> {
    let hadolint = setup::python_packages().join("bin/hadolint");
    show(&mut program(&hadolint.to_string_lossy(), &["--no-color", "deploy/Dockerfile"]))
}

/// systemd reads the unit without running it. It insists that the program exists, so it gets the unit with one that does.
fn unit(folder: &Path) -> Result<()> {
    let text = fs::read_to_string(root().join(UNIT)).with_context(|| format!("cannot read {UNIT}"))?;
    let copy = folder.join("procession.service");
    fs::write(&copy, text.replace(PROGRAM, "/usr/bin/true")).context("cannot write the unit's copy")?;
    let said = program("systemd-analyze", &["verify", "--man=no"]).arg(&copy).output()?;
    // A key that it does not know is no error to systemd. What it says of other units is not ours.
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    let faults: Vec<&str> = said.lines().filter(|line| line.contains("procession.service")).collect();
    if !faults.is_empty() {
        bail!("{UNIT}: {}", faults.join("; "));
    }
    let threshold = format!("--threshold={EXPOSURE}");
    let mut security = program("systemd-analyze", &["security", "--no-pager", "--offline=true", &threshold]);
    quiet(security.arg(&copy)).map(drop).context("the unit allows too much")
}
