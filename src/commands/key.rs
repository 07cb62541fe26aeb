//! `procession key`: the keys of the service, for whoever has its data folder.

use std::process::ExitCode;

use anyhow::bail;
use procession_domain::{Clock as _, StudioId};
use procession_flow::SystemClock;
use procession_vault::Documents;
use procession_web::{
    Problem,
    access::{ApiKey, Keyring, Scope, Studio, create_key, ensure_local_studio},
};
use serde_json::json;

use super::{print, say};
use crate::{
    cli::{Global, Key},
    config::Config,
    wiring,
};

/// A studio has fewer keys than this.
const MOST_KEYS: usize = 10_000;

/// Lists, makes and ends keys.
pub(super) async fn run(command: Key, config: &Config, global: &Global) -> anyhow::Result<ExitCode> {
    let documents = Documents::new(wiring::ledger(config).await?);
    let now = SystemClock::default().now();
    ensure_local_studio(&documents, now).await.map_err(failed)?;
    match command {
        Key::List { studio } => list(&documents, known(&documents, studio).await?, global).await?,
        Key::Create { name, scopes, studio } => {
            let studio = known(&documents, studio).await?;
            let (key, token) = create_key(&documents, studio, &name, scopes, now).await.map_err(failed)?;
            match global.json {
                true => print(&json!({ "id": key.id, "key": token.to_string() }))?,
                // Alone on its line, for scripts; it is shown for the only time.
                false => say(&token.to_string())?,
            }
        }
        Key::Revoke { id } => {
            let Some(mut found) = documents.get::<ApiKey>(&id).await? else { bail!("key {id} is not there") };
            found.document.revoked_at.get_or_insert(now);
            documents.replace(&found.document, found.version).await?;
        }
        Key::RotateSecret => {
            let keyring = Keyring::open(documents, now).await.map_err(failed)?;
            keyring.rotate(now).await.map_err(failed)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn known(documents: &Documents, studio: Option<StudioId>) -> anyhow::Result<StudioId> {
    let id = studio.unwrap_or_else(StudioId::local);
    match documents.get::<Studio>(&id.to_string()).await? {
        Some(_) => Ok(id),
        None => bail!("studio {id} is not there"),
    }
}

async fn list(documents: &Documents, studio: StudioId, global: &Global) -> anyhow::Result<()> {
    let keys = documents.list::<ApiKey>(&studio.to_string(), None, MOST_KEYS).await?;
    let keys = keys.into_iter().map(|found| found.document);
    if global.json {
        let object = |key: ApiKey| {
            let ApiKey { id, name, scopes, created_at, revoked_at, .. } = key;
            json!({ "id": id, "name": name, "scopes": scopes, "created_at": created_at, "revoked_at": revoked_at })
        };
        return Ok(print(&keys.map(object).collect())?);
    }
    for ApiKey { id, name, scopes, revoked_at, .. } in keys {
        let scopes: Vec<&str> = scopes.into_iter().map(Scope::name).collect();
        let ended = revoked_at.map(|at| format!(", revoked {at}")).unwrap_or_default();
        say(&format!("{id}  {name}  ({}{ended})", scopes.join(", ")))?;
    }
    Ok(())
}

fn failed(problem: Problem) -> anyhow::Error {
    anyhow::anyhow!(problem.detail)
}
