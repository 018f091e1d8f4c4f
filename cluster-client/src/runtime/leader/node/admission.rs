//! Letting a Node process in.
//!
//! It registers again on the same connection some seconds after each try that was not answered, for ever. An error is
//! final for it, and when its connection is closed it competes for the port at once and without a pause. So as long as
//! things may still change it is left without an answer, as by a Node leader; and who is refused is not hung up on.
//! None of that is part of the handshakes, where whoever comes next costs the oldest its place.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use cluster_protocol::Codec;

use super::NodeSubscriber;
use crate::clock;
use crate::context::{Caller, InstanceId};
use crate::node::answer;
use crate::node::errors::Thrown;
use crate::runtime::leader::admission::{Newcomer, Register, full};
use crate::runtime::leader::follower::{Connected, Follower};
use crate::runtime::leader::roster::NotAdmitted;
use crate::runtime::leader::{Leadership, serving};
use crate::runtime::port::PortOwner;
use crate::runtime::transport::{self, ReadHalf, WriteHalf};
use crate::session::topics::SubscriberId;

/// A channel may begin that much later than its first follower.
const UNSERVED: Duration = Duration::from_secs(30);

/// Who is refused has that long to hang up, and to come back no sooner.
const REFUSED: Duration = Duration::from_secs(10);

/// Takes the connection as far as the task that lets it in.
pub(in crate::runtime::leader) async fn admit(
    register: Register,
    newcomer: Newcomer,
    write: WriteHalf,
    owner: &Arc<PortOwner>,
) -> io::Result<()> {
    let Some(place) = owner.place_to_wait() else {
        // From here on it is held as long as no other handshake needs its place.
        if owner.channel(&register.channel).is_none() {
            let message = "too many processes wait for a channel already (limits.followers)";
            return refuse(register.id, "FULL", message, newcomer.read, &write, owner).await;
        }
        return let_in(register, newcomer, write, owner).await;
    };
    let owner = Arc::clone(owner);
    let host = owner.host().clone();
    host.spawn(async move {
        if let Err(error) = let_in(register, newcomer, write, &owner).await {
            tracing::debug!(%error, "a Node process was lost before it was a follower");
        }
        drop(place);
    });
    Ok(())
}

/// Takes the connection as far as the task that serves it, or to its end.
async fn let_in(
    mut register: Register,
    mut newcomer: Newcomer,
    write: WriteHalf,
    owner: &PortOwner,
) -> io::Result<()> {
    let since = clock::now();
    let mut appearing = owner.appearing();
    let leadership = loop {
        if let Some(leadership) = owner.channel(&register.channel) {
            break leadership;
        }
        if clock::now() - since >= UNSERVED {
            let channels = owner.channel_names();
            let pid = owner.host().pid();
            let message = format!(
                "channel `{}` is not served here: process {pid} owns the port and runs {channels:?}",
                register.channel
            );
            return refuse(register.id, "NOT_SERVED", &message, newcomer.read, &write, owner).await;
        }
        tokio::select! {
            biased;
            // It asks again.
            next = newcomer.next_packet() => match next {
                Ok(Some(again)) => register = again,
                Ok(None) => return Ok(()),
                Err(error) => {
                    hold(&mut newcomer.read).await;
                    return Err(error);
                }
            },
            // By the time it asks again, a minute may have passed: the try that is known is answered.
            _ = appearing.changed() => {}
            () = owner.stopping() => return Ok(()),
        }
    };
    if leadership.terms.node.is_none() {
        let message = "the leader is a Rust process that was started without `node_compat()`";
        tracing::warn!(channel = leadership.channel(), "a Node process was refused: {message}");
        return refuse(register.id, "NO_NODE_COMPAT", message, newcomer.read, &write, owner).await;
    }
    let follower = follower(&leadership, write);
    match leadership.fanout.add_follower(&follower) {
        // Each of its connections is a caller of its own: none takes the place of another.
        Ok(_) => {
            leadership.want_client();
            leadership.spawn(serving::serve(follower, newcomer.read, Some(register.id)));
            Ok(())
        }
        // Until the port is free there is nothing that it could do.
        Err(NotAdmitted::ComeAgain) => {
            tokio::select! {
                biased;
                () = leadership.ended() => {}
                () = hung_up(&mut newcomer.read) => {}
            }
            Ok(())
        }
        Err(NotAdmitted::Full) => {
            let message = full(&leadership);
            refuse(register.id, "FULL", &message, newcomer.read, follower.socket(), owner).await
        }
    }
}

fn follower(leadership: &Arc<Leadership>, write: WriteHalf) -> Arc<Follower> {
    // It does not say who it is: each connection is a caller of its own.
    let caller = Caller { pid: 0, instance: InstanceId::random(), local: false };
    let codec = Codec::SerializeJson;
    let peer = Connected { caller, codec, node: Some(NodeSubscriber::default()) };
    Follower::new(leadership, SubscriberId::unique(), peer, write)
}

async fn refuse(
    id: u64,
    code: &str,
    message: &str,
    mut read: ReadHalf,
    write: &WriteHalf,
    owner: &PortOwner,
) -> io::Result<()> {
    let refusal = answer::refusal(id, Thrown::at_joining(code, message));
    transport::write_all(write, &refusal).await?;
    tokio::select! {
        biased;
        () = hold(&mut read) => {}
        () = owner.stopping() => {}
    }
    write.shutdown();
    Ok(())
}

/// Waits for a Node process to hang up, but not for ever.
pub(in crate::runtime::leader) async fn hold(read: &mut ReadHalf) {
    let _ = tokio::time::timeout(REFUSED, hung_up(read)).await;
}

/// Resolves when the peer hangs up. What it says until then is not listened to.
async fn hung_up(read: &mut ReadHalf) {
    poll_fn(|cx| {
        loop {
            read.consume(read.buffered().len());
            if !matches!(ready!(read.poll_read(cx)), Ok(1..)) {
                return Poll::Ready(());
            }
        }
    })
    .await;
}
