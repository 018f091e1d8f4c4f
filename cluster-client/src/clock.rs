//! The one clock of the library: tokio's, so that time is virtual wherever a test has paused it.

use std::time::Instant;

/// Now.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
