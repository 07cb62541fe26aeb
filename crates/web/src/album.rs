//! The gallery page: a shell that is readable at once, and the album as compact data from which the scripts draw the rest.

pub(crate) mod data;
pub(crate) mod details;
pub(crate) mod shell;
pub(crate) mod words;

use procession_domain::{ContentHash, album::Album};

use data::{Numbered, PageData};

const STYLE: &str = concat!(include_str!("pages/base.css"), include_str!("album/page.css"));
const ICONS: &str = include_str!("album/icons.svg");

/// One module: the files share its scope, each uses only what stands before it or is called after start.
const SCRIPT: &str = concat!(
    include_str!("album/data.js"),
    include_str!("album/thumbhash.js"),
    include_str!("album/layout.js"),
    include_str!("album/grid.js"),
    include_str!("album/timeline.js"),
    include_str!("album/guests.js"),
    include_str!("album/zoom.js"),
    include_str!("album/lightbox.js"),
    include_str!("album/main.js"),
);

/// The complete `index.html` of a gallery, to stand beside the files that `album` names: style, scripts and data are in
/// it, nothing is fetched but the photos. The same album gives the same bytes.
pub fn album_page(album: &Album) -> String {
    let numbered = Numbered::of(album, &[]);
    let page = PageData::of(&numbered);
    let json = script_safe(&serde_json::to_string(&page).unwrap_or_else(|_| "null".to_owned()));
    // A nonce that the album's own content cannot contain: file names are part of what is hashed.
    let nonce = ContentHash::of(json.as_bytes()).to_string();
    shell::document(
        album,
        &numbered,
        &page,
        &shell::Parts { style: STYLE, icons: ICONS, script: SCRIPT, data: &json, nonce: &nonce },
    )
}

/// JSON that can stand inside a script element: no character of it can end the element or open a comment, whatever the
/// strings in it say. It stays the same JSON.
fn script_safe(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            other => safe.push(other),
        }
    }
    safe
}

/// A relative path as a URL: every part percent-encoded, so that a `#`, a comma or a scheme in a file name is only a name.
fn url_of(path: &str) -> String {
    let mut url = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => url.push(char::from(byte)),
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests;
