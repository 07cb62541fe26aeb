//! What `Upload-Metadata` says of a photo.

use procession_domain::ContentHash;

use super::{coding::Coding, headers::malformed, upload::Target};
use crate::{Problem, Result};

/// No file system has longer paths that people made, and no list has room for them.
const LONGEST_NAME_BYTES: usize = 1_024;

impl Target {
    /// Reads the metadata of a photo.
    ///
    /// # Errors
    /// 422 naming what is missing or wrong.
    pub(super) fn read(metadata: &[(&str, Vec<u8>)]) -> Result<Self> {
        let text = |key: &str| -> Result<Option<&str>> {
            let Some((_, value)) = metadata.iter().find(|(known, _)| *known == key) else { return Ok(None) };
            let text = std::str::from_utf8(value).map_err(|_| Problem::invalid(format!("{key}: use UTF-8")))?;
            Ok((!text.is_empty()).then_some(text))
        };
        let wanted = |key: &str| -> Result<&str> {
            text(key)?.ok_or_else(|| Problem::invalid(format!("Upload-Metadata has no {key}")))
        };
        let number = |key: &str| -> Result<u64> {
            wanted(key)?.parse().map_err(|_| malformed(format!("Upload-Metadata: {key} is not a whole number")))
        };
        let coding = match text("coding")? {
            None => None,
            Some("zstd") => Some(Coding::Zstd { length: number("length")? }),
            Some("lepton") => {
                let edge = |key: &str| number(key).map(|edge| u32::try_from(edge).unwrap_or(u32::MAX));
                Some(Coding::Lepton { length: number("length")?, width: edge("width")?, height: edge("height")? })
            }
            Some(other) => return Err(Problem::invalid(format!("coding {other:?}: there are zstd and lepton"))),
        };
        // A browser that was given a folder tells the path apart from the name, and "null" where there is none.
        let path = text("relativePath")?.filter(|path| *path != "null");
        Ok(Self {
            gallery: wanted("gallery")?.parse()?,
            name: safe_name(path.map_or_else(|| wanted("filename"), Ok)?)?,
            coding,
            hash: text("hash")?.map(str::parse::<ContentHash>).transpose()?,
        })
    }
}

/// A path that leads nowhere but down, in any alphabet: a photo is not refused because of what somebody called it, so what
/// could do harm goes.
fn safe_name(given: &str) -> Result<String> {
    if given.len() > LONGEST_NAME_BYTES {
        let bytes = given.len();
        return Err(Problem::invalid(format!("filename has {bytes} bytes; use at most {LONGEST_NAME_BYTES}")));
    }
    let is_drive = |part: &str| part.len() == 2 && part.ends_with(':');
    let parts: Vec<String> = given
        .split(['/', '\\'])
        .map(|part| {
            part.chars().map(|character| if is_harmful(character) { '_' } else { character }).collect::<String>()
        })
        .map(|part| part.trim().to_owned())
        .filter(|part| !matches!(part.as_str(), "" | "." | "..") && !is_drive(part))
        .collect();
    if parts.is_empty() {
        return Err(Problem::invalid("filename names no file"));
    }
    Ok(parts.join("/"))
}

/// What turns a terminal's or a page's text upside down: controls, and marks of direction.
fn is_harmful(character: char) -> bool {
    let is_direction =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_separator = matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}');
    character.is_control() || is_direction || is_separator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks_are_made_harmless_and_alphabets_kept() {
        for (given, kept) in [
            ("IMG_0001.jpg", "IMG_0001.jpg"),
            ("card 1/DCIM/IMG_0001.jpg", "card 1/DCIM/IMG_0001.jpg"),
            ("../../etc/passwd", "etc/passwd"),
            ("/etc/./passwd", "etc/passwd"),
            ("C:\\Users\\Anna\\1.jpg", "Users/Anna/1.jpg"),
            ("..\\..\\1.jpg", "1.jpg"),
            ("a\0b\u{1b}[31m.jpg", "a_b_[31m.jpg"),
            ("photo\u{202e}gpj.exe", "photo_gpj.exe"),
            ("Свадьба/婚礼/زفاف/👰🏽.jpg", "Свадьба/婚礼/زفاف/👰🏽.jpg"),
            (".. /x.jpg", "x.jpg"),
        ] {
            assert_eq!(safe_name(given).unwrap(), kept, "{given:?}");
        }
        for nothing in ["", "/", "..", "../..", "C:\\", " "] {
            assert_eq!(safe_name(nothing).unwrap_err().status, 422, "{nothing:?}");
        }
        assert!(safe_name(&"x".repeat(10_000)).unwrap_err().detail.contains("10000 bytes"));
    }

    #[test]
    fn metadata_names_what_is_missing() {
        let pairs = |pairs: &[(&'static str, &str)]| {
            pairs.iter().map(|(key, value)| (*key, value.as_bytes().to_vec())).collect::<Vec<_>>()
        };
        let gallery = ("gallery", "0123456789abcdef01234567");
        let name = ("filename", "1.jpg");
        let target = Target::read(&pairs(&[gallery, name, ("relativePath", "card/1.jpg")])).unwrap();
        assert_eq!((target.name.as_str(), target.coding), ("card/1.jpg", None));
        for (metadata, says) in [
            (&[name][..], "gallery"),
            (&[gallery], "filename"),
            (&[("gallery", "anna"), name], "gallery id"),
            (&[gallery, name, ("coding", "gzip")], "zstd"),
            (&[gallery, name, ("coding", "zstd")], "length"),
            (&[gallery, name, ("coding", "lepton"), ("length", "9")], "width"),
            (&[gallery, name, ("hash", "12")], "content hash"),
        ] {
            let problem = Target::read(&pairs(metadata)).unwrap_err();
            assert!(problem.detail.contains(says), "{metadata:?}: {}", problem.detail);
        }
        assert_eq!(
            Target::read(&[("filename", vec![0xff]), ("gallery", b"0123456789abcdef01234567".to_vec())])
                .unwrap_err()
                .status,
            422
        );
    }
}
