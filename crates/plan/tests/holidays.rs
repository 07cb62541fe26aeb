//! The table of holidays, held against the package that it was made from.

use std::{fs, path::Path, process::Command};

#[test]
fn the_table_is_what_the_package_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", folder.join("../../target/python")).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command.arg(folder.join("config/make_holidays.py")).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the package is installed by `cargo xtask setup`: {told}");
    let table = fs::read_to_string(folder.join("config/holidays.csv")).unwrap();
    assert!(String::from_utf8_lossy(&output.stdout) == table, "make it again as config/make_holidays.py says");
}
