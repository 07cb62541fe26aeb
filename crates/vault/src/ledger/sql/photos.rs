//! Photos, from staged to stored, and what is known of their faces.

use std::collections::BTreeSet;

use procession_domain::{
    GalleryId, PhotoId, Timestamp,
    photo::{Photo, PhotoState},
};

use super::{
    Arrival, Connection, Store, Stored, absent, claim, demand, dialect, failed,
    galleries::{self, without_gallery},
    leases,
    removal::refuse_condemned,
    rows,
};
use crate::Result;

pub(super) async fn stage(ledger: &Store, photo: &Photo) -> Result<()> {
    let action = "stage a photo";
    let mut transaction = ledger.write(action).await?;
    dialect::lock(&mut transaction, &photo.original.to_string()).await?;
    insert(&mut transaction, photo, "staged", (0, 0.0), action).await?;
    transaction.commit().await.map_err(failed(action))
}

pub(super) async fn store(ledger: &Store, photo: &Photo, arrival: &Arrival) -> Result<Option<Stored>> {
    let action = "store a photo";
    let mut transaction = ledger.write(action).await?;
    // Against whoever deletes the original, and whoever stores the same photo under another name.
    dialect::lock(&mut transaction, &photo.original.to_string()).await?;
    let sql = "SELECT facts FROM photo WHERE id = $1 AND state <> 'staged'";
    let known: Option<String> = sqlx::query_scalar(sql)
        .bind(photo.id.to_string())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed(action))?;
    let new = match known {
        Some(facts) => {
            let known: Photo = rows::read(&facts, "photo", &photo.id.to_string())?;
            if !add_names(&mut transaction, known, &photo.names).await? {
                return Ok(None);
            }
            None
        }
        None => {
            let Arrival { priority, cost, rank } = arrival;
            insert(&mut transaction, photo, "stored", (rows::priority(*priority), *cost), action).await?;
            let (before, rank) = galleries::rank_with(&mut transaction, photo.gallery, rank, action).await?;
            insert_job(&mut transaction, &photo.id.to_string(), &photo.gallery.to_string(), action).await?;
            demand::count(&mut transaction, &ledger.options.region, photo, *cost).await?;
            Some(Stored { rank, was: before.urgency })
        }
    };
    transaction.commit().await.map_err(failed(action))?;
    Ok(new)
}

/// Writes a photo with its state, priority and cost over one that is only staged.
async fn insert(
    connection: &mut Connection,
    photo: &Photo,
    state: &str,
    (priority, cost): (i64, f64),
    action: &'static str,
) -> Result<()> {
    refuse_condemned(connection, photo.original).await?;
    let sql = "INSERT INTO photo (id, gallery, original, name, stored_at, state, priority, cost, facts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, stored_at = excluded.stored_at, state = excluded.state,
             priority = excluded.priority, cost = excluded.cost, facts = excluded.facts
         WHERE photo.state = 'staged'";
    let done = sqlx::query(sql)
        .bind(photo.id.to_string())
        .bind(photo.gallery.to_string())
        .bind(photo.original.to_string())
        .bind(photo.name())
        .bind(photo.stored_at.micros())
        .bind(state)
        .bind(priority)
        .bind(cost)
        .bind(rows::write(photo)?)
        .execute(connection)
        .await;
    done.map(|_| ()).map_err(without_gallery(photo.gallery, action))
}

/// Inserts the job of a stored photo and counts it.
async fn insert_job(connection: &mut Connection, photo: &str, gallery: &str, action: &'static str) -> Result<()> {
    let sql = "INSERT INTO job (photo, gallery, priority, cost, state, epoch, failures)
         SELECT id, gallery, priority, cost, 'waiting', 0, 0 FROM photo WHERE id = $1";
    sqlx::query(sql).bind(photo).execute(&mut *connection).await.map_err(failed(action))?;
    claim::add_waiting(connection, gallery, 1, action).await
}

/// Adds names to a photo. Returns false if it has them all.
async fn add_names(connection: &mut Connection, mut known: Photo, names: &[String]) -> Result<bool> {
    let before = known.names.len();
    known.names.extend_from_slice(names);
    known.names.sort();
    known.names.dedup();
    if known.names.len() == before {
        return Ok(false);
    }
    sqlx::query("UPDATE photo SET name = $2, facts = $3 WHERE id = $1")
        .bind(known.id.to_string())
        .bind(known.name())
        .bind(rows::write(&known)?)
        .execute(connection)
        .await
        .map_err(failed("add a photo's name"))?;
    Ok(true)
}

const ALL: &str = "SELECT id, state, facts, finished, failure FROM photo
     WHERE gallery = $1 AND state <> 'staged' ORDER BY name, id";

const ONE: &str = "SELECT id, state, facts, finished, failure FROM photo WHERE id = $1 AND state <> 'staged'";

const PAGE: &str = "SELECT id, state, facts, finished, failure FROM photo
     WHERE gallery = $1 AND id > $2 AND state <> 'staged' ORDER BY id LIMIT $3";

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 2] = [ONE, PAGE];

/// Columns of a photo: id, state, facts, finished, failure.
type Row = (String, String, String, Option<String>, Option<String>);

pub(super) async fn all(ledger: &Store, gallery: GalleryId) -> Result<Vec<(Photo, PhotoState)>> {
    let rows = sqlx::query_as(ALL).bind(gallery.to_string()).fetch_all(&ledger.readers).await;
    rows.map_err(failed("list a gallery's photos"))?.into_iter().map(photo).collect()
}

