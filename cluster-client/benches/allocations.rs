//! How often a call allocates, on either side.
//!
//! ```text
//! cargo bench -p cluster-client --bench allocations
//! ```
//!
//! The leader and the follower each have a thread with a current-thread runtime, which does all of their work, and what
//! a thread allocates is counted apart from the others. One allocation of each side is not the library's: the real
//! client's result, and the result that the caller gets.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use allocation_counter::{AllocationInfo, measure};
use cluster_client::{Error, RolePreference, cluster_client};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot::{self, Receiver};

const WARM_UP: u64 = 10_000;
const CALLS: u64 = 64_000;

struct Cache {
    result: String,
}

#[cluster_client(vis = "pub(crate)")]
impl Cache {
    #[invoke]
    pub(crate) async fn get(&self, _argument: &str) -> Result<String, Error> {
        Ok(self.result.clone())
    }
}

fn main() -> anyhow::Result<()> {
    println!("allocations of a call, its results included: leader, follower");
    let mut machine_readable = "allocations".to_owned();
    for in_flight in [1, 64] {
        let [leader, follower] = count(in_flight)?.map(|side| per_call(&side));
        println!("{in_flight:>3} in flight: {leader:.3}, {follower:.3}");
        machine_readable +=
            &format!(" leader_{in_flight}={leader:.3} follower_{in_flight}={follower:.3}");
    }
    println!("{machine_readable}");
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "so many allocations there are not")]
fn per_call(side: &AllocationInfo) -> f64 {
    side.count_total as f64 / CALLS as f64
}

/// The allocations of the leader and of the follower for all calls.
fn count(in_flight: u64) -> anyhow::Result<[AllocationInfo; 2]> {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let (warm, warmed_up) = oneshot::channel();
    let (stop, stopped) = oneshot::channel();
    let (says, hears) = channel();
    let leader = thread::spawn(move || lead(port, &says, warmed_up, stopped));
    hears.recv()?;

    let runtime = current_thread()?;
    let proxy = runtime.block_on(start(port, RolePreference::Follower))?;
    runtime.block_on(calls(&proxy, WARM_UP, in_flight))?;
    let _ = warm.send(());
    hears.recv()?;
    let mut outcome = Ok(());
    let follower = measure(|| outcome = runtime.block_on(calls(&proxy, CALLS, in_flight)));
    outcome?;
    let _ = stop.send(());
    let leader = leader.join().map_err(|_| anyhow::anyhow!("the leader panicked"))??;
    Ok([leader, follower])
}

/// Says when it can be called, and when it has begun to count.
fn lead(
    port: u16,
    says: &Sender<()>,
    warmed_up: Receiver<()>,
    stopped: Receiver<()>,
) -> anyhow::Result<AllocationInfo> {
    let runtime = current_thread()?;
    let _proxy = runtime.block_on(start(port, RolePreference::Leader))?;
    says.send(())?;
    runtime.block_on(warmed_up)?;
    says.send(())?;
    let mut outcome = Ok(());
    let counted = measure(|| outcome = runtime.block_on(stopped));
    outcome?;
    Ok(counted)
}

async fn calls(proxy: &CacheProxy, calls: u64, in_flight: u64) -> anyhow::Result<()> {
    let callers: Vec<_> = (0..in_flight)
        .map(|_| {
            let proxy = proxy.clone();
            tokio::spawn(async move {
                for _ in 0..calls / in_flight {
                    proxy.get("0123456789abcdef0123456789abcdef").await?;
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(())
}

fn current_thread() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

async fn start(port: u16, role: RolePreference) -> Result<CacheProxy, Error> {
    CacheProxy::builder()
        .port(port)
        .role(role)
        .start(|_| async { Ok::<_, Error>(Cache { result: "r".repeat(128) }) })
        .await
}
