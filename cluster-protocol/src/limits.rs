//! How long a packet may be.

/// The longest packet that is taken or made. Checked on the header alone, before its bytes are awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// Longest connection object, in bytes. Default: 64 KiB.
    pub conn_object: usize,
    /// Longest application data, in bytes. Default: 8 MiB. The wire cannot carry 2 GiB or more, whatever
    /// stands here.
    pub data: usize,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self { conn_object: 64 * 1024, data: 8 * 1024 * 1024 }
    }
}
