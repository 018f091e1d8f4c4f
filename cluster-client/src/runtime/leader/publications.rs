//! The leader's part in publications: who owns them, and taking them back when their owner goes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cluster_protocol::{Codec, ConnObject};
use tokio::sync::OwnedSemaphorePermit;

use super::Leadership;
use super::fanout::{Fanout, lock};
use super::packets::control_packet;
use super::roster::Subscriber;
use super::settling::unless;
use crate::clock;
use crate::context::{CallId, Caller};
use crate::error::{Error, Outcome};
use crate::failure;
use crate::membership::ClusterEvent;
use crate::planted::{Bug, planted};
use crate::serve::{Answered, Call, Errors, Slot};
use crate::service::{Kind, MethodInfo, Served};
use crate::session::payload::Payload;
use crate::session::publications::{By, PublicationKey};
use crate::session::topics::SubscriberId;

/// The arguments of a publication, kept for the method that takes it back.
pub(crate) struct Arguments {
    codec: Codec,
    data: Bytes,
}

/// What a call will have changed once it has succeeded.
#[derive(Default)]
pub(crate) struct Settlement {
    published: Option<Publishing>,
    undone: Vec<PublicationKey>,
}

struct Publishing {
    key: PublicationKey,
    sequence: u64,
    /// It was published to the leader before.
    again: bool,
    /// The arguments, where there is a method that takes it back.
    undo: Option<Arguments>,
}

impl Settlement {
    /// What is published or taken back, one at a time: otherwise the owner might not be the one whose publication came last.
    pub(super) fn keys(&self) -> impl Iterator<Item = &PublicationKey> {
        let published = self.published.iter().map(|publishing| &publishing.key);
        published.chain(&self.undone)
    }

    /// What can be taken back, or is.
    pub(super) fn undoable(&self) -> impl Iterator<Item = &PublicationKey> {
        let published = self.published.iter().filter(|publishing| publishing.undo.is_some());
        published.map(|publishing| &publishing.key).chain(&self.undone)
    }
}

impl Leadership {
    /// Whether calls of this method publish something or take it back.
    pub(crate) fn settles(&self, method: usize) -> bool {
        self.settling.get(method).is_some_and(|settles| *settles)
    }

    /// What the call will have published or taken back. The keys come from the arguments, which the call consumes.
    /// `again`: it was published to the leader before.
    pub(crate) fn settlement(
        &self,
        method: usize,
        call: &Call,
        again: bool,
    ) -> Result<Settlement, Error> {
        let mut settlement = Settlement::default();
        if !self.settles(method) {
            return Ok(settlement);
        }
        for (publish, info) in self.terms.methods.iter().enumerate() {
            let Kind::Publish { key, remembered: true, undo } = info.kind else { continue };
            if publish == method {
                let undo = undo.map(|_| Arguments {
                    codec: call.codec,
                    data: Bytes::copy_from_slice(&call.data),
                });
                let key = PublicationKey::new(method, key(call)?);
                let sequence = call.context.call_id().sequence;
                settlement.published = Some(Publishing { key, sequence, again, undo });
            } else if undo == Some(method) {
                settlement.undone.push(PublicationKey::new(publish, key(call)?));
            }
        }
        Ok(settlement)
    }

