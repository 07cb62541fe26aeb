//! API keys: `pk_ID_SECRET`. The ledger keeps a hash of the secret, so a stolen ledger opens nothing.

use std::{collections::BTreeSet, fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use procession_domain::{Invalid, StudioId, Timestamp};
use procession_vault::{Document, Documents};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{SECRET_BYTES, hex, random};
use crate::Result;

/// What a key may do. None includes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Look at galleries, photos, guests, moments, receipts.
    Read,
    /// Open galleries and add photos.
    Upload,
    /// Change and remove: galleries, consent, guests, moments, links.
    Edit,
    /// The studio's keys and webhooks.
    Admin,
    /// The installation: all studios, the operations page.
    Operate,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Read, Self::Upload, Self::Edit, Self::Admin, Self::Operate];

    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Upload => "upload",
            Self::Edit => "edit",
            Self::Admin => "admin",
            Self::Operate => "operate",
        }
    }
}

/// A key as the ledger has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The public part: 24 hex digits.
    pub id: String,
    /// Whose it is.
    pub studio: StudioId,
    /// What people call it: "Lightroom plug-in".
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// BLAKE3 of the secret, in a context of its own. The secret has 256 random bits: no guess finds it, so no slow hash is
    /// needed.
    pub secret_hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From then on it opens nothing.
    pub revoked_at: Option<Timestamp>,
}

impl Document for ApiKey {
    const KIND: &'static str = "api_key";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn owner(&self) -> String {
        self.studio.to_string()
    }
}

/// A whole key, as its holder has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    id: String,
    secret: [u8; SECRET_BYTES],
}

impl Token {
    /// The public part.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// True if this is the key that `known` was made for and it is not revoked.
    pub fn opens(&self, known: &ApiKey) -> bool {
        // `blake3::Hash` compares in constant time.
        let expected = blake3::Hash::from_hex(&known.secret_hash);
        known.revoked_at.is_none() && known.id == self.id && expected.is_ok_and(|hash| hash == self.hash())
    }

    fn hash(&self) -> blake3::Hash {
        blake3::Hash::from_bytes(blake3::derive_key("procession api key 1", &self.secret))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pk_{}_{}", self.id, URL_SAFE_NO_PAD.encode(self.secret))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(pk_{}_…)", self.id)
    }
}

impl FromStr for Token {
    type Err = Invalid;

    fn from_str(text: &str) -> std::result::Result<Self, Invalid> {
        // What was given is a secret and is not repeated.
        let invalid = || Invalid::new("API key", "…", "expected pk_ID_SECRET");
        let (id, secret) = text.strip_prefix("pk_").and_then(|rest| rest.split_once('_')).ok_or_else(invalid)?;
        if id.len() != 24 || !id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(invalid());
        }
        let secret = URL_SAFE_NO_PAD.decode(secret).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(invalid)?;
        Ok(Self { id: id.to_owned(), secret })
    }
}

/// Makes a key. The token is here for the only time.
///
/// # Errors
/// The ledger does not answer.
pub async fn create_key(
    documents: &Documents,
    studio: StudioId,
    name: &str,
    scopes: impl IntoIterator<Item = Scope>,
    now: Timestamp,
) -> Result<(ApiKey, Token)> {
    let token = Token { id: hex(&random::<12>()?), secret: random()? };
    let key = ApiKey {
        id: token.id.clone(),
        studio,
        name: name.to_owned(),
        scopes: scopes.into_iter().collect(),
        secret_hash: token.hash().to_hex().to_string(),
        created_at: now,
        revoked_at: None,
    };
    documents.create(&key).await?;
    Ok((key, token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_its_key_alone_and_hides_itself() {
        let token = Token { id: "ab".repeat(12), secret: [7; SECRET_BYTES] };
        let read: Token = token.to_string().parse().unwrap();
        assert_eq!(read, token);
        let mut key = ApiKey {
            id: token.id.clone(),
            studio: StudioId::local(),
            name: String::new(),
            scopes: BTreeSet::new(),
            secret_hash: token.hash().to_hex().to_string(),
            created_at: Timestamp::from_micros(0),
            revoked_at: None,
        };
        assert!(token.opens(&key));
        assert!(!Token { id: token.id.clone(), secret: [8; SECRET_BYTES] }.opens(&key));
        assert!(!format!("{token:?}").contains(&URL_SAFE_NO_PAD.encode([7; SECRET_BYTES])));
        key.revoked_at = Some(Timestamp::from_micros(1));
        assert!(!token.opens(&key));
        assert!("pk_zz_yy".parse::<Token>().is_err());
        assert!("".parse::<Token>().is_err());
    }
}
