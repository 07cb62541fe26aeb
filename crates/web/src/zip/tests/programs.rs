//! What people unpack archives with takes ours.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use jiff::civil::{DateTime, date};
use tempfile::TempDir;

use super::{WIDE, archive, entry, whole};
use crate::zip::{Archive, Entry, Segment, records};

/// A program's answer, in a language where it can name every file.
fn run(program: &str, arguments: &[&str], archive: &Path) -> Output {
    let mut command = Command::new(program);
    // unzip takes the archive among its arguments, python3 at their end.
    let place = if program == "unzip" { 1 } else { arguments.len() };
    command.args(&arguments[..place]).arg(archive).args(&arguments[place..]);
    command.env("LC_ALL", "C.UTF-8").env("PYTHONUTF8", "1");
    command.output().unwrap_or_else(|cause| {
        panic!("{program} cannot be run ({cause}); install it with `cargo xtask test` or `apt-get install {program}`")
    })
}

/// What a program that has nothing to complain about prints.
fn accepted(program: &str, arguments: &[&str], archive: &Path) -> String {
    let output = run(program, arguments, archive);
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{program} {arguments:?}: {text}{errors}");
    text
}

/// The archive of these files, and where it is saved.
fn save(folder: &TempDir, files: &[(String, Vec<u8>)]) -> (Archive, PathBuf) {
    let archive = archive(files);
    let path = folder.path().join("archive.zip");
    fs::write(&path, whole(&archive, files)).unwrap();
    (archive, path)
}

#[test]
fn files_of_any_name_are_unpacked_as_they_were() {
    let names = [
        "Müller/Ärger.jpg",
        "👰🏽‍♀️🤵/💍.jpg",
        "../../up",
        "/root",
        "C:\\a.jpg",
        "a",
        "a/b",
        "A",
        "empty",
        "日本/写真.jpg",
    ];
    let long = ["ä".repeat(400) + ".jpg", "d/".repeat(500) + "deep.jpg"];
    let content = |name: &str| if name == "empty" { Vec::new() } else { name.repeat(100).into_bytes() };
    let files: Vec<_> =
        names.map(str::to_owned).into_iter().chain(long).map(|name| (name.clone(), content(&name))).collect();
    let folder = tempfile::tempdir().unwrap();
    let (archive, path) = save(&folder, &files);
    accepted("unzip", &["-t"], &path);
    accepted("python3", &["-m", "zipfile", "-t"], &path);
    let script = "import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist(), sep='\\n')";
    let listed = accepted("python3", &["-c", script], &path);
    let stored: Vec<&str> = archive.entries().iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(listed.lines().collect::<Vec<_>>(), stored);

    let unpacked = folder.path().join("unpacked");
    accepted("unzip", &["-q", "-d", unpacked.to_str().unwrap()], &path);
    for (entry, (_, content)) in archive.entries().iter().zip(&files) {
        let path = unpacked.join(&entry.name);
        assert!(fs::read(&path).unwrap() == *content, "{}", entry.name);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o700, 0o600, "{}", entry.name);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "something was unpacked beside its folder");
}

#[test]
fn an_empty_archive_is_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = save(&folder, &[]);
    accepted("python3", &["-m", "zipfile", "-t"], &path);
    // unzip takes it too, and warns.
    let output = run("unzip", &["-t"], &path);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("zipfile is empty"));
}

#[test]
fn times_are_what_they_were_to_two_seconds() {
    let times = [
        (date(2026, 6, 20).at(14, 32, 7, 0), "2026-06-20 14:32:06"),
        (date(1979, 12, 31).at(23, 59, 59, 0), "1980-01-01 00:00:00"),
        (date(2107, 12, 31).at(23, 59, 59, 999_999_999), "2107-12-31 23:59:58"),
        (date(2108, 1, 1).at(0, 0, 0, 0), "2107-12-31 23:59:58"),
        (DateTime::MIN, "1980-01-01 00:00:00"),
    ];
    let entries = times.iter().map(|&(modified, _)| Entry { modified, ..entry("a", b"") }).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive.zip");
    write_sparse(&Archive::new(entries).unwrap(), &path, &[]);
    let script = "import sys, zipfile
for one in zipfile.ZipFile(sys.argv[1]).infolist(): print('%d-%02d-%02d %02d:%02d:%02d' % one.date_time)";
    let shown = accepted("python3", &["-c", script], &path);
    assert_eq!(shown.lines().collect::<Vec<_>>(), times.map(|(_, shown)| shown));
}

#[test]
fn seventy_thousand_files_are_counted() {
    let files: Vec<_> = (0..70_000).map(|number: u32| (number.to_string(), vec![1])).collect();
    let folder = tempfile::tempdir().unwrap();
    let (archive, path) = save(&folder, &files);
    assert!(ends_as_zip64(&archive));
    accepted("unzip", &["-tqq"], &path);
    let script = "import sys, zipfile; print(len(zipfile.ZipFile(sys.argv[1]).infolist()))";
    assert_eq!(accepted("python3", &["-c", script], &path).trim(), "70000");
}

