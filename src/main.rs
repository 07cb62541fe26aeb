//! `procession`: finished, safe, browsable wedding galleries from folders of photos.

mod allocator;
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
    allocator::give_back_what_is_free();
    // Whoever speaks TLS here asks for it. That it is there already is no fault.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = cli::Cli::parse();
    let json = cli.global.json;
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => failure::tell(&error, json),
    }
}
