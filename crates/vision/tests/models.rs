//! The real models on real photos.

#![allow(clippy::unwrap_used, reason = "clippy allows it in the tests only, not in what they share")]

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use procession_domain::{
    ContentHash, GalleryId, PhotoId,
    analysis::{Analysis, Region},
};
use procession_pixel::{CpuDevice, Device, Extent, Limits, Rgb8, Source, View, probe};
use procession_vision::{Ask, Cache, GuestCandidate, State, Vision, group_guests, sharpness};

/// Loaded once. There is no way around it: a test that lacks the models fails.
static VISION: LazyLock<Vision> = LazyLock::new(|| {
    let cache = Cache::new(Cache::default_dir());
    Vision::load(&cache, 1).unwrap_or_else(|error| {
        panic!("{error}\nThese tests need the models: run them with `cargo xtask test`, which fetches them first")
    })
});

const FACES: Ask = Ask { faces: true, expressions: false, embeddings: false, scene: false };
const GUESTS: Ask = Ask { embeddings: true, ..FACES };
const SCENE: Ask = Ask { faces: false, expressions: false, embeddings: false, scene: true };
const WHOLE: Region = Region { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };

fn photo(name: &str) -> View {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let bytes: bytes::Bytes = std::fs::read(path).unwrap().into();
    let probe = probe(&bytes, &Limits::default()).unwrap();
    let extent = Extent { long_edge: 2048, full: false };
    let decoded = CpuDevice::new(1).decode(vec![(Source { bytes, probe }, extent)]).pop().unwrap();
    decoded.unwrap_or_else(|error| panic!("{name}: {error}")).view
}

/// A grey wall of this size with the photo `name`, scaled to a height of `tall`, at each of `places`.
fn wall(width: u32, height: u32, name: &str, tall: u32, places: &[(u32, u32)]) -> View {
    let view = photo(name);
    let (w, h) = view.photo_size();
    let small = view.rgb(WHOLE, w * tall / h, tall);
    let mut data = vec![110; (width * height * 3) as usize];
    for &(x, y) in places {
        for row in 0..small.height {
            let from = (row * small.width * 3) as usize;
            let to = (((y + row) * width + x) * 3) as usize;
            let count = (small.width * 3) as usize;
            data[to..to + count].copy_from_slice(&small.data[from..from + count]);
        }
    }
    View::of_rgb(&Rgb8 { width, height, data })
}

fn distance(a: &Analysis, b: &Analysis) -> f32 {
    let embedding = |analysis: &Analysis| analysis.faces.as_ref().unwrap()[0].embedding.clone().unwrap();
    let (a, b) = (embedding(a), embedding(b));
    assert_eq!((a.len(), b.len()), (128, 128));
    a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
}

#[test]
fn models_are_known_by_name_without_being_loaded() {
    assert_eq!(Vision::identify(&Cache::new(Cache::default_dir())).unwrap(), VISION.identity());
}

#[test]
fn the_cache_is_complete_and_fetching_again_says_nothing() {
    let cache = Cache::new(Cache::default_dir());
    LazyLock::force(&VISION);
    assert!(cache.status().iter().all(|(_, state)| *state == State::Ready));
    cache.fetch(&mut |line| panic!("{line}")).unwrap();
}

#[test]
fn portraits_have_one_face_and_a_cup_of_coffee_has_none() {
    for name in ["astronaut", "president-1", "president-2", "president-3", "vice-president"] {
        let faces = VISION.analyze(&photo(&format!("{name}.jpg")), FACES).unwrap().faces.unwrap();
        assert_eq!(faces.len(), 1, "{name}: {faces:?}");
        let Region { x, y, width, height } = faces[0].region;
        let [[left_eye, eyes], [right_eye, _], [_, nose], [_, mouth], _] = faces[0].landmarks;
        assert!(x < left_eye && left_eye < right_eye && right_eye < x + width, "{name}: {faces:?}");
        assert!(y < eyes && eyes < nose && nose < mouth && mouth < y + height, "{name}: {faces:?}");
        assert!(faces[0].score > 0.7 && faces[0].embedding.is_none(), "{name}: {faces:?}");
    }
    assert_eq!(VISION.analyze(&photo("coffee.jpg"), FACES).unwrap().faces, Some(vec![]));
}

/// Region, eyes, nose and corners of the mouth.
type Seen = ([f32; 4], [[f32; 2]; 5]);

