//! Where things happen: sockets, tasks, timers. What is decided is decided in `session`.
//!
//! | | |
//! |---|---|
//! | `supervisor` | one task a member: compete, lead or follow, again |
//! | `port`, `epoch_file` | winning a port, numbering the leaderships |
//! | `leading`, `leader` | being the leader: building the real client, serving followers, handing over |
//! | `joining`, `following`, `link`, `restoring` | being a follower: registering, the connection, subscribing and publishing again |
//! | `standalone` | serving oneself while the leader is silent |
//! | `single` | all members in one process, without sockets |
//! | `patience` | waiting for others, but not for oneself |
//! | `transport`, `host` | the socket itself, and what else the process gives: tasks, ports, its id |

pub(crate) mod epoch_file;
pub(crate) mod following;
pub(crate) mod host;
pub(crate) mod joining;
pub(crate) mod leader;
pub(crate) mod leading;
pub(crate) mod link;
pub(crate) mod patience;
pub(crate) mod port;
pub(crate) mod restoring;
pub(crate) mod single;
pub(crate) mod standalone;
pub(crate) mod supervisor;
pub(crate) mod transport;
pub(crate) mod turns;

/// Version of what Rust peers say to each other beyond the packets of the npm original.
const PROTOCOL_VERSION: u32 = 1;
