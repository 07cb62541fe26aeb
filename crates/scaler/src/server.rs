//! The server that KEDA speaks to: gRPC without TLS, inside a cluster.

use std::{pin::pin, sync::Arc, time::Duration};

use procession_domain::error::chain;
use procession_flow::System;
use tokio::{net::TcpListener, sync::watch, time::timeout};
use tonic::transport::{Server, server::TcpIncoming};

use crate::{scaler::Scaler, wire::external_scaler_server::ExternalScalerServer};

/// An answer takes so long at most; KEDA asks again.
const ANSWER: Duration = Duration::from_secs(5);
/// A connection on which nothing was heard for so long is asked whether it still is one, and has as long to say so.
const SILENCE: Duration = Duration::from_secs(20);
/// Questions at the same time on one connection. KEDA has one connection for all its ScaledObjects, and a stream for each.
const MOST_STREAMS: u32 = 1_024;
/// Bytes of a question.
const LONGEST_QUESTION: usize = 64 << 10;

/// Answers KEDA's questions on `listener` until `stop` says so, and then until the last answer is given or `drain` is over.
pub async fn serve(listener: TcpListener, system: Arc<System>, drain: Duration, stop: watch::Receiver<bool>) {
    let stopped = |mut stop: watch::Receiver<bool>| async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let scaler = Scaler { system, stop: stop.clone() };
    let service = ExternalScalerServer::new(scaler).max_decoding_message_size(LONGEST_QUESTION);
    let served = Server::builder()
        .timeout(ANSWER)
        .http2_keepalive_interval(Some(SILENCE))
        .http2_keepalive_timeout(Some(SILENCE))
        .max_concurrent_streams(MOST_STREAMS)
        .add_service(service)
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), stopped(stop.clone()));
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = &mut served => Ok(ended),
        () = stopped(stop) => timeout(drain, served).await,
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(error = chain(&error), "the scaler's server ended early"),
        Err(_) => tracing::warn!("some of the scaler's answers did not end in time and were cut off"),
    }
}
