//! `procession`: finished, safe, browsable wedding galleries from folders of photos.

mod cli;
mod commands;
mod config;
mod failure;
mod human;
mod log;
mod machine;
mod progress;
mod upload;
mod wiring;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let json = cli.global.json;
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => failure::tell(&error, json),
    }
}
