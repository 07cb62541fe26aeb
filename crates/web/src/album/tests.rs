use std::time::Duration;

use super::*;

#[path = "../../examples/sample_album/album.rs"]
mod sample;

/// The parsed data of a page.
fn data_of(page: &str) -> serde_json::Value {
    let start = page.find("type=\"application/json\"").unwrap();
    let json = &page[start + page[start..].find('>').unwrap() + 1..];
    serde_json::from_str(&json[..json.find("</script>").unwrap()]).unwrap()
}

#[test]
fn the_same_album_gives_the_same_bytes() {
    assert_eq!(album_page(&sample::sample(30)), album_page(&sample::sample(30)));
    assert_ne!(album_page(&sample::sample(30)), album_page(&sample::sample(31)));
}

#[test]
fn a_file_name_is_never_markup() {
    let album = sample::sample(12);
    let page = album_page(&album);
    assert_eq!(page.matches("</script>").count(), 2, "the data and the module, nothing else");
    assert!(!page.contains("<img src=x"));
    assert!(!page.contains("<b>empty"), "a failure's name is text");
    assert!(page.contains("<title>Anna &amp; Ben &lt;3</title>"));
    let data = data_of(&page);
    for (at, name) in sample::HOSTILE_NAMES.iter().enumerate() {
        assert_eq!(data["photos"][at]["name"], *name, "and yet it is shown as it is");
    }
}

#[test]
fn script_safe_json_is_the_same_json() {
    let hostile = serde_json::json!({ "name": "</script><!-- & \u{2028}\u{2029} \u{1f470} \"" });
    let safe = script_safe(&hostile.to_string());
    assert!(!safe.contains(['<', '>', '&', '\u{2028}', '\u{2029}']));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), hostile);
}

#[test]
fn a_path_is_a_url_that_means_the_same_file() {
    assert_eq!(url_of("2048/IMG_0001.jpg"), "2048/IMG_0001.jpg");
    assert_eq!(url_of("a b,c#d?e%20.jpg"), "a%20b%2Cc%23d%3Fe%2520.jpg");
    assert_eq!(url_of("javascript:alert(1)"), "javascript%3Aalert%281%29");
    assert_eq!(url_of("é"), "%C3%A9");
}

#[test]
fn every_file_can_be_found_again_from_the_data() {
    let mut album = sample::sample(40);
    album.photos[5].files[1].path = "elsewhere/quite other.webp".to_owned();
    let data = data_of(&album_page(&album));
    for (photo, original) in data["photos"].as_array().unwrap().iter().zip(&album.photos) {
        let name = photo["name"].as_str().unwrap();
        let own_stem = name.rsplit('/').next().unwrap();
        let own_stem = &own_stem[..own_stem.rfind('.').unwrap_or(own_stem.len())];
        let stem = photo["stem"].as_str().unwrap_or(own_stem);
        let files = photo["files"].as_array().unwrap();
        let paths: Vec<String> = files
            .chunks(4)
            .map(|file| {
                let kind = &data["kinds"][usize::try_from(file[0].as_u64().unwrap()).unwrap()];
                let (before, after) = (kind["before"].as_str().unwrap(), kind["after"].as_str().unwrap());
                if after == "\0" { before.to_owned() } else { format!("{before}{stem}{after}") }
            })
            .collect();
        let expected: Vec<String> = original.files.iter().map(|file| file.path.clone()).collect();
        assert_eq!(paths, expected);
    }
}

#[test]
fn every_photo_is_in_exactly_one_moment_whatever_the_album_says() {
    let mut album = sample::sample(50);
    album.moments.remove(2);
    let twice = album.moments[0].photos[0];
    album.moments[1].photos.push(twice);
    let data = data_of(&album_page(&album));
    let mut shown: Vec<u64> = data["moments"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|moment| moment["photos"].as_array().unwrap().iter().map(|at| at.as_u64().unwrap()))
        .collect();
    shown.sort_unstable();
    assert_eq!(shown, (0..50).collect::<Vec<u64>>());
    assert_eq!(data["moments"].as_array().unwrap().last().unwrap()["title"], "More photos");
}

#[test]
fn times_are_the_venues_wall_clock() {
    let data = data_of(&album_page(&sample::sample(3)));
    // 2026-06-20T10:00:00.25 in Rome, counted as if UTC.
    assert_eq!(data["photos"][0]["taken"], 1_781_949_600_250_i64);
}

#[test]
fn the_best_are_sharp_and_nobody_blinks() {
    let album = sample::sample(100);
    let data = data_of(&album_page(&album));
    let best: Vec<usize> = (0..100).filter(|&at| data["photos"][at]["best"] == true).collect();
    assert!(best.iter().all(|&at| album.photos[at].analysis.sharpness.unwrap().score >= 0.25));
    assert!(!best.contains(&30), "sharpness 0.10");
    assert!(!best.contains(&90), "sharpness 0.30, but a blink");
    assert!(best.contains(&4), "sharpness 0.48");
}

