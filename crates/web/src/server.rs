//! Connections: accepted up to a number, given a time to say what they want, and let end in peace at a shutdown.

mod pace;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tower::ServiceExt as _;

use self::pace::Paced;
use crate::Service;

/// What clients may take of the server.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    /// So many at the same time; more wait to be accepted.
    pub most: usize,
    /// A client has so long to send the head of a request, the first or the next.
    pub head: Duration,
    /// A client that takes nothing of an answer for so long is cut off.
    pub idle: Duration,
    /// Requests that run at a shutdown have so long to end.
    pub drain: Duration,
}

/// Answers requests on `listener` by `router` until `stop` says so, and then until the last request has ended or the time for that is
/// over.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    service: Arc<Service>,
    connections: Connections,
    mut stop: watch::Receiver<bool>,
) {
    let open = service.live.metrics.connections.clone();
    let places = Arc::new(Semaphore::new(connections.most));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        // Latency matters more than full packets.
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(connections.head).max_buf_size(64 << 10);
        let stream = TokioIo::new(Paced::new(stream, connections.idle));
        let connection = graceful.watch(builder.serve_connection(stream, answer));
        open.inc();
        let open = open.clone();
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended early");
            }
            open.dec();
        });
    }
    drop(listener);
    if tokio::time::timeout(connections.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            // The client went away, or this process has no file descriptors left: then others must end first.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::task::yield_now().await;
            None
        }
    }
}
