//! Processes in memory, on a network in memory.
//!
//! All of them live on one tokio runtime, so that a test can hold proxies of several. A process that is stopped is not
//! polled, one that is killed loses its tasks and sockets at once.

mod machine;
mod network;
mod pipe;

pub(crate) use self::machine::Machine;
pub(crate) use self::network::{Shared, SimListener};
pub(crate) use self::pipe::{PipeReader, PipeWriter, SimStream};
