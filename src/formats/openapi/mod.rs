//! OpenAPI 2.0 and 3.x documents to a REST API.
