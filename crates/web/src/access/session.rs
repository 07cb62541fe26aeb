//! The cookie of a browser that logged in with a key: which key, until when, and our signature. The key itself is looked up
//! at each request, so revoking it ends its sessions.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use procession_domain::Timestamp;

use super::{Keyring, Purpose};

/// The cookie's name.
pub const SESSION_COOKIE: &str = "procession_session";

/// A session lasts so long.
const LIFE_SECONDS: u64 = 30 * 24 * 60 * 60;

/// The value of `Set-Cookie` for a session of this key. `Secure` where the service is reached over HTTPS.
pub fn session_cookie(keyring: &Keyring, key_id: &str, now: Timestamp, secure: bool) -> String {
    let expires = now.micros() / 1_000_000 + LIFE_SECONDS as i64;
    let message = format!("{key_id}.{expires}");
    let (name, signature) = keyring.sign(Purpose::Session, message.as_bytes());
    let secure = if secure { "; Secure" } else { "" };
    format!(
        "{SESSION_COOKIE}={message}.{name}.{}; Path=/; Max-Age={LIFE_SECONDS}; HttpOnly; SameSite=Strict{secure}",
        URL_SAFE_NO_PAD.encode(signature)
    )
}

/// The value of `Set-Cookie` that ends a session in a browser.
pub fn end_session_cookie() -> String {
    format!("{SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
}

/// The id of the key whose session a cookie's value proves.
pub fn session_key(keyring: &Keyring, value: &str, now: Timestamp) -> Option<String> {
    let mut parts = value.split('.');
    let (key_id, expires, name, signature) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let message = format!("{key_id}.{expires}");
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let is_ours = keyring.verify(Purpose::Session, name, message.as_bytes(), &signature);
    let is_alive = expires.parse::<i64>().is_ok_and(|expires| now.micros() / 1_000_000 < expires);
    (is_ours && is_alive).then(|| key_id.to_owned())
}
