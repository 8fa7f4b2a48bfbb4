//! What a process is told with an event, and how its end is told, in Lambda's words.

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::job::Job;

/// As Lambda says it.
pub(super) fn exit_words(status: &io::Result<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status {
        Ok(status) if status.success() => "Runtime exited without providing a reason".into(),
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
            (None, Some(9)) => "Runtime exited with error: signal: killed".into(),
            (None, Some(11)) => "Runtime exited with error: signal: segmentation fault".into(),
            (None, Some(6)) => "Runtime exited with error: signal: aborted".into(),
            (None, signal) => format!("Runtime exited with error: signal {}", signal.unwrap_or_default()),
        },
        Err(error) => format!("Runtime exited with error: {error}"),
    }
}

/// What stands before an event.
pub(super) fn headers(job: &Job, timeout: Duration) -> HeaderMap {
    let deadline_ms = (SystemTime::now() + timeout).duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut headers = HeaderMap::with_capacity(6);
    let text = |text: &str| HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    headers.insert(HeaderName::from_static("content-type"), HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static("lambda-runtime-aws-request-id"), text(&job.request_id));
    headers.insert(HeaderName::from_static("lambda-runtime-deadline-ms"), text(&deadline_ms.to_string()));
    headers.insert(HeaderName::from_static("lambda-runtime-invoked-function-arn"), job.arn.clone());
    if let Some(trace) = &job.trace_id {
        headers.insert(HeaderName::from_static("lambda-runtime-trace-id"), trace.clone());
    }
    if let Some(context) = &job.client_context {
        headers.insert(HeaderName::from_static("lambda-runtime-client-context"), context.clone());
    }
    headers
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[track_caller]
    fn check(raw: i32, expected: &str) {
        assert_eq!(exit_words(&Ok(ExitStatus::from_raw(raw))), expected);
    }

    #[test]
    fn ends_are_told_as_lambda_tells_them() {
        check(0, "Runtime exited without providing a reason");
        check(3 << 8, "Runtime exited with error: exit status 3");
        check(9, "Runtime exited with error: signal: killed");
        check(15, "Runtime exited with error: signal 15");
    }
}
