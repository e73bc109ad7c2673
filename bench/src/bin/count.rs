//! How many instructions does each hot function take? `count prepare FILE` makes keys and tokens, `count list` names the cases,
//! and `count CASE FILE` runs one under Callgrind, which counts inside of `measured` alone. `instructions.sh` does all that.

use std::{fs, hint::black_box, iter};

use anyhow::{Context as _, bail, ensure};
use bench::cases::{Material, Scopes, envelope};

/// How often each is called; `instructions.sh` divides by it.
const TIMES: usize = 100;

const CASES: [&str; 12] = [
    "bearer",
    "refused-algorithm",
    "refused-audience",
    "refused-signature",
    "verify-rs256",
    "verify-es256",
    "cache-hit",
    "envelope",
    "scopes",
    "layer-cached",
    "layer-cached-scopes",
    "layer-refused",
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => println!("{TIMES} {}", CASES.join(" ")),
        ["prepare", file] => fs::write(file, serde_json::to_string(&Material::new()?)?)?,
        [case, file] => run(case, &serde_json::from_slice(&fs::read(file)?)?)?,
        _ => bail!("list, prepare FILE, or CASE FILE"),
    }
    Ok(())
}

fn run(case: &str, material: &Material) -> anyhow::Result<()> {
    let verify = |token| material.verify(token);
    match case {
        "bearer" => count(material.bearer()?, true),
        "refused-algorithm" => count(verify(&material.wrong_algorithm)?, false),
        "refused-audience" => count(verify(&material.wrong_audience)?, false),
        "refused-signature" => count(verify(&material.bad_signature)?, false),
        "verify-rs256" => count(verify(&material.good)?, true),
        "verify-es256" => count(verify(&material.good_es256)?, true),
        "cache-hit" => count(material.cached()?, true),
        "envelope" => count(envelope, true),
        "scopes" => count(material.decide()?, true),
        "layer-cached" => count_layer(material, Scopes::NotAsked, &material.good, 200),
        "layer-cached-scopes" => count_layer(material, Scopes::Asked, &material.good, 200),
        "layer-refused" => count_layer(material, Scopes::NotAsked, &material.wrong_audience, 401),
        _ => bail!("there is no case {case}: {}", CASES.join(" ")),
    }
}

/// Calls it once to see that it does what it should and to warm it up, and then so many times.
fn count(mut one: impl FnMut() -> bool, expected: bool) -> anyhow::Result<()> {
    ensure!(one() == expected, "the wrong verdict");
    let good = measured(iter::repeat_with(one).take(TIMES));
    ensure!(good == if expected { TIMES } else { 0 }, "{good} of {TIMES}");
    Ok(())
}

fn count_layer(
    material: &Material,
    scopes: Scopes,
    token: &str,
    status: u16,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let _inside = runtime.enter(); // a body has a time limit
    let mut guarded = material.guarded(scopes)?;
    let requests: Result<Vec<_>, _> = (0..TIMES).map(|_| material.request(token)).collect();
    let mut requests = requests.context("no request can be made")?.into_iter();
    let calls = iter::from_fn(|| requests.next().map(|request| guarded.call(request) == status));
    ensure!(measured(calls) == TIMES, "not every answer was {status}");
    Ok(())
}

/// What is counted: all that is called from here.
#[inline(never)]
fn measured(calls: impl Iterator<Item = bool>) -> usize {
    black_box(calls).filter(|good| *good).count()
}
