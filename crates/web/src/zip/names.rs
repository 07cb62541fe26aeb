//! Names that can be unpacked anywhere. What is done to them is said at [`super::Archive::new`].

use std::collections::{HashMap, HashSet};

use icu_normalizer::ComposingNormalizerBorrowed;

use super::Entry;

/// A part's bytes before its extension. File systems end at 255, of which extension and number need some.
const LONGEST_STEM: usize = 200;
/// What is longer is not taken for an extension.
const LONGEST_EXTENSION: usize = 16;
/// 16 parts of 217 bytes stay below the 4 KiB that Linux takes, with room for where it is unpacked.
const MOST_PARTS: usize = 16;

/// Makes every name safe, and then all of them different.
pub(super) fn make_safe(entries: &mut [Entry]) {
    entries.iter_mut().for_each(|entry| entry.name = safe(&entry.name));
    let mut taken: HashSet<String> = entries.iter().flat_map(|entry| folders(&entry.name)).map(folded).collect();
    // Goes on where the last namesake stopped: thousands of the same name take no longer than others.
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for Entry { name, .. } in entries {
        let wanted = folded(name);
        if taken.insert(wanted.clone()) {
            continue;
        }
        let number = numbers.entry(wanted).or_insert(1);
        *name = loop {
            *number += 1;
            let candidate = numbered(name, *number);
            if taken.insert(folded(&candidate)) {
                break candidate;
            }
        };
    }
}

fn safe(name: &str) -> String {
    let name = ComposingNormalizerBorrowed::new_nfc().normalize(name);
    let parts: Vec<String> = name.split('/').map(safe_part).filter(|part| !part.is_empty()).collect();
    match &parts[parts.len().saturating_sub(MOST_PARTS)..] {
        [] => "unnamed".to_owned(),
        last => last.join("/"),
    }
}

/// One folder's or file's name; empty if nothing of it can stay.
fn safe_part(part: &str) -> String {
    let part: String = part.chars().map(|character| if is_safe(character) { character } else { '_' }).collect();
    let (stem, extension) = split_extension(trimmed(&part));
    let part = format!("{}{extension}", &stem[..stem.floor_char_boundary(LONGEST_STEM)]);
    // Again, because the cut may have laid bare a dot; and only then, because "CON" may have been.
    let part = trimmed(&part);
    if is_device(part) { format!("_{part}") } else { part.to_owned() }
}

/// Windows drops these, and then looks for another file.
fn trimmed(part: &str) -> &str {
    part.trim_end_matches(['.', ' '])
}

fn is_safe(character: char) -> bool {
    let forbidden = matches!(character, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') || character.is_control();
    // Line and paragraph ends; what embeds, overrides and isolates a direction makes `gpj.exe` look like `exe.jpg`.
    let misleading = matches!(character, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    !forbidden && !misleading
}

/// Whether Windows opens a device of this name instead of a file, whatever the extension.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let port = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || port.is_some_and(|number| matches!(number, "¹" | "²" | "³") || matches!(number.as_bytes(), [b'0'..=b'9']))
}

/// The name with a number before its extension.
fn numbered(name: &str, number: usize) -> String {
    let (stem, extension) = split_extension(name);
    format!("{stem} ({number}){extension}")
}

/// The name up to its last dot, and from there on.
fn split_extension(name: &str) -> (&str, &str) {
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    match name.rfind('.') {
        Some(dot) if dot > start && name.len() - dot <= LONGEST_EXTENSION => name.split_at(dot),
        _ => (name, ""),
    }
}

/// Every folder that the name makes.
fn folders(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/').map(|(slash, _)| &name[..slash])
}

/// Names that any file system takes for the same give the same. By way of upper case: some letters meet only there.
fn folded(name: &str) -> String {
    let lower: String = name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&lower).into_owned()
}
