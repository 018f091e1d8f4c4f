//! One simulated process.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::task::{AbortHandle, JoinHandle};

use super::network::{Shared, SimListener};
use super::pipe::SimStream;
use crate::runtime::port::Ports;
use crate::testing::load::Residents;

/// A handle on it. Equal if it is the same process.
#[derive(Clone)]
pub(crate) struct Machine(Arc<Inner>);

struct Inner {
    network: Arc<Shared>,
    pid: u32,
    ports: Mutex<Ports>,
    residents: Residents,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stopped: bool,
    killed: bool,
    /// Of tasks that were to be polled while the process was stopped.
    parked: Vec<Waker>,
    tasks: Vec<AbortHandle>,
}

impl Machine {
    pub(crate) fn new(network: Arc<Shared>, pid: u32) -> Self {
        let (ports, residents) = (Mutex::default(), Residents::default());
        Self(Arc::new(Inner { network, pid, ports, residents, state: Mutex::default() }))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.pid
    }

    pub(crate) fn ports(&self) -> &Mutex<Ports> {
        &self.0.ports
    }

    /// Its members.
    pub(crate) fn residents(&self) -> &Residents {
        &self.0.residents
    }

    pub(crate) fn network(&self) -> &Arc<Shared> {
        &self.0.network
    }

    // What happens to it.

    /// Nothing of it runs until it is resumed. Its sockets take what others send, as a kernel does.
    pub(crate) fn stop(&self) {
        self.state().stopped = true;
    }

    pub(crate) fn resume(&self) {
        let parked = {
            let mut state = self.state();
            state.stopped = false;
            std::mem::take(&mut state.parked)
        };
        parked.into_iter().for_each(Waker::wake);
    }

    /// Ends it: its tasks run no more, its connections end, its ports are free.
    pub(crate) fn kill(&self) {
        let (tasks, parked) = {
            let mut state = self.state();
            state.killed = true;
            (std::mem::take(&mut state.tasks), std::mem::take(&mut state.parked))
        };
        // First the sockets: what the tasks do when they are dropped must not be heard.
        self.0.network.forget(self);
        tasks.iter().for_each(AbortHandle::abort);
        drop(parked);
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.state().killed
    }

    // What it does.

    pub(crate) fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let task = tokio::spawn(self.gate(task));
        let mut state = self.state();
        if state.killed {
            task.abort();
        } else {
            state.tasks.retain(|task| !task.is_finished());
            state.tasks.push(task.abort_handle());
        }
        drop(state);
        task
    }

    /// Polls only while the process runs.
    pub(crate) fn gate<F: Future>(&self, future: F) -> Gate<F> {
        Gate { machine: self.clone(), future: Box::pin(future) }
    }

    pub(crate) fn listen(&self, port: u16) -> io::Result<SimListener> {
        self.0.network.listen(self, port)
    }

    pub(crate) fn connect(&self, port: u16) -> io::Result<SimStream> {
        self.0.network.connect(self, port)
    }

    pub(crate) fn stored_epoch(&self, port: u16) -> Option<u64> {
        self.0.network.epoch(port)
    }

    pub(crate) fn store_epoch(&self, port: u16, epoch: u64) {
        self.0.network.store_epoch(port, epoch);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Machine {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.0.pid)
    }
}

/// A future of a simulated process.
pub(crate) struct Gate<F> {
    machine: Machine,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Gate<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        {
            let mut state = self.machine.state();
            if state.stopped || state.killed {
                if !state.killed {
                    state.parked.push(cx.waker().clone());
                }
                return Poll::Pending;
            }
        }
        self.future.as_mut().poll(cx)
    }
}
