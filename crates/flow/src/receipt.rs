//! *Safe to format*: a signed list of every original, made only after each replica was read back and hashed.
//!
//! The signature (Ed25519, RFC 8032) covers the statement as compact JSON with its fields in the order of the types below.
//! It tells whether a receipt was altered since this installation wrote it; who the installation is, the reader must know.

use std::{
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use futures::{StreamExt as _, TryStreamExt as _};
use procession_domain::{
    Classified, ContentHash, GalleryId, Key, Kind, Timestamp,
    error::chain,
    gallery::Gallery,
    photo::{Photo, PhotoState, Refusal},
};
use procession_vault::Blobs;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Event, Events, Result, System,
    ingest::{File, blocking, read_back, walk},
};

/// Replicas that are read at the same time for one gallery.
const CONCURRENT_READS: usize = 4;

/// What is signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The version of this structure: 1.
    pub schema: u32,
    /// The gallery.
    pub gallery: GalleryId,
    /// What people call it.
    pub title: String,
    /// When the last replica had been read back.
    pub issued_at: Timestamp,
    /// The stores, each of which holds every original of the list.
    pub stores: Vec<String>,
    /// What the number of stores means for the photographer.
    pub meaning: String,
    /// The originals by first name.
    pub originals: Vec<Original>,
    /// Files that were given and are *not* in the vault, with the reason.
    pub refused: Vec<Refusal>,
}

/// An original that was found identical in every store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Original {
    /// Every path that it came under.
    pub names: Vec<String>,
    /// BLAKE3 of its bytes.
    pub hash: ContentHash,
    /// Its length.
    pub bytes: u64,
    /// False if it is safe but could not be processed.
    pub processed: bool,
}

/// A statement and who vouches for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// What is vouched for.
    pub statement: Statement,
    /// The installation's public key, 64 hex digits.
    pub public_key: String,
    /// The signature, 128 hex digits.
    pub signature: String,
}

/// Reads every replica of every original back and, if all are identical, signs for it.
///
/// # Errors
/// `Unproven` names a store that is away: ask again when it is back. `ReadBack` or `Vault` names the first store whose copy is
/// missing or wrong, and could not be repaired from another: then there is no receipt.
pub async fn issue(
    system: &System,
    gallery: &Gallery,
    photos: &[(Photo, PhotoState)],
    refused: Vec<Refusal>,
    key: &Path,
    events: &Events,
) -> Result<Receipt> {
    let replicas = system.blobs.replicas();
    let copies = photos.iter().flat_map(|(photo, _)| replicas.iter().map(move |store| (Arc::clone(store), photo)));
    let reads: Vec<_> = copies.map(|(store, photo)| (store, photo.original, photo.bytes)).collect();
    let total = reads.len() as u64;
    let mut compared = futures::stream::iter(reads)
        .map(|(store, original, bytes)| async move {
            let place = system.proofs.acquire().await;
            let _place = place.map_err(|_| Error::Bug("copies are no longer read back".to_owned()))?;
            // The largest photo that was let in still fits the budget alone.
            let _memory = system.budget.grant(bytes.min(system.budget.bytes())).await?;
            prove(system, store.as_ref(), original).await
        })
        .buffer_unordered(CONCURRENT_READS)
        .enumerate()
        // Its type is too much for whoever spawns this.
        .boxed();
    while let Some((index, length)) = compared.next().await {
        length?;
        events.tell(gallery.id, Event::ReadingBack { done: index as u64 + 1, total });
    }
    let original = |(photo, state): &(Photo, PhotoState)| Original {
        names: photo.names.clone(),
        hash: photo.original,
        bytes: photo.bytes,
        processed: matches!(state, PhotoState::Done(_)),
    };
    let statement = Statement {
        schema: 1,
        gallery: gallery.id,
        title: gallery.title.clone(),
        issued_at: system.clock.now(),
        stores: replicas.iter().map(|store| store.name()).collect(),
        meaning: meaning(replicas.len()),
        originals: photos.iter().map(original).collect(),
        refused,
    };
    sign(statement, &signing_key(key)?)
}

