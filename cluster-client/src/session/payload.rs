//! The bytes of an answer, or of a call's arguments, on their way from a read buffer to the one who decodes them.

use std::{cell::RefCell, ops::Deref};

use bytes::Bytes;

/// Up to this size an answer is copied out of the read buffer, which can then be used again at once. A larger one
/// is a handle on its part of the read buffer, which it keeps alive for as long as its caller takes to decode it. Arguments may
/// be kept for longer, and are copied up to a greater size.
pub(crate) const COPIED: usize = 4 * 1024;

/// How many spare buffers a thread keeps for the payloads it will make.
const SPARE: usize = 16;

thread_local! {
    static SPARES: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that a packet carried. Neither making nor dropping a small one allocates in the steady state: its buffer
/// comes from the thread's spare ones and goes back to them.
#[derive(Debug, Default)]
pub(crate) struct Payload {
    /// The bytes, unless `large` has them. Kept beside a large payload, so that it can be used again.
    small: Vec<u8>,
    large: Bytes,
}

impl Payload {
    /// An empty payload with a buffer that was in use before, if this thread has one to spare.
    pub(crate) fn spare() -> Self {
        let small = SPARES.try_with(|spares| spares.borrow_mut().pop()).ok().flatten();
        Self { small: small.unwrap_or_default(), large: Bytes::new() }
    }

    /// Copies a small payload.
    pub(crate) fn copy(bytes: &[u8]) -> Self {
        let mut payload = Self::spare();
        payload.fill(bytes);
        payload
    }

    /// Replaces the content by a copy.
    pub(crate) fn fill(&mut self, bytes: &[u8]) {
        self.clear();
        self.small.extend_from_slice(bytes);
    }

    /// Replaces the content by a handle.
    pub(crate) fn share(&mut self, bytes: Bytes) {
        self.clear();
        self.large = bytes;
    }

    /// Empties it and keeps its buffer.
    pub(crate) fn clear(&mut self) {
        self.small.clear();
        self.large = Bytes::new();
    }
}

impl From<Bytes> for Payload {
    fn from(large: Bytes) -> Self {
        Self { small: Vec::new(), large }
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.large.is_empty() { &self.small } else { &self.large }
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        let mut small = std::mem::take(&mut self.small);
        if small.capacity() == 0 || small.capacity() > 2 * COPIED {
            return;
        }
        small.clear();
        // A thread that is ending has no spare buffers any more.
        let _ = SPARES.try_with(|spares| {
            let mut spares = spares.borrow_mut();
            if spares.len() < SPARE {
                spares.push(small);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_payloads_reuse_a_buffer_of_their_thread() {
        let first = Payload::copy(b"first");
        assert_eq!(&*first, b"first");
        let buffer = first.small.as_ptr();
        drop(first);

        let second = Payload::copy(b"2nd");
        assert_eq!((&*second, second.small.as_ptr()), (&b"2nd"[..], buffer));
    }

    #[test]
    fn a_shared_payload_keeps_the_buffer_for_the_next_copy() {
        let mut payload = Payload::copy(b"copied");
        let buffer = payload.small.as_ptr();
        payload.share(Bytes::from_static(b"shared"));
        assert_eq!(&*payload, b"shared");
        payload.fill(b"again");
        assert_eq!((&*payload, payload.small.as_ptr()), (&b"again"[..], buffer));
    }

    #[test]
    fn a_large_buffer_is_not_kept() {
        drop(Payload::copy(&[7; 4 * COPIED]));
        assert!(Payload::spare().small.capacity() <= 2 * COPIED);
    }
}
