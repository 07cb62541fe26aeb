//! The real binary: its words, its exit codes, its JSON.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

/// A home of its own for each test, so that nothing of the machine's is read or written.
fn procession(home: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_procession"));
    command.env_clear().env("HOME", home.path()).env("NO_COLOR", "1").current_dir(home.path());
    command
}

fn run(home: &TempDir, args: &[&str]) -> Output {
    procession(home).args(args).output().unwrap()
}

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stdout:\n{}\nstderr:\n{}", stdout(output), stderr(output));
}

fn json_lines(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_command_has_help() {
    let home = home();
    for command in [
        &[][..],
        &["process"],
        &["serve"],
        &["upload"],
        &["gallery"],
        &["gallery", "list"],
        &["gallery", "show"],
        &["vault", "verify"],
        &["receipt", "check"],
        &["forecast", "show"],
        &["forecast", "explain"],
        &["forecast", "backtest"],
        &["forecast", "import"],
        &["forecast", "export"],
        &["models", "list"],
        &["models", "fetch"],
        &["simulate"],
        &["doctor"],
        &["config"],
        &["completions"],
        &["man"],
    ] {
        let output = run(&home, &[command, &["--help"]].concat());
        assert_code(&output, 0);
        assert!(stdout(&output).contains("Usage: procession"), "{command:?}");
    }
    assert!(stdout(&run(&home, &["--version"])).starts_with("procession 0."));
}

#[test]
fn wrong_usage_is_code_two_and_says_what_is_right() {
    let home = home();
    fs::create_dir(home.path().join("card")).unwrap();
    for (args, says) in [
        (&["proces"][..], "process"),
        (&["process", "card"], "--out"),
        (&["process", "card", "--out", "o", "--consent", "yes"], "faces=yes"),
        (&["process", "card", "--out", "o", "--wedding-date", "20 June"], "--wedding-date"),
        (&["process", "card", "--out", "o", "--memory", "much"], "4GiB"),
        (&["process", "card", "--out", "o", "--pipeline", "prints"], "reception_photos"),
        (&["process", "no-such-card", "--out", "o"], "no-such-card"),
        (&["process", "card", "--out", "card"], "folder of its own"),
        (&["gallery", "show", "12"], "24 lower-case hex digits"),
        (&["vault", "verify"], "is its disk mounted?"),
        (&["receipt", "check", "no-receipt", "card"], "no-receipt"),
        (&["--log", "a=b=c", "gallery", "list"], "--log"),
    ] {
        let output = run(&home, args);
        assert_code(&output, 2);
        assert!(stderr(&output).contains(says), "{args:?} should say {says}:\n{}", stderr(&output));
    }
    assert!(!home.path().join(".local").exists(), "a wrong command leaves nothing behind");
}

#[test]
fn all_errors_of_the_configuration_are_told_at_once() {
    let home = home();
    fs::write(home.path().join("c.toml"), "threads = 0\n[limits]\nmax_byte = 1\n").unwrap();
    let output = procession(&home)
        .args(["--config", "c.toml", "gallery", "list"])
        .env("PROCESSION__MEMORY", "lots")
        .output()
        .unwrap();
    assert_code(&output, 2);
    let text = stderr(&output);
    for part in [
        "the configuration has 3 errors",
        "c.toml: threads: 0 is less than 1",
        "c.toml: limits.max_byte: there is no such key; did you mean limits.max_bytes?",
        "$PROCESSION__MEMORY: \"lots\" is not an amount of memory",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn the_configuration_says_where_each_value_comes_from() {
    let home = home();
    let folder = home.path().join(".config/procession");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), "stores = ['one', '/two']\n").unwrap();
    let output =
        procession(&home).args(["config", "--json", "--data", "d"]).env("PROCESSION__THREADS", "3").output().unwrap();
    assert_code(&output, 0);
    let rows = &json_lines(&output)[0];
    let row = |key: &str| rows.as_array().unwrap().iter().find(|row| row["key"] == key).unwrap();
    assert_eq!(row("threads")["value"], "3");
    assert_eq!(row("threads")["origin"], "$PROCESSION__THREADS");
    assert_eq!(row("data")["origin"], "--data");
    assert_eq!(row("stores")["value"], format!("{}:/two", folder.join("one").display()));
    assert_eq!(row("memory")["origin"], "default");
}

#[test]
fn there_are_no_galleries_before_the_first() {
    let home = home();
    let output = run(&home, &["gallery", "list"]);
    assert_code(&output, 0);
    assert_eq!(stdout(&output), "There are no galleries yet.\n");
    assert_eq!(json_lines(&run(&home, &["gallery", "list", "--json"])), [Value::Array(Vec::new())]);
    assert!(!home.path().join(".local").exists(), "looking makes nothing");
}

#[test]
fn completions_and_the_manual_know_the_commands() {
    let home = home();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&home, &["completions", shell]);
        assert_code(&output, 0);
        assert!(stdout(&output).contains("wedding-date"), "{shell}");
    }
    let manual = stdout(&run(&home, &["man"]));
    assert!(manual.contains(".TH procession"));
    for part in ["PROCESS", "VAULT VERIFY", "RECEIPT CHECK", "wedding\\-date"] {
        assert!(manual.contains(part), "{part}");
    }
}

