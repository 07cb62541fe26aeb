use std::fs;

use super::*;

fn load_text(text: &str, environment: &Environment, flags: &Flags) -> Result<Config, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, text).unwrap();
    let strip = |error: String| error.replace(&file.display().to_string(), "FILE");
    load(Some(&file), environment, flags).map_err(|errors| errors.0.into_iter().map(strip).collect())
}

fn none() -> Environment {
    Environment::from([("HOME", "/home/anna")])
}

#[test]
fn defaults_need_nothing() {
    let config = load(None, &none(), &Flags::default()).unwrap();
    assert_eq!(config.data, Path::new("/home/anna/.local/share/procession"));
    assert_eq!(config.store_folders(), [Path::new("/home/anna/.local/share/procession/store")]);
    assert_eq!((config.region.as_str(), config.replicas_awaited()), ("local", 1));
    assert_eq!(config.memory, Memory::Percent(25));
    assert_eq!(config.pipelines.len(), 3);
}

#[test]
fn no_setting_is_there_twice() {
    let mut keys: Vec<_> = settings::settings().map(|setting| setting.key).collect();
    keys.sort_unstable();
    let all = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), all);
}

#[test]
fn each_layer_goes_over_the_one_before() {
    let file = "threads = 2\nmemory = '1GiB'\n[limits]\nmax_edge = 100\n";
    let environment = Environment::from([("PROCESSION__THREADS", "3"), ("PROCESSION__MEMORY", "2GiB")]);
    let flags = Flags { memory: Some(Memory::Bytes(3 << 30)), ..Flags::default() };
    let config = load_text(file, &environment, &flags).unwrap();
    assert_eq!((config.threads(), config.memory, config.limits.max_edge), (3, Memory::Bytes(3 << 30), 100));
    let origins: Vec<_> = config.origins.iter().map(|(key, origin)| format!("{key} {origin}")).collect();
    assert_eq!(origins[1..], ["memory --memory", "threads $PROCESSION__THREADS"]);
}

#[test]
fn the_short_names_of_the_environment_give_way_to_the_long_ones() {
    let short = Environment::from([("PROCESSION_DATA", "/a")]);
    assert_eq!(load(None, &short, &Flags::default()).unwrap().data, Path::new("/a"));
    let both = Environment::from([("PROCESSION_DATA", "/a"), ("PROCESSION__DATA", "/b")]);
    assert_eq!(load(None, &both, &Flags::default()).unwrap().data, Path::new("/b"));
}

#[test]
fn paths_are_relative_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, "stores = ['one', '/two']").unwrap();
    let config = load(Some(&file), &none(), &Flags::default()).unwrap();
    assert_eq!(config.store_folders(), [folder.path().join("one"), PathBuf::from("/two")]);
}

#[test]
fn all_errors_are_told_at_once() {
    let file = "
        threads = 0
        memory = 4
        colour = 'blue'
        [limits]
        max_byte = 1
        [promises.same_day_wedding]
        weight = -1
        [pipelines.prints]
        priority = 'high'
    ";
    let environment = Environment::from([
        ("PROCESSION__LIMITS__MAX_EDGE", "long"),
        ("PROCESSION__LIMIT__MAX_EDGE", "1"),
        ("PROCESSION__PIPELINES__PRINTS", "{}"),
    ]);
    let errors = load_text(file, &environment, &Flags::default()).unwrap_err();
    let expected = [
        "FILE: colour: there is no such key; see docs/config.md",
        "FILE: limits.max_byte: there is no such key; did you mean limits.max_bytes?",
        "FILE: memory: 4 is not a size in quotes",
        "FILE: pipelines.prints: missing field `preferred_device`",
        "FILE: promises.same_day_wedding.weight: -1 is not greater than zero",
        "FILE: threads: 0 is less than 1",
        "$PROCESSION__LIMITS__MAX_EDGE: long is not a number",
        "$PROCESSION__LIMIT__MAX_EDGE: there is no key limit.max_edge; did you mean limits.max_edge?",
        "$PROCESSION__PIPELINES__PRINTS: pipelines are configured in the file alone",
    ];
    let mut sorted: Vec<&str> = errors.iter().map(String::as_str).collect();
    let mut expected = expected.to_vec();
    sorted.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
}

#[test]
fn a_worker_s_stages_are_named() {
    use procession_domain::{Stage, Stages};
    let named = Stages::from_iter([Stage::Compression, Stage::AiAnalysis]);
    let file = load_text("[worker]\nstages = ['compression', 'ai_analysis']", &none(), &Flags::default()).unwrap();
    assert_eq!(file.stages, named);
    let environment = Environment::from([("PROCESSION__WORKER__STAGES", "ai_analysis, compression")]);
    assert_eq!(load(None, &environment, &Flags::default()).unwrap().stages, named);
    assert_eq!(load(None, &none(), &Flags::default()).unwrap().stages, Stages::ALL);
    for (wrong, why) in [
        ("[]", "names no stage"),
        ("'compression'", "is not a list of names"),
        ("['sorting']", "the stages are ai_analysis, face_recognition, moment_detection, compression"),
        ("[3]", "is not a name in quotes"),
    ] {
        let errors = load_text(&format!("worker.stages = {wrong}"), &none(), &Flags::default()).unwrap_err();
        assert!(errors.len() == 1 && errors[0].contains(why), "{errors:?}");
    }
}

