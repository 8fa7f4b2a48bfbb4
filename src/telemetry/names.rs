//! Every metric once: its name, its unit and what it means.

/// Things that are counted for the whole process, beside what is counted for each method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Event {
    ConnectionAccepted,
    ConnectionClosed,
    ConnectionShed,
    ConnectionIdleTimeout,
    HeadTimeout,
    BodyTimeout,
    WriteTimeout,
    BadRequest,
    HeadTooLarge,
    UriTooLong,
    PayloadTooLarge,
    UnknownHost,
    Throttled,
    Unauthenticated,
    Denied,
    AuthorizerFailed,
    Panic,
    ClientLeft,
    UpstreamConnect,
    UpstreamConnectError,
    UpstreamReuse,
    UpstreamRetry,
    UpstreamTimeout,
    UpstreamProtocolError,
    UpstreamBodyBroken,
    AccessLogLine,
    AccessLogDropped,
}

/// One row an [`Event`], in its order: metric, label (`name="value"`, or empty), help.
pub const EVENTS: &[(Event, &str, &str, &str)] = &[
    (Event::ConnectionAccepted, "weir_connections_accepted", "", "Client connections accepted"),
    (Event::ConnectionClosed, "weir_connections_closed", "", "Client connections closed"),
    (
        Event::ConnectionShed,
        "weir_connections_shed",
        "",
        "Client connections closed at once because --connections-max was reached",
    ),
    (
        Event::ConnectionIdleTimeout,
        "weir_client_timeouts",
        r#"phase="idle""#,
        "Client connections closed because a time limit passed",
    ),
    (
        Event::HeadTimeout,
        "weir_client_timeouts",
        r#"phase="head""#,
        "Client connections closed because a time limit passed",
    ),
    (
        Event::BodyTimeout,
        "weir_client_timeouts",
        r#"phase="body""#,
        "Client connections closed because a time limit passed",
    ),
    (
        Event::WriteTimeout,
        "weir_client_timeouts",
        r#"phase="write""#,
        "Client connections closed because a time limit passed",
    ),
    (
        Event::BadRequest,
        "weir_requests_refused",
        r#"reason="malformed""#,
        "Requests refused before they reached an API",
    ),
    (
        Event::HeadTooLarge,
        "weir_requests_refused",
        r#"reason="headers""#,
        "Requests refused before they reached an API",
    ),
    (Event::UriTooLong, "weir_requests_refused", r#"reason="uri""#, "Requests refused before they reached an API"),
    (
        Event::PayloadTooLarge,
        "weir_requests_refused",
        r#"reason="payload""#,
        "Requests refused before they reached an API",
    ),
    (Event::UnknownHost, "weir_requests_refused", r#"reason="host""#, "Requests refused before they reached an API"),
    (Event::Throttled, "weir_requests_throttled", "", "Requests answered 429"),
    (
        Event::Unauthenticated,
        "weir_requests_denied",
        r#"reason="unauthenticated""#,
        "Requests of callers whom nobody knows, or who may not",
    ),
    (
        Event::Denied,
        "weir_requests_denied",
        r#"reason="denied""#,
        "Requests of callers whom nobody knows, or who may not",
    ),
    (
        Event::AuthorizerFailed,
        "weir_authorizer_failures",
        "",
        "Requests answered 500 because an authorizer's function or an issuer's keys could not be had",
    ),
    (Event::Panic, "weir_panics", "", "Requests that met a bug of Weir and were answered 500"),
    (Event::ClientLeft, "weir_clients_left", "", "Requests whose client left before the answer was sent"),
    (Event::UpstreamConnect, "weir_upstream_connects", "", "Connections opened to backends"),
    (
        Event::UpstreamConnectError,
        "weir_upstream_connect_errors",
        "",
        "Connections to backends that could not be opened",
    ),
    (Event::UpstreamReuse, "weir_upstream_reuses", "", "Requests sent over a pooled backend connection"),
    (
        Event::UpstreamRetry,
        "weir_upstream_retries",
        "",
        "Requests sent again because a pooled connection had been closed",
    ),
    (
        Event::UpstreamTimeout,
        "weir_upstream_timeouts",
        "",
        "Requests answered 504 because the integration timeout passed",
    ),
    (
        Event::UpstreamProtocolError,
        "weir_upstream_errors",
        r#"reason="protocol""#,
        "Backend answers that could not be used",
    ),
    (Event::UpstreamBodyBroken, "weir_upstream_errors", r#"reason="body""#, "Backend answers that could not be used"),
    (Event::AccessLogLine, "weir_access_log_lines", "", "Access log lines handed to the writer"),
    (
        Event::AccessLogDropped,
        "weir_access_log_lines_dropped",
        "",
        "Access log lines lost because the writer could not keep up or the disk was full",
    ),
];

/// Upper bounds of the latency histograms' buckets in microseconds; one more bucket takes the rest.
pub const LATENCY_BOUNDS_US: [u64; 16] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000, 20_000_000, 30_000_000,
];

/// Per API, stage and method. CloudWatch's names, as Prometheus writes them.
pub const COUNT: (&str, &str) = ("weir_count", "Requests (CloudWatch: Count)");
pub const ERROR_4XX: (&str, &str) = ("weir_4xx_error", "Answers with a 4xx status (CloudWatch: 4XXError)");
pub const ERROR_5XX: (&str, &str) = ("weir_5xx_error", "Answers with a 5xx status (CloudWatch: 5XXError)");
pub const LATENCY: (&str, &str) = (
    "weir_latency_seconds",
    "From the last byte of the request's head to the last byte of the answer (CloudWatch: Latency)",
);
pub const INTEGRATION_LATENCY: (&str, &str) =
    ("weir_integration_latency_seconds", "The backend's part of it, to its head (CloudWatch: IntegrationLatency)");
