//! One message to one receiver, from the moment that something happened until it was taken or given up.

use procession_domain::Timestamp;
use procession_vault::Document;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Topic;
use crate::{
    Result,
    access::{hex, random},
};

/// So many attempts are remembered.
const REMEMBERED: usize = 10;
/// Microseconds since 1970 in the year 3111: ids count down from here, so that lists begin with the latest.
const LAST_MICROS: i64 = 1 << 55;

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryState {
    /// It was not taken yet.
    Pending,
    /// The receiver took it.
    Delivered,
    /// It was given up.
    Failed,
}

/// A request that was made, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Attempt {
    /// When it was made (RFC 3339).
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: Timestamp,
    /// The status of the answer, if there was one.
    pub(crate) status: Option<u16>,
    /// Why there was none.
    pub(crate) error: Option<String>,
    /// How long it took.
    pub(crate) duration_ms: u64,
}

impl Attempt {
    /// The receiver has the message.
    pub(super) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// The receiver wants no more.
    pub(super) fn is_goodbye(&self) -> bool {
        self.status == Some(410)
    }
}

/// A delivery as the ledger has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// What the receiver tells repetitions by: `webhook-id`.
    pub(crate) id: String,
    /// The webhook.
    pub(crate) webhook: String,
    pub(crate) topic: Topic,
    /// What it is about, within its topic: so that nothing is told twice that was missed.
    pub(super) subject: String,
    /// What is sent.
    pub(crate) body: String,
    /// When it happened.
    pub(crate) created_at: Timestamp,
    pub(crate) state: DeliveryState,
    /// How many requests were made.
    pub(crate) attempts: u32,
    /// The latest of them, the last first.
    pub(crate) latest: Vec<Attempt>,
    /// When the next attempt is made, or the delivery is forgotten.
    pub(crate) due_at: Timestamp,
}

impl Document for Delivery {
    const KIND: &'static str = "delivery";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn owner(&self) -> String {
        self.webhook.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.due_at)
    }
}

impl Delivery {
    /// One that is to be sent at once.
    pub(super) fn new(
        webhook: &str,
        topic: Topic,
        subject: String,
        body: String,
        created_at: Timestamp,
        now: Timestamp,
    ) -> Result<Self> {
        let id = format!("msg_{:014x}{}", LAST_MICROS.saturating_sub(created_at.micros()), hex(&random::<6>()?));
        let webhook = webhook.to_owned();
        let (state, attempts, latest) = (DeliveryState::Pending, 0, Vec::new());
        Ok(Self { id, webhook, topic, subject, body, created_at, state, attempts, latest, due_at: now })
    }

    /// Notes what came of an attempt.
    pub(super) fn note(&mut self, attempt: Attempt) {
        self.attempts = self.attempts.saturating_add(1);
        self.latest.insert(0, attempt);
        self.latest.truncate(REMEMBERED);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn delivery(at: Timestamp) -> Delivery {
        Delivery::new("hook", Topic::FileRefused, String::new(), String::new(), at, at).unwrap()
    }

    #[test]
    fn later_ids_come_first_and_fit_a_header() {
        let start = Timestamp::from_micros(1_800_000_000_000_000);
        let (first, second) = (delivery(start), delivery(start.after(Duration::from_micros(1))));
        assert!(second.id < first.id);
        assert_eq!(first.id.len(), 4 + 14 + 12);
    }

    #[test]
    fn the_last_attempts_are_remembered() {
        let mut delivery = delivery(Timestamp::from_micros(0));
        for number in 0..12 {
            let at = Timestamp::from_micros(number);
            delivery.note(Attempt { at, status: Some(500), error: None, duration_ms: 1 });
        }
        assert_eq!((delivery.attempts, delivery.latest.len()), (12, REMEMBERED));
        assert_eq!(delivery.latest[0].at, Timestamp::from_micros(11));
    }
}
