//! The photo that stands for a gallery, and the addresses of first looks.

use procession_domain::{
    GalleryId, PhotoId,
    photo::{Photo, PhotoState},
};

use crate::{Result, Service, deliver::ImageName};

/// Of so many photos the cover is chosen.
const CANDIDATES: usize = 24;

/// The address of a photo's first look.
pub(super) fn preview(service: &Service, photo: &Photo) -> String {
    let name = ImageName::new("preview", photo.id, &photo.original, "jpg");
    name.sign(&service.keyring, service.system.clock.now(), service.settings.url_life)
}

/// The photo of a gallery that opens it best, among the first by id; none while it has none.
pub(super) async fn cover(service: &Service, gallery: GalleryId) -> Result<Option<Photo>> {
    let photos = service.system.ledger.photos_page(gallery, None::<PhotoId>, CANDIDATES).await?;
    let best = photos.into_iter().max_by_key(|(photo, state)| score(photo, state));
    Ok(best.map(|(photo, _)| photo))
}

/// Can be shown; lies; shows a few people near enough to be known.
fn score(photo: &Photo, state: &PhotoState) -> (bool, bool, bool) {
    let lies = photo.width > photo.height && photo.width < 2 * photo.height;
    let faces = match state {
        PhotoState::Done(finished) => finished.analysis.faces.as_deref().unwrap_or_default(),
        PhotoState::Stored | PhotoState::Quarantined(_) => &[],
    };
    let is_near = faces.first().is_some_and(|face| face.region.area() >= 0.005);
    (!matches!(state, PhotoState::Quarantined(_)), lies, is_near && faces.len() <= 4)
}
