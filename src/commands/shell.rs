//! Completions and the manual page, from the one table of arguments.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;

/// Writes completions for a shell.
pub(super) fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "procession", &mut text);
    io::stdout().lock().write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the manual page: the program, then each of its commands.
pub(super) fn manual() -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    let mut command = Cli::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    for part in leaves(&command) {
        let page = clap_mangen::Man::new(part.clone());
        // One document has one title: of the parts, only the body.
        writeln!(text, ".SH {}", part.get_display_name().unwrap_or(part.get_name()).replace('-', " ").to_uppercase())?;
        page.render_synopsis_section(&mut text)?;
        page.render_description_section(&mut text)?;
        page.render_options_section(&mut text)?;
    }
    io::stdout().lock().write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Every command that does something.
fn leaves(command: &clap::Command) -> Vec<&clap::Command> {
    let visible = command.get_subcommands().filter(|below| !below.is_hide_set());
    visible.flat_map(|below| if below.has_subcommands() { leaves(below) } else { vec![below] }).collect()
}
