//! Who may knock? `Host`, `Origin` and CORS, by exact match.

use axum::http::Method;
use serde_json::json;

use crate::{Answer, Call, Kept, Promise, Target, contracts::methods};

/// Promises about browsers, and about names that are not ours.
pub const PROMISES: &[Promise] = promises! {
    foreign_origins_are_refused, "T2 G8", "an Origin that is not exactly ours is 403, with a good Host, on every path";
    our_origin_is_let_in, "T2", "our own origin, and no Origin at all, is let in";
    foreign_hosts_are_refused, "T2", "a Host that is not exactly ours, two, or none, is 403, with a good Origin";
    our_hosts_are_let_in, "T2", "our own name is let in, in any case; on one's own machine all its names are";
    health_answers_under_any_name, "T2", "probes ask for /health under any Host";
    strangers_are_refused_first, "T2", "a foreign Origin or Host is told before anything else";
    a_preflight_is_answered, "T2", "a preflight of our origin is 204 with the headers it asked for, without a token";
    a_foreign_preflight_is_refused, "T2", "a preflight of another origin is 403 and allows nothing";
    our_pages_may_read_refusals, "T2", "an answer to our origin is readable for it and for no other, a refusal too";
};

fn discover(t: &Target) -> Call<'_> {
    t.modern("server/discover", json!({}))
}

/// Origins that look like ours.
fn foreign_origins(t: &Target) -> Vec<String> {
    let (own, authority) = (t.origin(), t.authority());
    let (scheme, _) = own.split_once(':').unwrap_or(("http", ""));
    let (host, port) = authority.rsplit_once(':').unwrap_or((&authority, "80"));
    let other_scheme = if scheme == "http" { "https" } else { "http" };
    vec![
        format!("http://{host}.evil.com"),
        format!("http://{host}.evil.com:{port}"),
        format!("{own}.evil.com"),
        format!("{own}@evil.com"),
        format!("http://evil.com/{own}"),
        format!("http://evil-{host}:{port}"),
        format!("{other_scheme}://{authority}"),
        format!("{scheme}://{host}:1"),
        format!("{own}/"),
        format!("{own} "),
        format!("{own}, http://evil.com"),
        own.to_ascii_uppercase(), // browsers write it in small letters
        authority.clone(),
        "http://evil.com".into(),
        "null".into(),
        "*".into(),
        String::new(),
    ]
}

async fn foreign_origins_are_refused(t: &Target) -> Kept {
    for origin in foreign_origins(t) {
        let origin = origin.trim_end_matches(' '); // a blank at the end is not part of a value
        if origin == t.origin() {
            continue;
        }
        for call in [
            discover(t),
            t.legacy("ping", json!({})),
            t.legacy_notification("notifications/initialized"),
            t.endpoint(Method::GET),
            t.endpoint(Method::DELETE),
            t.get("/health"),
            t.get("/nothing-here"),
        ] {
            let answer =
                call.header("origin", origin).with(format!("Origin: {origin}")).send().await?;
            answer.refused(403)?;
            unreadable(&answer)?;
        }
    }
    let two = discover(t).header("origin", t.origin()).header("origin", "http://evil.com");
    two.with("two Origins").send().await?.refused(403)?;
    let two = discover(t).header("origin", t.origin()).header("origin", t.origin());
    two.with("our Origin twice").send().await?.refused(403)?;
    let odd = discover(t).header("origin", b"http://evil.com\xff").with("an Origin beyond ASCII");
    odd.send().await?.refused(403)?;
    Ok(())
}

/// No page may read this.
fn unreadable(answer: &Answer) -> Kept {
    let allowed = answer.headers.contains_key("access-control-allow-origin");
    demand!(!allowed, "{}", answer.unlike("no Access-Control-Allow-Origin"));
    Ok(())
}

async fn our_origin_is_let_in(t: &Target) -> Kept {
    discover(t).send().await?.result()?;
    discover(t).header("origin", t.origin()).with("our Origin").send().await?.result()?;
    t.get("/health").header("origin", t.origin()).with("our Origin").send().await?.is(200)?;
    Ok(())
}

async fn foreign_hosts_are_refused(t: &Target) -> Kept {
    let authority = t.authority();
    let (host, port) = authority.rsplit_once(':').unwrap_or((&authority, "80"));
    for name in [
        "evil.com".to_owned(),
        format!("evil.com:{port}"),
        format!("{host}.evil.com:{port}"),
        format!("{authority}.evil.com"),
        format!("evil-{authority}"),
        format!("{host}.:{port}"),
        format!("{host}:1"),
        format!("x@{authority}"),
        format!("{authority}/"),
        format!("{authority}, evil.com"),
        String::new(),
    ] {
        for call in [discover(t), discover(t).header("origin", t.origin())] {
            let call = call.set("host", &name).with(format!("Host: {name}"));
            call.send().await?.refused(403)?;
        }
    }
    for second in [&authority, "evil.com"] {
        let two = discover(t).header("host", &authority).header("host", second);
        let answer = two.with(format!("a second Host {second}")).send().await?;
        // a parser may be stricter than we are (RFC 9112 §3.2)
        demand!(matches!(answer.status.as_u16(), 400 | 403), "{}", answer.unlike("403 or 400"));
    }
    Ok(())
}

