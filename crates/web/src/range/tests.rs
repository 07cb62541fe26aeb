use proptest::prelude::*;

use super::*;

const TAG: &str = "\"abc\"";

fn select(range: &str, length: u64) -> Selection {
    selected(&Method::GET, &[("range", range)], TAG, length)
}

fn selected(method: &Method, lines: &[(&'static str, &str)], etag: &str, length: u64) -> Selection {
    let mut headers = HeaderMap::new();
    for &(name, value) in lines {
        headers.append(name, value.parse().unwrap());
    }
    Selection::of(method, &headers, etag, length)
}

#[test]
fn one_range_is_served() {
    for (header, expected) in [
        ("bytes=0-0", 0..1),
        ("bytes=0-", 0..100),
        ("bytes=10-19", 10..20),
        ("bytes=90-1000", 90..100),
        ("bytes=99-99999999999999999999999999", 99..100),
        ("bytes=-1", 99..100),
        ("bytes=-1000", 0..100),
        ("Bytes=5-6", 5..7),
        ("bytes= 5-6 ", 5..7),
        ("bytes=,\t5-6,,", 5..7),
    ] {
        assert_eq!(select(header, 100), Selection::Part(expected), "{header}");
    }
}

#[test]
fn what_does_not_exist_cannot_be_served() {
    for header in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999999-"] {
        assert_eq!(select(header, 100), Selection::Unsatisfiable, "{header}");
    }
    assert_eq!(select("bytes=0-", 0), Selection::Unsatisfiable);
    assert_eq!(select("bytes=-0", 0), Selection::Unsatisfiable);
    assert_eq!(select("bytes=-5", 0), Selection::Whole);
}

#[test]
fn what_is_not_one_range_of_bytes_gets_the_whole() {
    for header in [
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=5",
        "bytes=6-5",
        "bytes=+5-6",
        "bytes=5 - 6",
        "bytes=5--6",
        "bytes=--6",
        "bytes=a-b",
        "bytes =5-6",
        "lines=5-6",
        "bytes=0-1,5-6",
        "bytes=0-1,x",
    ] {
        assert_eq!(select(header, 100), Selection::Whole, "{header}");
    }
    let twice = [("range", "bytes=0-1"), ("range", "bytes=0-1")];
    assert_eq!(selected(&Method::GET, &twice, TAG, 100), Selection::Whole);
    assert_eq!(selected(&Method::GET, &[], TAG, 100), Selection::Whole);
}

#[test]
fn a_range_counts_with_get_alone() {
    for method in [Method::HEAD, Method::POST, Method::PUT] {
        assert_eq!(selected(&method, &[("range", "bytes=0-1")], TAG, 100), Selection::Whole);
    }
}

#[test]
fn a_range_counts_only_of_the_very_same_representation() {
    let with = |if_range, etag| {
        let lines = [("range", "bytes=0-1"), ("if-range", if_range)];
        selected(&Method::GET, &lines, etag, 100)
    };
    assert_eq!(with(TAG, TAG), Selection::Part(0..2));
    for other in ["\"ab\"", "abc", "W/\"abc\"", "*", "", "Sat, 20 Jun 2026 14:32:00 GMT", "\"abc\", \"abd\""] {
        assert_eq!(with(other, TAG), Selection::Whole, "{other}");
    }
    // A weak tag promises no identical bytes, even if it is the same.
    assert_eq!(with("W/\"abc\"", "W/\"abc\""), Selection::Whole);
}

#[test]
fn an_answer_says_what_it_holds() {
    let answers = [
        (Selection::Whole, 200, 0..100, None),
        (Selection::Part(10..20), 206, 10..20, Some("bytes 10-19/100")),
        (Selection::Unsatisfiable, 416, 0..0, Some("bytes */100")),
    ];
    for (selection, status, bytes, content_range) in answers {
        assert_eq!(selection.status().as_u16(), status);
        assert_eq!(selection.bytes(100), bytes);
        assert_eq!(selection.content_range(100).as_deref(), content_range);
    }
}

proptest! {
    /// Whatever is sent to us, a part is of bytes that exist.
    #[test]
    fn a_part_exists(header in "(bytes=)?[-0-9, ]{0,25}|[ -~]{0,30}", length in prop_oneof![0_u64..100, any::<u64>()]) {
        match select(&header, length) {
            Selection::Part(part) => prop_assert!(part.start < part.end && part.end <= length),
            Selection::Whole | Selection::Unsatisfiable => {}
        }
    }

    /// The three ways to ask for a part agree.
    #[test]
    fn a_part_can_be_asked_for_in_three_ways(first in 0_u64..1000, more in 1_u64..1000) {
        let length = first + more;
        let expected = Selection::Part(first..length);
        prop_assert_eq!(select(&format!("bytes={first}-"), length), expected.clone());
        prop_assert_eq!(select(&format!("bytes={first}-{}", length - 1), length), expected.clone());
        prop_assert_eq!(select(&format!("bytes=-{more}"), length), expected);
    }
}
