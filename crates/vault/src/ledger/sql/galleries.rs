//! Galleries, their rank, their progress, and the files that they refused.

use procession_domain::{
    GalleryId, Region, StudioId, Timestamp,
    gallery::{Gallery, Progress, Rank},
    photo::Refusal,
};

use super::{Connection, Store, absent, demand, dialect, failed, rows};
use crate::{Error, Result};

/// How far the gallery with this id is, as columns.
macro_rules! counted {
    ($gallery:literal) => {
        concat!(
            "(SELECT COUNT(*) FROM job WHERE gallery = ",
            $gallery,
            " AND state IN ('waiting', 'delayed')),
             (SELECT COUNT(*) FROM job WHERE gallery = ",
            $gallery,
            " AND state = 'held'),
             (SELECT COUNT(*) FROM photo WHERE gallery = ",
            $gallery,
            " AND state = 'done'),
             (SELECT COUNT(*) FROM photo WHERE gallery = ",
            $gallery,
            " AND owed_at IS NOT NULL),
             (SELECT COUNT(*) FROM photo WHERE gallery = ",
            $gallery,
            " AND state = 'quarantined'),
             (SELECT COUNT(*) FROM refusal WHERE gallery = ",
            $gallery,
            ")"
        )
    };
}

/// The columns of `counted`: waiting, working, done, owing, quarantined, refused.
type Counts = (i64, i64, i64, i64, i64, i64);

/// Columns of a gallery, and behind them those of `counted`.
type Listed = (String, i64, String, String, f64, i64, i64, i64, i64, i64, i64, i64, i64, i64);

const OPEN: &str = "INSERT INTO gallery
     (id, studio, opened_at, settings, urgency, weight, since, deadline, critical_at, vtime, waiting)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0)
     ON CONFLICT (id) DO UPDATE SET settings = excluded.settings, urgency = excluded.urgency,
         weight = excluded.weight, since = excluded.since, deadline = excluded.deadline,
         critical_at = excluded.critical_at
     WHERE gallery.studio = excluded.studio
     RETURNING opened_at";

const ONE: &str =
    "SELECT id, opened_at, settings, urgency, weight, since, deadline, critical_at FROM gallery WHERE id = $1";

const ONE_TO_UPDATE: &str = for_update!(
    "SELECT id, opened_at, settings, urgency, weight, since, deadline, critical_at FROM gallery WHERE id = $1"
);

const ALL: &str = "SELECT id, opened_at, settings, urgency, weight, since, deadline, critical_at FROM gallery
     ORDER BY opened_at DESC, id";

const OF_STUDIO: &str = concat!(
    "SELECT id, opened_at, settings, urgency, weight, since, deadline, critical_at, ",
    counted!("listed.id"),
    " FROM gallery AS listed
     WHERE studio = $1 AND opened_at <= $2 AND (opened_at < $2 OR id > $3) ORDER BY opened_at DESC, id LIMIT $4"
);

const UPDATE: &str = "UPDATE gallery SET settings = $2 WHERE id = $1";

const RANK: &str =
    "UPDATE gallery SET urgency = $2, weight = $3, since = $4, deadline = $5, critical_at = $6 WHERE id = $1";

const UNFINISHED: &str = "SELECT EXISTS (SELECT 1 FROM job WHERE gallery = $1)";

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 7] = [ONE, ONE_TO_UPDATE, OF_STUDIO, UPDATE, RANK, UNFINISHED, PROGRESS];

pub(super) async fn open(ledger: &Store, gallery: &Gallery, rank: &Rank) -> Result<Gallery> {
    let action = "open a gallery";
    let mut transaction = ledger.write(action).await?;
    let opened_at: Option<i64> = sqlx::query_scalar(OPEN)
        .bind(gallery.id.to_string())
        .bind(gallery.studio.to_string())
        .bind(gallery.opened_at.micros())
        .bind(rows::write(gallery)?)
        .bind(rank.urgency.name())
        .bind(rank.weight)
        .bind(rank.since.micros())
        .bind(rank.deadline.micros())
        .bind(rank.critical_at.micros())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed(action))?;
    let opened_at = opened_at.ok_or_else(|| conflict(gallery.id, ANOTHER_STUDIO))?;
    let gallery = Gallery { opened_at: Timestamp::from_micros(opened_at), ..gallery.clone() };
    demand::book(&mut transaction, &ledger.options.region, &gallery).await?;
    transaction.commit().await.map_err(failed(action))?;
    Ok(gallery)
}

pub(super) async fn one(ledger: &Store, id: GalleryId) -> Result<(Gallery, Rank)> {
    let row = sqlx::query_as(ONE).bind(id.to_string()).fetch_optional(&ledger.readers).await;
    let row = row.map_err(failed("read a gallery"))?;
    rows::gallery(row.ok_or_else(|| unknown(id))?)
}

pub(super) async fn all(ledger: &Store) -> Result<Vec<(Gallery, Rank)>> {
    let rows = sqlx::query_as(ALL).fetch_all(&ledger.readers).await.map_err(failed("list galleries"))?;
    rows.into_iter().map(rows::gallery).collect()
}

pub(super) async fn of_studio(
    ledger: &Store,
    studio: StudioId,
    after: Option<(Timestamp, GalleryId)>,
    limit: usize,
) -> Result<Vec<(Gallery, Rank, Progress)>> {
    let (opened_at, id) = match after {
        Some((opened_at, id)) => (opened_at.micros(), id.to_string()),
        None => (i64::MAX, String::new()),
    };
    let found: Result<Vec<Listed>, sqlx::Error> = sqlx::query_as(OF_STUDIO)
        .bind(studio.to_string())
        .bind(opened_at)
        .bind(id)
        .bind(rows::limit(limit))
        .fetch_all(&ledger.readers)
        .await;
    let listed = |(id, opened, settings, urgency, weight, since, deadline, critical, a, b, c, d, e, f): Listed| {
        let (gallery, rank) = rows::gallery((id, opened, settings, urgency, weight, since, deadline, critical))?;
        Ok((gallery, rank, counts((a, b, c, d, e, f))))
    };
    found.map_err(failed("list a studio's galleries"))?.into_iter().map(listed).collect()
}

pub(super) async fn update(ledger: &Store, gallery: &Gallery, rank: &Rank, expected: &Gallery) -> Result<()> {
    let action = "update a gallery";
    let mut transaction = ledger.write(action).await?;
    let (stored, ranked) = one_to_update(&mut transaction, gallery.id, action).await?;
    if stored != *expected {
        return Err(conflict(gallery.id, "it was changed meanwhile; read it again"));
    }
    if stored.studio != gallery.studio {
        return Err(conflict(gallery.id, ANOTHER_STUDIO));
    }
    sqlx::query(UPDATE)
        .bind(gallery.id.to_string())
        .bind(rows::write(gallery)?)
        .execute(&mut *transaction)
        .await
        .map_err(failed(action))?;
    if stored.wedding != gallery.wedding {
        let gallery = Gallery { opened_at: stored.opened_at, ..gallery.clone() };
        demand::book(&mut transaction, &ledger.options.region, &gallery).await?;
    }
    set_rank(&mut transaction, gallery.id, &rank.not_before(ranked.since), action).await?;
    transaction.commit().await.map_err(failed(action))
}

/// Gives a gallery the rank that it has with a photo which arrives now. Returns what it was and what it is.
pub(super) async fn rank_with(
    connection: &mut Connection,
    id: GalleryId,
    arrival: &Rank,
    action: &'static str,
) -> Result<(Rank, Rank)> {
    let (_, before) = one_to_update(connection, id, action).await?;
    let is_unfinished: bool = sqlx::query_scalar(UNFINISHED)
        .bind(id.to_string())
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(action))?;
    let rank = before.with(*arrival, is_unfinished);
    set_rank(connection, id, &rank, action).await?;
    Ok((before, rank))
}

async fn one_to_update(connection: &mut Connection, id: GalleryId, action: &'static str) -> Result<(Gallery, Rank)> {
    let row = sqlx::query_as(ONE_TO_UPDATE).bind(id.to_string()).fetch_optional(connection).await;
    rows::gallery(row.map_err(failed(action))?.ok_or_else(|| unknown(id))?)
}

async fn set_rank(connection: &mut Connection, id: GalleryId, rank: &Rank, action: &'static str) -> Result<()> {
    let done = sqlx::query(RANK)
        .bind(id.to_string())
        .bind(rank.urgency.name())
        .bind(rank.weight)
        .bind(rank.since.micros())
        .bind(rank.deadline.micros())
        .bind(rank.critical_at.micros())
        .execute(connection)
        .await;
    done.map(|_| ()).map_err(failed(action))
}

pub(super) async fn place(ledger: &Store, id: GalleryId, cluster: Option<&Region>, reason: &str) -> Result<()> {
    let action = "place a gallery";
    let mut transaction = ledger.write(action).await?;
    let done = sqlx::query("UPDATE gallery SET cluster = $2, placement = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(cluster.map(Region::as_str))
        .bind(reason)
        .execute(&mut *transaction)
        .await
        .map_err(failed(action))?;
    if done.rows_affected() == 0 {
        return Err(unknown(id));
    }
    // Its photos may be work for others now.
    dialect::tell(&mut transaction).await?;
    transaction.commit().await.map_err(failed(action))
}

pub(super) async fn refuse(ledger: &Store, gallery: GalleryId, refusal: &Refusal, now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO refusal (gallery, name, failure, refused_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (gallery, name) DO UPDATE SET failure = excluded.failure, refused_at = excluded.refused_at";
    sqlx::query(sql)
        .bind(gallery.to_string())
        .bind(&refusal.name)
        .bind(rows::write(&refusal.failure)?)
        .bind(now.micros())
        .execute(&ledger.writer)
        .await
        .map_err(without_gallery(gallery, "record a refused file"))?;
    Ok(())
}

pub(super) async fn clear_refusals(ledger: &Store, gallery: GalleryId) -> Result<()> {
    let sql = "DELETE FROM refusal WHERE gallery = $1";
    let done = sqlx::query(sql).bind(gallery.to_string()).execute(&ledger.writer).await;
    done.map(|_| ()).map_err(failed("forget refused files"))
}

pub(super) async fn refusals(ledger: &Store, gallery: GalleryId) -> Result<Vec<Refusal>> {
    let sql = "SELECT name, failure FROM refusal WHERE gallery = $1 ORDER BY name";
    let rows: Vec<(String, String)> = sqlx::query_as(sql)
        .bind(gallery.to_string())
        .fetch_all(&ledger.readers)
        .await
        .map_err(failed("list refused files"))?;
    let refusal = |(name, failure): (String, String)| {
        let failure = rows::read(&failure, "refusal of", &name)?;
        Ok(Refusal { name, failure })
    };
    rows.into_iter().map(refusal).collect()
}

/// Counts in indices; one statement, so that all counts are of one moment, and one way to the ledger for all galleries.
const PROGRESS: &str = concat!("SELECT ", counted!("given.value"), " FROM ", given!(), " ORDER BY given.key");

pub(super) async fn progress(ledger: &Store, galleries: &[GalleryId]) -> Result<Vec<Progress>> {
    let counted: Vec<Counts> = sqlx::query_as(PROGRESS)
        .bind(rows::write(&galleries)?)
        .fetch_all(&ledger.readers)
        .await
        .map_err(failed("count galleries' photos"))?;
    Ok(counted.into_iter().map(counts).collect())
}

fn counts((waiting, working, done, owing, quarantined, refused): Counts) -> Progress {
    Progress {
        waiting: waiting.unsigned_abs(),
        working: working.unsigned_abs(),
        done: done.unsigned_abs(),
        owing: owing.unsigned_abs(),
        quarantined: quarantined.unsigned_abs(),
        refused: refused.unsigned_abs(),
    }
}

pub(super) fn unknown(gallery: GalleryId) -> Error {
    absent(&format_args!("gallery {gallery}"))
}

const ANOTHER_STUDIO: &str = "its studio is another, and never changes";

fn conflict(gallery: GalleryId, why: &str) -> Error {
    Error::Conflict { place: "ledger".to_owned(), what: format!("gallery {gallery}"), why: why.to_owned() }
}

/// The failure of a statement that names a gallery, which may not be there.
pub(super) fn without_gallery(gallery: GalleryId, action: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |error| match &error {
        sqlx::Error::Database(refusal) if refusal.is_foreign_key_violation() => unknown(gallery),
        _ => failed(action)(error),
    }
}
