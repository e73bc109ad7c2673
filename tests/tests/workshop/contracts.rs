//! Does each step keep the contracts of its lesson and of all lessons before it?

use workshop_tests::{
    contracts,
    judge::{self, Outcome, Question},
    steps,
};

/// Asks a step, started with these flags, for contracts 1 to its own.
async fn judged(step: u8, flags: &[&str]) {
    let target = steps::target(step, flags).await.unwrap();
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

#[tokio::test]
async fn step9_keeps_its_contracts() {
    judged(9, &[]).await;
}

#[tokio::test]
async fn a_promise_that_has_ended_and_still_holds_is_found_out() {
    // an open server that says it is step 8, and a guarded one that says it is step 5
    let mut open = steps::target(5, &[]).await.unwrap();
    open.step = 8;
    let mut guarded = steps::target(8, &[]).await.unwrap();
    guarded.step = 5;
    for ended in
        contracts::ended::PROMISES.iter().filter(|ended| ended.promise.name == "anonymous_may_call")
    {
        let line = judge::ask(&open, Question::Ended(ended)).await;
        let Outcome::Broken(sentence) = line.answer else { panic!("{line} of an open server") };
        assert!(sentence.contains("still holds") && sentence.contains(ended.why), "{sentence}");
        let line = judge::ask(&guarded, Question::Ended(ended)).await;
        assert!(matches!(line.answer, Outcome::Broken(_)), "{line} of a guarded server");
    }
}

#[tokio::test]
async fn what_ends_is_kept_until_then_by_every_step() {
    for step in 2..=steps::LAST {
        let target = steps::target(step, &[]).await.unwrap();
        let asked: Vec<_> = judge::questions(step)
            .into_iter()
            .filter(|q| matches!(q, Question::Ended(_)))
            .collect();
        assert!(!asked.is_empty(), "step {step}");
        let report = judge::all(&target, asked).await;
        assert!(report.is_kept(), "step {step}:\n{report}");
    }
}

#[test]
fn promises_have_names_of_their_own_and_sentences() {
    let questions = judge::questions(steps::LAST);
    for (at, question) in questions.iter().enumerate() {
        let promise = question.promise();
        assert!(
            questions[..at].iter().all(|other| other.promise().name != promise.name),
            "{question}"
        );
        assert!(promise.says.len() > 20 && !promise.says.ends_with('.'), "{question}");
    }
    for lesson in 1..=steps::LAST {
        let fewest = if lesson == steps::LAST { 3 } else { 7 };
        assert!(contracts::of(lesson).len() >= fewest, "contract {lesson}");
    }
}
