//! Single mode: the members of one process share one real client without a port.
//!
//! Per name and port the first member leads and its factory serves; the others follow it, by plain calls. The real
//! client lives until the last of them leaves.

use std::any::TypeId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use super::host::address;
use super::joining::Obstacle;
use super::leader::{Leadership, State};
use super::leading::{self, EndLeadership, leave_abandoned, now_micros, restore};
use super::supervisor::{CloseAtTheEnd, Start, is_closing};
use crate::error::Error;
use crate::member::{Factory, Link, Member};
use crate::membership::{ClusterEvent, Role, RolePreference};
use crate::session::epoch;

static HUBS: LazyLock<Mutex<HashMap<Name, Hub>>> = LazyLock::new(Mutex::default);

type Name = (u16, Arc<str>);

struct Hub {
    leadership: Arc<Leadership>,
    /// Whose table of methods it is.
    service: TypeId,
    members: usize,
}

pub(super) async fn run(member: Arc<Member>, factory: Factory, start: Start) {
    let member = CloseAtTheEnd(member);
    let member = &member.0;
    loop {
        let (leadership, first) = match enter_in_time(member).await {
            Ok(Some(entered)) => entered,
            Ok(None) => return,
            Err(error) => {
                start.failed(error);
                return;
            }
        };
        leadership.fanout.add_local(Arc::clone(member));
        member.status.set_gate(leadership.gate());
        let part = Part { member, leadership: &leadership, first, left: false };
        let closed = tokio::select! {
            // First, so that a member that is to be closed runs its factory no more.
            biased;
            () = member.status.close_requested() => true,
            () = take_part(member, &factory, &leadership, first, &start) => false,
        };
        member.leaving(&leadership, closed);
        part.leave().await;
        if closed {
            return;
        }
    }
}

/// A member's part in a leadership, which it leaves however it ends: with its runtime, too.
struct Part<'a> {
    member: &'a Member,
    leadership: &'a Arc<Leadership>,
    first: bool,
    left: bool,
}

impl Part<'_> {
    async fn leave(mut self) {
        if self.ends() {
            let _ends = EndLeadership(Arc::clone(self.leadership));
            self.leadership.drain(Some(self.member.id())).await;
        }
    }

    /// Leaves. True: the leadership ends with it.
    fn ends(&mut self) -> bool {
        self.left = true;
        let ends = leave(self.member, self.leadership, self.first);
        if !ends {
            self.leadership.fanout.remove(self.member.id());
            self.leadership.undo_all(self.member.id());
        }
        ends
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        if !self.left && self.ends() {
            // On its own runtime, which may live on.
            let (ends, leaving) = (EndLeadership(Arc::clone(self.leadership)), self.member.id());
            self.leadership.spawn(async move { ends.0.drain(Some(leaving)).await });
        }
    }
}

async fn take_part(
    member: &Arc<Member>,
    factory: &Factory,
    leadership: &Arc<Leadership>,
    first: bool,
    start: &Start,
) {
    // What this member had with the leadership before.
    let mut restored = None;
    if first {
        leadership.spawn_tasks();
        end_with_the_runtime(leadership);
        leading::build(member, factory, leadership, start).await;
        restored = Some(restore(member, leadership).await);
        leadership.ready();
    }
    let mut states = leadership.states();
    loop {
        let state = states.borrow_and_update().clone();
        match state {
            State::Ready(_) => {
                let restored = match restored.take() {
                    Some(restored) => restored,
                    None => restore(member, leadership).await,
                };
                let info = leadership.info();
                member
                    .status
                    .set_role(if first { Role::Leader } else { Role::Follower }, Some(info));
                member.emit(if first {
                    ClusterEvent::BecameLeader { epoch: info.epoch }
                } else {
                    ClusterEvent::BecameFollower { leader: info }
                });
                member.set_link(Link::Leading(Arc::clone(leadership)));
                member.send_queued();
                leave_abandoned(member, leadership, &restored);
                start.succeeded();
            }
            State::Failed(error) => {
                member.set_link(Link::Failed(error.clone()));
                start.fail(error).await;
            }
            // The first member left before its client served, or its runtime is gone.
            State::Closed => return,
            State::Starting | State::Restoring(_) | State::Draining => {}
        }
        tokio::select! {
            biased;
            // The sender lives in `leadership`, so this cannot fail.
            _ = states.changed() => {}
            () = member.client_wanted() => leadership.want_client(),
        }
    }
}