    /// Whether a follower may publish that; else the name of the bound.
    pub(crate) fn may_settle(
        &self,
        settlement: &Settlement,
        who: SubscriberId,
    ) -> Result<(), &'static str> {
        let Some(Publishing { key, undo, .. }) = &settlement.published else { return Ok(()) };
        let bytes = undo.as_ref().map_or(0, |arguments| arguments.data.len());
        lock(&self.fanout.owners).room_for(key, who, bytes, self.terms.limits.publications())
    }

    pub(super) fn settle(
        self: &Arc<Self>,
        settlement: Settlement,
        answered: Answered,
        caller: SubscriberId,
    ) {
        if answered != Answered::Ok {
            return;
        }
        if let Some(Publishing { key, sequence, again, undo }) = settlement.published {
            self.fanout.published(self, key, By { who: caller, sequence, again }, undo);
            // Who has gone before this was settled has taken back only what it had by then.
            if !self.fanout.is_attached(caller) {
                self.undo_all(caller);
            }
        }
        for key in settlement.undone {
            self.fanout.undone(self, &key);
            if self.terms.standalone {
                self.withdraw(key, caller);
            }
        }
    }

    /// The member that stands alone has taken the key back: the leader is to be told when it answers.
    fn withdraw(&self, key: PublicationKey, who: SubscriberId) {
        let Some(Subscriber::Local(member)) = lock(&self.fanout.roster).get(who) else { return };
        let method = self.undo_method(key.method).map_or("", |(_, undo)| undo.name).to_owned();
        let has_room =
            member.remembered().withdraw(key, self.terms.limits.publications_per_follower);
        if !has_room {
            let limit = "limits.publications_per_follower".to_owned();
            let error = Error::Busy { method: method.clone(), limit };
            member.emit(ClusterEvent::PublicationFailed { method, error });
        }
    }

    /// Whether what `caller` publishes again was published by somebody else since.
    pub(super) fn is_outdone(&self, settlement: &Settlement, caller: SubscriberId) -> bool {
        let again = |one: &&Publishing| one.again && !planted(Bug::RestoresOverNewer);
        let Some(publishing) = settlement.published.as_ref().filter(again) else {
            return false;
        };
        let owner = lock(&self.fanout.owners).owner(&publishing.key);
        owner.is_some_and(|owner| {
            owner.who != caller && !owner.again && self.fanout.is_attached(owner.who)
        })
    }

    /// Tells `caller` so, as it would have been told had it been there.
    pub(super) fn tell_outdone(&self, settlement: &Settlement, caller: SubscriberId) {
        if let Some(Publishing { key, sequence, again, .. }) = &settlement.published {
            let by = By { who: caller, sequence: *sequence, again: *again };
            self.fanout.publication_taken(self, by, key);
        }
    }

    /// A follower has gone: its publications are taken back, in the background.
    pub(crate) fn undo_all(self: &Arc<Self>, gone: SubscriberId) {
        if planted(Bug::KeepsPublicationsOfTheDead) {
            return;
        }
        let Some(client) = self.client() else { return };
        // A leadership that goes waits for it. Whoever has gone is not to be held up by bounds on calls.
        let Some(permit) = self.enter_unbounded() else { return };
        let leadership = Arc::clone(self);
        self.spawn(async move {
            leadership.undo_each(&client, gone).await;
            drop(permit);
        });
    }

    /// A follower that has stood alone does not publish the key any more. `room` is what the follower has for this.
    pub(super) fn release(
        self: &Arc<Self>,
        key: PublicationKey,
        by: SubscriberId,
        room: OwnedSemaphorePermit,
    ) {
        let Some(client) = self.client() else { return };
        let Some(permit) = self.enter_unbounded() else { return };
        // At once: what it publishes from now on comes after this.
        let mut turn = self.turns.ask([&key].into_iter());
        let leadership = Arc::clone(self);
        self.spawn(async move {
            unless(&leadership.undos_cut_off, turn.come()).await;
            leadership.undo_unless_taken_over(&client, &key, by).await;
            drop((turn, permit, room));
        });
    }

    pub(super) async fn undo_each(&self, client: &Arc<dyn Served>, gone: SubscriberId) {
        // What is being published at this moment holds up nothing else.
        let mut later = Vec::new();
        for key in self.fanout.owned_by(gone) {
            let turn = self.turns.ask([&key].into_iter());
            if turn.has_come() {
                self.undo_unless_taken_over(client, &key, gone).await;
            } else {
                later.push((key, turn));
            }
        }
        for (key, mut turn) in later {
            unless(&self.undos_cut_off, turn.come()).await;
            self.undo_unless_taken_over(client, &key, gone).await;
        }
    }

    /// Somebody else may have published the key meanwhile.
    async fn undo_unless_taken_over(
        &self,
        client: &Arc<dyn Served>,
        key: &PublicationKey,
        gone: SubscriberId,
    ) {
        if let Some(arguments) = self.fanout.take(key, gone) {
            self.undo(client, key, arguments).await;
        }
    }

    async fn undo(&self, client: &Arc<dyn Served>, key: &PublicationKey, arguments: Arguments) {
        let Some((undo, info)) = self.undo_method(key.method) else { return };
        if planted(Bug::SkipsUndo) {
            return;
        }
        let timeout = info.timeout.unwrap_or(self.terms.response_timeout);
        let result = if self.undos_cut_off.is_cancelled() {
            Err(Error::GoingAway { method: info.name.to_owned() })
        } else {
            let running = self.run_undo(client, undo, info, arguments, timeout);
            let ended = unless(&self.undos_cut_off, running).await;
            ended.unwrap_or_else(|| Err(failure::cut_off(info.name)))
        };
        if let Err(error) = result {
            tracing::warn!(channel = self.channel(), method = info.name, key = key.key, %error, "taking back a publication failed");
            self.emit(ClusterEvent::PublicationFailed { method: info.name.to_owned(), error });
        }
    }

    fn undo_method(&self, publish: usize) -> Option<(usize, &MethodInfo)> {
        let Kind::Publish { undo: Some(undo), .. } = self.terms.methods.get(publish)?.kind else {
            return None;
        };
        Some((undo, self.terms.methods.get(undo)?))
    }

    async fn run_undo(
        &self,
        client: &Arc<dyn Served>,
        undo: usize,
        info: &MethodInfo,
        arguments: Arguments,
        timeout: Duration,
    ) -> Result<(), Error> {
        let instance = self.terms.instance;
        let caller = Caller { pid: self.terms.host.pid(), instance, local: true };
        let call_id = CallId { instance, sequence: self.next_own_call() };
        let call = Call {
            data: Payload::from(arguments.data),
            codec: arguments.codec,
            context: self.context(call_id, Some(clock::now() + timeout), caller),
            method: info.name,
            answer: Vec::new(),
            limits: self.frame_limits(),
            errors: Errors::Text,
        };
        let mut slot = Slot::default();
        slot.prepare(&call);
        client.serve(undo, call, &mut slot);
        let method = info.name.to_owned();
        let Some(served) = slot.take() else { return Err(Error::UnknownMethod { method }) };
        match tokio::time::timeout(timeout, self.scope(served)).await {
            Ok(reply) => failure::check(&method, timeout, &reply),
            Err(_) => Err(Error::DeadlineExceeded { method, timeout, outcome: Outcome::Unknown }),
        }
    }
}

