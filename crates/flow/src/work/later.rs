//! What a worker does when nothing waits: the formats that finished photos are owed.

use std::sync::Arc;

use procession_domain::{Classified, GalleryId, error::chain, photo::Owing};
use procession_plan::{Retry, retry};

use crate::{Error, Event, Events, Result, System, life::make_owed};

/// So many leases long nobody else gets a photo of which somebody makes the formats: many times as long as that takes. Nobody
/// waits for them if it ends without a word, and made twice they are the same.
const LEASES: u32 = 3;

/// Up to `count` photos that are owed something.
pub(super) async fn claim(system: &System, only: Option<GalleryId>, count: usize) -> Result<Vec<Owing>> {
    let now = system.clock.now();
    Ok(system.ledger.claim_owing(only, count, now, now.after(system.settings.lease * LEASES)).await?)
}

/// Makes what one photo is owed. If that cannot be done, the photo keeps what it has and is owed nothing.
#[tracing::instrument(name = "later", skip_all, fields(photo.id = %owing.photo.id))]
pub(super) async fn one_photo(system: Arc<System>, owing: Owing, events: Events) -> Result<()> {
    let Owing { photo, finished, tries } = &owing;
    let policy = &system.settings.retry;
    let made =
        if *tries > policy.attempts { Err(Error::WorkersLost(*tries - 1)) } else { make_owed(&system, &owing).await };
    match made {
        Ok(variants) => {
            if system.ledger.pay_owing(photo.id, finished.fingerprint, &variants).await? {
                let formats = finished.owed.iter().flat_map(|owed| owed.formats.clone()).collect();
                events.tell(
                    photo.gallery,
                    Event::FormatsMade { photo: photo.id, name: photo.name().to_owned(), formats },
                );
            }
        }
        Err(error) if error.stops_everything() => return Err(error),
        Err(error) => match retry(error.kind(), *tries - 1, policy) {
            Retry::After(..) => tracing::warn!(error = chain(&error), "formats not made; somebody tries again"),
            Retry::Never(_) => {
                tracing::warn!(error = chain(&error), "formats given up; the photo keeps those that it has");
                system.ledger.pay_owing(photo.id, finished.fingerprint, &finished.variants).await?;
            }
        },
    }
    Ok(())
}
