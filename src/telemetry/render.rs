//! The Prometheus text of all cells.
