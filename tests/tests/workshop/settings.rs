//! Do settings do what they say? In process, where a contract cannot know them.

use axum::http::Method;
use common::PublicUrl;
use serde_json::json;
use workshop_tests::{Target, judge, steps};

#[tokio::test]
async fn every_step_keeps_its_contracts_under_another_name_and_a_base_path() {
    for (step, url) in [(1, "https://mcp.example.com"), (2, "https://mcp.example.com:8443/tools")] {
        let url: PublicUrl = url.parse().unwrap();
        let report = judge::contracts(&steps::target_at(step, url, &[]).await.unwrap()).await;
        assert!(report.is_kept(), "step {step}:\n{report}");
    }
    for step in 3..=steps::LAST {
        // a loopback name, for development keys
        let url: PublicUrl = "http://127.0.0.1:9000/a/b".parse().unwrap();
        let report = judge::contracts(&steps::target_at(step, url, &[]).await.unwrap()).await;
        assert!(report.is_kept(), "step {step}:\n{report}");
    }
}

fn preflight<'a>(t: &'a Target, origin: &str) -> workshop_tests::Call<'a> {
    let call = t.endpoint(Method::OPTIONS).anonymous().header("origin", origin);
    call.header("access-control-request-method", "POST")
}

#[tokio::test]
async fn an_allowed_origin_is_let_in_and_no_other() {
    for step in [2, 4, 8, 9] {
        let flags = ["--allow-origin", "http://localhost:6274,https://pages.example"];
        let t = steps::target(step, &flags).await.unwrap();
        for origin in ["http://localhost:6274", "https://pages.example"] {
            let call = t.modern("server/discover", json!({})).header("origin", origin);
            let answer = call.send().await.unwrap();
            answer.result().unwrap();
            assert_eq!(answer.header("access-control-allow-origin").unwrap(), Some(origin));
            preflight(&t, origin).send().await.unwrap().is(204).unwrap();
        }
        for origin in
            ["http://localhost:62740", "https://localhost:6274", "https://pages.example.com"]
        {
            let call = t.modern("server/discover", json!({})).header("origin", origin);
            call.send().await.unwrap().refused(403).unwrap();
            preflight(&t, origin).send().await.unwrap().refused(403).unwrap();
        }
        let report = judge::contracts(&t).await;
        assert!(report.is_kept(), "step {step}:\n{report}");
    }
}

#[tokio::test]
async fn an_allowed_host_is_let_in_and_no_other() {
    for step in [2, 4] {
        let t = steps::target(step, &["--allow-host", "mcp.example.com:8443"]).await.unwrap();
        let asked = |host: &str| t.modern("server/discover", json!({})).set("host", host);
        asked("mcp.example.com:8443").send().await.unwrap().result().unwrap();
        asked("MCP.example.com:8443").send().await.unwrap().result().unwrap();
        for host in ["mcp.example.com", "mcp.example.com:8444", "x.mcp.example.com:8443"] {
            asked(host).send().await.unwrap().refused(403).unwrap();
        }
    }
}

#[tokio::test]
async fn limits_can_be_set() {
    for step in [2, 8, 9] {
        let t = steps::target(step, &["--max-body", "1000", "--max-depth", "6"]).await.unwrap();
        let sized = |size| t.modern("server/discover", json!({})).resize(size);
        sized(1000).send().await.unwrap().result().unwrap();
        sized(1001).send().await.unwrap().refused(413).unwrap();
        let deep = |x| t.modern("server/discover", json!({"x": x}));
        deep(json!([[[[]]]])).send().await.unwrap().result().unwrap();
        deep(json!([[[[[]]]]])).send().await.unwrap().error(400, -32700).unwrap();
    }
}

#[test]
fn a_limit_that_would_let_nothing_in_is_refused_and_what_is_allowed_is_said() {
    let read = |flag: &str| steps::settings::<step8::Settings>(&[flag]);
    for (name, most) in [
        ("--max-body", "1073741824"),
        ("--max-depth", "1000000"),
        ("--max-requests", "1000000"),
        ("--max-authorization", "1000000"),
    ] {
        for value in ["0", "-1", "1.5", "many", "99999999999999999999"] {
            let error = read(&format!("{name}={value}")).unwrap_err();
            let said = format!("invalid value '{value}' for '{name} <");
            let allowed = format!("a whole number from 1 to {most} is expected");
            assert!(error.contains(&said) && error.contains(&allowed), "{error}");
        }
        for value in ["1", most] {
            read(&format!("{name}={value}")).unwrap();
        }
    }
}
