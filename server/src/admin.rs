//! The operator's port: `/metrics`, `/healthz`, `/readyz`. Not open unless `admin.listen` says where.

use crate::metrics::{Metrics, State};
use crate::rt::TcpListener;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// How long a peer may take to send its request's head.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections at a time: scrapers are few.
const CONNECTIONS_MAX: usize = 64;

pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>) {
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let metrics = Arc::clone(&metrics);
        tokio::spawn(async move {
            let _place = place;
            let answer = service_fn(move |request| {
                let response = answer(&request, &metrics);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            // A peer that goes away is its own business.
            let _ = server.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    let (status, body) = match request.uri().path() {
        "/metrics" => (StatusCode::OK, metrics.text()),
        "/healthz" => (StatusCode::OK, "alive\n".into()),
        "/readyz" => match metrics.state() {
            State::Ready => (StatusCode::OK, "ready\n".into()),
            State::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting\n".into()),
            State::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".into()),
        },
        _ => (StatusCode::NOT_FOUND, "try /metrics, /healthz or /readyz\n".into()),
    };
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}
