//! What photos show: faces, guests, moments, sharpness.
//!
//! [`Cache`] keeps the models of the [`catalogue`] on this machine. [`Vision`] runs them on a photo's
//! [`procession_pixel::View`]. [`group_guests`] and [`find_moments`] are pure: they make a gallery's guests and moments of
//! what was seen on its photos.

mod cache;
pub mod catalogue;
mod embedding;
mod error;
mod expression;
mod faces;
mod geometry;
mod guests;
mod moments;
mod scene;
mod session;
mod sharpness;
mod vision;

pub use cache::{Cache, State};
pub use error::Error;
pub use guests::{GuestCandidate, group_guests};
pub use moments::{MomentEvidence, find_moments};
pub use sharpness::sharpness;
pub use vision::{Ask, Vision};