#[test]
fn a_division_neither_flaps_nor_holds_back_for_ever() {
    let text = "[affinity]\nbegin_at = 1.5\nkeep_at = 1\nmost_behind_seconds = 120";
    let policy = load_text(text, &none(), &Flags::default()).unwrap().affinity;
    assert_eq!((policy.begin_at, policy.keep_at, policy.move_at), (1.5, 1.0, 1.05));
    assert_eq!((policy.most_behind_seconds, policy.fewer_behind_seconds), (120.0, 15.0));
    for (wrong, why) in [
        ("begin_at = 0.9", "affinity.begin_at: 0.9 is less than 1"),
        ("move_at = nan", "affinity.move_at: NaN is not greater than zero"),
        ("most_behind_seconds = -1", "affinity.most_behind_seconds: -1 is less than 0, or has no end"),
        ("begin_at = 1.01", "affinity.keep_at: 1.02 is more than affinity.begin_at, which is 1.01"),
        (
            "fewer_behind_seconds = 61",
            "affinity.fewer_behind_seconds: 61 is more than affinity.most_behind_seconds, which is 60",
        ),
    ] {
        let errors = load_text(&format!("[affinity]\n{wrong}"), &none(), &Flags::default()).unwrap_err();
        assert_eq!(errors, [format!("FILE: {why}")]);
    }
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let errors = load(Some(Path::new("/no/such/file")), &none(), &Flags::default()).unwrap_err();
    assert!(errors.to_string().starts_with("the configuration has 1 error:\n  /no/such/file: cannot be read"));
}

#[test]
fn a_pipeline_is_added_or_replaced() {
    let file = "
        [pipelines.reception_photos]
        preferred_device = 'cpu'
        priority = 'low'
        analysis = 'basic'
        [pipelines.reception_photos.recipe]
        variants = [{ name = '800', fit = { long_edge = 800 }, formats = [{ format = 'avif', quality = 60 }] }]
    ";
    let config = load_text(file, &none(), &Flags::default()).unwrap();
    assert_eq!(config.pipelines["reception_photos"].recipe.variants[0].name, "800");
    let wrong = file.replace("quality = 60", "quality = 101");
    let errors = load_text(&wrong, &none(), &Flags::default()).unwrap_err();
    assert_eq!(errors, ["FILE: pipelines.reception_photos: variant \"800\": quality is 1 to 100"]);
}

#[test]
fn the_documentation_is_what_the_table_says() {
    let written = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/config.md")).unwrap();
    assert!(written == markdown(), "run: cargo run -- config --markdown > docs/config.md");
}

#[test]
fn the_written_defaults_are_the_defaults() {
    let defaults = load(None, &none(), &Flags::default()).unwrap();
    let read = load_text(procession_plan::PIPELINES_TOML, &none(), &Flags::default()).unwrap();
    assert_eq!(read.pipelines, defaults.pipelines);
}

#[test]
fn stores_are_folders_and_buckets_in_regions() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "hunter2\n").unwrap();
    let file = format!(
        "region = 'eu-west-1'
        stores = [
            {{ region = 'us-east-1', endpoint = 'http://127.0.0.1:8333/', bucket = 'originals', prefix = '/a/b/',
               access_key = 'anna', secret_key_file = '{}', storage_class = 'STANDARD', retries = 0 }},
            {{ region = 'eu-west-1', folder = '/mnt/b' }},
            '/mnt/c',
        ]",
        secret.display()
    );
    let config = load_text(&file, &none(), &Flags::default()).unwrap();
    let [bucket, b, c] = &config.stores()[..] else { panic!("three stores") };
    let Place::Bucket(options) = &bucket.place else { panic!("a bucket") };
    assert_eq!((options.region.as_str(), options.prefix.as_str()), ("us-east-1", "a/b"));
    assert_eq!((&options.secret_key, options.retries), (&procession_vault::Secret::new("hunter2"), 0));
    assert_eq!(config.store_folders(), [Path::new("/mnt/b"), Path::new("/mnt/c")]);
    assert_eq!((b.region.clone(), c.region.clone()), (Some("eu-west-1".parse().unwrap()), None));
    assert_eq!(config.replicas_awaited(), 2);
    let shown = format!("{:?}", rows(&config));
    assert!(shown.contains("http://127.0.0.1:8333/originals/a/b (us-east-1), /mnt/b (eu-west-1), /mnt/c"), "{shown}");
    assert!(!format!("{shown}{config:?}").contains("hunter2"));
}

#[test]
fn all_that_is_wrong_with_stores_is_told_with_its_entry() {
    let file =
        "stores = ['/a', { region = 'EU', bucket = 'b', access_key = 7, secret_key_file = '/no/such', colour = 1 },
        { folder = '/c', bucket = 'b' }, 4]";
    let errors = load_text(file, &none(), &Flags::default()).unwrap_err().join("\n");
    for expected in [
        "entry 2: there is no key colour",
        "entry 2: region \"EU\"",
        "entry 2: endpoint is missing",
        "entry 2: access_key is not a text in quotes",
        "entry 2: secret_key_file: /no/such",
        "entry 3: folder goes with region alone, not with bucket",
        "entry 4: 4 is neither",
    ] {
        assert!(errors.contains(expected), "{expected}: {errors}");
    }
    let errors = load_text("stores = ['/a', '/b']\nreplicas_awaited = 3", &none(), &Flags::default()).unwrap_err();
    assert_eq!(errors, ["FILE: replicas_awaited: 3 is more than there are: 2 stores"]);
}