pub(super) async fn one(ledger: &Store, id: PhotoId) -> Result<(Photo, PhotoState)> {
    let row = sqlx::query_as(ONE).bind(id.to_string()).fetch_optional(&ledger.readers).await;
    let row = row.map_err(failed("read a photo"))?;
    photo(row.ok_or_else(|| absent(&format_args!("photo {id}")))?)
}

pub(super) async fn page(
    ledger: &Store,
    gallery: GalleryId,
    after: Option<PhotoId>,
    limit: usize,
) -> Result<Vec<(Photo, PhotoState)>> {
    let rows = sqlx::query_as(PAGE)
        .bind(gallery.to_string())
        .bind(after.map(String::from).unwrap_or_default())
        .bind(rows::limit(limit))
        .fetch_all(&ledger.readers)
        .await;
    rows.map_err(failed("list a gallery's photos"))?.into_iter().map(photo).collect()
}

fn photo((id, state, facts, finished, failure): Row) -> Result<(Photo, PhotoState)> {
    let state = match (state.as_str(), finished, failure) {
        ("stored", ..) => PhotoState::Stored,
        ("done", Some(finished), _) => PhotoState::Done(rows::read(&finished, "photo", &id)?),
        ("quarantined", _, Some(failure)) => PhotoState::Quarantined(rows::read(&failure, "photo", &id)?),
        _ => return Err(rows::damaged("photo", &id, "its state is without a reason")),
    };
    Ok((rows::read(&facts, "photo", &id)?, state))
}

pub(super) async fn embeddings(ledger: &Store, gallery: GalleryId) -> Result<Vec<(PhotoId, usize, Vec<f32>)>> {
    let sql = "SELECT photo, face, vector FROM embedding WHERE gallery = $1 ORDER BY photo, face";
    let rows: Vec<(String, i64, Vec<u8>)> = sqlx::query_as(sql)
        .bind(gallery.to_string())
        .fetch_all(&ledger.readers)
        .await
        .map_err(failed("read embeddings"))?;
    let embedding = |(photo, face, vector): (String, i64, Vec<u8>)| {
        let face = usize::try_from(face).map_err(|error| rows::damaged("embedding of photo", &photo, &error))?;
        Ok((rows::id(&photo, "photo")?, face, rows::vector_from_bytes(&vector)))
    };
    rows.into_iter().map(embedding).collect()
}

pub(super) async fn erase_embeddings(ledger: &Store, gallery: GalleryId) -> Result<u64> {
    let action = "erase embeddings";
    let sql = "DELETE FROM embedding WHERE gallery = $1";
    let gallery = gallery.to_string();
    let mut transaction = ledger.write(action).await?;
    dialect::lock(&mut transaction, &leases::embeddings_of(&gallery)).await?;
    let done = sqlx::query(sql).bind(&gallery).execute(&mut *transaction).await.map_err(failed(action))?;
    leases::forget_recognised(&mut transaction, &gallery, action).await?;
    transaction.commit().await.map_err(failed(action))?;
    Ok(done.rows_affected())
}

pub(super) async fn redo(ledger: &Store, photos: &[PhotoId]) -> Result<u64> {
    let action = "put photos back to work";
    let mut transaction = ledger.write(action).await?;
    let mut redone = 0;
    // Everybody locks photos in this order.
    let photos: BTreeSet<_> = photos.iter().collect();
    for photo in photos {
        redone += u64::from(redo_one(&mut transaction, &photo.to_string(), action).await?);
    }
    transaction.commit().await.map_err(failed(action))?;
    Ok(redone)
}

async fn redo_one(connection: &mut Connection, photo: &str, action: &'static str) -> Result<bool> {
    let sql = "DELETE FROM job WHERE photo = $1 AND state <> 'held' RETURNING state";
    let job: Option<String> =
        sqlx::query_scalar(sql).bind(photo).fetch_optional(&mut *connection).await.map_err(failed(action))?;
    let sql = "UPDATE photo SET state = 'stored', finished = NULL, failure = NULL, owed_at = NULL
         WHERE id = $1 AND state <> 'staged' AND NOT EXISTS (SELECT 1 FROM job WHERE photo = $1) RETURNING gallery";
    let gallery: Option<String> =
        sqlx::query_scalar(sql).bind(photo).fetch_optional(&mut *connection).await.map_err(failed(action))?;
    let Some(gallery) = gallery else { return Ok(false) };
    let sql = "DELETE FROM embedding WHERE photo = $1";
    sqlx::query(sql).bind(photo).execute(&mut *connection).await.map_err(failed(action))?;
    if job.is_some_and(|state| state == "waiting") {
        leases::remove_waiting(connection, &gallery, 1, action).await?;
    }
    insert_job(connection, photo, &gallery, action).await?;
    Ok(true)
}

pub(super) async fn abandoned(ledger: &Store, before: Timestamp) -> Result<Vec<Photo>> {
    let sql = "SELECT id, facts FROM photo WHERE state = 'staged' AND stored_at < $1 ORDER BY stored_at, id";
    let rows: Vec<(String, String)> = sqlx::query_as(sql)
        .bind(before.micros())
        .fetch_all(&ledger.readers)
        .await
        .map_err(failed("list abandoned photos"))?;
    rows.into_iter().map(|(id, facts)| rows::read(&facts, "photo", &id)).collect()
}

pub(super) async fn unstage(ledger: &Store, photo: PhotoId) -> Result<()> {
    let sql = "DELETE FROM photo WHERE id = $1 AND state = 'staged'";
    let done = sqlx::query(sql).bind(photo.to_string()).execute(&ledger.writer).await;
    done.map(|_| ()).map_err(failed("forget a staged photo"))
}
