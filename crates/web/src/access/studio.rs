//! Tenants.

use procession_domain::{StudioId, Timestamp};
use procession_vault::{Document, Documents};
use serde::{Deserialize, Serialize};

use crate::Result;

/// A studio: whoever delivers galleries. No studio sees anything of another's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Studio {
    /// Its id.
    pub id: StudioId,
    /// What its clients read.
    pub name: String,
    /// When it joined.
    pub created_at: Timestamp,
}

impl Document for Studio {
    const KIND: &'static str = "studio";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn owner(&self) -> String {
        String::new()
    }
}

/// The studio to which everything belongs that was made on the command line. Made at the first start.
///
/// # Errors
/// The ledger does not answer.
pub async fn ensure_local_studio(documents: &Documents, now: Timestamp) -> Result<Studio> {
    let id = StudioId::local();
    if let Some(found) = documents.get::<Studio>(&id.to_string()).await? {
        return Ok(found.document);
    }
    let studio = Studio { id, name: "My studio".to_owned(), created_at: now };
    documents.put(&studio).await?;
    Ok(studio)
}
