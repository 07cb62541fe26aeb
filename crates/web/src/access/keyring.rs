//! The secrets with which the service signs URLs and cookies.
//!
//! Each has a short name that goes into what is signed, so a new secret can be added while what the old ones signed stays
//! valid until it expires: rotation. They are in the ledger, so all processes of an installation share them.

use std::{
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use procession_domain::Timestamp;
use procession_vault::{Document, Documents};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{SECRET_BYTES, hex, random};
use crate::Result;

/// What is signed. A signature for one purpose is worth nothing for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// URLs of images.
    Image,
    /// URLs of archives.
    Archive,
    /// The cookie of a studio's session.
    Session,
    /// The cookie of a client who knew a link's password.
    Link,
}

impl Purpose {
    fn context(self) -> &'static str {
        match self {
            Self::Image => "procession image url 1",
            Self::Archive => "procession archive url 1",
            Self::Session => "procession session 1",
            Self::Link => "procession link 1",
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Secret {
    /// The name in what it signed: 8 hex digits.
    name: String,
    bytes: [u8; SECRET_BYTES],
    created_at: Timestamp,
}

impl Document for Secret {
    const KIND: &'static str = "secret";

    fn id(&self) -> String {
        self.name.clone()
    }

    fn owner(&self) -> String {
        String::new()
    }
}

/// Unknown names make the ledger be asked once in this time at most: anybody can invent names.
const PAUSE: Duration = Duration::from_secs(1);

/// The secrets of the installation, in memory.
pub struct Keyring {
    documents: Documents,
    /// The newest last.
    secrets: RwLock<Vec<Secret>>,
    /// When an unknown name made the ledger be asked: microseconds since the epoch.
    asked_at: AtomicI64,
}

impl Keyring {
    /// Reads the secrets; makes the first one where there is none.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn open(documents: Documents, now: Timestamp) -> Result<Self> {
        let ring = Self { documents, secrets: RwLock::default(), asked_at: AtomicI64::new(i64::MIN) };
        ring.refresh().await?;
        if ring.read().is_empty() {
            ring.rotate(now).await?;
        }
        Ok(ring)
    }

    /// Adds a secret, which signs from now on.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn rotate(&self, now: Timestamp) -> Result<()> {
        self.documents.create(&Secret { name: hex(&random::<4>()?), bytes: random()?, created_at: now }).await?;
        self.refresh().await
    }

    /// Reads the secrets again: another process may have added one.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn refresh(&self) -> Result<()> {
        let found = self.documents.list::<Secret>("", None, 1_000).await?;
        let mut secrets: Vec<Secret> = found.into_iter().map(|found| found.document).collect();
        secrets.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
        *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = secrets;
        Ok(())
    }

    /// Signs with the newest secret: its name, and HMAC-SHA256 (RFC 2104) of the message.
    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> (String, [u8; 32]) {
        let secrets = self.read();
        // `open` made one, and none is ever taken away.
        let newest = secrets.last().map(|secret| (secret.name.clone(), mac(secret, purpose, message)));
        let (name, mac) = newest.unwrap_or_default();
        (name, mac.map(|mac| mac.finalize().into_bytes().into()).unwrap_or_default())
    }

    /// True if the secret of this name made this signature. Compares in constant time.
    pub fn verify(&self, purpose: Purpose, name: &str, message: &[u8], signature: &[u8]) -> bool {
        let secrets = self.read();
        let secret = secrets.iter().find(|secret| secret.name == name);
        secret.and_then(|secret| mac(secret, purpose, message)).is_some_and(|mac| mac.verify_slice(signature).is_ok())
    }

    /// As [`Keyring::verify`], for a signature that was cut to its first bytes.
    pub fn verify_start(&self, purpose: Purpose, name: &str, message: &[u8], start: &[u8]) -> bool {
        let secrets = self.read();
        let secret = secrets.iter().find(|secret| secret.name == name);
        let mac = secret.and_then(|secret| mac(secret, purpose, message));
        mac.is_some_and(|mac| mac.verify_truncated_left(start).is_ok())
    }

    /// True if there is a secret of this name: here, or in the ledger, where another process may have added one.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn knows(&self, name: &str, now: Timestamp) -> Result<bool> {
        let is_here = || self.read().iter().any(|secret| secret.name == name);
        if is_here() {
            return Ok(true);
        }
        let asked_at = self.asked_at.load(Ordering::Relaxed);
        let is_due = now >= Timestamp::from_micros(asked_at).after(PAUSE);
        let claim = || self.asked_at.compare_exchange(asked_at, now.micros(), Ordering::Relaxed, Ordering::Relaxed);
        if is_due && claim().is_ok() {
            self.refresh().await?;
        }
        Ok(is_here())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Vec<Secret>> {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn mac(secret: &Secret, purpose: Purpose, message: &[u8]) -> Option<Hmac<Sha256>> {
    let key = blake3::derive_key(purpose.context(), &secret.bytes);
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(message);
    Some(mac)
}
