//! Passwords that people choose: kept as Argon2id, computed off the threads that serve requests.

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{Error, phc::PasswordHash},
};
use axum::http::StatusCode;
use tokio::sync::Semaphore;

use super::random;
use crate::{Problem, Result};

/// The least that OWASP recommends ("Password Storage Cheat Sheet", 2025): 19 MiB, two passes, one lane. A hash says its own
/// parameters, so raising these leaves those valid that were made before.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes that are computed at the same time: so many times 19 MiB.
static PLACES: Semaphore = Semaphore::const_new(2);

/// The hash of a password as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.
pub(crate) async fn hash_password(password: String) -> Result<String> {
    let salt: [u8; 16] = random()?;
    let hashed = apart(move || scheme()?.hash_password_with_salt(password.as_bytes(), &salt)).await?;
    hashed.map(|hash| hash.to_string()).map_err(|error| broken(&error))
}

/// True if `hash` was made of this password.
pub(crate) async fn is_password(password: String, hash: String) -> Result<bool> {
    let verified = apart(move || scheme()?.verify_password(password.as_bytes(), &PasswordHash::new(&hash)?)).await?;
    match verified {
        Ok(()) => Ok(true),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(broken(&error)),
    }
}

fn scheme() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let place = PLACES.acquire().await.map_err(|error| broken(&error))?;
    let done = tokio::task::spawn_blocking(move || (work(), place)).await;
    done.map(|(result, _)| result).map_err(|error| broken(&error))
}

fn broken(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "a password could not be hashed or compared");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error; the log has the details")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_alone() {
        let hash = hash_password("Kornblume 7".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(!hash.contains("Kornblume"));
        assert_ne!(hash, hash_password("Kornblume 7".to_owned()).await.unwrap(), "each has a salt of its own");
        assert!(is_password("Kornblume 7".to_owned(), hash.clone()).await.unwrap());
        assert!(!is_password("kornblume 7".to_owned(), hash.clone()).await.unwrap());
        assert!(!is_password(String::new(), hash).await.unwrap());
        assert!(is_password(String::new(), "no hash".to_owned()).await.is_err());
    }
}
