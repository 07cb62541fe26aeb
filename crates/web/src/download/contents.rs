//! The bytes of an archive, made as they are sent.

use std::{io, ops::Range, sync::Arc};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use procession_domain::Key;
use procession_flow::remake;

use super::plan::Plan;
use crate::{
    Problem, Result, Service,
    deliver::slice,
    zip::{Entry, Segment},
};

/// The bytes of this range. Each file is read when its turn comes, and checked as a whole before any of it is sent; where one
/// turns out to be damaged, the stream fails, and the client sees that its download is not complete.
pub(super) fn contents(
    service: Arc<Service>,
    plan: Arc<Plan>,
    range: Range<u64>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let segments = plan.archive.segments(range);
    stream::iter(segments).then(move |segment| {
        let (service, plan) = (Arc::clone(&service), Arc::clone(&plan));
        async move {
            match segment {
                Segment::Bytes(bytes) => Ok(bytes),
                Segment::Content { entry, range } => content(&service, &plan, entry, &range).await.map_err(broken),
            }
        }
    })
}

async fn content(service: &Service, plan: &Plan, entry: usize, range: &Range<u64>) -> Result<Bytes> {
    let (source, Entry { bytes, hash, .. }) = (&plan.sources[entry], &plan.archive.entries()[entry]);
    match service.delivery.read(&service.system, &source.key, *hash, *bytes).await? {
        Some(bytes) => Ok(slice(&bytes, range)),
        None => {
            if let Key::Variant { .. } = source.key {
                remake(&service.system, source.photo, &source.key).await?;
            }
            Err(Problem::not_found(&source.key))
        }
    }
}

/// The head of the answer is long sent: all that can be said is that it ends here.
fn broken(problem: Problem) -> io::Error {
    tracing::error!(problem.code, problem.detail, "an archive could not be sent to its end");
    io::Error::other(problem.detail)
}
