//! Codes and tokens in any order: used, used again, used by others, revoked. A model says what each of them must be worth.

use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    browser::Browser,
    steps::{consent_page, exchange_with, introspected, refresh},
    world::{Answer, RESOURCE, WEB, World, request},
};

/// What somebody does with a family of tokens, and with which of them.
#[derive(Clone, Copy, Debug)]
enum Step {
    Begin,
    Redeem,
    RedeemWithout,
    Refresh(usize),
    RefreshAsAnother(usize),
    Revoke(usize),
    RevokeAsAnother(usize),
    RevokeAccess(usize),
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let which = prop_oneof![2 => Just(0), 1 => 1..4usize]; // mostly the newest: what has ended teaches little
    let step = prop_oneof![
        2 => Just(Step::Begin),
        2 => Just(Step::Redeem),
        1 => Just(Step::RedeemWithout),
        8 => which.clone().prop_map(Step::Refresh),
        1 => which.clone().prop_map(Step::RefreshAsAnother),
        1 => which.clone().prop_map(Step::Revoke),
        1 => which.clone().prop_map(Step::RevokeAsAnother),
        1 => which.prop_map(Step::RevokeAccess),
    ];
    (0..2usize, step)
}

/// All that has come of one consent; of the tokens the newest stands last.
#[derive(Debug, Default)]
struct Family {
    code: String,
    is_redeemed: bool,
    has_ended: bool,
    refresh: Vec<String>,
    access: Vec<(String, bool)>,
}

impl Family {
    /// The `n`th newest refresh token, and whether it is the newest.
    fn token(&self, n: usize) -> Option<(String, bool)> {
        self.refresh.iter().rev().nth(n).map(|token| (token.clone(), n == 0))
    }

    fn takes(&mut self, answer: &Answer) {
        let json = answer.json();
        let token = |name: &str| json[name].as_str().unwrap().to_owned();
        self.refresh.push(token("refresh_token"));
        self.access.push((token("access_token"), false));
    }
}

async fn revoke(world: &World, client: &str, token: &str) {
    let fields = [("token", token), ("client_id", client)];
    assert_eq!(world.form("/revoke", &fields).await.status, 200);
}

/// Takes a step, in the world and in the model; whether something was given, and whether it should have been.
async fn take(world: &World, family: &mut Family, step: Step) -> Option<(bool, bool)> {
    let (answer, should) = match step {
        Step::Begin => return None,
        Step::Redeem => {
            let answer = exchange_with(world, &family.code, &[("client_id", "web")]).await;
            let should = !family.is_redeemed;
            family.has_ended |= family.is_redeemed;
            family.is_redeemed = true;
            (answer, should)
        }
        Step::RedeemWithout => {
            let wrong = [("client_id", "web"), ("code_verifier", "")];
            let answer = exchange_with(world, &family.code, &wrong).await;
            family.has_ended |= family.is_redeemed;
            family.is_redeemed = true;
            (answer, false)
        }
        Step::Refresh(n) => {
            let (token, is_newest) = family.token(n)?;
            let should = is_newest && !family.has_ended;
            family.has_ended |= !is_newest;
            (refresh(world, "web", &token).await, should)
        }
        Step::RefreshAsAnother(n) => {
            let (token, is_newest) = family.token(n)?;
            family.has_ended |= !is_newest;
            (refresh(world, "neighbour", &token).await, false)
        }
        Step::Revoke(n) => {
            let (token, _) = family.token(n)?;
            revoke(world, "web", &token).await;
            family.has_ended = true;
            return None;
        }
        Step::RevokeAsAnother(n) => {
            let (token, _) = family.token(n)?;
            revoke(world, "neighbour", &token).await;
            return None;
        }
        Step::RevokeAccess(n) => {
            let (token, is_revoked) = family.access.iter_mut().rev().nth(n)?;
            revoke(world, "web", token).await;
            *is_revoked = true;
            return None;
        }
    };
    let is_given = answer.status == 200;
    if is_given {
        family.takes(&answer);
    }
    Some((is_given, should))
}

#[test]
fn every_history_gives_what_its_rules_say_and_nothing_else() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let asked = request("web", WEB, &[]);
    let (world, browser) = runtime.block_on(async {
        let world = World::with(|builder| builder.without_rates()).await;
        let mut browser = Browser::default();
        let page = consent_page(&world, &mut browser, &asked).await;
        browser.decide(&world, &page, "allow").await; // from now on she is not asked
        (world, browser)
    });
    let begin = async || {
        let answer = Browser { cookie: browser.cookie.clone() }.get(&world, &asked).await;
        Family { code: answer.parameter("code").unwrap(), ..Family::default() }
    };
    let config =
        ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(step(), 1..24), |steps| {
            runtime.block_on(async {
                let mut families = vec![begin().await, begin().await];
                    for family in &mut families {
                        take(&world, family, Step::Redeem).await;
                    }
                for (which, step) in steps {
                    if let Step::Begin = step {
                        families[which] = begin().await;
                    }
                    let taken = take(&world, &mut families[which], step).await;
                    prop_assert!(taken.is_none_or(|(given, should)| given == should), "{step:?}");
                    for family in &families {
                        for (token, is_revoked) in &family.access {
                            let is_active = introspected(&world, RESOURCE, token).await.json()["active"] == true;
                            prop_assert_eq!(is_active, !family.has_ended && !is_revoked, "after {:?}", step);
                        }
                    }
                }
                Ok(())
            })
        })
        .unwrap();
}