async fn our_hosts_are_let_in(t: &Target) -> Kept {
    let authority = t.authority();
    let upper = authority.to_ascii_uppercase();
    discover(t).set("host", &upper).with(format!("Host: {upper}")).send().await?.result()?;
    if let Some(port) = authority.strip_prefix("localhost:") {
        for name in ["127.0.0.1", "[::1]", "localhost"] {
            let host = format!("{name}:{port}");
            discover(t).set("host", &host).with(format!("Host: {host}")).send().await?.result()?;
        }
    }
    Ok(())
}

async fn health_answers_under_any_name(t: &Target) -> Kept {
    for host in ["10.0.0.1:9000", "probe.example.com", "localhost"] {
        t.get("/health").set("host", host).with(format!("Host: {host}")).send().await?.is(200)?;
        for path in ["/healthy", "/health/more"] {
            let call = t.get(path).set("host", host).with(format!("Host: {host}"));
            call.send().await?.refused(403)?; // no other path
        }
    }
    Ok(())
}

async fn strangers_are_refused_first(t: &Target) -> Kept {
    for (header, value) in [("origin", "http://evil.com"), ("host", "evil.com")] {
        for call in [
            t.get("/nothing-here"),
            t.endpoint(Method::GET),
            discover(t).set("content-type", "text/plain").with("a wrong type"),
            discover(t).body("{").with("broken JSON"),
            discover(t).set("mcp-protocol-version", "1999-01-01"),
            t.modern(methods::UNKNOWN, json!({})),
            discover(t).set("authorization", "Bearer nonsense").with("a bad token"),
        ] {
            let call = call.set(header, value).with(format!("{header}: {value}"));
            let answer = call.send().await?;
            let body = answer.refused(403)?;
            let repeats = body.to_string().contains("evil");
            demand!(!repeats, "{}", answer.unlike("a refusal that does not repeat what was sent"));
        }
    }
    Ok(())
}

fn preflight<'a>(t: &'a Target, origin: &str) -> Call<'a> {
    t.endpoint(Method::OPTIONS)
        .anonymous()
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,mcp-method")
        .named(format!("a preflight of {origin}"))
}

async fn a_preflight_is_answered(t: &Target) -> Kept {
    let answer = preflight(t, &t.origin()).send().await?;
    answer.is(204)?.empty()?;
    readable(t, &answer)?;
    let methods = answer.list("access-control-allow-methods");
    demand!(methods.contains(&"post".into()), "{}, allowed: {methods:?}", answer.unlike("POST"));
    for asked in ["authorization", "content-type", "mcp-method"] {
        let allowed = answer.list("access-control-allow-headers");
        let found = allowed.contains(&asked.into());
        demand!(found, "{}, allowed: {allowed:?}", answer.unlike(format!("{asked} allowed")));
    }
    // OPTIONS and the question for a method make a preflight together, and neither makes one alone
    let question = discover(t).header("origin", t.origin());
    let question = question.header("access-control-request-method", "POST");
    question.with("Access-Control-Request-Method").send().await?.result()?;
    let options = t.endpoint(Method::OPTIONS).header("origin", t.origin());
    options.with("our Origin and no question").send().await?.refused(405)?;
    Ok(())
}

async fn a_foreign_preflight_is_refused(t: &Target) -> Kept {
    for origin in ["http://evil.com", "null"] {
        let answer = preflight(t, origin).send().await?;
        answer.refused(403)?;
        unreadable(&answer)?;
    }
    Ok(())
}

/// Our pages may read this, and nobody else's; a cache must not mix them up.
fn readable(t: &Target, answer: &Answer) -> Kept {
    let origin = answer.header("access-control-allow-origin")?;
    let ours = origin == Some(&*t.origin());
    demand!(ours, "{}, allowed: {origin:?}", answer.unlike("our origin allowed, and no other"));
    let varies = answer.list("vary").contains(&"origin".into());
    demand!(varies, "{}", answer.unlike("Vary: Origin"));
    let cookies = answer.headers.contains_key("access-control-allow-credentials");
    demand!(!cookies, "{}", answer.unlike("no cookies of other sites"));
    Ok(())
}

async fn our_pages_may_read_refusals(t: &Target) -> Kept {
    for call in [
        discover(t),
        discover(t).body("{").named("broken JSON"),
        discover(t).set("content-type", "text/plain").with("a wrong type"),
        t.modern(methods::UNKNOWN, json!({})),
        t.endpoint(Method::GET),
        t.get("/nothing-here"),
    ] {
        let answer = call.header("origin", t.origin()).with("our Origin").send().await?;
        readable(t, &answer)?;
        let exposed = answer.list("access-control-expose-headers");
        for name in ["www-authenticate", "x-request-id"] {
            let found = exposed.contains(&name.into());
            demand!(found, "{}, exposed: {exposed:?}", answer.unlike(format!("{name} exposed")));
        }
    }
    Ok(())
}
