//! What is counted? Hits, refusals by their reason, fetches of keys, and when the keys were fetched last.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, LocalRecorderGuard, Metadata,
    Recorder, SharedString, Unit,
};

use super::*;

/// Counts what this thread does.
#[derive(Default)]
pub struct Counts(Arc<Mutex<BTreeMap<String, f64>>>);

/// One number of it.
struct Number {
    name: String,
    all: Arc<Mutex<BTreeMap<String, f64>>>,
}

impl Number {
    fn change(&self, change: impl FnOnce(f64) -> f64) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let number = all.entry(self.name.clone()).or_default();
        *number = change(*number);
    }
}

impl CounterFn for Number {
    fn increment(&self, by: u64) {
        self.change(|number| number + by as f64);
    }

    fn absolute(&self, value: u64) {
        self.change(|_| value as f64);
    }
}

impl GaugeFn for Number {
    fn increment(&self, by: f64) {
        self.change(|number| number + by);
    }

    fn decrement(&self, by: f64) {
        self.change(|number| number - by);
    }

    fn set(&self, value: f64) {
        self.change(|_| value);
    }
}

impl Counts {
    /// For as long as the test lives.
    pub fn begin(&self) -> LocalRecorderGuard<'_> {
        metrics::set_default_local_recorder(self)
    }

    /// The number of this name; its label stands behind it in braces.
    pub fn of(&self, name: &str) -> f64 {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(name).copied().unwrap_or_default()
    }

    fn number(&self, key: &Key) -> Arc<Number> {
        let labels: Vec<_> = key.labels().map(|label| label.value()).collect();
        let label =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        Arc::new(Number { name: format!("{}{label}", key.name()), all: self.0.clone() })
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.number(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.number(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test]
async fn hits_and_refusals_are_counted_each_under_its_reason() {
    let counts = Counts::default();
    let _guard = counts.begin();
    let app = greeter().0.layer(layer().mcp_scopes(ScopeTable::new("mcp:read")));
    let good = token("alice", "mcp:read");
    for hits in [0.0, 1.0, 2.0] {
        assert_eq!(answer(app.clone(), post(&good, &call("ping", ""))).await.0, StatusCode::OK);
        assert_eq!(counts.of("mcp_auth_cache_hits_total"), hits);
    }
    let bad = |kind: &str| shared().token("a").bad(kind.parse().unwrap()).mint().unwrap();
    for (token, reason) in [
        ("nonsense".to_owned(), "malformed"),
        ("two words".to_owned(), "malformed_request"),
        (bad("alg-none"), "algorithm"),
        (bad("jku"), "header"),
        (bad("typ-id"), "type"),
        (bad("key-other-kid"), "key"),
        (bad("claims-changed"), "signature"),
        (bad("iss-other"), "issuer"),
        (bad("aud-other"), "audience"),
        (bad("expired"), "expired"),
        (bad("nbf-ahead"), "early"),
        (bad("cnf-empty"), "bound"),
        (bad("sub-empty"), "claim"),
        (token("alice", ""), "insufficient_scope"),
    ] {
        let name = format!("mcp_auth_refusals_total{{{reason}}}");
        for times in [1.0, 2.0] {
            answer(app.clone(), post(&token, &call("tools/list", ""))).await;
            assert_eq!(counts.of(&name), times, "{reason}");
        }
    }
    answer(app, Request::post("/mcp").body(Body::empty()).unwrap()).await;
    assert_eq!(counts.of("mcp_auth_refusals_total{no_token}"), 1.0);
    assert_eq!(
        counts.of("mcp_auth_cache_hits_total"),
        2.0 + 1.0,
        "and the one with too little scope"
    );
}
