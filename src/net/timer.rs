//! Deadlines without a timer an operation: one coarse wheel a core ends the sockets whose time has come.
//!
//! Moving a deadline further away is a plain store; the wheel looks again when the old time comes.

use std::cell::RefCell;
use std::os::fd::RawFd;
use std::time::Duration;

use super::socket;
use crate::settings::limits::TICK;
use crate::time::Instant;

/// The time limit of one direction of a socket. When it passes that direction ends, and [`Deadline::passed`] says why.
/// Drop it before the socket is closed, so that its number cannot be another socket's by then.
#[derive(Debug)]
pub struct Deadline {
    entry: u32,
}

/// A limit that is in force; it ends with this value.
#[must_use = "a limit ends with its guard"]
pub struct Armed<'d>(&'d Deadline);

impl Drop for Armed<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

/// What ends when the time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Only reading: what is being answered can still be sent.
    Reading,
    /// The whole connection: a peer that takes nothing can be told nothing.
    Both,
}

thread_local! {
    static WHEEL: RefCell<Wheel> = RefCell::new(Wheel::new());
}

impl Deadline {
    /// For the socket `fd`; without a limit until one is set.
    pub fn of(fd: RawFd, ends: Ends) -> Self {
        Self { entry: WHEEL.with_borrow_mut(|wheel| wheel.add(fd, ends)) }
    }

    /// Sets the limit for as long as the guard lives.
    #[inline]
    pub fn armed(&self, at: Instant) -> Armed<'_> {
        self.set(at);
        Armed(self)
    }

    #[inline]
    pub fn set(&self, at: Instant) {
        WHEEL.with_borrow_mut(|wheel| wheel.set(self.entry, tick_behind(at)));
    }

    #[inline]
    pub fn clear(&self) {
        WHEEL.with_borrow_mut(|wheel| wheel.set(self.entry, NEVER));
    }

    pub fn passed(&self) -> bool {
        WHEEL.with_borrow(|wheel| wheel.entries[self.entry as usize].passed)
    }

    /// Whether this socket may be closed when the process is short of connections: it rests between two requests.
    #[inline]
    pub fn set_expendable(&self, expendable: bool) {
        WHEEL.with_borrow_mut(|wheel| wheel.entries[self.entry as usize].expendable = expendable);
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let _ = WHEEL.try_with(|wheel| {
            if let Ok(mut wheel) = wheel.try_borrow_mut() {
                wheel.remove(self.entry);
            }
        });
    }
}

/// Ends the sockets whose deadline has come. Called by its core every [`TICK`].
pub fn turn(now: Instant) {
    WHEEL.with_borrow_mut(|wheel| wheel.turn(tick_of(now), end));
}

/// Ends up to `many` sockets that rest between two requests. For a process that is short of connections, and for a
/// drain. One whose next request has just come, and waits in the kernel, does not rest.
pub fn end_resting(many: usize) -> usize {
    WHEEL.with_borrow_mut(|wheel| wheel.end_resting(many, socket::is_quiet, |fd| end(fd, Ends::Both)))
}

fn end(fd: RawFd, ends: Ends) {
    match ends {
        Ends::Reading => socket::shutdown_reading(fd),
        Ends::Both => socket::shutdown_both(fd),
    }
}

const SLOTS: usize = 1024;
const NEVER: u64 = u64::MAX;

fn tick_of(at: Instant) -> u64 {
    at.0 / (TICK.as_nanos() as u64)
}

/// The first tick that is not before `at`: nothing ends early.
fn tick_behind(at: Instant) -> u64 {
    at.0.div_ceil(TICK.as_nanos() as u64)
}

/// The furthest that one look at an entry lies ahead. Later deadlines are looked at again then.
pub const HORIZON: Duration = Duration::from_millis(TICK.as_millis() as u64 * (SLOTS as u64 - 1));

struct Wheel {
    entries: Vec<Entry>,
    free: Vec<u32>,
    slots: Vec<Vec<u32>>,
    /// The last tick that was worked off.
    turned: u64,
}

struct Entry {
    fd: RawFd,
    ends: Ends,
    /// Tick of the deadline, or [`NEVER`].
    at: u64,
    /// Tick of the slot where the wheel will look next, or [`NEVER`] where none holds this entry.
    looked_at: u64,
    passed: bool,
    expendable: bool,
    used: bool,
}

impl Wheel {
    fn new() -> Self {
        Self { entries: Vec::new(), free: Vec::new(), slots: (0..SLOTS).map(|_| Vec::new()).collect(), turned: 0 }
    }

    fn add(&mut self, fd: RawFd, ends: Ends) -> u32 {
        let fresh = Entry { fd, ends, at: NEVER, looked_at: NEVER, passed: false, expendable: false, used: true };
        if let Some(entry) = self.free.pop() {
            // A slot may still hold this number from before; keeping `looked_at` makes that look serve the new owner.
            let looked_at = self.entries[entry as usize].looked_at;
            self.entries[entry as usize] = Entry { looked_at, ..fresh };
            return entry;
        }
        self.entries.push(fresh);
        (self.entries.len() - 1) as u32
    }

    fn remove(&mut self, entry: u32) {
        let slot = &mut self.entries[entry as usize];
        debug_assert!(slot.used, "a deadline is dropped once");
        (slot.used, slot.at, slot.expendable) = (false, NEVER, false);
        self.free.push(entry);
    }