/// Reads one copy back. A copy that is missing or damaged is made anew from another store's, if one has it whole, and read
/// back again. A store that does not answer may be owed the copy: then there is no receipt yet.
async fn prove(system: &System, store: &dyn Blobs, hash: ContentHash) -> Result<()> {
    match read_back(store, hash).await {
        Err(Error::ReadBack { .. }) => {
            let key = Key::Original(hash);
            let bytes = system.blobs.get(&key).await?;
            store.repair(&key, bytes).await?;
            tracing::warn!(store = store.name(), object = %key, "copy repaired from another store");
            read_back(store, hash).await
        }
        Err(Error::Vault(source)) if source.kind() == Kind::Unavailable => Err(Error::Unproven(source)),
        other => other,
    }
}

fn meaning(stores: usize) -> String {
    match stores {
        1 => "One store holds these originals. If it is lost they are lost: keep the memory cards, or add a store on \
              another disk with --store."
            .to_owned(),
        n => format!(
            "{n} stores hold these originals, each read back and compared. The memory cards are safe to format."
        ),
    }
}

fn sign(statement: Statement, key: &SigningKey) -> Result<Receipt> {
    let signature = key.sign(&signed_bytes(&statement)?);
    Ok(Receipt { statement, public_key: hex(key.verifying_key().as_bytes()), signature: hex(&signature.to_bytes()) })
}

fn signed_bytes(statement: &Statement) -> Result<Vec<u8>> {
    serde_json::to_vec(statement).map_err(|error| Error::Bug(error.to_string()))
}

/// The installation's key; made at the first use, readable by its owner alone. Of several processes that make one at once all
/// sign with the one that is there in the end.
fn signing_key(path: &Path) -> Result<SigningKey> {
    let failed = |source| Error::file(path, "write the signing key", source);
    if let Some(key) = read_signing_key(path)? {
        return Ok(key);
    }
    let (mut seed, mut nonce) = ([0; 32], [0; 8]);
    for bytes in [&mut seed[..], &mut nonce[..]] {
        getrandom::fill(bytes).map_err(|error| Error::Bug(format!("no randomness: {error}")))?;
    }
    let temporary = path.with_extension(format!("{}.part", hex(&nonce)));
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(hex(&seed).as_bytes()).and_then(|()| file.sync_all()))
        // Unlike a renaming, this writes over nobody's key.
        .and_then(|()| std::fs::hard_link(&temporary, path));
    // If it stays, it is in nobody's way.
    let _ = std::fs::remove_file(&temporary);
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    read_signing_key(path)?.ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))
}

/// The key, if it is there.
fn read_signing_key(path: &Path) -> Result<Option<SigningKey>> {
    match std::fs::read_to_string(path) {
        Ok(text) => match unhex::<32>(text.trim()) {
            Some(seed) => Ok(Some(SigningKey::from_bytes(&seed))),
            None => Err(Error::Receipt { path: path.to_owned(), why: "the signing key is damaged".to_owned() }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::file(path, "read the signing key", source)),
    }
}

/// What a memory card holds, held against a receipt.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Check {
    /// Files whose bytes are in every store of the receipt.
    pub safe: Vec<String>,
    /// Files that are on no line of the receipt: do not format.
    pub missing: Vec<String>,
    /// Files that could not be read, with the reason: do not format.
    pub unreadable: Vec<(String, String)>,
}

/// Reads a receipt and checks its signature. Needs no ledger, no store and no network.
///
/// # Errors
/// `Receipt` if it is none, was altered, or (where `trusted` is given) was signed with another key.
pub fn open(path: &Path, trusted: Option<&str>) -> Result<Receipt> {
    let wrong = |why: &str| Error::Receipt { path: path.to_owned(), why: why.to_owned() };
    let text = std::fs::read(path).map_err(|source| Error::file(path, "read", source))?;
    let receipt: Receipt = serde_json::from_slice(&text).map_err(|error| wrong(&format!("not a receipt: {error}")))?;
    if trusted.is_some_and(|key| key != receipt.public_key) {
        return Err(wrong("signed with another key than the trusted one"));
    }
    let key = unhex::<32>(&receipt.public_key).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
    let signature = unhex::<64>(&receipt.signature).map(|bytes| Signature::from_bytes(&bytes));
    let (Some(key), Some(signature)) = (key, signature) else { return Err(wrong("key or signature is damaged")) };
    match key.verify_strict(&signed_bytes(&receipt.statement)?, &signature) {
        Ok(()) => Ok(receipt),
        Err(_) => Err(wrong("was altered after it was signed")),
    }
}

