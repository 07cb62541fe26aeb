//! Answers that are kept for whoever asks the same again, and the claims that stand in their place while a request runs.

use std::time::Duration;

use axum::{
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use procession_domain::{Classified as _, Kind, Timestamp};
use procession_vault::{Document, Documents};
use serde::{Deserialize, Serialize};

use crate::{Problem, Result, access::Caller};

/// A request holds its key for so long at a time, and renews the claim while it runs. What a crash leaves ends by itself.
pub(super) const CLAIM: Duration = Duration::from_secs(60);
/// An answer is told again for so long.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
const REPLAY: HeaderName = HeaderName::from_static("idempotent-replay");

/// A request, as far as it must be the same to be answered the same.
#[derive(Debug)]
pub(super) struct Asked {
    id: String,
    studio: String,
    fingerprint: String,
}

/// What is known of a request with a key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    id: String,
    owner: String,
    fingerprint: String,
    outcome: Outcome,
    expires_at: Timestamp,
}

/// How far a request came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// Somebody works on it.
    Running,
    /// It was answered so.
    Told {
        /// The HTTP status.
        status: u16,
        /// `Content-Type`.
        content_type: String,
        /// All of the body.
        body: String,
    },
    /// It was carried out, and its answer is not kept.
    Done {
        /// The id of what it made.
        made: Option<String>,
    },
}

/// What stands at a key.
#[derive(Debug)]
pub(super) enum Standing {
    /// Nothing stood there; now the caller's claim does.
    Claimed(Claim),
    /// The request was carried out before.
    Settled(Outcome),
}

/// The right to carry a request out.
#[derive(Debug)]
pub(super) struct Claim {
    answer: Answer,
    version: i64,
}

impl Document for Answer {
    const KIND: &'static str = "answer";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn owner(&self) -> String {
        self.owner.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}

impl Asked {
    /// A request by its key. Passwords in a body cannot be guessed from the fingerprint without the key, which is not kept.
    pub(super) fn new(key: &str, caller: &Caller, method: &Method, path: &str, body: &[u8]) -> Self {
        let studio = caller.studio.to_string();
        let request = [key, &caller.key, method.as_str(), path].map(str::as_bytes);
        let fingerprint = hash(request.into_iter().chain([body]));
        Self { id: hash([studio.as_bytes(), key.as_bytes()]), studio, fingerprint }
    }
}

fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.finalize().to_hex().to_string()
}

/// Claims a request, unless it was carried out before. Of all who try at the same time, on whatever node, one succeeds.
///
/// # Errors
/// 422 if the key was used for another request; 409 while somebody works on this one.
pub(super) async fn claim(documents: &Documents, asked: &Asked, now: Timestamp) -> Result<Standing> {
    loop {
        let answer = Answer {
            id: asked.id.clone(),
            owner: asked.studio.clone(),
            fingerprint: asked.fingerprint.clone(),
            outcome: Outcome::Running,
            expires_at: now.after(CLAIM),
        };
        let written = match documents.get::<Answer>(&asked.id).await? {
            None => documents.create(&answer).await,
            Some(ended) if ended.document.expires_at <= now => documents.replace(&answer, ended.version).await,
            Some(known) => return known.document.standing(asked),
        };
        match written {
            Ok(version) => return Ok(Standing::Claimed(Claim { answer, version })),
            // Somebody was faster: look at what stands there now.
            Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

impl Answer {
    fn standing(self, asked: &Asked) -> Result<Standing> {
        if self.fingerprint != asked.fingerprint {
            let detail = "this Idempotency-Key was used for another request; use a new one for each";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_mismatch", detail));
        }
        match self.outcome {
            Outcome::Running => {
                let detail = "the request with this Idempotency-Key is still being carried out; ask again in a moment";
                let problem = Problem::new(StatusCode::CONFLICT, "in_progress", detail);
                Err(Problem { retry_after_seconds: Some(1), ..problem })
            }
            outcome => Ok(Standing::Settled(outcome)),
        }
    }
}

impl Claim {
    /// Holds the key for longer.
    ///
    /// # Errors
    /// Somebody else has claimed it, because this came too late.
    pub(super) async fn renew(&mut self, documents: &Documents, now: Timestamp) -> Result<()> {
        self.answer.expires_at = now.after(CLAIM);
        self.version = documents.replace(&self.answer, self.version).await?;
        Ok(())
    }

    /// Keeps what came of it: for its studio, or with the owner that it goes with.
    ///
    /// # Errors
    /// As [`Claim::renew`].
    pub(super) async fn settle(
        mut self,
        documents: &Documents,
        outcome: Outcome,
        owner: Option<String>,
        now: Timestamp,
    ) -> Result<()> {
        self.answer.outcome = outcome;
        self.answer.owner = owner.unwrap_or(self.answer.owner);
        self.answer.expires_at = now.after(LIFE);
        documents.replace(&self.answer, self.version).await?;
        Ok(())
    }

    /// Gives the key back: the next request with it is carried out.
    ///
    /// # Errors
    /// As [`Claim::renew`].
    pub(super) async fn release(mut self, documents: &Documents, now: Timestamp) -> Result<()> {
        self.answer.expires_at = now;
        documents.replace(&self.answer, self.version).await?;
        Ok(())
    }
}

impl Outcome {
    /// The answer to whoever asks the same again.
    pub(super) fn replay(self) -> Response {
        let mut response = match self {
            Self::Told { status, content_type, body } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
                (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
            }
            Self::Done { made: Some(made) } => already_done(&format!("it made {made}, and its answer is told once")),
            Self::Done { made: None } | Self::Running => already_done("its answer is told once"),
        };
        response.headers_mut().insert(REPLAY, HeaderValue::from_static("true"));
        response
    }
}

fn already_done(what: &str) -> Response {
    let detail = format!("the request with this Idempotency-Key was carried out: {what}");
    Problem::new(StatusCode::CONFLICT, "already_done", detail).into_response()
}

#[cfg(test)]
mod tests;