/// The others may live on another runtime than the one that the leadership lives on, and are not to stay with it when that
/// is gone.
fn end_with_the_runtime(leadership: &Arc<Leadership>) {
    let ends = EndLeadership(Arc::clone(leadership));
    leadership.spawn(async move { ends.0.ended().await });
}

/// Enters the hub; a member that must follow waits for one. `None`: it is to be closed.
async fn enter_in_time(member: &Member) -> Result<Option<(Arc<Leadership>, bool)>, Error> {
    let mut backoff = member.options.limits.reconnecting();
    loop {
        if is_closing(member).await {
            return Ok(None);
        }
        if let Some(entered) = enter(member)? {
            return Ok(Some(entered));
        }
        member.set_obstacle(Obstacle::Nobody(io::ErrorKind::NotFound));
        let delay = backoff.next_delay(fastrand::u64(..));
        // A request to close ends the pause; what it means is seen above.
        let _ = tokio::time::timeout(delay, member.status.close_requested()).await;
    }
}

/// `None`: there is no hub, and this member may not make one.
fn enter(member: &Member) -> Result<Option<(Arc<Leadership>, bool)>, Error> {
    let (mut hubs, name) = (hubs(), name(member));
    let is_over = |hub: &Hub| matches!(hub.leadership.state(), State::Closed);
    if hubs.get(&name).is_some_and(is_over) {
        // With its runtime: whoever else ends one takes it from here first.
        hubs.remove(&name);
    }
    let hub = match hubs.entry(name) {
        Entry::Occupied(hub) => hub.into_mut(),
        Entry::Vacant(_) if member.options.role == RolePreference::Follower => return Ok(None),
        Entry::Vacant(vacant) => {
            let epoch = epoch::next(now_micros(&member.options.host), None, member.highest_epoch());
            let leadership = leading::leadership(member, epoch, false);
            vacant.insert(Hub { leadership, service: member.service, members: 0 })
        }
    };
    let first = hub.members == 0;
    if !first && member.options.role == RolePreference::Leader {
        let endpoint = format!("{} of this process", address(member.options.port));
        return Err(Error::PortOccupied { endpoint, channel: member.channel.to_string() });
    }
    if hub.service != member.service {
        return Err(Error::InvalidOption {
            option: "name".to_owned(),
            value: member.channel.to_string(),
            reason: "another type of client has this name in this process".to_owned(),
        });
    }
    hub.members += 1;
    Ok(Some((Arc::clone(&hub.leadership), first)))
}

/// True if the leadership ends with this member: it is the last one, or the one that was to build the real client, which
/// does not serve yet. Then the others enter anew.
fn leave(member: &Member, leadership: &Arc<Leadership>, first: bool) -> bool {
    let mut hubs = hubs();
    let name = name(member);
    let Some(hub) = hubs.get_mut(&name).filter(|hub| Arc::ptr_eq(&hub.leadership, leadership))
    else {
        return false;
    };
    hub.members -= 1;
    let ends = hub.members == 0 || (first && !matches!(leadership.state(), State::Ready(_)));
    if ends {
        hubs.remove(&name);
    }
    ends
}

fn name(member: &Member) -> Name {
    (member.options.port, Arc::clone(&member.channel))
}

fn hubs() -> MutexGuard<'static, HashMap<Name, Hub>> {
    HUBS.lock().unwrap_or_else(PoisonError::into_inner)
}
