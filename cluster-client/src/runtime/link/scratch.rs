//! Where packets are encoded: in a buffer of the thread, so that no lock is held while foreign code serializes.

use std::{
    cell::Cell,
    ops::{Deref, DerefMut},
};

/// A buffer that grew larger than this is not kept.
const KEPT: usize = 256 * 1024;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The thread's buffer, empty, until it is dropped. Who takes it a second time meanwhile gets a new one: serializing
/// may make calls of its own.
#[derive(Debug)]
pub(super) struct Scratch(Vec<u8>);

impl Scratch {
    pub(super) fn take() -> Self {
        Self(BUFFER.try_with(Cell::take).unwrap_or_default())
    }
}

impl Deref for Scratch {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.0);
        if buffer.capacity() <= KEPT {
            buffer.clear();
            // A thread that is ending has no buffer any more.
            let _ = BUFFER.try_with(|kept| kept.set(buffer));
        }
    }
}
