//! How long does each hot function take, alone? `cargo bench --bench functions` in `bench/`.

#![allow(missing_docs)] // of what Criterion's macros write

use std::hint::black_box;

use bench::cases::{Material, envelope};
use criterion::{Criterion, criterion_group, criterion_main};

fn functions(c: &mut Criterion) {
    let Ok(material) = Material::new() else { return };
    let _ = all(c, &material).map_err(|error| eprintln!("{error}"));
}

fn all(c: &mut Criterion, material: &Material) -> anyhow::Result<()> {
    let mut bearer = material.bearer()?;
    c.bench_function("bearer::token", |b| b.iter(&mut bearer));
    for (name, token) in [
        ("refused: alg", &material.wrong_algorithm),
        ("refused: aud", &material.wrong_audience),
        ("refused: signature", &material.bad_signature),
        ("Verifier::verify RS256", &material.good),
        ("Verifier::verify ES256", &material.good_es256),
    ] {
        let mut verify = material.verify(token)?;
        anyhow::ensure!(verify() == name.starts_with("Verifier"), "{name}: the wrong verdict");
        c.bench_function(name, |b| b.iter(&mut verify));
    }
    let mut cached = material.cached()?;
    anyhow::ensure!(cached(), "the token is not in the cache");
    c.bench_function("cache hit", |b| b.iter(&mut cached));
    anyhow::ensure!(envelope(), "the message is not read");
    c.bench_function("envelope", |b| b.iter(|| black_box(envelope())));
    let mut decide = material.decide()?;
    anyhow::ensure!(decide(), "the scope is not there");
    c.bench_function("scopes", |b| b.iter(&mut decide));
    Ok(())
}

criterion_group!(group, functions);
criterion_main!(group);
