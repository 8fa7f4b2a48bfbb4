//! The clock: monotonic time from quanta, wall time from an anchor, or a virtual one for tests.

use std::cell::{Cell, RefCell};
use std::ops::Add;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds since the process began. The same on every core, so that shared budgets agree on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub u64);

impl Instant {
    /// Time from `earlier` to here; nothing where `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    pub fn micros_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000
    }

    pub fn millis(self) -> u64 {
        self.0 / 1_000_000
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// One thread's view of the time. Reading it costs a TSC read and a multiplication.
#[derive(Clone)]
pub struct Clock {
    source: Source,
    /// Unix time in nanoseconds at [`Instant`] 0, set again once a second so that a stepped clock is followed.
    unix_at_zero: Cell<u64>,
}

#[derive(Clone)]
enum Source {
    Real(&'static Anchor),
    Virtual(Rc<Cell<u64>>),
}

struct Anchor {
    clock: quanta::Clock,
    start: u64,
}

static ANCHOR: OnceLock<Anchor> = OnceLock::new();

impl Clock {
    pub fn real() -> Self {
        let anchor = ANCHOR.get_or_init(|| {
            let clock = quanta::Clock::new();
            let start = clock.raw();
            Anchor { clock, start }
        });
        let clock = Self { source: Source::Real(anchor), unix_at_zero: Cell::new(0) };
        clock.follow_wall_clock();
        clock
    }

    /// A clock that stands still until its cell is moved (nanoseconds). Unix time 0 is its beginning.
    pub fn virtual_at(cell: Rc<Cell<u64>>) -> Self {
        Self { source: Source::Virtual(cell), unix_at_zero: Cell::new(0) }
    }

    #[inline]
    pub fn now(&self) -> Instant {
        match &self.source {
            Source::Real(anchor) => Instant(anchor.clock.delta_as_nanos(anchor.start, anchor.clock.raw())),
            Source::Virtual(cell) => Instant(cell.get()),
        }
    }

    /// Unix time of `at` in milliseconds.
    #[inline]
    pub fn unix_millis(&self, at: Instant) -> u64 {
        (self.unix_at_zero.get() + at.0) / 1_000_000
    }

    /// Takes the system's wall time anew. Called once a second.
    pub fn follow_wall_clock(&self) {
        if matches!(self.source, Source::Real(_)) {
            let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let unix = u64::try_from(unix.as_nanos()).unwrap_or(0);
            self.unix_at_zero.set(unix.saturating_sub(self.now().0));
        }
    }
}

/// Dates as they stand in headers and logs, written once a second and copied after that.
pub struct Stamps {
    current: RefCell<Stamp>,
}

#[derive(Clone, Copy)]
pub struct Stamp {
    second: u64,
    /// RFC 9110 IMF-fixdate: `Sat, 21 Nov 2026 09:23:30 GMT`.
    pub http_date: [u8; 29],
    /// `$context.requestTime`: `21/Nov/2026:09:23:30 +0000`.
    pub request_time: [u8; 26],
    /// The epoch second in eight hex digits, as it stands in trace ids.
    pub hex_second: [u8; 8],
}

impl Default for Stamps {
    fn default() -> Self {
        Self { current: RefCell::new(Stamp::at(0)) }
    }
}

impl Stamps {
    /// The stamp of this Unix time in milliseconds.
    #[inline]
    pub fn at(&self, unix_millis: u64) -> Stamp {
        let second = unix_millis / 1_000;
        let mut current = self.current.borrow_mut();
        if current.second != second {
            *current = Stamp::at(second);
        }
        *current
    }
}

impl Stamp {
    fn at(second: u64) -> Self {
        let mut stamp = Self { second, http_date: [b' '; 29], request_time: [b' '; 26], hex_second: [b'0'; 8] };
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second));
        copy_text(&mut stamp.http_date, &date);
        let moment = jiff::Timestamp::from_second(i64::try_from(second).unwrap_or(0)).unwrap_or_default();
        copy_text(&mut stamp.request_time, &moment.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string());
        copy_text(&mut stamp.hex_second, &format!("{:08x}", second & 0xffff_ffff));
        stamp
    }
}

fn copy_text(into: &mut [u8], text: &str) {
    let n = into.len().min(text.len());
    into[..n].copy_from_slice(&text.as_bytes()[..n]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_aws_s_and_http_s_formats() {
        let stamp = Stamps::default().at(1_729_777_507_000);
        assert_eq!(&stamp.http_date, b"Thu, 24 Oct 2024 13:45:07 GMT");
        assert_eq!(&stamp.request_time, b"24/Oct/2024:13:45:07 +0000");
        assert_eq!(&stamp.hex_second, b"671a4f63");
    }

    #[test]
    fn a_virtual_clock_stands_still() {
        let cell = Rc::new(Cell::new(5_000_000));
        let clock = Clock::virtual_at(Rc::clone(&cell));
        assert_eq!(clock.now().millis(), 5);
        cell.set(7_000_000);
        assert_eq!(clock.unix_millis(clock.now()), 7);
    }
}
