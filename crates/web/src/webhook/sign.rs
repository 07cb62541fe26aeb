//! Signatures as the [specification](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)
//! of Standard Webhooks wants them: `v1,` and HMAC-SHA256 of `id.timestamp.body` in base64.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{
    Result,
    access::{SECRET_BYTES, random},
};

const PREFIX: &str = "whsec_";

/// A secret as its holder writes it.
pub(super) fn new_secret() -> Result<String> {
    Ok(format!("{PREFIX}{}", STANDARD.encode(random::<SECRET_BYTES>()?)))
}

/// The value of `webhook-signature`; none if the secret is none of ours.
pub(super) fn signature(secret: &str, id: &str, timestamp: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn signatures_are_those_of_the_reference() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signed.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(signature("MfKQ", "a", 0, ""), None);
        let drawn = new_secret().unwrap();
        assert!(signature(&drawn, "a", 0, "").is_some());
        assert_ne!(drawn, new_secret().unwrap());
    }
}
