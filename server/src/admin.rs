//! The operator's port: `/metrics`, `/healthz`, `/readyz`. Not open unless `admin.listen` says where.

use crate::metrics::{Metrics, State};
use crate::rt::TcpListener;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long a peer may take to send its request's head.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections at a time: scrapers are few. One more ends the oldest: who opens many and asks for nothing keeps nobody from hearing
/// that the node lives.
const CONNECTIONS_MAX: usize = 64;

pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>) {
    let mut open: VecDeque<JoinHandle<()>> = VecDeque::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() >= CONNECTIONS_MAX
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        let metrics = Arc::clone(&metrics);
        open.push_back(tokio::spawn(async move {
            let answer = service_fn(move |request: Request<Incoming>| {
                let response = answer(request.method(), request.uri().path(), &metrics);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            // A peer that goes away is its own business.
            let _ = server.serve_connection(TokioIo::new(stream), answer).await;
        }));
    }
}

/// What the encoder of the metrics writes. Prometheus refuses a scrape that does not say what it is.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

fn answer(method: &Method, path: &str, metrics: &Metrics) -> Response<Full<Bytes>> {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    let (status, kind, body) = match path {
        _ if !is_read => (StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET and HEAD\n".into()),
        "/metrics" => (StatusCode::OK, OPEN_METRICS, metrics.text()),
        "/healthz" => (StatusCode::OK, PLAIN, "alive\n".into()),
        "/readyz" => match metrics.state() {
            State::Ready => (StatusCode::OK, PLAIN, "ready\n".into()),
            State::Starting => (StatusCode::SERVICE_UNAVAILABLE, PLAIN, "starting\n".into()),
            State::Stopping => (StatusCode::SERVICE_UNAVAILABLE, PLAIN, "stopping\n".into()),
        },
        _ => (StatusCode::NOT_FOUND, PLAIN, "try /metrics, /healthz or /readyz\n".into()),
    };
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if !is_read {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_it_is() {
        let metrics = Metrics::default();
        let told = |method: Method, path: &str| {
            let response = answer(&method, path, &metrics);
            let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
            (response.status().as_u16(), kind.to_string())
        };
        assert_eq!(told(Method::GET, "/metrics"), (200, OPEN_METRICS.into()));
        assert_eq!(told(Method::HEAD, "/metrics"), (200, OPEN_METRICS.into()));
        assert_eq!(told(Method::GET, "/healthz"), (200, PLAIN.into()));
        assert_eq!(told(Method::GET, "/readyz"), (503, PLAIN.into()));
        assert_eq!(told(Method::GET, "/"), (404, PLAIN.into()));
        assert_eq!(told(Method::POST, "/metrics"), (405, PLAIN.into()));
        assert_eq!(told(Method::DELETE, "/healthz"), (405, PLAIN.into()));
    }
}
