//! The way of a learner: start step 9, log in, call.

use super::{
    browser::USER,
    world::{World, alone, as_person},
};

#[test]
fn a_person_logs_in_and_calls() {
    let world = World::new();
    let done = as_person(world.login(&[]), &USER);
    assert_eq!(done.status, 0, "{}{}", done.err, done.page);
    assert!(done.page.contains("You can close this page"), "{}", done.page);
    for words in [&*world.url, &world.issuer, "registered by this command", "mcp:read"] {
        assert!(done.out.contains(words), "{words} is missing in {}", done.out);
    }
    let called = alone(world.call(&["tools", "list"]));
    assert_eq!(called.status, 0, "{}", called.err);
    assert!(called.out.contains("whoami"), "{}", called.out);
}
