//! What the library asks of the process it lives in: tasks, sockets on the loopback interface, a process id, and a place
//! for the epoch. Of a [simulated](crate::testing) process it is the same, in memory.

#[cfg(feature = "testing")]
pub(crate) mod simulated;

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, SystemTime};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::AbortHandle;

#[cfg(feature = "testing")]
use self::simulated::{Machine, SimListener, SimStream};
use super::epoch_file::EpochFile;
use super::port::Ports;
use crate::context::InstanceId;
#[cfg(feature = "testing")]
use crate::testing::load::Residents;

/// A kernel answers for its own ports at once. One that does not has dropped the request, as it does while a listener
/// closes, and Linux would send it again only after a second: the initial timeout of RFC 6298.
const ANSWERED_WITHIN: Duration = Duration::from_millis(100);

/// Connections that the kernel holds for us while they wait to be accepted.
const BACKLOG: u32 = 1024;

/// The ports that this very process listens on: the library's only global, but for single mode's.
static PORTS: LazyLock<Mutex<Ports>> = LazyLock::new(Mutex::default);

/// The address members meet at.
pub(crate) fn address(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// The process that a member lives in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Host {
    /// This one.
    #[default]
    Here,
    /// One of a [`Network`](crate::testing::Network).
    #[cfg(feature = "testing")]
    Simulated(Machine),
}

/// A connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(feature = "testing")]
    Simulated(SimStream),
}

/// A port that is listened on.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(feature = "testing")]
    Simulated(SimListener),
}

impl Host {
    /// Runs a task until it ends, or its process.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        match self {
            Self::Here => tokio::spawn(task).abort_handle(),
            #[cfg(feature = "testing")]
            Self::Simulated(machine) => machine.spawn(task).abort_handle(),
        }
    }

    /// What is spawned by other means: it runs as long as its process does.
    pub(crate) async fn gate<F: Future>(self, future: F) -> F::Output {
        match self {
            Self::Here => future.await,
            #[cfg(feature = "testing")]
            Self::Simulated(machine) => machine.gate(future).await,
        }
    }

    /// An identity for a member of it.
    pub(crate) fn instance(&self) -> InstanceId {
        match self {
            Self::Here => InstanceId::random(),
            // By the seed of the network.
            #[cfg(feature = "testing")]
            Self::Simulated(_) => InstanceId(fastrand::u128(..)),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        match self {
            Self::Here => std::process::id(),
            #[cfg(feature = "testing")]
            Self::Simulated(machine) => machine.pid(),
        }
    }

    /// The time of day, by the clock of the machine.
    pub(crate) fn wall_clock(&self) -> SystemTime {
        match self {
            Self::Here => SystemTime::now(),
            #[cfg(feature = "testing")]
            Self::Simulated(machine) => machine.network().wall_clock(),
        }
    }

    /// The ports that this process listens on.
    pub(crate) fn ports(&self) -> &Mutex<Ports> {
        match self {
            Self::Here => &PORTS,
            #[cfg(feature = "testing")]
            Self::Simulated(machine) => machine.ports(),
        }
    }

    /// Of a simulated process, what lives in it.
    #[cfg(feature = "testing")]
    pub(crate) fn residents(&self) -> Option<&Residents> {
        match self {
            Self::Here => None,
            Self::Simulated(machine) => Some(machine.residents()),
        }
    }

    /// Takes a port. `None`: somebody else has it.
    pub(crate) fn listen(&self, port: u16) -> io::Result<Option<Listener>> {
        let listening = match self {
            Self::Here => listen(port).map(Listener::Tcp),
            #[cfg(feature = "testing")]
            Self::Simulated(machine) => machine.listen(port).map(Listener::Simulated),
        };
        match listening {
            Ok(listener) => Ok(Some(listener)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn connect(&self, port: u16) -> io::Result<Stream> {
        match self {
            Self::Here => connect(port).await.map(Stream::Tcp),
            #[cfg(feature = "testing")]
            Self::Simulated(machine) => machine.connect(port).map(Stream::Simulated),
        }
    }

    /// The epoch of the last leadership on a port, if it is known.
    pub(crate) fn stored_epoch(&self, port: u16) -> Option<u64> {
        match self {
            Self::Here => EpochFile::of_port(port).load(),
            #[cfg(feature = "testing")]
            Self::Simulated(machine) => machine.stored_epoch(port),
        }
    }

    pub(crate) fn store_epoch(&self, port: u16, epoch: u64) {
        match self {
            Self::Here => EpochFile::of_port(port).store(epoch),
            #[cfg(feature = "testing")]
            Self::Simulated(machine) => machine.store_epoch(port, epoch),
        }
    }
}

impl Listener {
    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, _)| Stream::Tcp(stream)),
            #[cfg(feature = "testing")]
            Self::Simulated(listener) => listener.accept().await.map(Stream::Simulated),
        }
    }
}

fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // On Windows the option would let a stranger take a port that is in use.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    // Two sockets may be bound at once, only one may listen: losing at either step is losing.
    socket.bind(address(port))?;
    socket.listen(BACKLOG)
}

async fn connect(port: u16) -> io::Result<TcpStream> {
    let to = address(port);
    // However often: whoever connects is patient for so long and no longer.
    let stream = loop {
        if let Ok(connected) = tokio::time::timeout(ANSWERED_WITHIN, TcpStream::connect(to)).await {
            break connected?;
        }
    };
    // A port of the ephemeral range can be connected to itself, and then nobody can listen on it.
    if stream.local_addr().is_ok_and(|local| local == to) {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}
