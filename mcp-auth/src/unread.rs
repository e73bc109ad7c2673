//! What becomes of a body that nobody will read, because its sender is refused?
//!
//! A server that drops it ends the connection, as it cannot tell where the next request begins. A connection that ends while
//! bytes arrive is reset, and a reset takes away what the other side has not read yet: the answer. So the rest is read and
//! thrown away for a moment, while the answer is on its way.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody as _},
    http::{HeaderMap, header::EXPECT},
};
use http_body_util::BodyExt as _;
use tokio::{runtime::Handle, time::timeout};

/// Bytes that are thrown away before the connection ends.
const MOST: usize = 16 << 20;
/// How long the sender may be silent meanwhile, for he may wait for the connection to end and send nothing at all; and how long
/// it may take in all.
const SILENCE: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads on, in a task of its own. Not where the sender has asked whether he may send (RFC 9110 §10.1.1): to read would say yes.
pub(crate) fn throw_away(headers: &HeaderMap, body: Body) {
    if body.is_end_stream() || headers.contains_key(EXPECT) {
        return;
    }
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(timeout(PATIENCE, rest(body)));
    }
}

async fn rest(mut body: Body) {
    let mut most = MOST;
    while let Ok(Some(Ok(frame))) = timeout(SILENCE, body.frame()).await {
        let length = frame.data_ref().map_or(0, |data| data.len());
        match most.checked_sub(length) {
            Some(left) => most = left,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use axum::body::Bytes;
    use futures_util::{StreamExt as _, stream};

    use super::*;

    const MIB: usize = 1 << 20;

    /// A body without an end, and how much of it was taken; silent for this long after each MiB.
    fn endless(pause: Duration) -> (Body, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let count = taken.clone();
        let chunks = stream::repeat(()).then(move |()| {
            count.fetch_add(MIB, Ordering::SeqCst);
            async move {
                tokio::time::sleep(pause).await;
                Ok::<_, io::Error>(Bytes::from(vec![b'x'; MIB]))
            }
        });
        (Body::from_stream(chunks), taken)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_thrown_away_has_a_limit_of_bytes_of_silence_and_of_time() {
        for (pause, most) in [(0, 17), (290, 17), (310, 1)] {
            let (body, taken) = endless(Duration::from_millis(pause));
            throw_away(&HeaderMap::new(), body);
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert_eq!(taken.load(Ordering::SeqCst), most * MIB, "{pause} ms");
        }
        let slow = stream::repeat(Bytes::from_static(b"x")).then(async |byte| {
            tokio::time::sleep(Duration::from_millis(200)).await;
            Ok::<_, io::Error>(byte)
        });
        let begun = tokio::time::Instant::now();
        let (body, ended) = (Body::from_stream(slow), Arc::new(()));
        let (watched, kept) = (Arc::downgrade(&ended), ended);
        let body = Body::new(body.map_frame(move |frame| {
            let _kept = &kept;
            frame
        }));
        throw_away(&HeaderMap::new(), body);
        while watched.upgrade().is_some() {
            assert!(begun.elapsed() < Duration::from_secs(6), "it is still read");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(begun.elapsed() > Duration::from_secs(4), "it was worth a moment");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_told_to_send_what_will_not_be_read() {
        let (body, taken) = endless(Duration::ZERO);
        throw_away(&HeaderMap::from_iter([(EXPECT, "100-continue".parse().unwrap())]), body);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(taken.load(Ordering::SeqCst), 0);
    }
}
