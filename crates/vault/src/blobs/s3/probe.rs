//! Whether a service does what a store needs, tried out with objects that are deleted afterwards.

use bytes::Bytes;
use http::HeaderValue;
use object_store::{ObjectStore as _, PutOptions};

use procession_domain::error::chain;

use super::{
    Store, parts, random_name,
    trouble::{Trouble, status, trouble},
};
use crate::{Error, Result};

/// The folder of the objects.
const FOLDER: &str = "probes";
const FIRST: &[u8] = b"the first to write";
const SECOND: &[u8] = b"the second to write";

/// Tries everything out.
///
/// # Errors
/// `Invalid` says what the service lacks or which option is wrong; `Unavailable`.
pub(super) async fn probe(store: &Store) -> Result<()> {
    let names = [random_name()?, random_name()?, random_name()?].map(|name| format!("{FOLDER}/{name}"));
    let outcome = probe_with(store, &names).await;
    for name in &names {
        let removed = store.remove(name).await;
        // What it could not do before it cannot undo.
        if outcome.is_ok() {
            removed?;
        }
    }
    outcome
}

async fn probe_with(store: &Store, [whole, in_parts, broken]: &[String; 3]) -> Result<()> {
    let lacks = |what: &str| store.refused(format!("cannot be a store: {what}"));
    // First of all, and it tells a wrong bucket or key in the clearest words.
    store.list(FOLDER).await?;
    match store.read(whole).await {
        Err(Error::NotFound { .. }) => {}
        Err(Error::Refused { why, .. }) => return Err(store.refused(format!("does not say what is absent: {why}"))),
        Err(error) => return Err(error),
        Ok(_) => return Err(lacks("it has an object that nobody wrote")),
    }
    let path = store.path(whole);
    store.put_whole(&path, &FIRST.into(), false).await.map_err(|error| store.error("write", whole, &error))?;
    refuses_the_second(store, whole, store.put_whole(&path, &SECOND.into(), false).await, "a write")?;
    match store.read(whole).await {
        Ok(found) if found == FIRST => {}
        Ok(_) => {
            return Err(lacks("it overwrites an object although the write demands to be the first (If-None-Match)"));
        }
        Err(Error::NotFound { .. }) => return Err(lacks("what was written is not there for the next read")),
        Err(error) => return Err(error),
    }
    if !store.list(FOLDER).await?.contains(whole) {
        return Err(lacks("what was written is not in the next listing"));
    }
    takes_parts(store, in_parts).await?;
    refuses_what_is_damaged(store, broken).await
}

/// The second of two writes that both demanded to be the first.
fn refuses_the_second(store: &Store, what: &str, second: object_store::Result<()>, which: &str) -> Result<()> {
    let Err(error) = second else {
        let why = format!("cannot be a store: it ignores that {which} demands to be the first (If-None-Match: *)");
        return Err(store.refused(why));
    };
    match trouble(&error, &store.options) {
        Trouble::Taken(_) => Ok(()),
        other => Err(store.trouble("write", what, other)),
    }
}

async fn takes_parts(store: &Store, what: &str) -> Result<()> {
    let failed = |error| store.error("upload in parts", what, &error);
    let path = store.path(what);
    parts::put(store, &path, &FIRST.into(), false).await.map_err(failed)?;
    match store.read(what).await? {
        found if found == FIRST => Ok(()),
        _ => Err(store.refused("cannot be a store: an upload in parts comes out as other bytes".to_owned())),
    }
}

/// A write whose checksum is not its bytes', as when they change on their way.
async fn refuses_what_is_damaged(store: &Store, what: &str) -> Result<()> {
    // SHA-256 of nothing.
    const WRONG: HeaderValue = HeaderValue::from_static("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    let client = store.options.builder([("x-amz-checksum-sha256", WRONG)]).build();
    let client = client.map_err(|error| store.refused(error.to_string()))?;
    let path = store.path(what);
    match client.put_opts(&path, Bytes::from_static(FIRST).into(), PutOptions::default()).await {
        Ok(_) => Err(store
            .refused("cannot be a store: it takes bytes that are not those of their checksum (SHA-256)".to_owned())),
        Err(error) if status(&chain(&error)) == Some(400) => Ok(()),
        Err(error) => Err(store.error("write", what, &error)),
    }
}
