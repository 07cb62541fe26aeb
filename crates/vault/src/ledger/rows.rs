//! Values as they stand in columns.

use std::str::FromStr;

use procession_domain::{
    Invalid, Stage, Timestamp,
    gallery::{Gallery, Rank},
    photo::Finished,
    recipe::Priority,
    urgency::Urgency,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Result};

/// Columns of a gallery: id, opened_at, settings, urgency, weight, since, deadline, critical_at.
pub(super) type GalleryRow = (String, i64, String, String, f64, i64, i64, i64);

pub(super) fn gallery(row: GalleryRow) -> Result<(Gallery, Rank)> {
    let (id, opened_at, settings, urgency, weight, since, deadline, critical_at) = row;
    let mut gallery: Gallery = read(&settings, "gallery", &id)?;
    gallery.opened_at = Timestamp::from_micros(opened_at);
    Ok((gallery, rank(&id, &urgency, weight, [since, deadline, critical_at])?))
}

/// The rank of a gallery. The moments are `since`, `deadline` and `critical_at`.
pub(super) fn rank(id: &str, urgency: &str, weight: f64, moments: [i64; 3]) -> Result<Rank> {
    let urgency = Urgency::ALL.into_iter().find(|class| class.name() == urgency);
    let urgency = urgency.ok_or_else(|| damaged("gallery", id, "its urgency is unknown"))?;
    let [since, deadline, critical_at] = moments.map(Timestamp::from_micros);
    Ok(Rank { urgency, weight, since, deadline, critical_at })
}

/// Reads a document of the row `what id`.
pub(super) fn read<T: DeserializeOwned>(json: &str, what: &str, id: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| damaged(what, id, &error))
}

pub(super) fn write<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Bug(format!("a value cannot be written as JSON: {error}")))
}

pub(super) fn id<T: FromStr<Err = Invalid>>(text: &str, what: &str) -> Result<T> {
    text.parse().map_err(|error| damaged(what, text, &error))
}

pub(super) fn damaged(what: &str, id: &str, why: &(impl ToString + ?Sized)) -> Error {
    Error::Corrupt { place: "ledger".to_owned(), what: format!("{what} {id}"), why: why.to_string() }
}

/// The stage at this place in the order.
pub(super) fn stage(place: i64, job: i64) -> Result<Stage> {
    let stage = usize::try_from(place).ok().and_then(|place| Stage::ALL.get(place).copied());
    stage.ok_or_else(|| damaged("job", &job.to_string(), "its stage is unknown"))
}

/// From when on anybody may make what a finished photo is owed.
pub(super) fn owed_at(finished: &Finished) -> Option<i64> {
    finished.owed.as_ref().map(|_| finished.finished_at.micros())
}

/// At most so many rows.
pub(super) fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The greater, the sooner.
pub(super) fn priority(priority: Priority) -> i64 {
    match priority {
        Priority::Low => 0,
        Priority::Medium => 1,
        Priority::High => 2,
    }
}

pub(super) fn vector_to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|number| number.to_le_bytes()).collect()
}

pub(super) fn vector_from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
}
