//! What arrives and what is announced, counted where it happens.

use jiff::civil::Date;
use procession_domain::{
    Region, Timestamp,
    demand::{Arrivals, Booked},
    gallery::Gallery,
    photo::Photo,
};

use super::{Connection, Store, dialect, failed, rows};
use crate::Result;

/// An hour, in microseconds.
const HOUR: i64 = 3_600_000_000;

const COUNT: &str = "INSERT INTO arrival (region, hour, slot, photos, megapixels) VALUES ($1, $2, $3, 1, $4)
     ON CONFLICT (hour, region, slot) DO UPDATE SET photos = arrival.photos + 1,
         megapixels = arrival.megapixels + excluded.megapixels";

const LIST: &str = "SELECT region, hour, CAST(SUM(photos) AS BIGINT), SUM(megapixels) FROM arrival
     WHERE hour >= $1 GROUP BY hour, region ORDER BY hour, region";

const FORGET: &str = "DELETE FROM arrival WHERE region = $1 AND hour = $2";

const SET: &str = "INSERT INTO arrival (region, hour, slot, photos, megapixels) VALUES ($1, $2, 0, $3, $4)
     ON CONFLICT (hour, region, slot) DO UPDATE SET photos = excluded.photos, megapixels = excluded.megapixels";

const BOOK: &str = "INSERT INTO booking (source, region, wedding, announced_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (source) DO UPDATE SET wedding = excluded.wedding";

const CANCEL: &str = "DELETE FROM booking WHERE source = $1 AND wedding > $2";

const ANONYMOUS: &str = "UPDATE booking SET source = NULL WHERE source = $1";

const BOOKINGS: &str = "SELECT region, wedding, announced_at FROM booking WHERE wedding >= $1 ORDER BY wedding, id";

const IMPORT: &str = "INSERT INTO booking (source, region, wedding, announced_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (source) DO NOTHING";

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 8] = [COUNT, LIST, FORGET, SET, BOOK, CANCEL, ANONYMOUS, BOOKINGS];

/// Counts a photo that is new, as a part of what stores it.
pub(super) async fn count(connection: &mut Connection, region: &Region, photo: &Photo, cost: f64) -> Result<()> {
    let done = sqlx::query(COUNT)
        .bind(region.as_str())
        .bind(photo.stored_at.micros().div_euclid(HOUR))
        .bind(dialect::slot(photo.id))
        .bind(cost)
        .execute(connection)
        .await;
    done.map(|_| ()).map_err(failed("count an arrival"))
}

pub(super) async fn list(ledger: &Store, from: Timestamp) -> Result<Vec<Arrivals>> {
    let found: Vec<(String, i64, i64, f64)> = sqlx::query_as(LIST)
        .bind(from.micros().div_euclid(HOUR))
        .fetch_all(&ledger.readers)
        .await
        .map_err(failed("list arrivals"))?;
    let arrivals = |(region, hour, photos, megapixels): (String, i64, i64, f64)| {
        Ok(Arrivals {
            region: rows::id(&region, "region of arrivals")?,
            hour: Timestamp::from_micros(hour.saturating_mul(HOUR)),
            photos: photos.unsigned_abs(),
            megapixels,
        })
    };
    found.into_iter().map(arrivals).collect()
}

pub(super) async fn set(ledger: &Store, arrivals: &[Arrivals]) -> Result<()> {
    let action = "write arrivals";
    let mut transaction = ledger.write(action).await?;
    for Arrivals { region, hour, photos, megapixels } in arrivals {
        let hour = hour.micros().div_euclid(HOUR);
        sqlx::query(FORGET)
            .bind(region.as_str())
            .bind(hour)
            .execute(&mut *transaction)
            .await
            .map_err(failed(action))?;
        sqlx::query(SET)
            .bind(region.as_str())
            .bind(hour)
            .bind(i64::try_from(*photos).unwrap_or(i64::MAX))
            .bind(megapixels)
            .execute(&mut *transaction)
            .await
            .map_err(failed(action))?;
    }
    transaction.commit().await.map_err(failed(action))
}

/// Writes down when a gallery's wedding is. Whoever opened it first says where it is expected and since when.
pub(super) async fn book(connection: &mut Connection, region: &Region, gallery: &Gallery) -> Result<()> {
    let action = "book a wedding";
    let Some(wedding) = &gallery.wedding else {
        let any = "";
        return cancel(connection, &gallery.id.to_string(), any).await;
    };
    let done = sqlx::query(BOOK)
        .bind(gallery.id.to_string())
        .bind(region.as_str())
        .bind(wedding.date.to_string())
        .bind(gallery.opened_at.micros())
        .execute(connection)
        .await;
    done.map(|_| ()).map_err(failed(action))
}

/// A gallery is removed: a wedding that has been stays in the history, one that is to come is called off.
pub(super) async fn forget(connection: &mut Connection, gallery: &str, now: Timestamp) -> Result<()> {
    let today = jiff::tz::TimeZone::UTC.to_datetime(now.calendar()).date();
    cancel(connection, gallery, &today.to_string()).await?;
    let done = sqlx::query(ANONYMOUS).bind(gallery).execute(connection).await;
    done.map(|_| ()).map_err(failed("forget whose a wedding was"))
}

/// Calls off a wedding after this day.
async fn cancel(connection: &mut Connection, gallery: &str, after: &str) -> Result<()> {
    let done = sqlx::query(CANCEL).bind(gallery).bind(after).execute(connection).await;
    done.map(|_| ()).map_err(failed("call off a wedding"))
}

pub(super) async fn bookings(ledger: &Store, from: Date) -> Result<Vec<Booked>> {
    let found: Vec<(String, String, i64)> = sqlx::query_as(BOOKINGS)
        .bind(from.to_string())
        .fetch_all(&ledger.readers)
        .await
        .map_err(failed("list bookings"))?;
    let booked = |(region, wedding, announced_at): (String, String, i64)| {
        let date = wedding.parse().map_err(|error: jiff::Error| rows::damaged("booking of", &wedding, &error))?;
        let region = rows::id(&region, "region of bookings")?;
        Ok(Booked { region, wedding: date, announced_at: Timestamp::from_micros(announced_at) })
    };
    found.into_iter().map(booked).collect()
}

pub(super) async fn import(ledger: &Store, bookings: &[(String, Booked)]) -> Result<u64> {
    let action = "import bookings";
    let mut transaction = ledger.write(action).await?;
    let mut new = 0;
    for (source, Booked { region, wedding, announced_at }) in bookings {
        let done = sqlx::query(IMPORT)
            .bind(source)
            .bind(region.as_str())
            .bind(wedding.to_string())
            .bind(announced_at.micros())
            .execute(&mut *transaction)
            .await
            .map_err(failed(action))?;
        new += done.rows_affected();
    }
    transaction.commit().await.map_err(failed(action))?;
    Ok(new)
}
