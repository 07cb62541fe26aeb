//! Finished photos that are owed outputs. Nobody waits for them, and an output that is made twice is the same: instead of a lease,
//! a photo is nobody else's until a time.

use procession_domain::{
    GalleryId, PhotoId, Timestamp,
    photo::{Finished, Owing},
    recipe::Fingerprint,
    variant::Variant,
};

use super::{Store, failed, rows};
use crate::Result;

/// A look that locks nothing: most of the time nothing is owed.
const DUE: &str = "SELECT id FROM photo WHERE owed_at <= $1 ORDER BY owed_at, id LIMIT $2";

const DUE_OF_GALLERY: &str = "SELECT id FROM photo WHERE gallery = $3 AND owed_at <= $1 ORDER BY owed_at, id LIMIT $2";

/// Those that nobody else has taken meanwhile.
const TAKE: &str = "UPDATE photo SET owed_at = $3, owed_tries = owed_tries + 1 WHERE id = $1 AND owed_at <= $2
     RETURNING facts, finished, owed_tries";

const FINISHED: &str =
    for_update!("SELECT finished FROM photo WHERE id = $1 AND state = 'done' AND owed_at IS NOT NULL");

const PAY: &str = "UPDATE photo SET finished = $2, owed_at = NULL, owed_tries = 0 WHERE id = $1";

/// In the index of those alone.
const COUNT: &str = "SELECT COUNT(*) FROM photo WHERE owed_at > 0";

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 6] = [DUE, DUE_OF_GALLERY, TAKE, FINISHED, PAY, COUNT];

pub(super) async fn count(ledger: &Store) -> Result<u64> {
    let count: i64 =
        sqlx::query_scalar(COUNT).fetch_one(&ledger.readers).await.map_err(failed("count what is owed"))?;
    Ok(count.unsigned_abs())
}

pub(super) async fn claim(
    ledger: &Store,
    only: Option<GalleryId>,
    count: usize,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<Vec<Owing>> {
    let action = "claim what is owed";
    let due = sqlx::query_scalar(if only.is_some() { DUE_OF_GALLERY } else { DUE });
    let mut due = due.bind(now.micros()).bind(rows::limit(count));
    if let Some(gallery) = only {
        due = due.bind(gallery.to_string());
    }
    let mut due: Vec<String> = due.fetch_all(&ledger.readers).await.map_err(failed(action))?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    // Everybody locks photos in this order.
    due.sort();
    let mut transaction = ledger.write(action).await?;
    let mut claimed = Vec::with_capacity(due.len());
    for photo in &due {
        let taken: Option<(String, String, i64)> = sqlx::query_as(TAKE)
            .bind(photo)
            .bind(now.micros())
            .bind(expires_at.micros())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed(action))?;
        let Some((facts, finished, tries)) = taken else { continue };
        claimed.push(Owing {
            photo: rows::read(&facts, "photo", photo)?,
            finished: rows::read(&finished, "photo", photo)?,
            tries: u32::try_from(tries).unwrap_or(u32::MAX),
        });
    }
    transaction.commit().await.map_err(failed(action))?;
    Ok(claimed)
}

pub(super) async fn pay(
    ledger: &Store,
    photo: PhotoId,
    fingerprint: Fingerprint,
    variants: &[Variant],
) -> Result<bool> {
    let action = "add outputs to a photo";
    let photo = photo.to_string();
    let mut transaction = ledger.write(action).await?;
    let known: Option<String> =
        sqlx::query_scalar(FINISHED).bind(&photo).fetch_optional(&mut *transaction).await.map_err(failed(action))?;
    let Some(known) = known else { return Ok(false) };
    let known: Finished = rows::read(&known, "photo", &photo)?;
    if known.fingerprint != fingerprint {
        return Ok(false);
    }
    let paid = Finished { variants: variants.to_vec(), owed: None, ..known };
    let done = sqlx::query(PAY).bind(&photo).bind(rows::write(&paid)?).execute(&mut *transaction).await;
    done.map_err(failed(action))?;
    transaction.commit().await.map_err(failed(action))?;
    Ok(true)
}
