//! What each member does while the others come and go.

use support::process::Member;
use support::report::{Called, Command, Done, Moment, Report};

/// It publishes its name, subscribes, and calls on and on.
pub(crate) fn enlist(member: &Member) {
    let registered = |report: &Report| matches!(report, Report::Registered).then_some(());
    member.ask(&Command::Register { name: name(member) }, registered);
    let watching = |report: &Report| matches!(report, Report::Watching).then_some(());
    member.ask(&Command::Watch { topic: "news".to_owned() }, watching);
    member.tell(&Command::Load { tasks: 4 });
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

/// Ends its load. All its calls, each of which has come to an end.
pub(crate) fn stop(member: &Member) -> Vec<Called> {
    let begun = member.ask(&Command::Stop, |report| match report {
        Report::Stopped { begun } => Some(*begun),
        _ => None,
    });
    let calls = member.calls();
    assert_eq!(calls.len(), begun);
    calls
}

/// Only ever the newest: no value comes twice, or after a newer one.
pub(crate) fn news_in_order(member: &Member) {
    let news = |report: &Report| match report {
        Report::News(value) => Some(*value),
        _ => None,
    };
    let news: Vec<u64> = member.reports().iter().filter_map(news).collect();
    assert!(news.is_sorted_by(|earlier, later| earlier < later), "{news:?}");
}
