//! What each command does.

mod config;
mod doctor;
mod forecast;
mod gallery;
mod key;
mod models;
mod process;
mod receipt;
mod serve;
mod shell;
mod simulate;
mod upload;
mod vault;

use std::{
    future::Future,
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use crate::{
    cli::{self, Cli, Command},
    config::{Config, Environment, Flags, load},
    log::{Log, LogFormat},
};

/// Work that blocks is given so long to end after an interruption. What it leaves is what a crash leaves: nothing wrong.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Finished, but something failed.
fn partly() -> ExitCode {
    ExitCode::from(1)
}

/// Runs a command.
///
/// # Errors
/// It could not run, or not to its end.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { global, command } = cli;
    let (format, traces) = match &command {
        Command::Serve(args) => {
            let config = serve::configure(args, &global)?;
            (config.log_format, config.traces_endpoint)
        }
        _ => (LogFormat::Text, None),
    };
    let _log = Log::start(global.log.as_deref(), format, traces.as_deref())?;
    match command {
        Command::Completions { shell } => shell::completions(shell),
        Command::Man => shell::manual(),
        Command::Config(args) => config::show(&args, &global),
        Command::Receipt(cli::Receipt::Check { receipt, folder, key }) => {
            wait(receipt::check(&receipt, folder, key.as_deref(), &global))
        }
        Command::Process(args) => {
            let config = configure(&global, &args.stores, &args.resources)?;
            wait(process::run(&args, &config, &global))
        }
        Command::Serve(args) => wait(serve::run(&args, &serve::configure(&args, &global)?, &global)),
        Command::Key(command) => {
            let config = configure(&global, &cli::Stores::default(), &cli::Resources::default())?;
            wait(key::run(command, &config, &global))
        }
        Command::Upload(args) => {
            let config = configure(&global, &cli::Stores::default(), &cli::Resources::default())?;
            wait(upload::run(args, &config, &global))
        }
        Command::Gallery(command) => {
            let config = configure(&global, &cli::Stores::default(), &cli::Resources::default())?;
            wait(gallery::run(command, &config, &global))
        }
        Command::Vault(cli::Vault::Verify(stores)) => {
            let config = configure(&global, &stores, &cli::Resources::default())?;
            wait(vault::verify(&config, &global))
        }
        Command::Forecast(command) => {
            let config = configure(&global, &cli::Stores::default(), &cli::Resources::default())?;
            wait(forecast::run(command, &config, &global))
        }
        Command::Models(command) => {
            models::run(&command, &configure(&global, &cli::Stores::default(), &cli::Resources::default())?, &global)
        }
        Command::Simulate(args) => simulate::run(&args, &global),
        Command::Doctor(args) => wait(doctor::run(&configure(&global, &args.stores, &args.resources)?, &global)),
    }
}

/// Writes JSON on one line to standard output.
///
/// # Errors
/// Standard output is closed or full.
pub(crate) fn print(value: &serde_json::Value) -> io::Result<()> {
    say(&value.to_string())
}

/// Writes a line to standard output.
fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

fn configure(global: &cli::Global, stores: &cli::Stores, resources: &cli::Resources) -> anyhow::Result<Config> {
    let flags = Flags {
        data: global.data.clone(),
        stores: stores.stores.clone(),
        threads: resources.threads,
        memory: resources.memory,
        ..Flags::default()
    };
    Ok(load(global.config.as_deref(), &Environment::of_this_process(), &flags)?)
}

/// Runs a command that waits. Work that it left behind on other threads does not hold up the end.
fn wait(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(command);
    runtime.shutdown_timeout(LAST_WORDS);
    result
}
