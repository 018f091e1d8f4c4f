//! Leaders that are killed while calls are under way.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use support::process::{Group, Member};
use support::report::{Moment, Setup};

use crate::audit::Audit;
use crate::duty::{arrives, close, enlist, finish, first_success, name, rejoin, stop};
use crate::flat::Course;
use crate::times::{Times, table};
use crate::{MEMBER, alone, number};

/// Far beyond what it takes; the table says how long it did take.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(5);

/// What is promised of a take-over. It shows in the profile `soak` and in many rounds.
const PROMISE: [(f64, Duration); 2] =
    [(50.0, Duration::from_millis(5)), (99.0, Duration::from_millis(50))];
const PROMISE_FROM: u64 = 300;

/// A member that was shorter in its role waits longer for the next one.
const ROUND: Duration = Duration::from_millis(80);

/// The member that never leads, so it is never killed.
const WITNESS: usize = 7;
/// The member that leads at times, and leaves then in good order and joins again.
const VETERAN: usize = 0;

/// `ROUNDS=10000` says how many.
#[test]
fn leaders_are_killed_under_load() {
    let _alone = alone();
    let rounds = number("ROUNDS").unwrap_or(50);
    let group = Group::new(MEMBER);
    let mut members = group.start(7);
    let witness = group.spawn_as(&Setup { follower_only: true, ..group.setup.clone() });
    witness.started();
    members.push(witness);
    members.iter().for_each(enlist);

    let mut audit = Audit::new(&group.ledger);
    let [mut first, mut last, mut lately] = [(); 3].map(|()| Times::default());
    let mut courses = Courses::default();
    let (mut round, mut left) = (0, 0);
    while round < rounds {
        let began = Instant::now();
        let leader = group.leader(&members);
        if leader == VETERAN {
            left += 1;
            courses.veteran_leads.sample_member(&members[leader]);
            leave_and_return(&members, &mut audit);
            std::thread::sleep(ROUND.saturating_sub(began.elapsed()));
            continue;
        }
        round += 1;
        let taken_over = kill(&group, &mut members, leader, round, &mut audit);
        let soonest = taken_over.iter().copied().min().unwrap();
        first.add(soonest);
        lately.add(soonest);
        last.add(taken_over.iter().copied().max().unwrap());

        members.iter().for_each(|member| audit.hear(member));
        audit.next_round();
        if round % rounds.div_ceil(200) == 0 {
            courses.sample(&members, group.leader(&members));
        }
        std::thread::sleep(ROUND.saturating_sub(began.elapsed()));
        if round % rounds.div_ceil(10) == 0 {
            let (done, p50) = (audit.totals().done, lately.percentile(50.0));
            println!(
                "{round} leaders killed, {done} calls done, lately half of them after {p50:.1?}"
            );
            lately = Times::default();
        }
    }

    finish(&members);
    members.iter().for_each(|member| audit.hear(member));
    let resynced = audit.resynced(&members[WITNESS]);
    assert!(resynced >= rounds, "{resynced} times");
    let totals = audit.end();
    let late_writes = group.ledger.book().late_writes;
    println!(
        "{rounds} leaders killed, {left} left and came back, {late_writes} late writes of the dead\n{totals}\n"
    );
    // Nothing else can become of a call whose leader dies: the next one is there long before its deadline.
    let other = |kind: &&String| *kind != "Disconnected, Unknown";
    assert_eq!(totals.errors.keys().find(other), None);
    assert_eq!(totals.notes_told.keys().find(other), None);
    assert_eq!(group.ledger.book().connections.len() as u64, rounds + left + 1);
    totals.assert_all_kinds();
    assert!(totals.unknown > 0, "no leader died in the middle of a call");

    let rows = [
        ("the first success of anybody", &first),
        ("the first success of the last survivor", &last),
        ("all calls that were done, each by itself", &totals.latencies),
    ];
    println!("{}\n", table("from the kill to", &rows));
    println!("{courses}");
    courses.assert_flat(rounds);
    assert!(last.max() < TAKEN_OVER_WITHIN, "{:?}", last.max());
    if rounds >= PROMISE_FROM {
        courses.veteran_leads.assert_flat("the member that leads at times, while it does");
        assert!(totals.repeated > 0, "no leader died in the middle of a call that may be repeated");
        for (percent, at_most) in PROMISE {
            let found = first.percentile(percent);
            assert!(found <= at_most, "p{percent}: {found:?} instead of {at_most:?}");
        }
    }
}

