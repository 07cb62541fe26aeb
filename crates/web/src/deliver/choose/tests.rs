use axum::http::{HeaderMap, HeaderName, HeaderValue};
use procession_domain::ContentHash;
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use OutputFormat::{Avif, Jpeg, WebP};

fn image(name: &str, format: OutputFormat, width: u32, height: u32) -> Variant {
    let bytes = u64::from(width) * u64::from(height) / 8;
    let hash = ContentHash::of(format!("{name} {format:?}").as_bytes());
    Variant { name: name.to_owned(), format, width, height, bytes, hash, crc32: None }
}

const PHOTO: (u32, u32) = (6_000, 4_000);

/// What the usual pipelines make of a photo, and AVIF of one size.
fn usual() -> Vec<Variant> {
    let mut images = vec![image("full", Jpeg, 6_000, 4_000), image("1024", Avif, 1_024, 683)];
    for (name, width, height) in [("2048", 2_048, 1_365), ("1024", 1_024, 683), ("512", 512, 341)] {
        images.extend([Jpeg, WebP].map(|format| image(name, format, width, height)));
    }
    images.extend([image("square-256", Jpeg, 256, 256), image("crop-4x5", Jpeg, 1_080, 1_350)]);
    images
}

fn headers(given: &[(&str, &str)]) -> HeaderMap {
    let pair =
        |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    given.iter().map(pair).collect()
}

fn chosen(given: &[(&str, &str)], asked: Option<u32>) -> String {
    let images = usual();
    let choice = choose(PHOTO, &images, &Hints::read(&headers(given), asked)).unwrap();
    format!("{}.{}", choice.variant.name, choice.variant.format.extension())
}

const CHROME: &str = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";

#[test]
fn formats_follow_accept() {
    let at_1024 = |accept: &str| chosen(&[("accept", accept), ("width", "1000")], None);
    assert_eq!(at_1024(CHROME), "1024.avif");
    assert_eq!(at_1024("image/webp,*/*"), "1024.webp");
    assert_eq!(at_1024("image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"), "1024.jpg");
    assert_eq!(at_1024("*/*"), "1024.jpg");
    assert_eq!(at_1024("image/avif;q=0,image/webp;q=0.5,image/*;q=0.4"), "1024.webp");
    assert_eq!(at_1024("image/avif;q=0.3, IMAGE/WEBP;q=0.3 , image/jpeg"), "1024.jpg");
    assert_eq!(at_1024("image/webp;q=nonsense"), "1024.jpg", "what is malformed counts for nothing");
    assert_eq!(at_1024(""), "1024.jpg");
    assert_eq!(chosen(&[("width", "1000")], None), "1024.jpg", "who says nothing gets JPEG");
    assert_eq!(at_1024("text/html"), "1024.jpg", "rather something than nothing");
    // The format that is liked is not there in the size that is needed, and the next is.
    assert_eq!(chosen(&[("accept", CHROME), ("width", "1025")], None), "2048.webp");
    assert_eq!(chosen(&[("accept", "image/webp"), ("width", "3000")], None), "2048.webp");
    assert_eq!(chosen(&[("accept", CHROME), ("width", "3000")], None), "2048.webp", "the full size is not for screens");
}

#[test]
fn sizes_follow_the_hints() {
    let size = |given: &[(&str, &str)]| chosen(given, None).trim_end_matches(".jpg").to_owned();
    assert_eq!(size(&[]), "2048", "what is sharp on most screens");
    assert_eq!(size(&[("dpr", "1")]), "1024");
    assert_eq!(size(&[("sec-ch-dpr", "1"), ("dpr", "3")]), "1024", "the new name counts");
    assert_eq!(size(&[("sec-ch-dpr", "much"), ("dpr", "3")]), "2048");
    assert_eq!(size(&[("sec-ch-viewport-width", "400"), ("sec-ch-dpr", "1")]), "512");
    assert_eq!(size(&[("viewport-width", "1920"), ("dpr", "2")]), "2048");
    assert_eq!(size(&[("sec-ch-width", "512")]), "512");
    assert_eq!(size(&[("sec-ch-width", "513"), ("sec-ch-dpr", "1")]), "1024", "a width has the density in it");
    assert_eq!(size(&[("width", "4000")]), "2048", "the full size is for prints");
    assert_eq!(size(&[("width", "-3")]), "2048");
    assert_eq!(size(&[("width", "99999999999")]), "2048");
}

