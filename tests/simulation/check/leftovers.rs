//! Nothing is kept of what is over.

use cluster_client::testing::{Load, Process};

use crate::server::Server;

/// Nothing waits, runs, or is to be sent.
fn nothing_is_in_flight(process: &Process) -> Result<(), String> {
    let load = process.load();
    let quiet = [
        load.waiting_calls,
        load.waiting_bytes,
        load.running_calls,
        load.running_bytes,
        load.followers_calls,
        load.followers_bytes,
        load.unconfirmed_oneways,
        load.unsent_bytes,
        load.publishing,
    ]
    .iter()
    .all(|count| *count == 0);
    if quiet { Ok(()) } else { Err(kept(process, load)) }
}

/// The same, and there is no subscription.
pub(crate) fn nobody_reads(process: &Process) -> Result<(), String> {
    nothing_is_in_flight(process)?;
    let load = process.load();
    let Load { subscriptions, unconfirmed_unsubscribes, upstreams, retained_values, .. } = load;
    let quiet = [subscriptions, unconfirmed_unsubscribes, upstreams, retained_values]
        .iter()
        .all(|count| *count == 0);
    if quiet { Ok(()) } else { Err(kept(process, load)) }
}

pub(crate) fn nothing_is_subscribed(server: &Server) -> Result<(), String> {
    match server.book().subscribed_to() {
        0 => Ok(()),
        count => Err(format!("{count} subscriptions that nobody reads any more")),
    }
}

/// All members have closed.
pub(crate) fn nobody_is_connected(server: &Server) -> Result<(), String> {
    let book = server.book();
    let (connected, published) = (book.connected(), book.published());
    if connected.is_empty() && published.is_empty() {
        return Ok(());
    }
    Err(format!("processes {connected:?} are still connected, and {published:?} published"))
}

/// All processes are gone, or have dropped all that they had.
pub(crate) fn nothing_is_left(processes: &[Process]) -> Result<(), String> {
    let left = processes.iter().find(|process| process.load() != Load::default());
    left.map_or(Ok(()), |process| Err(kept(process, process.load())))
}

fn kept(process: &Process, load: Load) -> String {
    format!("process {} keeps {load:?}", process.id())
}