/// Kills the leader, and another member takes its place among them. How long after the kill each survivor had its
/// first success.
fn kill(
    group: &Group,
    members: &mut [Member],
    leader: usize,
    round: u64,
    audit: &mut Audit<'_>,
) -> Vec<Duration> {
    let epoch = group.ledger.book().client().unwrap().epoch;
    let from: Vec<usize> = members.iter().map(|member| member.reports().len()).collect();
    group.ledger.will_be_killed(members[leader].pid());
    let killed = Moment::now();
    members[leader].kill();

    let survivors =
        || members.iter().zip(&from).filter(|(member, _)| member.pid() != members[leader].pid());
    let taken_over: Vec<Duration> = survivors()
        .map(|(member, from)| first_success(member, *from, epoch).since(killed))
        .collect();
    let names: BTreeSet<String> = survivors().map(|(member, _)| name(member)).collect();
    group.ledger.wait("the publications of all survivors", |book| {
        (book.client()?.registered == names).then_some(())
    });
    group.ledger.publish("news", round);
    survivors().for_each(|(member, from)| arrives(member, *from, round));
    group.ledger.wait("the end of the killed one's connection", |book| {
        book.connections.iter().rev().skip(1).take(1).all(|before| before.is_closed()).then_some(())
    });

    let dead = std::mem::replace(&mut members[leader], group.spawn());
    audit.hear(&dead);
    audit.killed(dead.pid());
    members[leader].started();
    enlist(&members[leader]);
    arrives(&members[leader], 0, round);
    taken_over
}

/// The veteran, while it leads. Nobody loses anything by that.
fn leave_and_return(members: &[Member], audit: &mut Audit<'_>) {
    members.iter().for_each(|member| audit.hear(member));
    let (failed, errors) = (audit.totals().failed(), audit.totals().errors.clone());
    let veteran = &members[VETERAN];
    stop(veteran);
    close(std::slice::from_ref(veteran));
    rejoin(veteran);
    enlist(veteran);
    members.iter().for_each(|member| audit.hear(member));
    let now = audit.totals();
    assert_eq!(
        now.failed(),
        failed,
        "a leader has left in good order: {errors:?}, then {:?}",
        now.errors
    );
}

/// What the processes take of the machine. Only what has the same role is alike.
#[derive(Default)]
struct Courses {
    witness: Course,
    veteran: Course,
    veteran_leads: Course,
    /// Whoever leads, when it is new in its role and all have joined.
    leaders: Course,
    own: Course,
}

impl Courses {
    fn sample(&mut self, members: &[Member], leader: usize) {
        self.leaders.sample_member(&members[leader]);
        self.witness.sample_member(&members[WITNESS]);
        if leader != VETERAN {
            self.veteran.sample_member(&members[VETERAN]);
        }
        self.own.sample_this_process();
    }

    fn assert_flat(&self, rounds: u64) {
        self.leaders.assert_flat("the leaders, one after the other");
        self.witness.assert_flat("the member that never leads");
        self.veteran.assert_flat("the member that leads at times, while it does not");
        // The ledger has an entry for each leader that there was.
        self.own.assert_flat_but(rounds as f64 * 0.5, "the test, with the ledger");
    }
}

impl fmt::Display for Courses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { witness, veteran, veteran_leads, leaders, own } = self;
        writeln!(f, "leaders:  {leaders}\nnever leads:  {witness}\nleads at times:  {veteran}")?;
        write!(f, "then it leads:  {veteran_leads}\nthe test:  {own}")
    }
}

#[test]
fn the_publication_of_a_follower_that_is_killed_is_taken_back() {
    let _alone = alone();
    let group = Group::new(MEMBER);
    let mut members = group.start(3);
    members.iter().for_each(enlist);

    let follower = (group.leader(&members) + 1) % 3;
    members[follower].kill();
    let dead = members.swap_remove(follower);
    let names: BTreeSet<String> = members.iter().map(name).collect();
    group.ledger.wait("the publications of the two that live", |book| {
        (book.client()?.registered == names).then_some(())
    });

    let mut audit = Audit::new(&group.ledger);
    audit.hear(&dead);
    audit.killed(dead.pid());
    finish(&members);
    members.iter().for_each(|member| audit.hear(member));
    assert_eq!(audit.end().failed(), 0, "the others notice nothing");
    assert_eq!(group.ledger.book().connections.len(), 1);
}
