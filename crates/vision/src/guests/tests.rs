use procession_domain::{ContentHash, GalleryId, analysis::Region};
use proptest::prelude::*;

use super::*;

fn photo(number: u8) -> PhotoId {
    PhotoId::of(GalleryId::named("test"), &ContentHash::of(&[number]))
}

/// A face on photo `photo` of a person whose embedding is the unit vector `person`, moved by `noise`.
fn face(person: usize, noise: &[f32]) -> (Face, Vec<f32>) {
    let mut embedding: Vec<f32> = noise.to_vec();
    embedding[person] += 1.0;
    let region = Region { x: 0.1 * person as f32, y: 0.2, width: 0.1, height: 0.1 };
    let face = Face { region, score: 0.9, landmarks: [[0.0; 2]; 5], expression: None, embedding: None };
    (face, embedding)
}

prop_compose! {
    /// Up to 40 faces: (photo, person, noise). Two people's vectors are √2 apart, one person's less than 0.35.
    fn gallery()(faces in prop::collection::vec((0_u8..12, 0_usize..6, prop::collection::vec(-0.06_f32..0.06, 8)), 0..40))
        -> Vec<(u8, Face, Vec<f32>, usize)> {
        let mut seen = BTreeSet::new();
        faces.into_iter()
            .filter(|(photo, person, _)| seen.insert((*photo, *person)))
            .map(|(photo, person, noise)| { let (face, embedding) = face(person, &noise); (photo, face, embedding, person) })
            .collect()
    }
}

fn group(faces: &[(u8, Face, Vec<f32>, usize)]) -> Vec<Guest> {
    let candidates: Vec<_> = faces
        .iter()
        .map(|(number, face, embedding, index)| GuestCandidate {
            photo: photo(*number),
            index: *index,
            face,
            embedding,
        })
        .collect();
    group_guests(&candidates)
}

proptest! {
    #[test]
    fn people_are_found_and_the_order_of_faces_changes_nothing(faces in gallery(), seed in any::<u64>()) {
        let guests = group(&faces);
        let people: BTreeSet<usize> = faces.iter().map(|(.., person)| *person).collect();
        prop_assert_eq!(guests.len(), people.len());
        prop_assert_eq!(guests.iter().map(|guest| guest.faces.len()).sum::<usize>(), faces.len());
        let mut shuffled = faces.clone();
        let mut random = seed;
        for index in (1..shuffled.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(index, (random >> 33) as usize % (index + 1));
        }
        prop_assert_eq!(group(&shuffled), guests);
    }

    #[test]
    fn nobody_is_twice_on_one_photo(faces in prop::collection::vec((0_u8..4, prop::collection::vec(-0.2_f32..0.2, 4)), 0..30)) {
        // All faces are alike: only the photos keep them apart.
        let alike = |((photo, noise), index): ((u8, Vec<f32>), usize)| { let (face, e) = face(0, &noise); (photo, face, e, index) };
        let faces: Vec<_> = faces.into_iter().zip(0..).map(alike).collect();
        for guest in group(&faces) {
            let photos: BTreeSet<_> = guest.faces.iter().map(|face| face.photo).collect();
            prop_assert_eq!(photos.len(), guest.faces.len());
            prop_assert!(guest.cover < guest.faces.len());
        }
    }
}

#[test]
fn guests_are_named_by_the_number_of_their_photos() {
    let calm = [0.0; 4];
    let faces: Vec<_> = [(1, 0), (2, 1), (3, 1), (4, 1), (5, 2), (6, 2)]
        .map(|(number, person)| {
            let (face, embedding) = face(person, &calm);
            (number, face, embedding, person)
        })
        .to_vec();
    let guests = group(&faces);
    let found: Vec<_> = guests.iter().map(|guest| (guest.name.as_str(), guest.faces.len())).collect();
    assert_eq!(found, [("Guest 1", 3), ("Guest 2", 2), ("Guest 3", 1)]);
}

#[test]
fn a_single_doubtful_face_is_no_guest() {
    let (mut doubtful, embedding) = face(0, &[0.0; 4]);
    doubtful.score = 0.6;
    assert_eq!(
        group_guests(&[GuestCandidate { photo: photo(1), index: 0, face: &doubtful, embedding: &embedding }]),
        []
    );
}
