//! What `/metrics` says, held against Prometheus' own checker and the page for operators.

use std::{
    collections::BTreeSet,
    io::Write as _,
    process::{Command, Stdio},
};

use crate::{
    live::{Events, over_a_finished_gallery, redo},
    running::tool,
};

#[tokio::test]
async fn the_metrics_are_what_prometheus_expects_and_the_page_says() {
    let (service, gallery) = over_a_finished_gallery();
    let mut events = Events::of(&service, &gallery).await;
    redo(&service, &gallery, "high_resolution_portraits").await;
    events.until_done(3).await;
    let answer = service.http.get(format!("{}/metrics", service.url)).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();

    let names: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md")).unwrap();
    let unlisted: Vec<_> = names.iter().filter(|name| !page.contains(&format!("| `{name}` |"))).collect();
    assert!(unlisted.is_empty(), "not in docs/operations.md: {unlisted:?}");
    assert!(names.len() > 20, "{names:?}");
    assert!(text.contains("procession_photos_done_total 3\n"), "{text}");
    assert!(text.contains("procession_stage_duration_seconds_count{stage=\"render\"} 3\n"), "{text}");
    assert!(text.contains(
        "procession_http_requests_total{route=\"/api/v1/galleries/{gallery}\",method=\"PATCH\",status=\"200\"} 1\n"
    ));
    for secret in [gallery.as_str(), service.key.as_str(), "obama"] {
        assert!(!text.contains(secret), "{secret} is in the metrics");
    }

    let Some(promtool) = tool("promtool") else {
        assert!(std::env::var_os("PROCESSION_REQUIRE_ALL").is_none(), "promtool is missing: run `cargo xtask setup`");
        return;
    };
    let mut check =
        Command::new(promtool).args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stdout));
}
