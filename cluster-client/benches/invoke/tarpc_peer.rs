//! tarpc over TCP with bincode, as its own examples set it up, and with `TCP_NODELAY`.

use futures::StreamExt;
use tarpc::serde_transport::tcp;
use tarpc::server::{BaseChannel, Channel};
use tarpc::tokio_serde::formats::Bincode;
use tarpc::{client, context};

use crate::load::{ARGUMENT, Caller, result};
use crate::server::ready;

#[tarpc::service]
pub(crate) trait Cache {
    async fn get(argument: String) -> String;
}

#[derive(Clone)]
struct Server {
    result: std::sync::Arc<str>,
}

impl Cache for Server {
    async fn get(self, _: context::Context, _argument: String) -> String {
        (*self.result).to_owned()
    }
}

impl Caller for CacheClient {
    async fn call(&self) -> anyhow::Result<String> {
        Ok(self.get(context::current(), ARGUMENT.to_owned()).await?)
    }
}

pub(crate) async fn serve(port: u16) -> anyhow::Result<()> {
    let mut listener = tcp::listen(("127.0.0.1", port), Bincode::default).await?;
    ready();
    let server = Server { result: result().into() };
    while let Some(transport) = listener.next().await {
        let transport = transport?;
        transport.get_ref().set_nodelay(true)?;
        let requests = BaseChannel::with_defaults(transport).execute(server.clone().serve());
        tokio::spawn(requests.for_each(async |request| {
            tokio::spawn(request);
        }));
    }
    Ok(())
}

pub(crate) async fn connect(port: u16) -> anyhow::Result<CacheClient> {
    let transport = tcp::connect(("127.0.0.1", port), Bincode::default).await?;
    transport.get_ref().set_nodelay(true)?;
    Ok(CacheClient::new(client::Config::default(), transport).spawn())
}
