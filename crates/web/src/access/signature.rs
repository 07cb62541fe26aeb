//! What makes an address ours for a time: `{secret}-{expiry}-{mac}`.
//!
//! `secret` names the secret that signed, `expiry` is in seconds since 1970 (hex), and `mac` is HMAC-SHA256 over expiry and
//! text, cut to 128 bits (base64url).

use std::time::Duration;

use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use procession_domain::Timestamp;

use super::{Keyring, Purpose};
use crate::{Problem, Result};

/// HMACs may be cut to half their length (RFC 2104, section 5).
const MAC_BYTES: usize = 16;

/// A signature as a client sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    secret: String,
    expiry: i64,
    mac: [u8; MAC_BYTES],
}

impl Signature {
    /// Signs a text. The signature stays the same for `life` and is valid for as long again, so that caches meet it often.
    pub(crate) fn sign(keyring: &Keyring, purpose: Purpose, text: &str, now: Timestamp, life: Duration) -> String {
        let life = life.as_secs().max(1) as i64;
        let expiry = (now.micros() / 1_000_000 / life + 2) * life;
        let (secret, mac) = keyring.sign(purpose, format!("{expiry:x}/{text}").as_bytes());
        format!("{secret}-{expiry:x}-{}", URL_SAFE_NO_PAD.encode(&mac[..MAC_BYTES]))
    }

    /// Reads what [`Signature::sign`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let (secret, expiry, mac) = (parts.next()?, parts.next()?, parts.next()?);
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?.try_into().ok()?;
        Some(Self { secret: secret.to_owned(), expiry: i64::from_str_radix(expiry, 16).ok()?, mac })
    }

    /// How long this signature of a text is still valid.
    ///
    /// # Errors
    /// 403 if it is not ours, 410 if it was.
    pub(crate) async fn check(
        &self,
        keyring: &Keyring,
        purpose: Purpose,
        text: &str,
        now: Timestamp,
    ) -> Result<Duration> {
        let message = format!("{:x}/{text}", self.expiry);
        let is_known = keyring.knows(&self.secret, now).await?;
        if !is_known || !keyring.verify_start(purpose, &self.secret, message.as_bytes(), &self.mac) {
            return Err(not_ours());
        }
        let left = Timestamp::from_micros(self.expiry.saturating_mul(1_000_000)).since(now);
        if left.is_zero() {
            let detail = "this address has expired; open the page that it came from again";
            return Err(Problem::new(StatusCode::GONE, "expired", detail));
        }
        Ok(left)
    }
}

/// The answer to an address that we did not make.
pub(crate) fn not_ours() -> Problem {
    Problem::forbidden("this address was not signed here, or was changed")
}
