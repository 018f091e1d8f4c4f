//! Appending to a buffer all or nothing.

/// A buffer that is cut back to where it was, unless [`Append::keep`] is reached: also when the user's
/// `Serialize` fails or panics halfway.
pub(crate) struct Append<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    keep: usize,
}

impl<'a> Append<'a> {
    pub(crate) fn to(out: &'a mut Vec<u8>) -> Self {
        let keep = out.len();
        Self { out, keep }
    }

    pub(crate) fn keep(mut self) {
        self.keep = self.out.len();
    }
}

impl Drop for Append<'_> {
    fn drop(&mut self) {
        self.out.truncate(self.keep);
    }
}
