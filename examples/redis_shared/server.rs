//! The Redis server: the one of `REDIS_URL`, or one of our own; and what it says about its clients.

use std::env;
use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use redis::aio::MultiplexedConnection;
use showcase::free_port;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

const HOW_TO_GET_IT: &str = "there is no Redis server: set REDIS_URL=redis://host:port, or install one (`apt-get install redis-server`)";
/// How often the observer looks at Redis's clients.
const LOOKS: Duration = Duration::from_millis(5);

pub struct Redis {
    pub url: String,
    /// Without the password that a URL may hold.
    pub shown: String,
    pub source: String,
    connection: MultiplexedConnection,
    /// Our own server; killed when this is dropped.
    process: Option<Child>,
}

/// The clients that `CLIENT LIST` shows, beside the one that asks.
pub struct Clients {
    pub ours: usize,
    pub others: usize,
}

impl Redis {
    pub async fn find() -> Result<Self> {
        if let Some(url) = env::var("REDIS_URL").ok().filter(|url| !url.is_empty()) {
            let connection = connect(&url).await.context("REDIS_URL")?;
            let shown = url.rsplit('@').next().unwrap_or_default().to_owned();
            return Ok(Self {
                url,
                shown,
                source: "of REDIS_URL".to_owned(),
                connection,
                process: None,
            });
        }
        let port = free_port()?;
        let process = start(port).await?;
        let (shown, pid) = (format!("127.0.0.1:{port}"), process.id().unwrap_or_default());
        let url = format!("redis://{shown}");
        let connection = connect(&url).await?;
        let source = format!("pid {pid}, started for this example");
        Ok(Self { url, shown, source, connection, process: Some(process) })
    }

    pub fn is_our_own(&self) -> bool {
        self.process.is_some()
    }

    /// How many connections are called `name`, and how many are not.
    pub async fn clients(&mut self, name: &str) -> Result<Clients> {
        list(&mut self.connection, name).await
    }

    /// How many connections subscribe to `channel`.
    pub async fn listeners(&mut self, channel: &str) -> Result<usize> {
        let (_, listeners): (String, usize) = redis::cmd("PUBSUB")
            .arg("NUMSUB")
            .arg(channel)
            .query_async(&mut self.connection)
            .await?;
        Ok(listeners)
    }

    pub async fn counter(&mut self, key: &str) -> Result<usize> {
        Ok(redis::cmd("GET").arg(key).query_async(&mut self.connection).await?)
    }

    /// Ends our own server.
    pub async fn stop(self) -> Result<()> {
        if let Some(mut process) = self.process {
            process.kill().await?;
        }
        Ok(())
    }

    /// Leaves a Redis that others use too as it was.
    pub async fn forget(&mut self, keys: &[&str]) -> Result<()> {
        Ok(redis::cmd("DEL").arg(keys).query_async(&mut self.connection).await?)
    }
}

/// Looks at Redis's clients the whole time.
pub struct Observer {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<Listed>>,
}

pub struct Listed {
    /// How many connections of ours there were at most.
    pub most: usize,
    pub looks: usize,
}

impl Observer {
    pub fn start(redis: &Redis, name: String) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let mut connection = redis.connection.clone();
        let task = tokio::spawn(async move {
            let mut listed = Listed { most: 0, looks: 0 };
            let mut looks = interval(LOOKS);
            while stopped.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
                looks.tick().await;
                listed.most = listed.most.max(list(&mut connection, &name).await?.ours);
                listed.looks += 1;
            }
            Ok(listed)
        });
        Self { stop, task }
    }

    pub async fn finish(self) -> Result<Listed> {
        let _ = self.stop.send(());
        self.task.await?
    }
}

async fn list(connection: &mut MultiplexedConnection, name: &str) -> Result<Clients> {
    let mut both = redis::pipe();
    both.cmd("CLIENT").arg("ID").cmd("CLIENT").arg("LIST");
    let (id, list): (u64, String) = both.query_async(connection).await?;
    let (asking, ours) = (format!("id={id}"), format!("name={name}"));
    let mut clients = Clients { ours: 0, others: 0 };
    for line in list.lines() {
        let has = |field: &str| line.split(' ').any(|found| found == field);
        if has(&ours) {
            clients.ours += 1;
        } else if !has(&asking) {
            clients.others += 1;
        }
    }
    Ok(clients)
}

async fn connect(url: &str) -> Result<MultiplexedConnection> {
    let client = redis::Client::open(url).context("not the URL of a Redis server")?;
    client.get_multiplexed_async_connection().await.context("no Redis server answers")
}

/// Starts a server that keeps nothing on disk, and waits until it says that it is ready.
async fn start(port: u16) -> Result<Child> {
    let started = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no", "--loglevel", "notice"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut server = match started {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(HOW_TO_GET_IT),
        started => started.context("redis-server could not be started")?,
    };
    let mut log =
        BufReader::new(server.stdout.take().context("redis-server has no output")?).lines();
    let ready = async {
        while let Some(line) = log.next_line().await? {
            if line.contains("Ready to accept connections") {
                return Ok(());
            }
        }
        bail!("redis-server ended at once")
    };
    timeout(Duration::from_secs(5), ready).await.context("redis-server does not get ready")??;
    // What it says later is read too: a full pipe would stop it.
    tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
    Ok(server)
}
