use std::collections::{BTreeSet, HashSet};

use proptest::{collection::vec, prelude::*};

use super::{any_name, entry};
use crate::zip::Archive;

/// What becomes of these names.
fn named<Name: AsRef<str>>(names: &[Name]) -> Vec<String> {
    let archive = Archive::new(names.iter().map(|name| entry(name.as_ref(), b"")).collect()).unwrap();
    archive.entries().iter().map(|entry| entry.name.clone()).collect()
}

#[test]
fn good_names_stay() {
    let names = [
        "Trauung/IMG_0001.JPG",
        "Müller & Sohn.jpg",
        "👰🏽‍♀️🤵.jpg",
        ".hidden",
        "a.b.c.jpg",
        "Console.jpg",
        "com10.txt",
        "-rf",
    ];
    assert_eq!(named(&names), names);
}

#[test]
fn bad_names_are_made_good() {
    for (bad, good) in [
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("a//b/./c/", "a/b/c"),
        ("C:\\Users\\a.jpg", "C__Users_a.jpg"),
        ("12:30 <Ankunft>?.jpg", "12_30 _Ankunft__.jpg"),
        ("a\0b\nc\u{7f}\u{85}.jpg", "a_b_c__.jpg"),
        ("\u{202E}gpj.exe", "_gpj.exe"),
        ("Feier. /b.jpg. .", "Feier/b.jpg"),
        ("con", "_con"),
        ("aux.jpg", "_aux.jpg"),
        ("Lpt1 .tar.gz", "_Lpt1 .tar.gz"),
        ("COM¹", "_COM¹"),
        ("Mu\u{308}ller.jpg", "Müller.jpg"),
        ("", "unnamed"),
        ("..", "unnamed"),
        ("/ / . /", "unnamed"),
    ] {
        assert_eq!(named(&[bad]), [good], "{bad:?}");
    }
}

#[test]
fn long_names_are_cut_and_keep_their_extension() {
    assert_eq!(named(&["ä".repeat(300) + ".jpg"]), ["ä".repeat(100) + ".jpg"]);
    assert_eq!(named(&["a".repeat(300)]), ["a".repeat(200)]);
    assert_eq!(named(&["a.".to_owned() + &"b".repeat(300)]), ["a.".to_owned() + &"b".repeat(198)]);
    // The cut lays bare what Windows would take for its console.
    assert_eq!(named(&["CON".to_owned() + &" ".repeat(300) + "x"]), ["_CON"]);
    assert_eq!(named(&["a/".repeat(40_000) + "b.jpg"]), ["a/".repeat(15) + "b.jpg"]);
}

#[test]
fn namesakes_are_numbered() {
    let names = ["a.jpg", "A.JPG", "a (2).jpg", "a.jpg", "x/a.jpg", "ſ", "s", "STRASSE", "straße", "ä", "a\u{308}"];
    let good = [
        "a.jpg",
        "A (2).JPG",
        "a (2) (2).jpg",
        "a (3).jpg",
        "x/a.jpg",
        "ſ",
        "s (2)",
        "STRASSE",
        "straße (2)",
        "ä",
        "ä (2)",
    ];
    assert_eq!(named(&names), good);
    assert_eq!(named(&["a:b", "a?b"]), ["a_b", "a_b (2)"]);
    assert_eq!(named(&["v1.2/a", "v1.2/a"]), ["v1.2/a", "v1.2/a (2)"]);
    assert_eq!(named(&[".a", ".a"]), [".a", ".a (2)"]);
}

#[test]
fn no_file_is_where_a_folder_has_to_be() {
    assert_eq!(named(&["a", "A/b", "a/B/c", "a (2)/d"]), ["a (3)", "A/b (2)", "a/B/c", "a (2)/d"]);
}

#[test]
fn thousands_of_namesakes_are_quickly_told_apart() {
    let names = vec!["IMG_0001.JPG"; 20_000];
    let different: HashSet<String> = named(&names).into_iter().collect();
    assert_eq!(different.len(), names.len());
    assert!(different.contains("IMG_0001 (20000).JPG"));
}

proptest! {
    #[test]
    fn every_name_can_be_unpacked_beside_every_other(names in vec(any_name(), 0..20)) {
        let good = named(&names);
        let mut files = HashSet::new();
        let mut folders = BTreeSet::new();
        for name in &good {
            prop_assert!(name.len() < 4096);
            let parts: Vec<&str> = name.split('/').collect();
            for part in &parts {
                prop_assert!(!part.is_empty() && part.len() <= 255);
                prop_assert!(!part.ends_with(['.', ' ']));
                prop_assert!(!part.contains(['\\', ':', '*', '?', '"', '<', '>', '|']));
                prop_assert!(!part.chars().any(char::is_control));
            }
            prop_assert!(files.insert(name.to_lowercase()), "twice: {}", name);
            folders.extend((1..parts.len()).map(|depth| parts[..depth].join("/").to_lowercase()));
        }
        prop_assert!(folders.iter().all(|folder| !files.contains(folder)));
        // What is good stays.
        prop_assert_eq!(named(&good), good);
    }
}
