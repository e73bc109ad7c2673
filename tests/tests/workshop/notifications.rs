//! How little may a notification of the current revision say? It runs nothing, so it is not asked for the headers by
//! which a proxy would filter requests.

use workshop_tests::{Kept, Target, steps};

async fn taken(target: &Target, name: &str) -> Kept {
    let notification = || target.modern_notification(name);
    let bare = notification().without("mcp-protocol-version").without("mcp-method");
    bare.with("no headers").send().await?.is(202)?.empty()?;
    let lying = notification().set("mcp-method", "ping");
    let answer = lying.with("the name of another method").send().await?;
    if target.step < steps::PROVIDER {
        answer.is(202)?.empty()?;
    } else {
        answer.is(400)?; // a layer does not know what its server does with it, so no header may lie
    }
    Ok(())
}

#[tokio::test]
async fn a_modern_notification_needs_no_headers() {
    for step in 2..=steps::LAST {
        let target = steps::target(step, &[]).await.unwrap();
        for name in ["notifications/cancelled", "server/discover", "tools/call"] {
            let kept = taken(&target, name).await;
            assert_eq!(kept, Ok(()), "step {step}, {name}");
        }
    }
}