#[test]
fn who_saves_gets_less() {
    let size = |given: &[(&str, &str)]| chosen(given, None).trim_end_matches(".jpg").to_owned();
    assert_eq!(size(&[("width", "2048"), ("save-data", "on")]), "1024");
    assert_eq!(size(&[("width", "2048"), ("save-data", "off")]), "2048");
    assert_eq!(size(&[("width", "2048"), ("ect", "3g")]), "1024");
    assert_eq!(size(&[("width", "2048"), ("ect", "slow-2g"), ("save-data", "on")]), "512");
    assert_eq!(size(&[("ect", "2g")]), "512");
    assert_eq!(size(&[("ect", "4g")]), "2048");
    assert_eq!(chosen(&[("save-data", "on")], Some(2_048)), "2048.jpg", "the page knows what it asks for");
}

#[test]
fn a_crop_is_never_chosen_and_a_small_photo_has_one_size() {
    let crops = [image("square-256", Jpeg, 256, 256), image("crop-4x5", Jpeg, 1_080, 1_350)];
    assert_eq!(choose(PHOTO, &crops, &Hints::read(&HeaderMap::new(), None)), None);
    let large = [image("full", Jpeg, 6_000, 4_000), image("4096", Jpeg, 4_096, 2_731)];
    let choice = choose(PHOTO, &large, &Hints::read(&headers(&[("width", "6000")]), None)).unwrap();
    assert_eq!(choice.variant.name, "4096", "rather that than nothing");
    let small = ["2048", "1024", "512"].map(|name| image(name, Jpeg, 400, 300));
    let choice = choose((400, 300), &small, &Hints::read(&headers(&[("width", "2000")]), None)).unwrap();
    assert!(choice.vary.is_empty(), "{:?}", choice.vary);
    // A photo that stands is not taken to be as wide as the window.
    let standing = ["512", "1024", "2048"].map(|name| {
        let edge: u32 = name.parse().unwrap();
        image(name, Jpeg, edge * 2 / 3, edge)
    });
    let choice = choose((4_000, 6_000), &standing, &Hints::read(&headers(&[("dpr", "1")]), None)).unwrap();
    assert_eq!(choice.variant.name, "1024");
}

#[test]
fn only_what_can_matter_is_in_vary() {
    let vary = |images: &[Variant], asked| {
        choose(PHOTO, images, &Hints::read(&HeaderMap::new(), asked)).unwrap().vary.join(", ")
    };
    let pixels = "Sec-CH-Width, Width, Sec-CH-Viewport-Width, Viewport-Width, Sec-CH-DPR, DPR, Save-Data, ECT";
    assert_eq!(vary(&usual(), None), format!("Accept, {pixels}"));
    assert!(vary(&usual(), None).len() <= 128, "nginx caches nothing beyond that");
    assert_eq!(vary(&usual(), Some(800)), "Accept");
    assert_eq!(vary(&[image("1024", Jpeg, 1_024, 683)], None), "");
    assert_eq!(vary(&[image("1024", Jpeg, 1_024, 683), image("512", Jpeg, 512, 341)], None), pixels);
    assert_eq!(vary(&[image("4096", Jpeg, 4_096, 2_731), image("full", Jpeg, 6_000, 4_000)], None), "");
    assert_eq!(vary(&[image("1024", Jpeg, 1_024, 683), image("1024", WebP, 1_024, 683)], None), "Accept");
}

#[test]
fn a_reason_is_given() {
    let images = usual();
    let hints = Hints::read(&headers(&[("width", "900"), ("save-data", "on")]), None);
    let choice = choose(PHOTO, &images, &hints).unwrap();
    assert_eq!(choice.reason.to_string(), "the client shows it 900 px wide: a width of 450 px is enough");
}

