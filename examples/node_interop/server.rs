//! The remote service: a config center in memory, which knows nothing of clusters. It keeps a book of who connected and
//! what was published, so that the example need not take its own word for it.
//!
//! One JSON value a line, from either side: [`Request`] and [`Message`]. What a connection publishes is gone with it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(8);
/// The one config that is there from the beginning.
pub const LIMITS: &str = "limits";
/// 2017-02-16T00:00:00.000Z
const LONG_AGO: i64 = 1_487_203_200_000;

#[derive(Serialize, Deserialize)]
pub struct Request {
    pub id: u64,
    #[serde(flatten)]
    pub ask: Ask,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Ask {
    Get {
        data_id: String,
    },
    Publish {
        data_id: String,
        content: String,
    },
    /// Answered, and from then on pushed under the id of the request.
    Watch {
        data_id: String,
    },
    Unwatch {
        watch: u64,
    },
}

/// The answer to a request, or a push to who watches.
#[derive(Serialize, Deserialize)]
pub struct Message {
    pub id: u64,
    pub push: bool,
    pub record: Option<Record>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub data_id: String,
    pub content: String,
    /// In ms since 1970.
    pub modified: i64,
}

/// Listens until it is dropped.
pub struct Server {
    pub address: String,
    book: Arc<watch::Sender<Book>>,
    listening: AbortHandle,
}

#[derive(Clone, Default)]
pub struct Book {
    pub accepted: u64,
    pub open: u64,
    /// By which connection, counted from 1, and what.
    pub published: Vec<(u64, Record)>,
    /// The connection that brought it, if any did.
    records: BTreeMap<String, (Option<u64>, Record)>,
    watches: Vec<Watch>,
}

#[derive(Clone)]
struct Watch {
    connection: u64,
    id: u64,
    data_id: String,
    outgoing: mpsc::UnboundedSender<Message>,
}

impl Server {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?.to_string();
        let mut book = Book::default();
        let limits =
            Record { data_id: LIMITS.to_owned(), content: "100".to_owned(), modified: LONG_AGO };
        book.records.insert(LIMITS.to_owned(), (None, limits));
        let book = Arc::new(watch::Sender::new(book));
        let listening = tokio::spawn(listen(listener, Arc::clone(&book))).abort_handle();
        Ok(Self { address, book, listening })
    }

    /// The book, once it says so.
    pub async fn until(&self, awaited: &str, done: impl Fn(&Book) -> bool) -> Result<Book> {
        let mut book = self.book.subscribe();
        let book = timeout(PATIENCE, book.wait_for(|book| done(book)))
            .await
            .with_context(|| format!("waited too long: {awaited}"))??;
        Ok(book.clone())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, book: Arc<watch::Sender<Book>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(converse(stream, Arc::clone(&book)));
    }
}

async fn converse(stream: TcpStream, book: Arc<watch::Sender<Book>>) {
    let mut connection = 0;
    book.send_modify(|book| {
        book.accepted += 1;
        book.open += 1;
        connection = book.accepted;
    });
    let (input, mut output) = stream.into_split();
    let (outgoing, mut messages) = mpsc::unbounded_channel::<Message>();
    let read = async {
        let mut lines = BufReader::new(input).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let Ok(request) = serde_json::from_str::<Request>(&line) else { break };
            book.send_modify(|book| book.take(connection, request, &outgoing));
        }
    };
    let write = async {
        while let Some(message) = messages.recv().await {
            let Ok(line) = serde_json::to_string(&message) else { break };
            if output.write_all(format!("{line}\n").as_bytes()).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = read => {}
        () = write => {}
    }
    book.send_modify(|book| book.leave(connection));
}

impl Book {
    fn take(
        &mut self,
        connection: u64,
        Request { id, ask }: Request,
        outgoing: &mpsc::UnboundedSender<Message>,
    ) {
        // Who is gone gets no answer.
        let answer = |push, record| drop(outgoing.send(Message { id, push, record }));
        match ask {
            Ask::Get { data_id } => answer(false, self.get(&data_id)),
            Ask::Publish { data_id, content } => {
                let record = Record { data_id, content, modified: now() };
                self.publish(connection, record);
                answer(false, None);
            }
            Ask::Watch { data_id } => {
                answer(false, None);
                if let Some(record) = self.get(&data_id) {
                    answer(true, Some(record));
                }
                self.watches.push(Watch { connection, id, data_id, outgoing: outgoing.clone() });
            }
            Ask::Unwatch { watch } => {
                self.watches.retain(|it| (it.connection, it.id) != (connection, watch));
                answer(false, None);
            }
        }
    }

    pub fn has_published(&self, connection: u64, data_id: &str) -> bool {
        self.published.iter().any(|(by, record)| *by == connection && record.data_id == data_id)
    }

    fn get(&self, data_id: &str) -> Option<Record> {
        self.records.get(data_id).map(|(_, record)| record.clone())
    }

    fn publish(&mut self, connection: u64, record: Record) {
        for Watch { id, outgoing, .. } in
            self.watches.iter().filter(|watch| watch.data_id == record.data_id)
        {
            let message = Message { id: *id, push: true, record: Some(record.clone()) };
            let _ = outgoing.send(message);
        }
        self.published.push((connection, record.clone()));
        self.records.insert(record.data_id.clone(), (Some(connection), record));
    }

    fn leave(&mut self, connection: u64) {
        self.open -= 1;
        self.watches.retain(|watch| watch.connection != connection);
        self.records.retain(|_, (owner, _)| *owner != Some(connection));
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
