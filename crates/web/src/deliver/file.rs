//! Files as answers: their name for whoever saves them, and their bytes at the client's pace.

use std::time::Duration;

use axum::{body::Body, http::HeaderValue};
use bytes::Bytes;
use procession_flow::Grant;
use tokio::sync::mpsc;

/// So many bytes are handed to a connection at a time.
const PIECE: usize = 256 << 10;

/// The value of `Content-Disposition` for a file that is to be saved under the last part of this path
/// ([RFC 6266](https://www.rfc-editor.org/rfc/rfc6266)).
pub(crate) fn attachment(path: &str) -> HeaderValue {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '(' | ')');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if plain == name {
        return HeaderValue::try_from(format!("attachment; filename=\"{plain}\"")).unwrap_or(ANONYMOUS);
    }
    let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let mut encoded = String::new();
    for byte in name.bytes() {
        if is_kept(byte) { encoded.push(byte.into()) } else { encoded.push_str(&format!("%{byte:02X}")) }
    }
    let value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    HeaderValue::try_from(value).unwrap_or(ANONYMOUS)
}

const ANONYMOUS: HeaderValue = HeaderValue::from_static("attachment");

/// A body of these bytes, for whose memory there is a grant. It ends early if the client takes nothing for `idle`, so that
/// nobody holds memory by doing nothing.
pub(crate) fn paced(bytes: Bytes, grant: Grant, idle: Duration) -> Body {
    let (sender, mut pieces) = mpsc::channel::<std::io::Result<Bytes>>(1);
    tokio::spawn(async move {
        let mut rest = bytes;
        while !rest.is_empty() {
            // A copy: a piece that waits in a connection must not keep the whole file.
            let piece = Bytes::copy_from_slice(&rest.split_to(rest.len().min(PIECE)));
            match tokio::time::timeout(idle, sender.reserve()).await {
                Ok(Ok(place)) => place.send(Ok(piece)),
                // The client went away, or is as good as gone.
                Ok(Err(_)) | Err(_) => break,
            }
        }
        drop(grant);
    });
    Body::from_stream(futures::stream::poll_fn(move |context| pieces.poll_recv(context)))
}

#[cfg(test)]
mod tests {
    use procession_flow::Budget;

    use super::*;

    #[test]
    fn a_name_is_given_as_every_client_reads_it() {
        assert_eq!(attachment("day/IMG 1 (2).jpg"), "attachment; filename=\"IMG 1 (2).jpg\"");
        let german = "attachment; filename=\"K_sse.jpg\"; filename*=UTF-8''K%C3%BCsse.jpg";
        assert_eq!(attachment("a/Küsse.jpg"), german);
        let hostile = attachment("a\\\"\r\nX: y;.jpg");
        assert_eq!(hostile, "attachment; filename=\"___X_ y_.jpg\"; filename*=UTF-8''%22%0D%0AX%3A%20y%3B.jpg");
        assert_eq!(attachment(""), "attachment; filename=\"\"");
    }

    #[tokio::test]
    async fn memory_is_given_back_when_all_is_sent_or_nobody_takes_it() {
        let budget = Budget::new(1 << 20);
        let bytes = Bytes::from(vec![7; 1 << 20]);
        let body = paced(bytes.clone(), budget.grant(1 << 20).await.unwrap(), Duration::from_secs(600));
        assert_eq!(axum::body::to_bytes(body, usize::MAX).await.unwrap(), bytes);
        let stalled = paced(bytes, budget.grant(1 << 20).await.unwrap(), Duration::from_millis(1));
        // Were it held on to, this would wait for ever.
        let _grant = budget.grant(1 << 20).await.unwrap();
        let cut = axum::body::to_bytes(stalled, usize::MAX).await.unwrap();
        assert!(cut.len() < 1 << 20);
    }
}
