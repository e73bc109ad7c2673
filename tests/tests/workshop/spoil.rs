//! Does a check notice? Each breakage of `spoil` must turn the promise red that it names.

use workshop_tests::{
    Target, contracts,
    judge::{self, Outcome, Question},
    spoil, steps,
};

/// The last step behind the proxy.
fn spoiled(upstream: &Target, breakage: Option<&'static spoil::Breakage>) -> Target {
    let proxy = spoil::proxy(upstream.clone(), None, breakage);
    upstream.clone().through(proxy)
}

#[tokio::test]
async fn a_proxy_that_breaks_nothing_keeps_every_promise() {
    let upstream = steps::target(steps::LAST, &[]).await.unwrap();
    let report = judge::contracts(&spoiled(&upstream, None)).await;
    assert!(report.is_kept(), "{report}");
}

#[tokio::test]
async fn every_breakage_is_noticed() {
    // what has ended at the last step is broken at the one before it
    let last = steps::target(steps::LAST, &[]).await.unwrap();
    let before = steps::target(steps::LAST - 1, &[]).await.unwrap();
    let promises: Vec<_> = (1..=steps::LAST).flat_map(contracts::of).collect();
    let mut unnoticed = Vec::new();
    for breakage in spoil::all() {
        let is_kept = spoil::at(steps::LAST).any(|kept| kept.name == breakage.name);
        let upstream = if is_kept { &last } else { &before };
        let named = promises.iter().find(|promise| promise.name == breakage.noticed_by);
        let promise = named.unwrap_or_else(|| panic!("no promise {}", breakage.noticed_by));
        let line = judge::ask(&spoiled(upstream, Some(breakage)), Question::Promise(promise)).await;
        if !matches!(line.answer, Outcome::Broken(_)) {
            unnoticed.push(breakage.name);
        }
    }
    assert!(unnoticed.is_empty(), "these breakages were not noticed: {unnoticed:?}");
}

#[test]
fn what_is_called_fine_is_a_breakage() {
    let all = spoil::all();
    let unknown = |name: &&&str| all.iter().all(|breakage| breakage.name != **name);
    assert_eq!(spoil::FINE.iter().find(unknown), None);
}

#[test]
fn breakages_have_names_of_their_own_and_fit_the_step_of_their_promise() {
    let all = spoil::all();
    for (at, breakage) in all.iter().enumerate() {
        assert!(all[..at].iter().all(|other| other.name != breakage.name), "{}", breakage.name);
        let kept = contracts::of(breakage.from).iter().any(|p| p.name == breakage.noticed_by);
        assert!(kept, "{} is not of contract {}", breakage.noticed_by, breakage.from);
    }
}

#[test]
fn every_promise_of_a_contract_has_a_breakage_that_it_notices() {
    let promises = (1..=steps::LAST).flat_map(contracts::of);
    let breakages = spoil::all();
    let never_red: Vec<_> = promises
        .filter(|promise| breakages.iter().all(|breakage| breakage.noticed_by != promise.name))
        .map(|promise| promise.name)
        .collect();
    assert!(never_red.is_empty(), "these promises have not been seen to fail: {never_red:?}");
}