#[test]
fn a_scenario_is_simulated_and_its_page_written() {
    let home = home();
    let listed = run(&home, &["simulate"]);
    assert_code(&listed, 0);
    assert!(stdout(&listed).contains("june_saturday: "));
    let unknown = run(&home, &["simulate", "mars"]);
    assert_code(&unknown, 2);
    assert!(stderr(&unknown).contains("june_saturday"), "{}", stderr(&unknown));
    let scenario = "title = 'A day'\nabout = 'Few weddings.'\nfrom = '2026-06-20'\nuntil = '2026-06-21'\n\
        history_days = 60\nweddings_a_year = 2000\n";
    fs::write(home.path().join("day.toml"), scenario).unwrap();
    let simulated = run(&home, &["simulate", "day.toml", "--seed", "7", "--out", "report", "--json"]);
    assert_code(&simulated, 0);
    let report = &json_lines(&simulated)[0];
    assert_eq!((&report["seed"], report["outcomes"].as_array().unwrap().len()), (&Value::from(7), 3));
    assert!(fs::read_to_string(home.path().join("report/index.html")).unwrap().contains("<svg"));
    assert!(fs::read_to_string(home.path().join("report/report.txt")).unwrap().starts_with("A day\n"));
}

#[test]
fn the_doctor_looks_at_everything_and_changes_nothing() {
    let home = home();
    let output = run(&home, &["doctor", "--json", "--threads", "3", "--memory", "128MiB"]);
    let report = &json_lines(&output)[0];
    let findings = report["findings"].as_array().unwrap();
    let detail = |what: &str| findings.iter().find(|f| f["what"] == what).unwrap()["detail"].as_str().unwrap();
    assert!(detail("device").contains("3 photos at a time"), "{}", detail("device"));
    assert!(detail("memory").starts_with("134.2 MB"), "{}", detail("memory"));
    assert!(detail("data folder").contains("can be written"));
    assert!(findings.iter().any(|f| f["what"] == "store"));
    // A machine without models is told so, with code 1.
    assert_code(&output, i32::from(report["good"] == false));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

/// A folder without any photo: the shortest way through all of the command.
#[test]
fn events_are_json_and_documented() {
    let home = home();
    fs::create_dir(home.path().join("card")).unwrap();
    fs::write(home.path().join("card/invoice.jpg"), "%PDF-1.7").unwrap();
    fs::write(home.path().join("card/notes.txt"), "remember the rings").unwrap();
    let output = run(&home, &["process", "card", "--out", "out", "--json"]);
    assert_code(&output, 1);
    assert_eq!(stderr(&output), "");
    let events = json_lines(&output);
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    for name in ["gallery_opened", "files_found", "file_refused", "file_skipped", "ingest_finished", "gallery_finished"]
    {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    assert!(events.iter().all(|event| event["at"].is_string()));
    let documentation = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.md")).unwrap();
    for event in &events {
        let name = event["event"].as_str().unwrap();
        let row = documentation.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap();
        for field in
            event.as_object().unwrap().keys().filter(|field| !matches!(field.as_str(), "at" | "event" | "gallery"))
        {
            assert!(row.contains(&format!("`{field}`")), "{name}: {field} is not documented");
        }
    }

    let id = events[0]["gallery"].as_str().unwrap();
    let shown = &json_lines(&run(&home, &["gallery", "show", id, "--json"]))[0];
    assert_eq!(shown["gallery"]["title"], "card");
    assert_eq!(shown["refusals"][0]["name"], "invoice.jpg");
    assert!(stdout(&run(&home, &["gallery", "list"])).contains(id));
}

#[test]
fn text_is_for_people_and_quiet_says_failures_alone() {
    let home = home();
    fs::create_dir(home.path().join("card")).unwrap();
    fs::write(home.path().join("card/invoice.jpg"), "%PDF-1.7").unwrap();
    let output = run(&home, &["process", "card", "--out", "out", "--title", "Anna & Ben"]);
    assert_code(&output, 1);
    assert!(stdout(&output).starts_with("Anna & Ben: 0 photos finished, 1 file not taken\n"), "{}", stdout(&output));
    assert!(stderr(&output).contains("standard_delivery, because the wedding's date is not known"));
    assert!(stderr(&output).contains("not taken: invoice.jpg: "));
    let quiet = run(&home, &["process", "card", "--out", "out", "--quiet"]);
    assert_code(&quiet, 1);
    assert_eq!(stdout(&quiet), "");
    assert_eq!(stderr(&quiet).lines().count(), 1, "{}", stderr(&quiet));
}

/// The run stops with code 2 and says it in both languages when the result cannot be written.
#[test]
fn what_cannot_run_is_told_once_with_its_cause() {
    let home = home();
    fs::create_dir(home.path().join("card")).unwrap();
    fs::write(home.path().join("file"), "in the way").unwrap();
    let output = run(&home, &["process", "card", "--out", "file/out", "--json"]);
    assert_code(&output, 2);
    assert_eq!(json_lines(&output).last().unwrap()["event"], "failed");
    assert!(stderr(&output).contains("because: "), "{}", stderr(&output));
}

/// Two years in which every Saturday of a summer brings more, and the weddings that were announced for it.
fn past(home: &TempDir) -> [String; 4] {
    let (mut history, mut bookings) = ("hour,region,photos\n".to_owned(), "wedding,region,announced_at\n".to_owned());
    let first: jiff::civil::Date = "2024-06-01".parse().unwrap();
    for (number, day) in first.series(jiff::Span::new().days(1)).take(746).enumerate() {
        let weddings = if number % 7 == 0 { 1 + number * number % 11 } else { 0 };
        history += &format!("{day}T20:00:00Z,us-east-1,{}\n{day}T21:00:00Z,eu-west-1,7\n", 20 + 900 * weddings);
        (0..weddings).for_each(|_| bookings += &format!("{day},us-east-1,2024-01-01T00:00:00Z\n"));
    }
    let files = [("history.csv", history), ("bookings.csv", bookings)];
    let [history, bookings] = files.map(|(name, text)| {
        let file = home.path().join(name);
        fs::write(&file, text).unwrap();
        file.display().to_string()
    });
    ["--history".to_owned(), history, "--bookings".to_owned(), bookings]
}

#[test]
fn a_forecast_is_made_of_files_and_explains_itself() {
    let home = home();
    let past = past(&home);
    let with = |args: &[&str]| {
        let files = past.iter().map(String::as_str);
        run(&home, &args.iter().copied().chain(files).collect::<Vec<_>>())
    };
    let at = ["--region", "us-east-1", "--at", "2026-06-15T12:00:00Z"];
    let shown = with(&[&["forecast", "show"][..], &at].concat());
    assert_code(&shown, 0);
    assert!(stdout(&shown).contains("Saturday  2026-06-20"), "{}", stdout(&shown));
    let explained = with(&[&["forecast", "explain"][..], &at].concat());
    assert!(stdout(&explained).contains("weddings are booked"), "{}", stdout(&explained));
    let json = with(&[&["forecast", "show", "--json"][..], &at].concat());
    let forecast = &json_lines(&json)[0];
    assert_eq!(forecast["hours"].as_array().unwrap().len(), 168);
    let tested = with(&[&["forecast", "backtest", "--weeks", "4"][..], &at].concat());
    assert_code(&tested, 0);
    assert!(stdout(&tested).contains("as on the same weekday a week before"), "{}", stdout(&tested));

    let elsewhere = with(&["forecast", "show", "--region", "us-west-2", "--at", "2026-06-15T12:00:00Z"]);
    assert_code(&elsewhere, 2);
    assert!(stderr(&elsewhere).contains("eu-west-1, us-east-1"), "{}", stderr(&elsewhere));
    let early = with(&["forecast", "show", "--region", "us-east-1", "--at", "2024-06-20T12:00:00Z"]);
    assert_code(&early, 2);
    assert!(stderr(&early).contains("days of history, and 56 are needed"), "{}", stderr(&early));
    fs::write(home.path().join("history.csv"), "hour,region,photos\n2024-06-01T20:00:00Z,us-east-1,-3\n").unwrap();
    let wrong = with(&[&["forecast", "show"][..], &at].concat());
    assert_code(&wrong, 2);
    assert!(stderr(&wrong).contains("line 2"), "{}", stderr(&wrong));
}

#[test]
fn the_history_of_another_system_is_taken_over_once() {
    let home = home();
    let [_, history, _, bookings] = past(&home);
    let import = |more: &[&str]| {
        let files = ["forecast", "import", history.as_str(), "--bookings", bookings.as_str()];
        run(&home, &[&files[..], more].concat())
    };
    let would = import(&["--dry-run"]);
    assert_code(&would, 0);
    let weddings = fs::read_to_string(&bookings).unwrap().lines().count() - 1;
    let photos: usize = fs::read_to_string(&history)
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| line.rsplit(',').next().unwrap().parse::<usize>().unwrap())
        .sum();
    let told = format!("ake over 1492 hours with {photos} photos, and {weddings} weddings.");
    assert!(stdout(&would).contains(&told), "{}", stdout(&would));
    let at = ["--region", "us-east-1", "--at", "2026-06-15T12:00:00Z"];
    let unknown = run(&home, &[&["forecast", "show"][..], &at].concat());
    assert!(stderr(&unknown).contains("there are 0 whole days of history"), "{}", stderr(&unknown));

    let taken = import(&[]);
    assert_code(&taken, 0);
    assert!(stdout(&taken).contains(&told.replace("ake over", "ook over")), "{}", stdout(&taken));
    let again = &json_lines(&import(&["--json"]))[0];
    assert_eq!(
        (&again["hours"], &again["hours_known_before"], &again["weddings"]),
        (&0.into(), &1492.into(), &0.into())
    );
    for command in ["show", "explain", "backtest"] {
        let kept = run(&home, &[&["forecast", command, "--json"][..], &at].concat());
        let files = ["--history", history.as_str(), "--bookings", bookings.as_str()];
        let read = run(&home, &[&["forecast", command, "--json"][..], &at, &files].concat());
        assert_code(&kept, 0);
        assert_eq!(stdout(&kept), stdout(&read), "what is kept is what was read");
    }
    let elsewhere = run(&home, &["forecast", "show", "--region", "us-west-2"]);
    assert_code(&elsewhere, 2);
    assert!(stderr(&elsewhere).contains("of eu-west-1, us-east-1; say --region"), "{}", stderr(&elsewhere));

    // What is exported is what can be taken over elsewhere.
    let other = self::home();
    for (name, args) in [("h.csv", &["forecast", "export"][..]), ("b.csv", &["forecast", "export", "--bookings"])] {
        fs::write(other.path().join(name), stdout(&run(&home, args))).unwrap();
    }
    let moved = &json_lines(&run(&other, &["forecast", "import", "h.csv", "--bookings", "b.csv", "--json"]))[0];
    assert_eq!((&moved["hours"], &moved["weddings"]), (&1492.into(), &weddings.into()));

    let wrong = |text: &str, says: &str| {
        fs::write(home.path().join("wrong.csv"), text).unwrap();
        let output = run(&home, &["forecast", "import", "wrong.csv"]);
        assert_code(&output, 2);
        assert!(
            stderr(&output).contains(says) && stderr(&output).contains("wrong.csv"),
            "{says}:\n{}",
            stderr(&output)
        );
    };
    wrong("day,photos\n", "the first line must be hour,region,photos");
    wrong("hour,region,photos\n2026-06-20,us-east-1,4\n", "2026-06-20 is no time such as");
    wrong("hour,region,photos\n2025-06-21T20:00:00Z,US,4\n", "line 2");
    wrong("hour,region,photos\n2025-06-21T20:00:00Z,us-east-1,4.5\n", "4.5 photos: they are counted from zero up");
    wrong("hour,region,photos,megapixels\n2025-06-21T20:00:00Z,us-east-1,4\n", "there must be hour,region");
    wrong("hour,region,photos\n2525-06-21T20:00:00Z,us-east-1,4\n", "the hour 2525-06-21T20:00:00Z is not over");
    wrong(
        "hour,region,photos\n2025-06-20T20:00:00Z,us-east-1,21\n2025-06-20T21:00:00Z,us-east-1,5\n",
        "1 hours are known with other figures, the first 2025-06-20T20:00:00Z in us-east-1 (20 photos, and 21 in the file)",
    );
    let before = stdout(&run(&home, &["forecast", "export"]));
    assert!(!before.contains("2025-06-20T21:00:00Z,us-east-1"), "nothing of it was taken over");
    assert_code(&run(&home, &["forecast", "import", "wrong.csv", "--replace"]), 0);
    let after = stdout(&run(&home, &["forecast", "export"]));
    assert!(after.contains("\n2025-06-20T20:00:00Z,us-east-1,21,0\n2025-06-20T21:00:00Z,eu-west-1,7,0\n"), "{after}");
}

#[test]
fn without_galleries_nothing_is_forecast() {
    let home = home();
    let output = run(&home, &["forecast", "show"]);
    assert_code(&output, 2);
    assert!(stderr(&output).contains("days of history"), "{}", stderr(&output));
}
