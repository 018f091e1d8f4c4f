//! Members of a cluster on a network in memory, for tests of your own client.
//!
//! Each [`Process`] is a process as far as the library can tell: it has its own sockets and its own process id, can be
//! killed, stopped and started again, and competes with the others for the port. All of them live in the test, so it can
//! hold their proxies and look into their real clients. Under tokio's paused clock (`start_paused = true`) time is
//! virtual: nothing waits, and seconds pass in microseconds.
//!
//! ```
//! use cluster_client::testing::Network;
//! use cluster_client::{Error, Role, cluster_client};
//!
//! pub struct Clock; // your client
//!
//! #[cluster_client]
//! impl Clock {
//!     #[invoke(idempotent)]
//!     pub async fn hour(&self) -> Result<u8, Error> {
//!         Ok(12)
//!     }
//! }
//!
//! #[tokio::main(flavor = "current_thread", start_paused = true)] // in a test: #[tokio::test(start_paused = true)]
//! async fn main() -> Result<(), Error> {
//!     let network = Network::new(7);
//!     let (first, second) = (network.process(), network.process());
//!     let start = |process| ClockProxy::builder().process(process).start(|_| async { Ok::<_, Error>(Clock) });
//!     let (leader, follower) = (start(&first).await?, start(&second).await?);
//!     assert_eq!(leader.membership().role(), Role::Leader);
//!     first.kill();
//!     assert_eq!(follower.hour().await?, 12); // it waits for the next leader, which is its own process
//!     assert_eq!(follower.membership().role(), Role::Leader);
//!     Ok(())
//! }
//! ```
//!
//! It needs the feature, and tokio's `test-util` for the paused clock:
//!
//! ```toml
//! [dev-dependencies]
//! cluster-client = { version = "0.1", features = ["testing"] }
//! tokio = { version = "1", features = ["macros", "rt", "test-util"] }
//! ```
//!
//! # What is simulated
//!
//! The library's own tasks, sockets and timers. What a real client spawns or opens by itself does not die with its process:
//! let it spawn by [`Process::spawn`], which is also how a workload is run that is to be stopped and killed with its process.
//! A call is polled by whoever waits for it, so one made by the test goes on while its process is stopped.
//!
//! With one seed, on the current-thread runtime and under the paused clock, the network behaves alike each time.
//!
//! [Strict parity](crate::Builder::strict_parity) is on unless the builder says otherwise, so that what would fail in a
//! follower fails in a leader too.

pub(crate) mod load;

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

pub use self::load::Load;
use crate::Builder;
#[cfg(planted)]
#[doc(hidden)]
pub use crate::planted::{Bug, plant};
use crate::runtime::host::Host;
use crate::runtime::host::simulated::{Machine, Shared};

/// A loopback interface in memory, and the disk of one machine.
#[derive(Clone)]
pub struct Network(Arc<Shared>);

impl Network {
    /// Whatever the library leaves to chance follows from the seed, as long as all runs on this thread, whose `fastrand` is
    /// seeded, too. Packets take 20 to 60 µs.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        fastrand::seed(seed);
        Self(Shared::new(seed))
    }

    /// A new process.
    #[must_use]
    pub fn process(&self) -> Process {
        Process(self.0.process())
    }

    /// How long what is sent from now on is on its way: anything within the range. Order on a connection is kept.
    pub fn set_delay(&self, delay: Range<Duration>) {
        self.0.delay(delay);
    }

    /// Ends the connections between two processes, and lets them make none until [`heal`](Self::heal).
    pub fn cut(&self, one: &Process, other: &Process) {
        self.0.cut(&one.0, &other.0);
    }

    /// Sets the clock of the machine back, its time of day: no timer is affected.
    ///
    /// # Panics
    ///
    /// If the system cannot represent that time. The clock begins in 2001; what is before 1970 counts as 1970.
    pub fn set_clock_back(&self, by: Duration) {
        self.0.set_clock_back(by);
    }

    /// Takes back all [cuts](Self::cut).
    pub fn heal(&self) {
        self.0.heal();
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

/// A process of a [`Network`]. Clones are the same one.
#[derive(Clone, Debug, PartialEq)]
pub struct Process(Machine);

impl Process {
    /// Its id, as other processes see it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.pid()
    }

    /// `kill -9`: nothing of it runs any more, its connections end, its ports are free. A process that was killed
    /// stays so; see [`restart`](Self::restart).
    pub fn kill(&self) {
        self.0.kill();
    }

    /// Kills it, and returns a new process in its place, in which nothing runs yet.
    #[must_use]
    pub fn restart(&self) -> Self {
        self.kill();
        Self(self.0.network().process())
    }

    /// `SIGSTOP`: nothing of it runs, while its sockets go on taking what others send.
    pub fn stop(&self) {
        self.0.stop();
    }

    /// `SIGCONT`, after [`stop`](Self::stop).
    pub fn resume(&self) {
        self.0.resume();
    }

    /// Runs a task until it ends or its process is killed; its [`JoinHandle`] then says that it was cancelled. While the
    /// process is stopped, so is the task.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.0.spawn(task)
    }

    /// What its members hold on to right now. Works after its end too: then all of it should be zero.
    #[must_use]
    pub fn load(&self) -> Load {
        self.0.residents().load()
    }

    /// From now on it reads no more than so many bytes a second on each of its connections; `None`: as fast as they
    /// come, and what has been waiting for it at once.
    pub fn set_slow(&self, bytes_per_second: Option<u64>) {
        self.0.network().slow(&self.0, bytes_per_second);
    }
}

impl<S> Builder<S> {
    /// Lets the member live in a simulated process instead of this one. See [`testing`](crate::testing).
    pub fn process(mut self, process: &Process) -> Self {
        self.options.host = Host::Simulated(process.0.clone());
        self
    }
}
