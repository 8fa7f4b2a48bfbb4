//! Buffers that travel by value: the kernel owns one while it works, and each comes back to its core's pool.
#![allow(unsafe_code)] // the kernel writes into a buffer's spare room while nobody else can name it

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use monoio::buf::{IoBuf, IoBufMut};

use crate::settings::limits::{BODY_BUFFER_BYTES, HEAD_BUFFER_BYTES, IDLE_BUFFER_BYTES};
use crate::wire::decimal;

/// Bytes from the pool of this thread. `Deref` shows what is in it and not yet consumed.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

/// Buffers that one core keeps of each size; the rest goes back to the allocator.
const KEPT: [usize; 3] = [1024, 512, 64];
const SIZES: [usize; 3] = [IDLE_BUFFER_BYTES, HEAD_BUFFER_BYTES, BODY_BUFFER_BYTES];

thread_local! {
    static POOL: RefCell<[Vec<Vec<u8>>; 3]> = const { RefCell::new([Vec::new(), Vec::new(), Vec::new()]) };
}

impl Buffer {
    /// For a connection that waits: small, because there may be a hundred thousand of them.
    pub fn idle() -> Self {
        Self::of_size(0)
    }

    /// For a head, or a head with the first bytes of its body.
    pub fn head() -> Self {
        Self::of_size(1)
    }

    /// For a body that streams.
    pub fn body() -> Self {
        Self::of_size(2)
    }

    /// With these bytes in it.
    pub fn of(bytes: &[u8]) -> Self {
        let mut buffer = Self::head();
        buffer.push(bytes);
        buffer
    }

    /// Without memory of its own: what stands where a buffer was taken away.
    pub const fn none() -> Self {
        Self { bytes: Vec::new(), start: 0 }
    }

    fn of_size(size: usize) -> Self {
        let pooled = POOL.with_borrow_mut(|pool| pool[size].pop());
        Self { bytes: pooled.unwrap_or_else(|| Vec::with_capacity(SIZES[size])), start: 0 }
    }

    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Bytes that fit behind what is there without moving anything.
    pub fn room(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }

    /// Drops the first `n` bytes; they have been sent or understood.
    pub fn consume(&mut self, n: usize) {
        self.start = (self.start + n).min(self.bytes.len());
        if self.start == self.bytes.len() {
            self.clear();
        }
    }

    /// Passes over `n` bytes that [`Buffer::rewind`] can bring back.
    pub(super) fn advance(&mut self, n: usize) {
        self.start = (self.start + n).min(self.bytes.len());
    }

    pub(super) fn rewind(&mut self, n: usize) {
        self.start = self.start.saturating_sub(n);
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.start = 0;
    }

    /// Keeps the first `n` bytes.
    pub fn truncate(&mut self, n: usize) {
        self.bytes.truncate(self.start + n);
    }

    /// Leaves `n` free bytes in front of what will be appended, for [`Buffer::prepend`]. Only on an empty buffer.
    pub fn leave_headroom(&mut self, n: usize) {
        self.clear();
        self.bytes.resize(n, 0);
        self.start = n;
    }

    /// Writes `bytes` in front of what is there, into the headroom. Answers false where it does not fit.
    pub fn prepend(&mut self, bytes: &[u8]) -> bool {
        let Some(start) = self.start.checked_sub(bytes.len()) else { return false };
        self.bytes[start..self.start].copy_from_slice(bytes);
        self.start = start;
        true
    }

    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    #[inline]
    pub fn push_byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// A number in decimal digits.
    pub fn push_decimal(&mut self, number: u64) {
        self.push(decimal(number, &mut [0; 20]));
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, start: 0 }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

impl DerefMut for Buffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let capacity = self.bytes.capacity();
        let Some(size) = SIZES.iter().position(|&bytes| bytes == capacity) else { return };
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        // At the end of a thread its pool may be gone already; then the bytes simply go.
        let _ = POOL.try_with(|pool| {
            if let Ok(mut pool) = pool.try_borrow_mut()
                && pool[size].len() < KEPT[size]
            {
                pool[size].push(bytes);
            }
        });
    }
}

// SAFETY: the vector is owned by the operation while the kernel reads, its heap block does not move with the
// `Buffer`, and `start <= len` always holds, so pointer and length name initialised bytes.
unsafe impl IoBuf for Buffer {
    fn read_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_init(&self) -> usize {
        self.len()
    }
}

/// A buffer whose spare room is being read into: bytes arrive behind those it holds.
pub struct Filling(pub Buffer);

// SAFETY: `write_ptr` and `bytes_total` name exactly the spare capacity behind the initialised bytes; the vector is
// owned by the operation, so nothing else can grow or free it meanwhile.
unsafe impl IoBufMut for Filling {
    fn write_ptr(&mut self) -> *mut u8 {
        self.0.bytes.spare_capacity_mut().as_mut_ptr().cast()
    }

    fn bytes_total(&mut self) -> usize {
        self.0.room()
    }

    unsafe fn set_init(&mut self, read: usize) {
        let length = self.0.bytes.len() + read;
        debug_assert!(length <= self.0.bytes.capacity(), "the kernel wrote no more than the room it was given");
        // SAFETY: the caller has it from the kernel that `read` bytes were written at `write_ptr`.
        unsafe { self.0.bytes.set_len(length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_the_next_one_taken() {
        let mut first = Buffer::head();
        first.push(b"abc");
        let address = first.as_ptr();
        drop(first);
        let second = Buffer::head();
        assert_eq!(second.as_ptr(), address);
        assert!(second.is_empty());
    }

    #[test]
    fn headroom_takes_what_is_written_in_front() {
        let mut buffer = Buffer::idle();
        buffer.leave_headroom(8);
        buffer.push(b"data");
        assert!(buffer.prepend(b"4\r\n"));
        assert_eq!(&*buffer, b"4\r\ndata");
        assert!(!buffer.prepend(b"too long"));
        buffer.consume(3);
        assert_eq!(&*buffer, b"data");
    }

    #[test]
    fn decimal_digits() {
        let mut buffer = Buffer::idle();
        for number in [0, 7, 10, u64::MAX] {
            buffer.push_decimal(number);
            buffer.push(b" ");
        }
        assert_eq!(&*buffer, b"0 7 10 18446744073709551615 ");
    }
}