    #[inline]
    fn set(&mut self, entry: u32, at: u64) {
        let slot = &mut self.entries[entry as usize];
        slot.at = at;
        if at < slot.looked_at {
            self.look(entry, at);
        }
    }

    /// Puts an entry where the wheel passes at `at`, or at the horizon when that is further away.
    fn look(&mut self, entry: u32, at: u64) {
        let at = at.clamp(self.turned + 1, self.turned + SLOTS as u64 - 1);
        self.entries[entry as usize].looked_at = at;
        self.slots[(at % SLOTS as u64) as usize].push(entry);
    }

    fn turn(&mut self, now: u64, end: impl Fn(RawFd, Ends)) {
        if self.turned + (SLOTS as u64) < now {
            // The core stood still for longer than the wheel is long (or this is its first turn): every slot is due.
            self.turned = now - SLOTS as u64;
        }
        while self.turned < now {
            self.turned += 1;
            let tick = self.turned;
            let mut due = std::mem::take(&mut self.slots[(tick % SLOTS as u64) as usize]);
            for entry in due.drain(..) {
                let slot = &mut self.entries[entry as usize];
                if slot.looked_at > tick {
                    continue; // an earlier look was asked for since, or a later slot holds it
                }
                slot.looked_at = NEVER;
                if slot.at <= tick {
                    slot.passed = true;
                    slot.at = NEVER;
                    end(slot.fd, slot.ends);
                } else if slot.at != NEVER {
                    let at = slot.at;
                    self.look(entry, at);
                }
            }
            let slot = &mut self.slots[(tick % SLOTS as u64) as usize];
            if slot.is_empty() {
                *slot = due; // keeps its room for the next round
            }
        }
    }

    fn end_resting(&mut self, many: usize, rests: impl Fn(RawFd) -> bool, end: impl Fn(RawFd)) -> usize {
        let resting = self.entries.iter_mut().filter(|entry| entry.used && entry.expendable && !entry.passed);
        let resting = resting.filter(|entry| rests(entry.fd));
        resting
            .take(many)
            .map(|entry| {
                entry.passed = true;
                end(entry.fd);
            })
            .count()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Ticks at which each socket was ended, when the wheel is turned tick by tick.
    fn ends(wheel: &mut Wheel, ticks: std::ops::RangeInclusive<u64>) -> Vec<(u64, RawFd)> {
        let ended = RefCell::new(Vec::new());
        for tick in ticks {
            wheel.turn(tick, |fd, _| ended.borrow_mut().push((tick, fd)));
        }
        ended.into_inner()
    }

    #[test]
    fn a_deadline_ends_its_socket_once_at_its_tick() {
        let mut wheel = Wheel::new();
        let entry = wheel.add(7, Ends::Both);
        wheel.set(entry, 5);
        assert_eq!(ends(&mut wheel, 1..=2_000), [(5, 7)]);
    }

    #[test]
    fn moving_a_deadline_away_and_near_again() {
        let mut wheel = Wheel::new();
        let entry = wheel.add(7, Ends::Both);
        wheel.set(entry, 5);
        wheel.set(entry, 90);
        assert_eq!(ends(&mut wheel, 1..=50), []);
        wheel.set(entry, 60);
        assert_eq!(ends(&mut wheel, 51..=3_000), [(60, 7)]);
    }

    #[test]
    fn a_deadline_beyond_the_horizon_is_met() {
        let mut wheel = Wheel::new();
        let entry = wheel.add(7, Ends::Both);
        wheel.set(entry, 31_000);
        assert_eq!(ends(&mut wheel, 1..=40_000), [(31_000, 7)]);
    }

    #[test]
    fn a_number_used_again_is_not_ended_for_its_former_owner() {
        let mut wheel = Wheel::new();
        let first = wheel.add(7, Ends::Both);
        wheel.set(first, 5);
        wheel.remove(first);
        let second = wheel.add(8, Ends::Both);
        assert_eq!(first, second);
        wheel.set(second, 9);
        assert_eq!(ends(&mut wheel, 1..=2_000), [(9, 8)]);
    }

    #[test]
    fn a_core_that_stood_still_ends_all_that_is_due() {
        let mut wheel = Wheel::new();
        for fd in 0..100 {
            let entry = wheel.add(fd, Ends::Both);
            wheel.set(entry, 10 + fd as u64);
        }
        assert_eq!(ends(&mut wheel, 900_000..=900_000).len(), 100);
    }

    #[test]
    fn no_seed_ends_a_socket_early_late_or_twice() {
        for seed in 0..64_u64 {
            let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut next = |below: u64| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random % below
            };
            let mut wheel = Wheel::new();
            let entries: Vec<u32> = (0..20).map(|fd| wheel.add(fd, Ends::Both)).collect();
            let mut wanted = [NEVER; 20];
            for tick in 1..4_000 {
                let which = next(20) as usize;
                if next(3) == 0 {
                    wanted[which] = tick + next(2_500);
                    wheel.set(entries[which], wanted[which]);
                }
                for (at, fd) in ends(&mut wheel, tick..=tick) {
                    // A deadline set to a tick already turned is met at the next one.
                    assert!(wanted[fd as usize].max(1) <= at, "seed {seed} tick {tick}: too early");
                    assert!(at <= wanted[fd as usize] + 1, "seed {seed} tick {tick}: too late");
                    wanted[fd as usize] = NEVER;
                }
            }
        }
    }
}
