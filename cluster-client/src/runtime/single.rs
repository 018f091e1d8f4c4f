//! Single mode: the members of one process share one real client without a port.
//!
//! Per name and port the first member leads and its factory serves; the others follow it, by plain calls. The real
//! client lives until the last of them leaves.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use super::leader::{Leadership, State};
use super::leading::{self, now_micros};
use super::supervisor::{CloseAtTheEnd, Start};
use crate::member::{Factory, Link, Member};
use crate::membership::{ClusterEvent, Role};
use crate::session::epoch;

static HUBS: LazyLock<Mutex<HashMap<Name, Hub>>> = LazyLock::new(Mutex::default);

type Name = (u16, Arc<str>);

struct Hub {
    leadership: Arc<Leadership>,
    members: usize,
}

pub(super) async fn run(member: Arc<Member>, factory: Factory, mut start: Start) {
    let member = CloseAtTheEnd(member);
    let member = &member.0;
    let (leadership, first) = enter(member);
    leadership.fanout.add_local(Arc::clone(member));
    member.status.set_gate(leadership.gate());
    tokio::select! {
        () = member.status.close_requested() => {}
        () = take_part(member, &factory, &leadership, first, &mut start) => {}
    }
    member.leaving(&leadership, true);
    if leave(member) {
        leadership.drain(member.id()).await;
        leadership.end();
    } else {
        leadership.undo_all(member.id());
        leadership.fanout.remove(&leadership, member.id());
    }
}

async fn take_part(
    member: &Arc<Member>,
    factory: &Factory,
    leadership: &Arc<Leadership>,
    first: bool,
    start: &mut Start,
) {
    if first {
        leadership.spawn_tasks();
        leading::build(member, factory, leadership, start).await;
        leadership.ready();
    }
    let mut states = leadership.states();
    loop {
        let state = states.borrow_and_update().clone();
        match state {
            State::Ready(_) => {
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
                start.succeeded();
            }
            State::Failed(error) => {
                member.set_link(Link::Failed(error.clone()));
                start.failed(error);
            }
            // The first member left before it had built its client.
            State::Closed => return,
            State::Starting | State::Restoring(_) | State::Draining => {}
        }
        tokio::select! {
            // The sender lives in `leadership`, so this cannot fail.
            _ = states.changed() => {}
            () = member.client_wanted() => leadership.want_client(),
        }
    }
}

fn enter(member: &Member) -> (Arc<Leadership>, bool) {
    let mut hubs = hubs();
    let mut first = false;
    let hub = hubs.entry(name(member)).or_insert_with(|| {
        first = true;
        let epoch = epoch::next(now_micros(), None, member.highest_epoch());
        Hub { leadership: leading::leadership(member, epoch), members: 0 }
    });
    hub.members += 1;
    (Arc::clone(&hub.leadership), first)
}

/// True for the last member.
fn leave(member: &Member) -> bool {
    let mut hubs = hubs();
    let name = name(member);
    let Some(hub) = hubs.get_mut(&name) else { return true };
    hub.members -= 1;
    let last = hub.members == 0;
    if last {
        hubs.remove(&name);
    }
    last
}

fn name(member: &Member) -> Name {
    (member.options.port, Arc::clone(&member.channel))
}

fn hubs() -> MutexGuard<'static, HashMap<Name, Hub>> {
    HUBS.lock().unwrap_or_else(PoisonError::into_inner)
}
