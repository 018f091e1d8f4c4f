//! Single mode: the members of one process share one real client without a port.
//!
//! Per name and port the first member leads and its factory serves; the others follow it, by plain calls. The real
//! client lives until the last of them leaves, and is closed before the next one is built.

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
    /// Its real client is being closed, and the next one is built after that.
    ending: bool,
}

/// What became of an attempt to enter a hub.
enum Entered {
    /// As the first one, or not.
    Hub { leadership: Arc<Leadership>, first: bool },
    /// The hub ends, when this leadership does.
    Ending(Arc<Leadership>),
    /// There is none, and this member may not make one.
    Nobody,
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
            let _ends = self.end_of_hub();
            self.leadership.drain(Some(self.member.id())).await;
        }
    }

    fn end_of_hub(&self) -> EndHub {
        EndHub { leadership: Arc::clone(self.leadership), name: name(self.member) }
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
            let (ends, leaving) = (self.end_of_hub(), self.member.id());
            self.leadership.spawn(async move { ends.leadership.drain(Some(leaving)).await });
        }
    }
}

/// Makes room for the next real client.
struct EndHub {
    leadership: Arc<Leadership>,
    name: Name,
}

impl Drop for EndHub {
    fn drop(&mut self) {
        self.leadership.end();
        let mut hubs = hubs();
        if hubs.get(&self.name).is_some_and(|hub| hub.is_of(&self.leadership)) {
            hubs.remove(&self.name);
        }
    }
}

impl Hub {
    fn is_of(&self, leadership: &Arc<Leadership>) -> bool {
        Arc::ptr_eq(&self.leadership, leadership)
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
        // A request to close ends either pause; what it means is seen above.
        match enter(member)? {
            Entered::Hub { leadership, first } => {
                member.clear_obstacle();
                return Ok(Some((leadership, first)));
            }
            Entered::Ending(leadership) => {
                member.set_obstacle(Obstacle::GoingAway);
                let mut states = leadership.states();
                tokio::select! {
                    biased;
                    () = member.status.close_requested() => {}
                    // The sender lives in `leadership`, so this cannot fail.
                    _ = states.wait_for(|state| matches!(state, State::Closed)) => {}
                }
            }
            Entered::Nobody => {
                member.set_obstacle(Obstacle::Nobody(io::ErrorKind::NotFound));
                let delay = backoff.next_delay(fastrand::u64(..));
                let _ = tokio::time::timeout(delay, member.status.close_requested()).await;
            }
        }
    }
}

fn enter(member: &Member) -> Result<Entered, Error> {
    let (mut hubs, name) = (hubs(), name(member));
    let is_over = |hub: &Hub| matches!(hub.leadership.state(), State::Closed);
    if hubs.get(&name).is_some_and(is_over) {
        // With its runtime, or whoever has ended it is about to take it from here.
        hubs.remove(&name);
    }
    let hub = match hubs.entry(name) {
        Entry::Occupied(hub) if hub.get().ending => {
            return Ok(Entered::Ending(Arc::clone(&hub.get().leadership)));
        }
        Entry::Occupied(hub) => hub.into_mut(),
        Entry::Vacant(_) if member.options.role == RolePreference::Follower => {
            return Ok(Entered::Nobody);
        }
        Entry::Vacant(vacant) => {
            let epoch = epoch::next(now_micros(&member.options.host), None, member.highest_epoch());
            let leadership = leading::leadership(member, epoch, false);
            vacant.insert(Hub { leadership, service: member.service, members: 0, ending: false })
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
    Ok(Entered::Hub { leadership: Arc::clone(&hub.leadership), first })
}

/// True if the leadership ends with this member: it is the last one, or the one that was to build the real client, which
/// does not serve yet. Then the others enter anew.
fn leave(member: &Member, leadership: &Arc<Leadership>, first: bool) -> bool {
    let mut hubs = hubs();
    let its = |hub: &&mut Hub| hub.is_of(leadership) && !hub.ending;
    let Some(hub) = hubs.get_mut(&name(member)).filter(its) else { return false };
    hub.members -= 1;
    hub.ending = hub.members == 0 || (first && !matches!(leadership.state(), State::Ready(_)));
    hub.ending
}

fn name(member: &Member) -> Name {
    (member.options.port, Arc::clone(&member.channel))
}

fn hubs() -> MutexGuard<'static, HashMap<Name, Hub>> {
    HUBS.lock().unwrap_or_else(PoisonError::into_inner)
}
