//! The address of an archive: `/z/{signature}.{id}/{name}.zip`. The id names the list of what is in it; the name is for people.

use std::time::Duration;

use super::list::List;
use crate::{
    Result, Service,
    access::{Purpose, Signature},
};

/// An address as a client sent it.
#[derive(Debug)]
pub(super) struct Address {
    signature: Signature,
    /// Names the list.
    pub(super) id: String,
}

impl Address {
    /// The path of an archive's URL.
    pub(super) fn sign(service: &Service, list: &List) -> String {
        let (now, life) = (service.system.clock.now(), service.settings.url_life);
        let signature = Signature::sign(&service.keyring, Purpose::Archive, &list.id, now, life);
        let name: String = list.title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let name = name.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
        format!("/z/{signature}.{}/{}.zip", list.id, if name.is_empty() { "photos" } else { &name })
    }

    /// Reads the first part of the path after `/z/`.
    pub(super) fn parse(token: &str) -> Option<Self> {
        let (signature, id) = token.split_once('.')?;
        Some(Self { signature: Signature::parse(signature)?, id: id.to_owned() })
    }

    /// How long it is still valid.
    ///
    /// # Errors
    /// 403 if it is not ours, 410 if it was.
    pub(super) async fn check(&self, service: &Service) -> Result<Duration> {
        let now = service.system.clock.now();
        self.signature.check(&service.keyring, Purpose::Archive, &self.id, now).await
    }
}