/// Headers that are read, and what clients write in them.
const SAID: [(&str, &[&str]); 9] = [
    (
        "Accept",
        &[
            CHROME,
            "image/webp,*/*",
            "*/*",
            "image/jpeg",
            "image/avif;q=0.2,image/webp;q=0.9",
            "text/html",
            "image/avif",
        ],
    ),
    ("Sec-CH-Width", &["1", "300", "512", "513", "1024", "1400", "2048", "3000", "5000", "x"]),
    ("Width", &["1", "300", "512", "513", "1024", "1400", "2048", "3000", "5000", "x"]),
    ("Sec-CH-Viewport-Width", &["1", "320", "1000", "1920", "0"]),
    ("Viewport-Width", &["1", "320", "1000", "1920", "0"]),
    ("Sec-CH-DPR", &["0.1", "1", "1.5", "2", "3", "-"]),
    ("DPR", &["0.1", "1", "1.5", "2", "3", "-"]),
    ("Save-Data", &["on", "off"]),
    ("ECT", &["slow-2g", "2g", "3g", "4g"]),
];

fn some_images() -> impl Strategy<Value = Vec<Variant>> {
    let size =
        select(vec![(6_000, 4_000), (4_096, 2_731), (2_048, 1_365), (1_024, 683), (512, 341), (256, 256), (3, 2)]);
    vec((size, select(vec![Jpeg, WebP, Avif])), 1..8).prop_map(|images| {
        let named = images.into_iter().zip(0..);
        named.map(|(((width, height), format), number)| image(&number.to_string(), format, width, height)).collect()
    })
}

fn some_request() -> impl Strategy<Value = Vec<Option<&'static str>>> {
    SAID.map(|(_, values)| option::of(select(values.to_vec()))).to_vec()
}

fn request(said: &[Option<&'static str>]) -> HeaderMap {
    let given: Vec<_> = SAID.iter().zip(said).filter_map(|((name, _), value)| Some((*name, (*value)?))).collect();
    headers(&given)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// A cache that keeps an answer under what `Vary` names never gives anybody what the origin would not.
    #[test]
    fn vary_is_sound(
        images in some_images(), one in some_request(), other in some_request(), asked in option::of(1..3_000_u32),
    ) {
        let Some(choice) = choose(PHOTO, &images, &Hints::read(&request(&one), asked)) else { return Ok(()) };
        // The other request, but for what the answer says it depends on.
        let mixed: Vec<_> = SAID.iter().zip(one.iter().zip(&other))
            .map(|((name, _), (one, other))| if choice.vary.contains(name) { *one } else { *other }).collect();
        let again = choose(PHOTO, &images, &Hints::read(&request(&mixed), asked)).unwrap();
        prop_assert_eq!(choice.variant, again.variant);
        prop_assert_eq!(choice.vary, again.vary);
    }

    /// The order in which the images stand decides nothing but which of equals is taken.
    #[test]
    fn the_choice_is_the_same_in_any_order(images in some_images(), said in some_request()) {
        let hints = Hints::read(&request(&said), None);
        let mut turned = images.clone();
        turned.reverse();
        let size = |images: &[Variant]| {
            choose(PHOTO, images, &hints).map(|choice| (choice.variant.width, choice.variant.format, choice.vary))
        };
        prop_assert_eq!(size(&images), size(&turned));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every header in `Vary` earns its place: there are two requests that differ in it alone and get different images.
    #[test]
    fn vary_is_minimal(images in some_images()) {
        let choice = |headers: &HeaderMap| choose(PHOTO, &images, &Hints::read(headers, None)).map(|choice| choice.variant);
        let Some(any) = choose(PHOTO, &images, &Hints::read(&HeaderMap::new(), None)) else { return Ok(()) };
        for name in any.vary {
            let (_, values) = SAID.iter().find(|(known, _)| *known == name).unwrap();
            // Beside a width the others are silent, beside nothing each of them speaks; and some formats are one size alone.
            // A window of 20 pixels is for images that are smaller than any guess.
            let widths = ["none", "1", "2", "4", "600", "1030", "2050", "4100", "7000"];
            let formats = ["*/*", "image/avif,image/webp,image/jpeg"];
            let windows = ["none", "20"];
            let contexts = widths.iter().flat_map(|width| {
                formats.iter().flat_map(move |format| {
                    windows.map(|window| headers(&[("width", width), ("accept", format), ("viewport-width", window)]))
                })
            });
            let matters = contexts.into_iter().any(|context| {
                let with = |value: &str| {
                    let mut headers = context.clone();
                    headers.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
                    choice(&headers)
                };
                values.iter().any(|value| with(value) != choice(&context))
            });
            prop_assert!(matters, "{} never changes the choice", name);
        }
    }
}
