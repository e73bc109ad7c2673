//! What if somebody hangs up while the database works for him? At whatever point, nothing is left open: the next one can write,
//! and what he has been told is written stands where others read.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use mcp_auth_server::store::{Binding, Grant, Store};
use tokio::time::timeout;

use crate::store::{binding, grant, token};

/// Awaits this as long as it takes this many steps, and hangs up then.
async fn hang_up_after<T>(steps: usize, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut left) = (pin!(work), steps);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

async fn nothing_is_left_open_in(store: &Store) {
    for (round, steps) in (0..200).map(|n| (n, n % 20)) {
        let (hasty, binding) = (grant(&format!("{round} of somebody who hangs up")), binding());
        let code = format!("code {round}");
        let _ = hang_up_after(steps, store.keep_code(&hasty, &code, &binding, 60, 600)).await;
        let fits = |_: &Grant, _: &Binding| Ok::<_, ()>(true);
        let _ = hang_up_after(steps, store.use_code(&code, (&code, 600), 1, fits)).await;
        let _ = hang_up_after(steps, store.rotate(&code, "local", ("next", 600), 1)).await;
        let _ = hang_up_after(steps, store.revoke(&code, 600)).await;
        let good = store.is_good(token(&code, Some((&hasty.id, ""))));
        let _ = hang_up_after(steps, good).await;

        let other = grant(&format!("{round} of somebody else"));
        let is_good = || store.is_good(token(&other.id, Some((&other.id, ""))));
        let others = async {
            let code = format!("other code {round}");
            store.keep_code(&other, &code, &binding, 60, 600).await.unwrap();
            assert!(is_good().await.unwrap(), "it stands where others read");
            store.revoke(&other.id, 600).await.unwrap();
            assert!(!is_good().await.unwrap(), "it is revoked where others read");
        };
        timeout(Duration::from_secs(10), others).await.unwrap_or_else(|_| {
            panic!("nobody is answered since somebody has hung up after {steps} steps")
        });
    }
}

#[tokio::test]
async fn whoever_hangs_up_leaves_nothing_open_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("authorization.db")).await.unwrap();
    nothing_is_left_open_in(&store).await;
}

#[tokio::test]
async fn nor_in_memory() {
    nothing_is_left_open_in(&Store::in_memory().await.unwrap()).await;
}
