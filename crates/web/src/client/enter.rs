//! The password of a link.

use std::sync::Arc;

use axum::{
    Form,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{closed::password_page, visit::Door};
use crate::{
    Problem, Result, Service,
    access::{is_password, refuse_foreign_pages},
};

/// No password is longer.
const LONGEST: usize = 1_000;

#[derive(Deserialize)]
pub(super) struct Entry {
    password: String,
}

/// Opens a gallery to a browser that knows the password.
pub(super) async fn unlock(
    State(service): State<Arc<Service>>,
    door: Door,
    headers: HeaderMap,
    Form(entry): Form<Entry>,
) -> Response {
    match check(&service, &door, &headers, entry.password).await {
        Ok(()) => {
            let now = service.system.clock.now();
            let cookie = door.link.unlocked_cookie(&service.keyring, &door.path, now, service.is_secure());
            ([(header::SET_COOKIE, cookie)], Redirect::to(&door.path)).into_response()
        }
        Err(problem) if door.wants_page => password_page(Some(&door.studio), Some(&problem)),
        Err(problem) => problem.into_response(),
    }
}

async fn check(service: &Service, door: &Door, headers: &HeaderMap, password: String) -> Result<()> {
    refuse_foreign_pages(&Method::POST, headers)?;
    let Some(hash) = door.link.password_hash.clone() else { return Ok(()) };
    let now = service.system.clock.now();
    let link = door.link.id.clone();
    let from_here = (link.clone(), door.network);
    service.clients.guesses.take(&from_here, now)?;
    service.clients.all_guesses.take(&link, now).inspect_err(|_| service.clients.guesses.give_back(&from_here))?;
    if password.len() > LONGEST || !is_password(password, hash).await? {
        return Err(Problem::new(StatusCode::FORBIDDEN, "wrong_password", "this is not the password of the gallery"));
    }
    service.clients.guesses.give_back(&from_here);
    service.clients.all_guesses.give_back(&link);
    Ok(())
}
