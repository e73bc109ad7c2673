//! How long does the whole layer take, around a service that does nothing? `cargo bench --bench layer` in `bench/`.

#![allow(missing_docs)] // of what Criterion's macros write

use bench::cases::{Material, Scopes};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

fn layer(c: &mut Criterion) {
    let _ = all(c).map_err(|error| eprintln!("{error}"));
}

fn all(c: &mut Criterion) -> anyhow::Result<()> {
    let material = Material::new()?;
    // a body has a time limit, and one that is refused is read to its end by a task of its own
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    let _inside = runtime.enter();
    for (name, scopes, token, status) in [
        ("layer: cached", Scopes::NotAsked, &material.good, 200),
        ("layer: cached, scopes", Scopes::Asked, &material.good, 200),
        ("layer: wrong audience", Scopes::NotAsked, &material.wrong_audience, 401),
    ] {
        let mut guarded = material.guarded(scopes)?;
        let answered = guarded.call(material.request(token)?);
        anyhow::ensure!(answered == status, "{name}: {answered}");
        let request = || material.request(token).unwrap_or_default();
        c.bench_function(name, |b| {
            b.iter_batched(request, |request| guarded.call(request), BatchSize::SmallInput);
        });
    }
    Ok(())
}

criterion_group!(group, layer);
criterion_main!(group);
