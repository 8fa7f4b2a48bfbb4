//! An integration's address and timeout to what a call needs.

use std::sync::Arc;
use std::time::Duration;

use super::call::Integration;
use super::endpoint::Endpoints;
use super::signing::Signing;
use crate::model::problem::Problem;
use crate::model::rest_api;
use crate::net::tls::{self, ClientConfig};
use crate::settings::limits::{Limits, STREAM_TIMEOUT_MAX};

/// Scheme, host and port of a backend.
#[derive(Clone, Copy)]
pub struct Backend<'b> {
    pub https: bool,
    pub host: &'b str,
    pub port: u16,
}

/// Compiles one integration with a backend.
pub fn compile(
    integration: &rest_api::Integration,
    (backend, signing): (Backend<'_>, Option<Arc<Signing>>),
    endpoints: &mut Endpoints,
    tls: &ClientConfig,
    limits: &Limits,
    problems: &mut Vec<Problem>,
) -> Option<Integration> {
    let Backend { https, host, port } = backend;
    let secured = if https {
        let Some(name) = tls::server_name(host) else {
            problems.push(Problem::error(
                "integration::uri",
                integration.uri.as_ref().map_or(integration.place, |uri| uri.place),
                format!("`{host}` is not a name that a certificate can carry"),
                "use a DNS name or an IP address",
            ));
            return None;
        };
        Some((tls.clone(), name))
    } else {
        None
    };
    let streams =
        integration.response_transfer_mode.as_ref().is_some_and(|mode| mode.value.eq_ignore_ascii_case("STREAM"));
    let asked = integration.timeout_in_millis.as_ref().map(|millis| Duration::from_millis(u64::from(millis.value)));
    // rest/04 section 4.8 and rest/15: 29 s unless the operator allows more; a stream may take a quarter of an hour.
    let most = if streams { STREAM_TIMEOUT_MAX.max(limits.integration_timeout) } else { limits.integration_timeout };
    Some(Integration {
        endpoint: endpoints.endpoint(host, port, secured),
        timeout: asked.unwrap_or(limits.integration_timeout).min(most),
        response_bytes_max: if streams { u64::MAX } else { limits.payload_bytes_max },
        streams,
        signing,
    })
}