/// What the detector saw of these photos when it computed in floats.
const IN_FLOATS: [(&str, Seen); 5] = [
    (
        "astronaut",
        (
            [0.3544, 0.1141, 0.1727, 0.233],
            [[0.3966, 0.1986], [0.4825, 0.2042], [0.436, 0.2445], [0.3975, 0.2787], [0.4714, 0.2829]],
        ),
    ),
    (
        "president-1",
        (
            [0.4007, 0.0795, 0.2791, 0.4662],
            [[0.476, 0.2665], [0.6137, 0.2598], [0.5489, 0.3464], [0.484, 0.4204], [0.6045, 0.4144]],
        ),
    ),
    (
        "president-2",
        (
            [0.3243, 0.2741, 0.4452, 0.527],
            [[0.3921, 0.4652], [0.5899, 0.4717], [0.4404, 0.564], [0.3916, 0.6521], [0.5614, 0.6544]],
        ),
    ),
    (
        "president-3",
        (
            [0.4524, 0.2198, 0.1841, 0.3026],
            [[0.514, 0.3288], [0.6057, 0.335], [0.5664, 0.3873], [0.5136, 0.4366], [0.5909, 0.4421]],
        ),
    ),
    (
        "vice-president",
        (
            [0.4407, 0.1618, 0.3005, 0.3519],
            [[0.5456, 0.2928], [0.6882, 0.3095], [0.619, 0.367], [0.5313, 0.4133], [0.6534, 0.427]],
        ),
    ),
];

#[test]
fn faces_are_where_they_were_in_floats() {
    for (name, ([left, top, wide, tall], landmarks)) in IN_FLOATS {
        let view = photo(&format!("{name}.jpg"));
        let faces = VISION.analyze(&view, FACES).unwrap().faces.unwrap();
        let Region { x, y, width, height } = faces[0].region;
        let across = (x + width).min(left + wide) - x.max(left);
        let down = (y + height).min(top + tall) - y.max(top);
        let overlap = across * down / (width * height + wide * tall - across * down);
        assert!(faces.len() == 1 && overlap > 0.9, "{name}: {overlap}");
        let (photo_width, photo_height) = view.photo_size();
        let far =
            |a: [f32; 2], b: [f32; 2]| ((a[0] - b[0]) * photo_width as f32).hypot((a[1] - b[1]) * photo_height as f32);
        let off: f32 = faces[0].landmarks.into_iter().zip(landmarks).map(|(a, b)| far(a, b)).sum::<f32>() / 5.0;
        let eyes = far(landmarks[0], landmarks[1]);
        assert!(off < 0.06 * eyes, "{name}: {off} pixels where the eyes are {eyes} apart");
    }
}

#[test]
fn small_faces_in_a_large_photo_are_found_by_the_second_look() {
    let places: Vec<(u32, u32)> = (0..12).map(|n| (100 + n % 4 * 480, 60 + n / 4 * 430)).collect();
    // Each face is about 32 pixels wide here, and 10 at the first look.
    let faces = VISION.analyze(&wall(2048, 1365, "astronaut.jpg", 190, &places), FACES).unwrap().faces.unwrap();
    assert_eq!(faces.len(), places.len());
    for (x, y) in places {
        let inside = |region: &Region| {
            let (u, v) = ((region.x + region.width / 2.0) * 2048.0, (region.y + region.height / 2.0) * 1365.0);
            (x as f32..x as f32 + 190.0).contains(&u) && (y as f32..y as f32 + 190.0).contains(&v)
        };
        assert!(faces.iter().any(|face| inside(&face.region)), "no face at {x}, {y}");
    }
}

#[test]
fn one_person_is_near_and_two_people_are_far() {
    let of = |name: &str| VISION.analyze(&photo(name), GUESTS).unwrap();
    let president = ["president-1.jpg", "president-2.jpg", "president-3.jpg"].map(of);
    let others = ["vice-president.jpg", "astronaut.jpg"].map(of);
    for (index, one) in president.iter().enumerate() {
        for other in &president[index + 1..] {
            assert!(distance(one, other) < 0.5, "{}", distance(one, other));
        }
        for other in &others {
            assert!(distance(one, other) > 0.65, "{}", distance(one, other));
        }
    }
    let all: Vec<&Analysis> = president.iter().chain(&others).collect();
    let candidates: Vec<GuestCandidate<'_>> = all
        .iter()
        .enumerate()
        .map(|(index, analysis)| {
            let face = &analysis.faces.as_ref().unwrap()[0];
            let photo = PhotoId::of(GalleryId::named("test"), &ContentHash::of(&[index as u8]));
            GuestCandidate { photo, index: 0, face, embedding: face.embedding.as_ref().unwrap() }
        })
        .collect();
    let guests = group_guests(&candidates);
    let counts: Vec<usize> = guests.iter().map(|guest| guest.faces.len()).collect();
    assert_eq!((counts, guests[0].name.as_str()), (vec![3, 1, 1], "Guest 1"));
}

