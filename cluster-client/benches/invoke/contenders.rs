//! Who is measured, and in which surroundings.

use anyhow::{Context, bail};
use tokio::runtime::{Builder, Runtime};

use crate::load::Load;
use crate::server::Server;
use crate::{floor, library, tarpc_peer};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Contender {
    /// Bare sockets: the same header, nothing encoded, no state of a call.
    Floor,
    Tarpc,
    Library,
}

impl Contender {
    pub(crate) const ALL: [Self; 3] = [Self::Floor, Self::Tarpc, Self::Library];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Tarpc => "tarpc",
            Self::Library => "cluster-client",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flavour {
    MultiThread,
    CurrentThread,
}

impl Flavour {
    pub(crate) fn runtime(self) -> std::io::Result<Runtime> {
        match self {
            // Two workers even when pinned to one core, where tokio would start one.
            Self::MultiThread => Builder::new_multi_thread().worker_threads(2).enable_all().build(),
            Self::CurrentThread => Builder::new_current_thread().enable_all().build(),
        }
    }
}

/// One contender in one kind of surroundings; both processes have the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Setup {
    pub(crate) contender: Contender,
    pub(crate) flavour: Flavour,
    /// To the first core.
    pub(crate) pinned: bool,
}

impl Setup {
    /// Runs a load against a server process: µs for a latency, calls per second for a throughput.
    pub(crate) fn measure(self, load: Load) -> anyhow::Result<f64> {
        let server = Server::start(self)?;
        let port = server.port;
        // In a thread of its own, as what it is pinned to holds for the threads that it starts, and for it for ever.
        let client = std::thread::spawn(move || {
            self.pin()?;
            self.flavour.runtime()?.block_on(async {
                match self.contender {
                    Contender::Floor => floor::run(port, load).await,
                    Contender::Tarpc => load.run(&tarpc_peer::connect(port).await?).await,
                    Contender::Library => load.run(&library::connect(port).await?).await,
                }
            })
        });
        let Ok(measured) = client.join() else { bail!("the client panicked") };
        measured.with_context(|| format!("{self:?}"))
    }

    /// Serves on a port until the process ends.
    pub(crate) fn serve(self, port: u16) -> anyhow::Result<()> {
        self.pin()?;
        self.flavour.runtime()?.block_on(async {
            match self.contender {
                Contender::Floor => floor::serve(port).await,
                Contender::Tarpc => tarpc_peer::serve(port).await,
                Contender::Library => library::serve(port).await,
            }
        })
    }

    /// As arguments of a server process.
    pub(crate) fn to_arguments(self) -> [&'static str; 3] {
        let flavour = match self.flavour {
            Flavour::MultiThread => "mt",
            Flavour::CurrentThread => "ct",
        };
        [self.contender.name(), flavour, if self.pinned { "pinned" } else { "free" }]
    }

    pub(crate) fn from_arguments(arguments: &[&str]) -> anyhow::Result<Self> {
        let [contender, flavour, pinned] = arguments else { bail!("not a setup: {arguments:?}") };
        let contender = Contender::ALL.into_iter().find(|known| known.name() == *contender);
        let flavour = match *flavour {
            "mt" => Flavour::MultiThread,
            _ => Flavour::CurrentThread,
        };
        let contender = contender.context("no such contender")?;
        Ok(Self { contender, flavour, pinned: *pinned == "pinned" })
    }

    /// Pins this thread and those that it will start.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn pin(self) -> anyhow::Result<()> {
        if self.pinned {
            let mut cores = rustix::thread::CpuSet::new();
            cores.set(0);
            rustix::thread::sched_setaffinity(None, &cores).context("pinning to the first core")?;
        }
        Ok(())
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn pin(self) -> anyhow::Result<()> {
        bail!("pinning to a core needs Linux")
    }
}
