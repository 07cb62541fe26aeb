//! What arrives, and what is announced: the history that a forecast is made from.

use jiff::civil::Date;

use crate::{Region, Timestamp};

/// What arrived in a region in one hour of universal time.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrivals {
    /// The region of the process that took the photos in.
    pub region: Region,
    /// When the hour begins.
    pub hour: Timestamp,
    /// Photos that were new then.
    pub photos: u64,
    /// What they cost; zero if that is not known, as no photo costs less than one.
    pub megapixels: f64,
}

/// A wedding whose gallery was opened, or that was told by another system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Booked {
    /// The region of the process that opened the gallery.
    pub region: Region,
    /// The day of the wedding.
    pub wedding: Date,
    /// When it was announced.
    pub announced_at: Timestamp,
}
