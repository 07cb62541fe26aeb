//! Links by which clients reach one gallery without an account: `/g/ID_SECRET`. The ledger keeps a hash of the secret, so a
//! stolen ledger opens nothing.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use procession_domain::{GalleryId, Invalid, StudioId, Timestamp};
use procession_vault::Document;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Keyring, Purpose, hex, random};
use crate::Result;

/// The cookie that says that its browser knew the password. It is sent to its link alone.
pub(crate) const UNLOCKED_COOKIE: &str = "procession_unlocked";

/// A browser that knew the password need not give it again for so long.
const UNLOCKED_SECONDS: i64 = 30 * 24 * 60 * 60;

/// What whoever holds a link may take away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Downloads {
    /// Nothing: photos are shown.
    #[default]
    None,
    /// The largest image of each photo that was made for screens.
    Web,
    /// And the originals.
    Originals,
}

/// A link as the ledger has it. It stays after its end, so that whoever follows it is told that it has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Link {
    /// The public part: 16 hex digits.
    pub(crate) id: String,
    /// What it leads to.
    pub(crate) gallery: GalleryId,
    /// Whose that is.
    pub(crate) studio: StudioId,
    /// What the studio calls it: "For the parents".
    pub(crate) name: Option<String>,
    /// BLAKE3 of the secret, in a context of its own. The secret has 128 random bits: no guess finds it.
    pub(crate) secret_hash: String,
    /// Argon2id, where a password is wanted.
    pub(crate) password_hash: Option<String>,
    /// What may be taken away.
    pub(crate) downloads: Downloads,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// From then on it opens nothing.
    pub(crate) expires_at: Option<Timestamp>,
    /// The studio ended it.
    pub(crate) revoked_at: Option<Timestamp>,
}

impl Document for Link {
    const KIND: &'static str = "link";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn owner(&self) -> String {
        self.gallery.to_string()
    }
}

impl Link {
    /// True until it expires or is revoked.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// The `Set-Cookie` of a browser that knew the password.
    pub(crate) fn unlocked_cookie(&self, keyring: &Keyring, path: &str, now: Timestamp, secure: bool) -> String {
        let expires = now.micros() / 1_000_000 + UNLOCKED_SECONDS;
        let (name, signature) = keyring.sign(Purpose::Link, self.unlocked(expires).as_bytes());
        let secure = if secure { "; Secure" } else { "" };
        format!(
            "{UNLOCKED_COOKIE}={expires}.{name}.{}; Path={path}; Max-Age={UNLOCKED_SECONDS}; HttpOnly; SameSite=Lax{secure}",
            URL_SAFE_NO_PAD.encode(signature)
        )
    }

    /// True if the cookie's value is from [`Link::unlocked_cookie`] of this link with this password, and not too old.
    pub(crate) fn is_unlocked_by(&self, keyring: &Keyring, value: &str, now: Timestamp) -> bool {
        let mut parts = value.splitn(3, '.');
        let (Some(expires), Some(name), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        let (Ok(expires), Ok(signature)) = (expires.parse::<i64>(), URL_SAFE_NO_PAD.decode(signature)) else {
            return false;
        };
        let is_ours = keyring.verify(Purpose::Link, name, self.unlocked(expires).as_bytes(), &signature);
        is_ours && now.micros() / 1_000_000 < expires
    }

    /// What the cookie's signature covers: another password is another message.
    fn unlocked(&self, expires: i64) -> String {
        format!("{}.{expires}.{}", self.id, self.password_hash.as_deref().unwrap_or_default())
    }
}

/// A whole link, as its holder has it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct LinkToken {
    id: String,
    secret: [u8; 16],
}

impl LinkToken {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub(crate) fn draw() -> Result<Self> {
        Ok(Self { id: hex(&random::<8>()?), secret: random()? })
    }

    /// The public part.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The hash that the ledger keeps.
    pub(crate) fn secret_hash(&self) -> blake3::Hash {
        blake3::Hash::from_bytes(blake3::derive_key("procession gallery link 1", &self.secret))
    }

