//! Does each step keep the contracts of its lesson and of all lessons before it?

use workshop_tests::{judge, steps};

/// Asks a step, started with these flags, for contracts 1 to its own.
async fn judged(step: u8, flags: &[&str]) {
    let target = steps::target(step, flags).unwrap();
    let report = judge::contracts(&target).await;
    assert!(report.is_kept(), "step {step}:\n{report}");
}

#[tokio::test]
async fn step1_keeps_its_contract() {
    judged(1, &[]).await;
}

#[tokio::test]
async fn step2_keeps_its_contracts() {
    judged(2, &[]).await;
}

#[tokio::test]
async fn step3_keeps_its_contracts() {
    judged(3, &[]).await;
}

#[tokio::test]
async fn step4_keeps_its_contracts() {
    judged(4, &[]).await;
}

#[tokio::test]
async fn step5_keeps_its_contracts() {
    judged(5, &[]).await;
}

#[tokio::test]
async fn step6_keeps_its_contracts() {
    judged(6, &[]).await;
}

#[tokio::test]
async fn step7_keeps_its_contracts() {
    judged(7, &[]).await;
}

#[tokio::test]
async fn step8_keeps_its_contracts() {
    judged(8, &[]).await;
}
