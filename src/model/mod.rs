//! Definitions as plain data, in AWS's words. No behaviour, no socket, no clock.

pub mod api_rows;
pub mod cors;
pub mod gateway_response;
pub mod problem;
pub mod rest_api;
pub mod routes;
