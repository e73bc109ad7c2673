//! Where can be read how often what was asked, and how long it took?

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use axum::{Router, routing::get};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tracing::{error, info};

/// Counts from now on, and takes the address where that can be asked for.
pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<(TcpListener, PrometheusHandle)> {
    let listener = TcpListener::bind(address).await;
    let named = || format!("cannot listen on {address} for metrics (--metrics)");
    Ok((listener.with_context(named)?, PrometheusBuilder::new().install_recorder()?))
}

/// Answers whoever asks, for as long as the program runs.
pub(crate) async fn publish(listener: TcpListener, handle: PrometheusHandle) {
    if let Ok(address) = listener.local_addr() {
        info!("metrics are at http://{address}/metrics");
    }
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep(); // or what nobody asks for would grow
        }
    });
    let page = async move || handle.render();
    if let Err(error) = axum::serve(listener, Router::new().route("/metrics", get(page))).await {
        error!("metrics: {error}");
    }
}
