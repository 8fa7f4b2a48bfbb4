//! The clock: monotonic time from quanta, wall time from an anchor, or a virtual one for tests.
