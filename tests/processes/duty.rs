//! What each member does while the others come and go.

use std::time::Duration;

use support::process::Member;
use support::report::{Called, Command, Done, KINDS, Moment, QUICK, Report};

/// In each task of a load. Of the usual kinds that is two hundred calls a second: some take their time, some may be
/// repeated, some are one-way.
const EVERY: Duration = Duration::from_millis(40);

/// It publishes its name, subscribes, and calls on and on.
pub(crate) fn enlist(member: &Member) {
    enlist_to_call(member, &KINDS);
}

/// The same, with a task for each of these.
pub(crate) fn enlist_to_call(member: &Member, kinds: &[&str]) {
    let registered = |report: &Report| matches!(report, Report::Registered).then_some(());
    member.ask(&Command::Register { name: name(member) }, registered);
    let watching = |report: &Report| matches!(report, Report::Watching).then_some(());
    member.ask(&Command::Watch { topic: "news".to_owned() }, watching);
    let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    member.tell(&Command::Load { kinds, every: EVERY });
}

pub(crate) fn name(member: &Member) -> String {
    format!("member {}", member.pid())
}

/// When it was first told that a call had run under a leader after that of `epoch`.
pub(crate) fn first_success(member: &Member, from: usize, epoch: u64) -> Moment {
    member.wait(from, "success under the next leader", |report| match report {
        Report::Called(Called { result: Ok(Done { epoch: ran }), ended, .. }) if *ran > epoch => {
            Some(*ended)
        }
        _ => None,
    })
}

pub(crate) fn arrives(member: &Member, from: usize, news: u64) {
    let arrived = |report: &Report| matches!(report, Report::News(value) if *value == news);
    member.wait(from, &format!("news {news}"), |report| arrived(report).then_some(()));
}

/// Ends its load: each of its calls has come to an end then.
pub(crate) fn stop(member: &Member) {
    let stopped = |report: &Report| matches!(report, Report::Stopped { .. }).then_some(());
    member.ask(&Command::Stop, stopped);
}

/// Ends their loads, and waits for all they have sent: what a member has called before its last call has begun before that.
pub(crate) fn finish(members: &[Member]) {
    members.iter().for_each(stop);
    for member in members {
        let last = member.call(&format!("{QUICK}-{}-last-1", member.pid()));
        assert!(last.result.is_ok(), "{last:?}");
    }
}

/// They leave in good order, all at the same moment. Their processes stay.
pub(crate) fn close(members: &[Member]) {
    let from: Vec<usize> = members.iter().map(|member| member.reports().len()).collect();
    members.iter().for_each(|member| member.tell(&Command::Close));
    let closed = |report: &Report| matches!(report, Report::Closed).then_some(());
    members.iter().zip(from).for_each(|(member, from)| member.wait(from, "close", closed));
}

pub(crate) fn rejoin(member: &Member) {
    let rejoined = |report: &Report| matches!(report, Report::Rejoined).then_some(());
    member.ask(&Command::Rejoin, rejoined);
}
