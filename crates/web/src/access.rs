//! Who may do what. A studio is a tenant; every request but those for signed URLs is made by an API key of one studio, given
//! as a header by programs and through a session's cookie by browsers.

mod allowance;
mod caller;
mod key;
mod keyring;
mod link;
mod password;
mod session;
mod signature;
mod studio;

pub use caller::{Caller, Visitor};
pub use key::{ApiKey, Scope, Token, create_key};
pub use keyring::{Keyring, Purpose};
pub use session::{SESSION_COOKIE, end_session_cookie, session_cookie, session_key};
pub use studio::{Studio, ensure_local_studio};

pub(crate) use allowance::{Allowance, network_of};
pub(crate) use caller::{cookie, refuse_foreign_pages};
pub(crate) use link::{Downloads, Link, LinkToken, UNLOCKED_COOKIE};
pub(crate) use password::{hash_password, is_password};
pub(crate) use signature::{Signature, not_ours};

/// So many bytes of a secret are drawn at random.
pub(crate) const SECRET_BYTES: usize = 32;

/// Random bytes for ids and secrets.
///
/// # Errors
/// The system has no randomness to give.
pub fn random<const N: usize>() -> Result<[u8; N], crate::Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "no randomness");
        crate::Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error")
    })?;
    Ok(bytes)
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
