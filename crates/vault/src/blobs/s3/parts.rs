//! Large objects: uploaded in parts, several at a time, and there only when all are.

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::{PutMultipartOptions, multipart::MultipartStore as _, path::Path};

use super::Store;

/// What is longer goes in parts.
pub(super) const LARGE_BYTES: usize = 8 << 20;
/// The length of a part but the last. S3 asks for at least 5 MiB.
const PART_BYTES: usize = 8 << 20;
/// Parts on their way at the same time.
const CONCURRENT_PARTS: usize = 4;

/// Uploads an object in parts. What was begun and cannot be ended is thrown away.
pub(super) async fn put(store: &Store, path: &Path, bytes: &Bytes, replace: bool) -> object_store::Result<()> {
    let options = PutMultipartOptions { attributes: store.attributes(), ..PutMultipartOptions::default() };
    let upload = store.client.create_multipart_opts(path, options).await?;
    let outcome = send(store, path, &upload, bytes, replace).await;
    if outcome.is_err()
        && let Err(error) = store.client.abort_multipart(path, &upload).await
    {
        tracing::warn!(store = store.name, object = %path, %error, "parts of an upload are left; the bucket's lifecycle removes them");
    }
    outcome
}

async fn send(store: &Store, path: &Path, upload: &String, bytes: &Bytes, replace: bool) -> object_store::Result<()> {
    let parts: Vec<(usize, Bytes)> = bytes.chunks(PART_BYTES).map(|part| bytes.slice_ref(part)).enumerate().collect();
    let parts = futures::stream::iter(parts)
        .map(|(index, part)| store.client.put_part(path, upload, index, part.into()))
        .buffered(CONCURRENT_PARTS)
        .boxed()
        .try_collect()
        .await?;
    // Only the first upload to end creates the object. A service that ignores the condition lets the last one win: all
    // large objects are photos and what is made of them, so that both hold the same bytes but for a worker's rounding.
    let client = if replace { &store.client } else { &store.first_only };
    client.complete_multipart(path, upload, parts).await.map(drop)
}