#[test]
fn nothing_biometric_and_no_place_is_on_the_page() {
    let mut album = sample::sample(6);
    let place = procession_domain::capture::Gps { latitude: 43.7695, longitude: 11.2558, altitude_m: None };
    album.photos[0].capture.gps = Some(place);
    album.photos[0].capture.camera_serial = Some("SERIAL-77".to_owned());
    let page = album_page(&album);
    for secret in ["embedding", "43.7695", "landmarks", "SERIAL-77"] {
        assert!(!page.contains(secret), "{secret}");
    }
}

#[test]
fn a_hidden_guest_is_not_on_the_page() {
    let mut album = sample::sample(40);
    let shown = data_of(&album_page(&album))["guests"].as_array().unwrap().len();
    "Somebody".clone_into(&mut album.guests[1].name);
    album.guests[1].hidden = true;
    let page = album_page(&album);
    assert!(!page.contains("Somebody"));
    assert_eq!(data_of(&page)["guests"].as_array().unwrap().len(), shown - 1);
}

#[test]
fn the_promise_is_told_in_words() {
    let mut album = sample::sample(1);
    let told = |album: &Album| words::delivery(album, &data::zone_of(album)).text;
    assert_eq!(told(&album), "On time, 19 min early");
    album.finished_at = Some(sample::seconds_after_opening(&album, 1800 + 3720));
    assert_eq!(told(&album), "Late by 1 h 2 min");
    album.finished_at = None;
    assert_eq!(told(&album), "Due 20 June 2026, 22:40");
}

#[test]
fn numbers_are_told_in_words() {
    assert_eq!(words::count(1, "photo"), "1 photo");
    assert_eq!(words::count(12_345, "photo"), "12,345 photos");
    assert_eq!(words::count(123, "photo"), "123 photos");
    assert_eq!(words::span(Duration::from_secs(59)), "59 s");
    assert_eq!(words::span(Duration::from_secs(83_520)), "23 h 12 min");
    assert_eq!(words::span(Duration::from_secs(90_000)), "1 d 1 h");
}

#[test]
fn an_empty_gallery_is_a_page_too() {
    let mut album = sample::sample(0);
    album.wedding = None;
    album.consent.faces = false;
    album.failures.clear();
    album.notices.clear();
    let page = album_page(&album);
    assert!(page.contains("0 photos"));
    assert!(page.contains("grouped only with consent"));
    assert!(!page.contains("id=\"failures\""));
}

#[test]
fn the_documents_name_every_field_of_gallery_json() {
    let mut album = sample::sample(4);
    let place = procession_domain::capture::Gps { latitude: 0.0, longitude: 0.0, altitude_m: None };
    album.photos[0].capture.gps = Some(place);
    let written = serde_json::to_value(&album).unwrap();
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../../../docs/gallery.schema.json")).unwrap();
    let manual = include_str!("../../../../docs/gallery-json.md");
    check(&written, &schema, &schema["$defs"], manual, "album");
}

/// Checks a value against the part of JSON Schema that the document uses: type, properties (all of them, no others),
/// required, items, enum, $ref; and that the manual names each property.
fn check(
    value: &serde_json::Value,
    schema: &serde_json::Value,
    definitions: &serde_json::Value,
    manual: &str,
    at: &str,
) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.strip_prefix("#/$defs/").unwrap();
        return check(value, &definitions[name], definitions, manual, at);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let choice = choices.iter().find(|choice| (choice["type"] == "null") == value.is_null());
        return check(value, choice.unwrap_or_else(|| panic!("{at}: nothing fits {value}")), definitions, manual, at);
    }
    let own_type = match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "boolean",
        serde_json::Value::Number(number) if number.is_f64() => "number",
        serde_json::Value::Number(_) => "integer",
        serde_json::Value::String(_) => "string",
        serde_json::Value::Array(_) => "array",
        serde_json::Value::Object(_) => "object",
    };
    let allowed = match &schema["type"] {
        serde_json::Value::Array(types) => types.iter().filter_map(|name| name.as_str()).collect(),
        name => vec![name.as_str().unwrap_or_else(|| panic!("{at}: has no type in the schema"))],
    };
    let fits = allowed.contains(&own_type) || (own_type == "integer" && allowed.contains(&"number"));
    assert!(fits, "{at}: is {own_type}, the schema says {allowed:?}");
    if let Some(values) = schema["enum"].as_array() {
        assert!(values.contains(value), "{at}: {value} is not in the schema");
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check(item, &schema["items"], definitions, manual, &format!("{at}[{index}]"));
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        let property = schema["properties"].get(name).unwrap_or_else(|| panic!("{at}.{name} is not in the schema"));
        assert!(manual.contains(&format!("`{name}`")), "{at}.{name} is not in docs/gallery-json.md");
        check(inner, property, definitions, manual, &format!("{at}.{name}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(name.as_str().unwrap()).is_some(), "{at}: lacks {name}");
    }
}