#[test]
fn a_smile_is_seen_and_open_eyes_are_no_blink() {
    let look = |name: &str| {
        let ask = Ask { expressions: true, ..FACES };
        VISION.analyze(&photo(name), ask).unwrap().faces.unwrap()[0].expression.unwrap()
    };
    let (smiling, speaking) = (look("president-1.jpg"), look("president-2.jpg"));
    assert!(smiling.smile > 0.7 && speaking.smile < smiling.smile, "{smiling:?} {speaking:?}");
    assert!(smiling.blink < 0.5 && speaking.blink < 0.5, "{smiling:?} {speaking:?}");
}

#[test]
fn a_scene_has_labels_and_photos_of_one_scene_are_near() {
    let scene = |view: &View| VISION.analyze(view, SCENE).unwrap().scene.unwrap();
    let coffee = scene(&photo("coffee.jpg"));
    assert_eq!(coffee.labels[0].name, "espresso");
    assert!(coffee.labels.len() <= 5 && coffee.labels.is_sorted_by(|a, b| a.probability >= b.probability));
    let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    assert!((cosine(&coffee.features, &coffee.features) - 1.0).abs() < 1e-4);
    let part = photo("coffee.jpg").rgb(Region { x: 0.05, y: 0.05, width: 0.85, height: 0.85 }, 510, 340);
    let near = cosine(&coffee.features, &scene(&View::of_rgb(&part)).features);
    let far = cosine(&coffee.features, &scene(&photo("president-1.jpg")).features);
    assert!(near > 0.6 && far < 0.4, "{near} {far}");
}

#[test]
fn a_blurred_photo_is_less_sharp() {
    let view = photo("astronaut.jpg");
    let faces = VISION.analyze(&view, FACES).unwrap().faces.unwrap();
    let small = view.rgb(WHOLE, 128, 128);
    let blurred = View::of_rgb(&View::of_rgb(&small).rgb(WHOLE, 512, 512));
    for faces in [&faces[..], &[]] {
        let (sharp, soft) = (sharpness(&view, faces).score, sharpness(&blurred, faces).score);
        assert!(sharp > 0.6 && soft < 0.4, "{sharp} {soft} with {} faces", faces.len());
    }
}

#[test]
fn many_threads_at_once_see_what_one_sees() {
    let views = Arc::new(["astronaut.jpg", "president-1.jpg", "coffee.jpg"].map(photo));
    let everything = Ask { faces: true, expressions: true, embeddings: true, scene: true };
    let alone = views.each_ref().map(|view| VISION.analyze(view, everything).unwrap());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (views, alone) = (Arc::clone(&views), &alone);
            scope.spawn(move || {
                for turn in 0..views.len() {
                    let index = (thread + turn) % views.len();
                    let found = VISION.analyze(&views[index], everything).unwrap();
                    assert_alike(&found, &alone[index]);
                }
            });
        }
    });
}

/// Equal but for the last bits, which a batch may change.
fn assert_alike(a: &Analysis, b: &Analysis) {
    let (a_faces, b_faces) = (a.faces.as_ref().unwrap(), b.faces.as_ref().unwrap());
    assert_eq!(a_faces.len(), b_faces.len());
    for (a, b) in a_faces.iter().zip(b_faces) {
        assert!((a.score - b.score).abs() < 1e-3 && (a.region.x - b.region.x).abs() < 1e-3);
        let (a, b) = (a.embedding.as_ref().unwrap(), b.embedding.as_ref().unwrap());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3));
    }
    let (a, b) = (a.scene.as_ref().unwrap(), b.scene.as_ref().unwrap());
    assert!(a.features.iter().zip(&b.features).all(|(a, b)| (a - b).abs() < 1e-3));
}
