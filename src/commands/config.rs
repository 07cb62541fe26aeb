//! `procession config`.

use std::process::ExitCode;

use serde_json::json;

use super::{configure, print, say};
use crate::{
    cli::{Global, Resources, ShowConfig, Stores},
    config::{markdown, rows},
};

/// Shows what is in force, or writes the documentation.
pub(super) fn show(args: &ShowConfig, global: &Global) -> anyhow::Result<ExitCode> {
    if args.markdown {
        say(markdown().trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = rows(&configure(global, &Stores::default(), &Resources::default())?);
    if global.json {
        let row = |(key, value, origin)| json!({ "key": key, "value": value, "origin": origin });
        print(&rows.into_iter().map(row).collect())?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = rows.iter().map(|(key, ..)| key.len()).max().unwrap_or(0);
    for (key, value, origin) in rows {
        say(&format!("{key:width$}  {value}  ({origin})"))?;
    }
    Ok(ExitCode::SUCCESS)
}
