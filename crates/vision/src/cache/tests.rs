use std::collections::BTreeSet;

use super::*;

#[test]
fn the_catalogue_names_everything_once_and_completely() {
    let mut names = BTreeSet::new();
    let mut files = BTreeSet::new();
    for entry in catalogue::entries() {
        assert!(names.insert(entry.name) && files.insert(entry.file), "{}", entry.name);
        for hash in [entry.sha256, entry.package.sha256] {
            assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", entry.name);
        }
        assert!(entry.bytes > 0 && !entry.licence.is_empty() && !entry.origin.is_empty(), "{}", entry.name);
    }
}

#[test]
fn a_file_with_other_content_is_damaged_and_never_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path());
    assert!(cache.status().iter().all(|(_, state)| *state == State::Missing));
    let entry = catalogue::entry("imagenet-classes").unwrap();
    for bytes in [3, usize::try_from(entry.bytes).unwrap()] {
        fs::write(folder.path().join(entry.file), vec![b'x'; bytes]).unwrap();
        assert_eq!(cache.state(&entry), State::Damaged);
        assert!(matches!(cache.model(entry.name), Err(Error::Corrupt { .. })));
        assert!(matches!(cache.hash(entry.name), Err(Error::Corrupt { .. })));
    }
}

#[test]
fn a_missing_model_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = Cache::new(folder.path()).model("centerface").err().unwrap().to_string();
    assert!(error.contains("centerface") && error.contains("procession models fetch"), "{error}");
}

#[test]
fn models_toml_replaces_the_detector_and_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path());
    fs::write(folder.path().join("own.onnx"), b"own").unwrap();
    let toml = folder.path().join("models.toml");
    fs::write(&toml, "[face_detector]\nfile = \"own.onnx\"\nkind = \"yunet\"\n").unwrap();
    let (model, kind) = cache.detector().unwrap();
    assert_eq!((model.bytes.as_slice(), kind), (b"own".as_slice(), DetectorKind::YuNet));
    assert_eq!(cache.detector_hash().unwrap(), model.sha256);
    fs::write(&toml, "[face_detektor]\nfile = \"own.onnx\"\n").unwrap();
    assert!(matches!(cache.detector(), Err(Error::Invalid { .. })));
}
