//! Who comes through a link.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, RawPathParams},
    http::{StatusCode, header, request::Parts},
};
use procession_domain::gallery::Gallery;

use super::closed::Closed;
use crate::{
    Problem, Result, Service,
    access::{Link, LinkToken, Studio, UNLOCKED_COOKIE, cookie, network_of},
};

/// Somebody before a link that is open.
pub(super) struct Door {
    pub(super) link: Link,
    /// Its path: `/g/{token}`.
    pub(super) path: String,
    /// What the clients call the studio.
    pub(super) studio: String,
    /// Where the request comes from.
    pub(super) network: IpAddr,
    /// The link has no password, or this browser knew it.
    pub(super) is_unlocked: bool,
    /// They want a page, and not what a script asks for.
    pub(super) wants_page: bool,
}

/// Somebody who may see the gallery.
pub(super) struct Visit {
    pub(super) door: Door,
    pub(super) gallery: Gallery,
}

impl FromRequestParts<Arc<Service>> for Door {
    type Rejection = Closed;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Closed> {
        let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let wants_page = accept.is_some_and(|accept| accept.contains("text/html"));
        let network = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        // Only a server without a network gives no address.
        let network = network_of(network.map_or(Ipv4Addr::LOCALHOST.into(), |ConnectInfo(peer)| peer.ip()));
        let closed = |problem| Closed { problem, studio: None, wants_page };
        let params = RawPathParams::from_request_parts(parts, service).await;
        let token = params.ok().and_then(|params| token_of(&params));
        let found = match &token {
            Some(token) => service.documents.get::<Link>(token.id()).await.map_err(|error| closed(error.into()))?,
            None => None,
        };
        let now = service.system.clock.now();
        let Some((token, link)) = token.zip(found).filter(|(token, found)| token.is_of(&found.document)) else {
            service.clients.strangers.take(&network, now).map_err(closed)?;
            return Err(closed(Problem::not_found("a gallery with this link")));
        };
        let link = link.document;
        let studio = service.documents.get::<Studio>(&link.studio.to_string()).await;
        let studio = studio.map_err(|error| closed(error.into()))?.map(|found| found.document.name);
        if !link.is_open(now) {
            let problem =
                Problem::new(StatusCode::GONE, "link_ended", "this link has ended; ask the studio for another");
            return Err(Closed { studio, ..closed(problem) });
        }
        let unlocked = cookie(&parts.headers, UNLOCKED_COOKIE);
        let is_unlocked = link.password_hash.is_none()
            || unlocked.is_some_and(|value| link.is_unlocked_by(&service.keyring, value, now));
        Ok(Self {
            path: format!("/g/{token}"),
            studio: studio.unwrap_or_default(),
            link,
            network,
            is_unlocked,
            wants_page,
        })
    }
}

fn token_of(params: &RawPathParams) -> Option<LinkToken> {
    params.iter().find(|(name, _)| *name == "token").and_then(|(_, token)| token.parse().ok())
}

impl FromRequestParts<Arc<Service>> for Visit {
    type Rejection = Closed;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Closed> {
        let door = Door::from_request_parts(parts, service).await?;
        if !door.is_unlocked {
            return Err(door.closed(Problem::new(
                StatusCode::FORBIDDEN,
                "password_required",
                "this gallery has a password; give it first",
            )));
        }
        match service.system.ledger.gallery(door.link.gallery).await {
            Ok((gallery, _)) => Ok(Self { door, gallery }),
            Err(error) => Err(door.closed(error.into())),
        }
    }
}

impl Door {
    /// Why nobody gets through.
    pub(super) fn closed(&self, problem: Problem) -> Closed {
        Closed { problem, studio: Some(self.studio.clone()), wants_page: self.wants_page }
    }
}
