//! Where things are decided: pure state, without clock, task or socket. The time comes in as an argument, and what is to
//! be done goes out as a value. `runtime` holds the locks and acts.
//!
//! | | |
//! |---|---|
//! | `outbound`, `share` | what is to be written on one connection, and who writes it; how much that is on all |
//! | `calls`, `ids`, `payload` | a follower's calls that wait for an answer, how one finds its call, what it carries |
//! | `oneways` | a follower's one-way calls of which it is not known that the leader has read them |
//! | `liveness`, `progress` | who has been silent for too long, sends too slowly or does not read |
//! | `rate`, `turn` | how much of something in a time, and how much for one connection before the others |
//! | `topics`, `push_queue` | a leader's subscriptions, and what a slow follower has yet to get of them |
//! | `interests`, `unsubscribes` | a member's subscriptions, whoever leads; those that are over, and the leader has yet to know |
//! | `publications` | a member's publications, and whose they are |
//! | `epoch`, `backoff`, `retries` | numbering leaderships, waiting between attempts, and how many there may be |

pub(crate) mod backoff;
pub(crate) mod calls;
pub(crate) mod epoch;
pub(crate) mod ids;
pub(crate) mod interests;
pub(crate) mod liveness;
pub(crate) mod oneways;
pub(crate) mod outbound;
pub(crate) mod payload;
pub(crate) mod progress;
pub(crate) mod publications;
pub(crate) mod push_queue;
pub(crate) mod rate;
pub(crate) mod retries;
pub(crate) mod share;
pub(crate) mod topics;
pub(crate) mod turn;
pub(crate) mod unsubscribes;
