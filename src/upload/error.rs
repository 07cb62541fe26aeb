//! What can go wrong with a request to the service.

use std::time::Duration;

use serde::Deserialize;

/// A problem document of the service, or what stands for one.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) detail: String,
    pub(super) state: Option<String>,
}

/// Why one try of a request has no answer of use.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may pass.
    Passing { why: String, wait: Option<Duration> },
    /// The service has read the request, and says no.
    Refused(Refusal),
}

/// Why something did not come about though it was tried long enough.
#[derive(Debug)]
pub(super) enum Failure {
    /// The service says no to this.
    Refused(Refusal),
    /// The whole run ends.
    Stop(Stop),
}

/// What ends the whole run.
#[derive(Debug)]
pub(super) struct Stop(pub(super) anyhow::Error);

impl Stop {
    pub(super) fn because(refusal: &Refusal) -> Self {
        let Refusal { status, code, detail, .. } = refusal;
        Self(anyhow::anyhow!("the service says: {detail} ({status} {code})"))
    }

    pub(super) fn into_error(self) -> anyhow::Error {
        self.0
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        Self::Passing { why: procession_domain::error::chain(&error.without_url()), wait: None }
    }
}

impl Trouble {
    /// What an answer other than success means.
    pub(super) async fn of(answer: reqwest::Response) -> Self {
        let status = answer.status().as_u16();
        let wait = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let text = answer.text().await.unwrap_or_default();
        let refusal = serde_json::from_str::<Refusal>(&text).unwrap_or_else(|_| Refusal {
            status,
            code: "no_problem_document".to_owned(),
            detail: format!("HTTP {status}"),
            state: None,
        });
        match status {
            // Somebody is at it, too much came, or too little; or the service, or what stands before it, is not well.
            408 | 409 | 423 | 425 | 429 | 500.. => {
                Self::Passing { why: refusal.detail, wait: wait.map(Duration::from_secs) }
            }
            _ => Self::Refused(Refusal { status, ..refusal }),
        }
    }
}
