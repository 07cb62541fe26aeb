//! What may be written depends on other documents: how many there are, or that one of them stays. Whoever decides that takes a
//! turn, a document whose version goes up with each decision, so that of those who decided on the same, in whatever process,
//! one writes and the others decide anew.

use serde::{Deserialize, Serialize};

use super::{Document, Documents, Expect, Record, Write};
use crate::{Error, Result};

/// How often somebody decides anew because another was first. Each time one of those who are in each other's way succeeds.
const ATTEMPTS: usize = 64;

/// What is decided one after another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Whose documents it is about, 1 to 200 bytes: it goes with them.
    pub owner: String,
    /// What is decided: "webhooks".
    pub about: String,
}

/// What somebody decided to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<D> {
    /// The document.
    pub document: D,
    /// What must be there.
    pub expect: Expect,
}

impl Turn {
    /// A turn about documents of this owner.
    pub fn new(owner: &impl ToString, about: &str) -> Self {
        Self { owner: owner.to_string(), about: about.to_owned() }
    }
}

impl Document for Turn {
    const KIND: &'static str = "turn";

    fn id(&self) -> String {
        format!("{} of {}", self.about, self.owner)
    }

    fn owner(&self) -> String {
        self.owner.clone()
    }
}

impl Documents {
    /// Asks `decide` what to write and writes it, if nobody has taken the same turn since; otherwise it is asked again. It must
    /// read what it decides by. Returns what was written, or `None` if that was nothing.
    ///
    /// # Errors
    /// What `decide` refuses; `Unavailable` if others are always first.
    pub async fn in_turn<D, E, F>(&self, turn: &Turn, decide: impl Fn() -> F) -> Result<Option<D>, E>
    where
        D: Document,
        E: From<Error>,
        F: Future<Output = Result<Option<Decision<D>>, E>>,
    {
        for _ in 0..ATTEMPTS {
            let known = self.get::<Turn>(&turn.id()).await?;
            let Some(Decision { document, expect }) = decide().await? else { return Ok(None) };
            let turn_expect = known.map_or(Expect::Absent, |turn| Expect::Version(turn.version));
            let (taken, record) = (Record::of(turn)?, Record::of(&document)?);
            let writes = [
                Write { kind: Turn::KIND, record: &taken, expect: turn_expect },
                Write { kind: D::KIND, record: &record, expect },
            ];
            match self.0.put_documents(&writes).await {
                Ok(_) => return Ok(Some(document)),
                Err(Error::Conflict { .. } | Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Crowded { what: turn.id() }.into())
    }

    /// Takes a turn without writing anything else: whoever decided before and has not written yet decides anew.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub async fn take_turn(&self, turn: &Turn) -> Result<()> {
        self.put(turn).await.map(drop)
    }
}