/// Hashes every file below `folder` and looks for it in the receipt.
///
/// # Errors
/// Only `Bug`: what cannot be read is in the result.
pub async fn check(receipt: &Receipt, folder: PathBuf) -> Result<Check> {
    let known: std::collections::HashSet<ContentHash> =
        receipt.statement.originals.iter().map(|original| original.hash).collect();
    let files = blocking(move || walk(&[folder], &[])).await?;
    let hashed: Vec<(String, Result<ContentHash, String>)> = futures::stream::iter(files)
        .map(|file| blocking(move || hash_file(file)))
        .buffered(CONCURRENT_READS)
        .try_collect()
        .await?;
    let mut check = Check::default();
    for (name, hash) in hashed {
        match hash {
            Ok(hash) if known.contains(&hash) => check.safe.push(name),
            Ok(_) => check.missing.push(name),
            Err(why) => check.unreadable.push((name, why)),
        }
    }
    Ok(check)
}

fn hash_file(file: File) -> (String, Result<ContentHash, String>) {
    let hash = file.bytes.and_then(|_| std::fs::read(&file.path)).map(|bytes| ContentHash::of(&bytes));
    (file.name, hash.map_err(|error| chain(&error)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..text.len()).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(folder: &Path) -> PathBuf {
        let statement = Statement {
            schema: 1,
            gallery: GalleryId::named("test"),
            title: "Anna & Ben".to_owned(),
            issued_at: Timestamp::from_micros(0),
            stores: vec!["a".to_owned()],
            meaning: meaning(1),
            originals: vec![Original {
                names: vec!["1.jpg".to_owned()],
                hash: ContentHash::of(b"one"),
                bytes: 3,
                processed: true,
            }],
            refused: Vec::new(),
        };
        let signed = sign(statement, &signing_key(&folder.join("key")).unwrap()).unwrap();
        let path = folder.join("receipt.json");
        std::fs::write(&path, serde_json::to_vec_pretty(&signed).unwrap()).unwrap();
        path
    }

    #[test]
    fn an_altered_receipt_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = receipt(folder.path());
        let whole = open(&path, None).unwrap();
        assert_eq!(whole.statement.title, "Anna & Ben");
        assert!(open(&path, Some(&whole.public_key)).is_ok());
        assert!(open(&path, Some(&"00".repeat(32))).is_err());
        let altered = std::fs::read_to_string(&path).unwrap().replace("1.jpg", "2.jpg");
        std::fs::write(&path, altered).unwrap();
        assert!(open(&path, None).unwrap_err().to_string().contains("altered"));
    }

    #[tokio::test]
    async fn a_card_is_held_against_a_receipt() {
        let folder = tempfile::tempdir().unwrap();
        let whole = open(&receipt(folder.path()), None).unwrap();
        let card = folder.path().join("card");
        std::fs::create_dir(&card).unwrap();
        std::fs::write(card.join("renamed.jpg"), b"one").unwrap();
        std::fs::write(card.join("new.jpg"), b"two").unwrap();
        let check = check(&whole, card).await.unwrap();
        assert_eq!(check.safe, ["renamed.jpg"]);
        assert_eq!(check.missing, ["new.jpg"]);
    }

    #[test]
    fn the_key_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let makers: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || signing_key(&path).unwrap())
            })
            .collect();
        let kept = makers.into_iter().map(|maker| maker.join().unwrap()).collect::<Vec<_>>();
        assert!(kept.iter().all(|key| *key == signing_key(&path).unwrap()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
