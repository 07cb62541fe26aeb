//! The bytes that came from the camera.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use procession_domain::{
    Key,
    photo::{Format, Photo},
};

use super::{OfPhoto, find};
use crate::{
    Problem, Result, Service,
    access::{Caller, Scope},
    api::Path,
    deliver::{attachment, paced},
    range::Selection,
};

/// The original of a photo, as it came, to be saved under its name. The bytes are checked against their hash before the first
/// of them is sent. Ranges are served, so a download that broke off can go on.
#[utoipa::path(get, path = "/api/v1/galleries/{gallery}/photos/{photo}/original", operation_id = "get_original",
    tag = "photos", params(OfPhoto), responses(
        (status = 200, description = "The original", content_type = "*/*", body = Vec<u8>),
        (status = 206, description = "A part of it", content_type = "*/*", body = Vec<u8>),
        (status = 304, description = "It is what the client has already"), Problem))]
pub(crate) async fn original(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<OfPhoto>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    caller.require(Scope::Read)?;
    let (_, photo, _) = find(&service, &caller, of).await?;
    let etag = format!("\"{}\"", photo.original);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| is_listed(known, &etag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let selection = Selection::of(&method, &headers, &etag, photo.bytes);
    let range = selection.bytes(photo.bytes);
    let body = match &selection {
        Selection::Unsatisfiable => {
            let problem = Problem::new(selection.status(), "no_such_range", "the file has not the bytes of this range");
            return Ok(described(problem.into_response(), &selection, photo.bytes));
        }
        _ if method == Method::HEAD => Body::empty(),
        _ => {
            let wanted = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
            let (start, end) = wanted.ok_or_else(|| Problem::invalid("the file is too large for this machine"))?;
            let budget = &service.downloads;
            let grant = budget.grant(photo.bytes.min(budget.bytes())).await?;
            let bytes = service.system.blobs.get(&Key::Original(photo.original)).await?;
            paced(bytes.slice(start..end.min(bytes.len())), grant, service.settings.idle)
        }
    };
    let mut response = (selection.status(), body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(photo.format)));
    headers.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    headers.insert(header::CONTENT_DISPOSITION, attachment(&file_name(&photo)));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    Ok(described(response, &selection, photo.bytes))
}

/// With the range that was selected.
fn described(mut response: Response, selection: &Selection, length: u64) -> Response {
    if let Some(range) = selection.content_range(length).and_then(|range| HeaderValue::try_from(range).ok()) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    response
}

/// Whether a list of entity tags names this one, which is strong (RFC 9110, section 13.1.2).
fn is_listed(list: &HeaderValue, etag: &str) -> bool {
    let list = list.to_str().unwrap_or_default();
    list.trim() == "*" || list.split(',').any(|one| one.trim().trim_start_matches("W/") == etag)
}

/// The photo's name, with the extension of what it is where it has none.
fn file_name(photo: &Photo) -> String {
    let name = photo.name();
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains('.') { last.to_owned() } else { format!("{last}.{}", photo.format.extension()) }
}

fn media_type(format: Format) -> &'static str {
    match format {
        Format::Jpeg => "image/jpeg",
        Format::Png => "image/png",
        Format::Tiff => "image/tiff",
        Format::WebP => "image/webp",
        Format::Heif => "image/heic",
        Format::Avif => "image/avif",
        Format::Raw => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_its_list() {
        for (list, is_there) in [("*", true), ("\"a\"", true), ("\"b\", W/\"a\"", true), ("\"b\"", false), ("a", false)]
        {
            assert_eq!(is_listed(&HeaderValue::from_static(list), "\"a\""), is_there, "{list}");
        }
    }
}
