//! The requests of tus 1.0.0, one function each.

use std::{io::SeekFrom, ops::Range, time::Duration};

use procession_domain::PhotoId;
use reqwest::{Body, Method, RequestBuilder, Response};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::{Content, api::Api, error::Trouble};

/// What a read of a file brings to the socket at a time.
const READ_BYTES: usize = 256 << 10;
const BYTES_OF_A_FILE: &str = "application/offset+octet-stream";

/// How far an upload is.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) url: String,
    pub(super) offset: u64,
    /// The photo, if it is durable.
    pub(super) photo: Option<PhotoId>,
    /// What the request took at the service beside its bytes' way.
    pub(super) worked: Duration,
}

/// What a new upload is.
#[derive(Clone, Copy, Debug)]
pub(super) enum New<'a> {
    /// A photo, with `Upload-Metadata`.
    Photo(&'a str),
    /// A part of one.
    Part,
}

impl Api {
    /// Begins an upload of these bytes; `with_bytes` sends them along.
    pub(super) async fn begin(
        &self,
        new: New<'_>,
        content: &Content,
        range: Range<u64>,
        with_bytes: bool,
    ) -> Result<Progress, Trouble> {
        let request = self.tus(Method::POST, "/files").header("Upload-Length", range.end - range.start);
        let request = match new {
            New::Photo(metadata) => request.header("Upload-Metadata", metadata),
            New::Part => request.header("Upload-Concat", "partial"),
        };
        let request = if with_bytes { with_body(request, content, range).await? } else { request };
        self.progress(request, None).await
    }

    /// Makes one photo of parts.
    pub(super) async fn join(&self, metadata: &str, parts: &[String]) -> Result<Progress, Trouble> {
        let concat = format!("final;{}", parts.join(" "));
        let request = self.tus(Method::POST, "/files").header("Upload-Metadata", metadata);
        self.progress(request.header("Upload-Concat", concat), None).await
    }

    /// How far an upload is; `None` if it is there no more.
    pub(super) async fn head(&self, url: &str) -> Result<Option<Progress>, Trouble> {
        match self.progress(self.tus(Method::HEAD, url), Some(url)).await {
            Err(Trouble::Refused(refusal)) if matches!(refusal.status, 404 | 410) => Ok(None),
            found => found.map(Some),
        }
    }

    /// Sends bytes for an upload that has this offset.
    pub(super) async fn patch(
        &self,
        url: &str,
        offset: u64,
        content: &Content,
        range: Range<u64>,
    ) -> Result<Progress, Trouble> {
        let request = self.tus(Method::PATCH, url).header("Upload-Offset", offset);
        self.progress(with_body(request, content, range).await?, Some(url)).await
    }

    fn tus(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header("Tus-Resumable", "1.0.0")
    }

    async fn progress(&self, request: RequestBuilder, url: Option<&str>) -> Result<Progress, Trouble> {
        let answer = self.answer(request).await?;
        let header = |name: &str| text(&answer, name);
        let url = url.map(str::to_owned).or_else(|| header("location")).ok_or_else(|| odd("no Location"))?;
        let offset = header("upload-offset").map_or(Ok(0), |offset| offset.parse().map_err(|_| odd("no offset")))?;
        let photo = header("procession-photo").and_then(|photo| photo.parse().ok());
        let worked =
            header("server-timing").and_then(|said| said.strip_prefix("work;dur=")?.parse().ok()).unwrap_or(0.0);
        Ok(Progress { url, offset, photo, worked: Duration::try_from_secs_f64(worked / 1e3).unwrap_or_default() })
    }
}

fn text(answer: &Response, name: &str) -> Option<String> {
    Some(answer.headers().get(name)?.to_str().ok()?.to_owned())
}

fn odd(what: &str) -> Trouble {
    Trouble::Passing { why: format!("the answer has {what}"), wait: None }
}

async fn with_body(request: RequestBuilder, content: &Content, range: Range<u64>) -> Result<RequestBuilder, Trouble> {
    let length = range.end - range.start;
    let body = match content {
        Content::Coded(bytes) => Body::from(bytes.slice(range.start as usize..range.end as usize)),
        Content::File(path, _) => {
            let failed = |error| Trouble::Passing { why: format!("{}: {error}", path.display()), wait: None };
            let mut file = tokio::fs::File::open(path).await.map_err(failed)?;
            file.seek(SeekFrom::Start(range.start)).await.map_err(failed)?;
            Body::wrap_stream(ReaderStream::with_capacity(file.take(length), READ_BYTES))
        }
    };
    // A stream has no length of its own, and a server wants to know before it takes the bytes.
    Ok(request.header("Content-Type", BYTES_OF_A_FILE).header("Content-Length", length).body(body))
}
