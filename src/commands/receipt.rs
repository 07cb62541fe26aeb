//! `procession receipt check`: may this memory card be formatted?

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use procession_flow::receipt;
use serde_json::json;

use super::{partly, print, say};
use crate::{cli::Global, human};

/// Looks for every file of a folder in a receipt.
pub(super) async fn check(
    paper: &Path,
    folder: PathBuf,
    key: Option<&str>,
    global: &Global,
) -> anyhow::Result<ExitCode> {
    if !folder.is_dir() {
        bail!("{} is no folder that can be read; is the card mounted?", folder.display());
    }
    let receipt = receipt::open(paper, key)?;
    let check = receipt::check(&receipt, folder.clone()).await.with_context(|| folder.display().to_string())?;
    let open = (check.missing.len() + check.unreadable.len()) as u64;
    let statement = &receipt.statement;
    if global.json {
        print(&json!({ "gallery": statement.gallery, "issued_at": statement.issued_at, "stores": statement.stores,
            "public_key": receipt.public_key, "all_safe": open == 0, "check": check }))?;
    } else {
        check.missing.iter().try_for_each(|name| say(&format!("not in the receipt: {name}")))?;
        check.unreadable.iter().try_for_each(|(name, why)| say(&format!("cannot be read: {name}: {why}")))?;
    }
    if !global.json && !global.quiet {
        let (safe, stores) = (check.safe.len() as u64, statement.stores.len() as u64);
        let safe = human::count(safe, "file");
        say(&format!("{safe} of {} safe in {}", folder.display(), human::count(stores, "store")))?;
        say(&statement.meaning)?;
        say(&format!("Signed by {} at {}", receipt.public_key, statement.issued_at))?;
        if open > 0 {
            say(&format!("Do not format: {} only here.", human::count(open, "file")))?;
        }
    }
    Ok(if open == 0 { ExitCode::SUCCESS } else { partly() })
}