    /// True if `link` was made for this token.
    pub(crate) fn is_of(&self, link: &Link) -> bool {
        // `blake3::Hash` compares in constant time.
        let expected = blake3::Hash::from_hex(&link.secret_hash);
        link.id == self.id && expected.is_ok_and(|hash| hash == self.secret_hash())
    }
}

impl fmt::Display for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.id, URL_SAFE_NO_PAD.encode(self.secret))
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkToken({}_…)", self.id)
    }
}

impl FromStr for LinkToken {
    type Err = Invalid;

    fn from_str(text: &str) -> std::result::Result<Self, Invalid> {
        // What was given may be a secret with a letter missing, and is not repeated.
        let invalid = || Invalid::new("gallery link", "…", "expected ID_SECRET");
        let (id, secret) = text.split_once('_').ok_or_else(invalid)?;
        if id.len() != 16 || !id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(invalid());
        }
        let secret = URL_SAFE_NO_PAD.decode(secret).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(invalid)?;
        Ok(Self { id: id.to_owned(), secret })
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use procession_vault::{Documents, SqliteLedger};

    use super::*;

    fn link(token: &LinkToken) -> Link {
        Link {
            id: token.id.clone(),
            gallery: GalleryId::named("anna"),
            studio: StudioId::local(),
            name: None,
            secret_hash: token.secret_hash().to_hex().to_string(),
            password_hash: Some("$argon2id$one".to_owned()),
            downloads: Downloads::None,
            created_at: Timestamp::from_micros(0),
            expires_at: None,
            revoked_at: None,
        }
    }

    #[test]
    fn a_token_opens_its_link_alone_and_hides_itself() {
        let token = LinkToken { id: "ab".repeat(8), secret: [0xfb; 16] };
        assert_eq!(token.to_string().parse(), Ok(token.clone()), "though its secret has the separator in it");
        assert!(token.to_string().matches('_').count() > 1);
        assert!(token.is_of(&link(&token)));
        assert!(!LinkToken { secret: [8; 16], ..token.clone() }.is_of(&link(&token)));
        assert!(!format!("{token:?}").contains(&URL_SAFE_NO_PAD.encode([0xfb; 16])));
        for wrong in ["", "_", "abababababababab_", "ABABABABABABABAB_-_v7-_v7-_v7-_v7-_v7-w", "é_x"] {
            assert!(wrong.parse::<LinkToken>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_link_ends_at_its_time_or_when_it_is_revoked() {
        let mut link = link(&LinkToken { id: "ab".repeat(8), secret: [7; 16] });
        let end = Timestamp::from_micros(5_000_000);
        assert!(link.is_open(end));
        link.expires_at = Some(end);
        assert!(link.is_open(Timestamp::from_micros(4_999_999)));
        assert!(!link.is_open(end));
        link.expires_at = None;
        link.revoked_at = Some(end);
        assert!(!link.is_open(Timestamp::from_micros(0)));
    }

    #[tokio::test]
    async fn a_cookie_unlocks_one_link_with_one_password_for_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(&folder.path().join("ledger.db")).await.unwrap();
        let now = Timestamp::from_micros(1_000_000);
        let keyring = Keyring::open(Documents::new(Arc::new(ledger)), now).await.unwrap();
        let link = link(&LinkToken { id: "ab".repeat(8), secret: [7; 16] });
        let cookie = link.unlocked_cookie(&keyring, "/g/x", now, true);
        for part in ["; Path=/g/x;", "; HttpOnly; SameSite=Lax; Secure"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let value = cookie.split([';', '=']).nth(1).unwrap();
        assert!(link.is_unlocked_by(&keyring, value, now));
        let end = now.after(Duration::from_secs(UNLOCKED_SECONDS as u64));
        assert!(!link.is_unlocked_by(&keyring, value, end));
        let longer = value.replacen(value.split('.').next().unwrap(), "99999999999", 1);
        assert!(!link.is_unlocked_by(&keyring, &longer, now), "the time is signed too");
        let other = Link { password_hash: Some("$argon2id$two".to_owned()), ..link.clone() };
        assert!(!other.is_unlocked_by(&keyring, value, now));
        let other = Link { id: "cd".repeat(8), ..link };
        assert!(!other.is_unlocked_by(&keyring, value, now));
        assert!(!other.is_unlocked_by(&keyring, "", now));
    }
}
