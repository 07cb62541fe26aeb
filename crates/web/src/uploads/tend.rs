//! What is done for uploads when no client asks: those whose bytes are all there become photos, those that nobody continues go.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use procession_domain::Timestamp;

use super::{finish::finish, upload::UploadId};
use crate::{Result, Service};

/// How often the open uploads are looked through, and after how many such rounds those that have ended.
const ROUND: Duration = Duration::from_secs(60);
const ROUNDS_FOR_ENDED: u32 = 60;
/// Uploads that are finished at the same time, beside those of clients.
const CONCURRENT_UPLOADS: usize = 4;

/// Tends the uploads until the service stops. The first round, at the start, finishes what a crash interrupted.
pub async fn tend_uploads(service: Arc<Service>) {
    let mut stopping = service.stopping.clone();
    for round in 0_u32.. {
        if let Err(problem) = tend(&service, round % ROUNDS_FOR_ENDED == 0).await {
            tracing::warn!(
                problem.detail,
                "uploads could not be tended; the next round comes in {} s",
                ROUND.as_secs()
            );
        }
        if tokio::time::timeout(ROUND, stopping.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

async fn tend(service: &Arc<Service>, ended_too: bool) -> Result<()> {
    let spool = &service.uploads.spool;
    let open = spool.run(|spool| spool.open_uploads()).await?;
    let now = service.system.clock.now();
    futures::stream::iter(open)
        .for_each_concurrent(CONCURRENT_UPLOADS, async |id| {
            if let Err(problem) = tend_one(service, id, now).await {
                tracing::warn!(problem.detail, "an upload waits for the next round");
            }
        })
        .await;
    if !ended_too {
        return Ok(());
    }
    spool
        .run(move |spool| {
            for upload in spool.ended_uploads()?.iter().filter_map(|id| spool.find(id).transpose()) {
                let upload = upload?;
                if upload.outcome.is_some() && upload.expires_at <= now {
                    spool.remove(&upload)?;
                }
            }
            Ok(())
        })
        .await
}

async fn tend_one(service: &Arc<Service>, id: UploadId, now: Timestamp) -> Result<()> {
    let spool = &service.uploads.spool;
    // Whoever works on it sees to it.
    let Ok(place) = spool.places.take_free(&id) else { return Ok(()) };
    let found = spool.run(move |spool| Ok(spool.find(&id)?.zip(Some(spool.on_disk(&id)?))));
    match found.await? {
        Some((upload, on_disk)) if upload.is_to_finish(on_disk) => finish(service, upload, place).await.map(drop),
        Some((upload, _)) if upload.outcome.is_none() && upload.expires_at <= now => {
            spool.run(move |spool| spool.remove(&upload)).await
        }
        _ => Ok(()),
    }
}
