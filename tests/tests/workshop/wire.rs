//! Do the steps keep what only the wire can show? Over real connections, with limits short enough to wait for.

use workshop_tests::{
    Target,
    judge::{self, Outcome, Question},
    steps, wire,
};

async fn judged(step: u8, flags: &[&str]) {
    let (target, serving) = steps::listening(step, flags).await.unwrap();
    let asked = wire::promises(step).into_iter().map(Question::Wire);
    let report = judge::all(&target, asked).await;
    serving.abort();
    assert!(report.is_kept(), "step {step}:\n{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn step1_keeps_them_on_the_wire() {
    judged(1, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn step2_keeps_them_on_the_wire() {
    judged(2, &["--header-timeout", "1", "--body-timeout", "1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn step9_keeps_them_on_the_wire() {
    judged(9, &["--header-timeout", "1", "--body-timeout", "1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn step9_keeps_all_its_contracts_over_http() {
    let (target, serving) = steps::listening(9, &[]).await.unwrap();
    let report = judge::contracts(&target).await;
    serving.abort();
    assert!(report.is_kept(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_promises_nothing_is_found_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let always_fine = axum::Router::new().fallback(async || "fine");
    let serving = tokio::spawn(async move { axum::serve(listener, always_fine).await.unwrap() });
    let target = Target::url(&url, 8).unwrap();
    for name in [
        "one_connection_serves_many_requests",
        "slow_bodies_are_cut_off",
        "the_case_of_values_matters",
        "one_good_host_is_needed",
        "who_is_refused_need_not_send_a_body",
        "chunks_are_counted",
        "strangers_need_not_send_a_body",
    ] {
        let promise = wire::promises(8).into_iter().find(|promise| promise.name == name).unwrap();
        let line = judge::ask(&target, Question::Wire(promise)).await;
        assert!(matches!(line.answer, Outcome::Broken(_)), "{line}");
    }
    serving.abort();
}