/// Lengths and offsets on both sides of four bytes, with contents of zeros that take no room on the disk.
#[test]
fn lengths_and_offsets_beyond_four_bytes_are_read() {
    let small = entry("small.jpg", b"after");
    let header = 30 + 1;
    for large in [WIDE - header - 1, WIDE - header, WIDE - 1, WIDE, WIDE + 1] {
        let crc32 = crc32_of_zeros(large);
        let zeros = |name: &str| Entry { name: name.to_owned(), bytes: large, crc32, ..small.clone() };
        let archive = Archive::new(vec![zeros("a"), zeros("b"), small.clone()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive.zip");
        write_sparse(&archive, &path, &[b"", b"", b"after"]);
        let is_wide = large >= WIDE;
        let second_at = header + if is_wide { 20 } else { 0 } + large;
        let expected = format!(
            "a {large} {crc32:08x} 0 {is_wide}\nb {large} {crc32:08x} {second_at} {is_wide}\n\
             small.jpg 5 {:08x} {} false\n",
            small.crc32,
            2 * second_at,
        );
        assert_eq!(accepted("python3", &["-c", READ_LARGE], &path), expected);
        assert!(ends_as_zip64(&archive));
        // After a file of exactly this length, which needs ZIP64, unzip 6.0 misreads the length of the next.
        if large != WIDE {
            assert!(accepted("unzip", &["-l"], &path).contains(&format!("{large}  2026-06-20 14:32   b")));
            // Only the small one: gigabytes of zeros would take seconds.
            assert!(accepted("unzip", &["-t", "small.jpg"], &path).contains("No errors"));
        }
    }
}

#[test]
fn zip64_is_used_only_where_it_is_needed() {
    let header = 30 + 1;
    for (bytes, expected) in [(0, false), (WIDE - header - 1, false), (WIDE - header, true)] {
        let archive = Archive::new(vec![Entry { bytes, ..entry("a", b"") }]).unwrap();
        assert_eq!(ends_as_zip64(&archive), expected, "{bytes}");
    }
    for (entries, directory, expected) in [
        (0xFFFE, 0..WIDE - 1, false),
        (0xFFFF, 0..1, true),
        (1, 0..WIDE, true),
        (1, WIDE - 1..WIDE, false),
        (1, WIDE..WIDE + 1, true),
    ] {
        let end = records::end(entries, directory.clone());
        assert_eq!(end.starts_with(b"PK\x06\x06"), expected, "{entries} {directory:?}");
    }
}

/// Whether the archive has the ZIP64 end record, which stands 98 bytes before its end.
fn ends_as_zip64(archive: &Archive) -> bool {
    let start = archive.length().saturating_sub(98);
    match archive.segments(start..archive.length()).next() {
        Some(Segment::Bytes(bytes)) => bytes.starts_with(b"PK\x06\x06"),
        _ => false,
    }
}

/// Each file's name, length, CRC, place, and whether its local header (which unzip and Python hardly look at) is ZIP64;
/// begins and ends reading each.
const READ_LARGE: &str = "
import struct, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
for one in archive.infolist():
    with open(sys.argv[1], 'rb') as file:
        file.seek(one.header_offset)
        header = file.read(30)
        packed, unpacked, name, extra = struct.unpack('<LLHH', header[18:30])
        file.seek(name, 1)
        extra = file.read(extra)
    wide = packed == unpacked == 0xFFFFFFFF
    if wide: assert struct.unpack('<HHQQ', extra) == (1, 16, one.file_size, one.file_size), extra
    else: assert packed == unpacked == one.file_size and not extra
    assert header[4] == (45 if wide else 20)
    assert one.extract_version == (45 if wide or one.header_offset >= 0xFFFFFFFF else 20)
    with archive.open(one) as content:
        assert content.read(5) in (b'after', bytes(5))
    print(one.filename, one.file_size, '%08x' % one.CRC, one.header_offset, str(wide).lower())
";

/// Writes an archive, and of its contents those given; the others are zeros that take no room.
fn write_sparse(archive: &Archive, path: &Path, contents: &[&[u8]]) {
    let mut file = File::create(path).unwrap();
    for segment in archive.segments(0..u64::MAX) {
        match segment {
            Segment::Bytes(bytes) => file.write_all(&bytes).unwrap(),
            Segment::Content { entry, range } => match contents[entry] {
                b"" => drop(file.seek(SeekFrom::Current((range.end - range.start) as i64)).unwrap()),
                content => file.write_all(&content[range.start as usize..range.end as usize]).unwrap(),
            },
        }
    }
    assert_eq!(file.metadata().unwrap().len(), archive.length());
}

/// By doubling: nobody has to read gigabytes of zeros.
fn crc32_of_zeros(mut bytes: u64) -> u32 {
    let mut all = crc32fast::Hasher::new();
    let mut power = crc32fast::Hasher::new();
    power.update(&[0]);
    while bytes > 0 {
        if bytes % 2 == 1 {
            all.combine(&power);
        }
        power.combine(&power.clone());
        bytes /= 2;
    }
    all.finalize()
}