/// Whose publications they are.
impl Fanout {
    pub(super) fn published(
        &self,
        leadership: &Leadership,
        key: PublicationKey,
        by: By,
        undo: Option<Arguments>,
    ) {
        let owner = lock(&self.roster).get(by.who);
        let is_node =
            matches!(owner, Some(Subscriber::Remote(follower)) if follower.node().is_some());
        let before = {
            let mut owners = lock(&self.owners);
            if is_node && undo.is_none() {
                // Nothing is to be undone, and nobody could be told that it is taken over.
                owners.undone(&key)
            } else {
                let bytes = undo.as_ref().map_or(0, |arguments| arguments.data.len());
                owners.published(key.clone(), by, undo, bytes)
            }
        };
        if let Some(before) = before {
            self.publication_taken(leadership, before, &key);
        }
    }

    pub(super) fn undone(&self, leadership: &Leadership, key: &PublicationKey) {
        let owner = lock(&self.owners).undone(key);
        if let Some(owner) = owner {
            self.publication_taken(leadership, owner, key);
        }
    }

    pub(super) fn owned_by(&self, who: SubscriberId) -> Vec<PublicationKey> {
        lock(&self.owners).owned_by(who)
    }

    /// Whose publications are there although they are not.
    pub(super) fn departed(&self) -> Vec<SubscriberId> {
        let owners = lock(&self.owners).owners();
        let roster = lock(&self.roster);
        owners.into_iter().filter(|owner| roster.get(*owner).is_none()).collect()
    }

    pub(super) fn take(&self, key: &PublicationKey, who: SubscriberId) -> Option<Arguments> {
        lock(&self.owners).take(key, who)
    }

    fn publication_taken(&self, leadership: &Leadership, owner: By, key: &PublicationKey) {
        let subscriber = lock(&self.roster).get(owner.who);
        match subscriber {
            Some(Subscriber::Local(member)) => member.remembered().taken(key, owner.sequence),
            Some(Subscriber::Remote(follower)) => {
                let Some(method) = leadership.terms.methods.get(key.method) else { return };
                let conn = ConnObject::PublicationTaken {
                    method: method.name.into(),
                    key: key.key.as_str().into(),
                    call: owner.sequence,
                };
                follower.tell(&control_packet(&conn, &leadership.frame_limits()));
            }
            None => {}
        }
    }
}
