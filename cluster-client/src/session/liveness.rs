//! Whether the other end of a connection still lives. Any byte from it counts as life, and a process that was itself
//! held up blames nobody.

use std::time::{Duration, Instant};

use crate::planted::{Bug, planted};

/// A peer that says nothing for so many intervals is reported as silent.
const SILENT: u32 = 3;

/// After so many intervals without having said anything we do, so that the peer knows that we live, too.
const MUTE: u32 = 4;

/// What is known about the other end.
#[derive(Debug)]
pub(crate) struct Liveness {
    interval: Duration,
    /// For so long it may be that we say nothing.
    mute: Duration,
    /// After so much silence the peer is given up; `None`: never.
    patience: Option<Duration>,
    heard: Instant,
    said: Instant,
    pinged: Option<Instant>,
    /// Since when something is to be confirmed by an answer.
    unconfirmed_since: Option<Instant>,
    checked: Instant,
    /// Since when this process has run without a pause.
    running_since: Instant,
    silent: bool,
    given_up: bool,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fine,
    /// Send a heartbeat.
    Ping,
    /// It has been silent for so long, which is reported once.
    Silent(Duration),
    /// It has been silent for longer than we have patience, which is said once.
    GivenUp,
}

impl Liveness {
    /// `interval` is the time of silence after which the peer is asked for a sign of life.
    pub(crate) fn new(now: Instant, interval: Duration) -> Self {
        Self {
            interval,
            mute: interval * MUTE,
            patience: None,
            heard: now,
            said: now,
            pinged: None,
            unconfirmed_since: None,
            checked: now,
            running_since: now,
            silent: false,
            given_up: false,
        }
    }

    /// For a peer that gives us up after three intervals of its own: we say something in each of ours.
    pub(crate) fn never_mute(self) -> Self {
        Self { mute: self.interval, ..self }
    }

    /// Gives the peer up after so much silence: not less than three intervals, all of which this process has run.
    pub(crate) fn with_patience(self, patience: Option<Duration>) -> Self {
        Self { patience, ..self }
    }

    /// Bytes have come from the peer. `true`: it had been reported as silent.
    pub(crate) fn heard(&mut self, now: Instant) -> bool {
        self.heard = now;
        self.given_up = false;
        std::mem::take(&mut self.silent)
    }

    /// Whether it was reported as silent, and has said nothing since.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }

    /// Bytes have gone to the peer.
    pub(crate) fn said(&mut self, now: Instant) {
        self.said = now;
    }

    /// Whether there is something that an answer would confirm, be it that to a heartbeat.
    pub(crate) fn unconfirmed(&mut self, now: Instant, is_unconfirmed: bool) {
        let since = self.unconfirmed_since.unwrap_or(now);
        self.unconfirmed_since = is_unconfirmed.then_some(since);
    }

    /// When [`tick`](Self::tick) is due: within an interval.
    pub(crate) fn due(&self) -> Instant {
        let blame = (!self.silent).then(|| self.blame_at(self.interval * SILENT));
        blame.into_iter().chain(self.give_up_at()).fold(self.ping_at(), Instant::min)
    }

    /// Looks at the clock.
    pub(crate) fn tick(&mut self, now: Instant) -> Verdict {
        self.check(now);
        if !self.silent && now >= self.blame_at(self.interval * SILENT) {
            self.silent = true;
            Verdict::Silent(now - self.heard)
        } else if self.give_up_at().is_some_and(|at| now >= at) {
            self.given_up = true;
            Verdict::GivenUp
        } else if now >= self.ping_at() {
            self.pinged = Some(now);
            Verdict::Ping
        } else {
            Verdict::Fine
        }
    }

    /// Whether it must not be blamed for anything but silence: it says nothing at all, or this process was late.
    pub(crate) fn excuses(&self, now: Instant) -> bool {
        now >= self.heard + self.interval || now < self.running_since + self.interval
    }

    /// For a side that waits for the other's heartbeats, at least once an interval: for how long the peer has been
    /// silent, if that is longer than `patience`.
    pub(crate) fn overdue(&mut self, now: Instant, patience: Duration) -> Option<Duration> {
        self.check(now);
        (now >= self.blame_at(patience)).then(|| now - self.heard)
    }

    /// Notes that this process has come to look, and returns whether it was so late that nobody is to be blamed.
    pub(crate) fn check(&mut self, now: Instant) -> bool {
        if now - self.checked > self.interval * 2 && !planted(Bug::BlamesOthersWhenLate) {
            self.running_since = now;
        }
        self.checked = now;
        now < self.running_since + self.interval
    }

    /// Who has just been late spares the peer for an interval.
    fn blame_at(&self, patience: Duration) -> Instant {
        (self.heard + patience).max(self.running_since + self.interval)
    }

    /// Only what this process has seen of the silence counts.
    fn give_up_at(&self) -> Option<Instant> {
        let patience = self.patience.filter(|_| !self.given_up)?;
        Some(self.heard.max(self.running_since) + patience)
    }

    fn ping_at(&self) -> Instant {
        let at = (self.heard + self.interval).min(self.said + self.mute);
        let at = self.unconfirmed_since.map_or(at, |since| at.min(since + self.interval));
        self.pinged.map_or(at, |pinged| at.max(pinged + self.interval))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Ticks when due until `until` and returns what was to be done, and when.
    fn run(live: &mut Liveness, start: Instant, until: u32) -> Vec<(u32, Verdict)> {
        let mut verdicts = Vec::new();
        while live.due() <= start + SECOND * until {
            let now = live.due();
            let verdict = live.tick(now);
            verdicts.push(((now - start).as_secs() as u32, verdict));
        }
        verdicts
    }

    #[test]
    fn a_silent_peer_is_pinged_each_interval_and_reported_once() {
        let start = Instant::now();
        let mut live = Liveness::new(start, SECOND * 2);
        let silent = Verdict::Silent(SECOND * 6);
        let expected = [
            (2, Verdict::Ping),
            (4, Verdict::Ping),
            (6, silent),
            (6, Verdict::Ping),
            (8, Verdict::Ping),
        ];
        assert_eq!(run(&mut live, start, 9), expected);
        assert!(live.heard(start + SECOND * 9));
        assert!(!live.heard(start + SECOND * 9), "once an episode");
        assert!(run(&mut live, start, 15).contains(&(15, silent)), "and again in the next one");
    }

    #[test]
    fn a_peer_that_talks_is_pinged_only_to_hear_us() {
        let start = Instant::now();
        let patient = Liveness::new(start, SECOND);
        let impatient = Liveness::new(start, SECOND).never_mute();
        for (mut live, seconds) in [(patient, 4), (impatient, 1)] {
            for second in 1..=8 {
                let now = start + SECOND * second;
                live.heard(now - SECOND / 2);
                let verdict = if second % seconds == 0 { Verdict::Ping } else { Verdict::Fine };
                assert_eq!(live.tick(now), verdict, "second {second}");
                if verdict == Verdict::Ping {
                    live.said(now);
                }
            }
        }
    }

    #[test]
    fn what_is_to_be_confirmed_is_asked_for_although_the_peer_talks() {
        let start = Instant::now();
        let mut live = Liveness::new(start, SECOND * 2);
        let mut pings = Vec::new();
        for second in 1..=8 {
            let now = start + SECOND * second;
            live.heard(now);
            live.said(now);
            live.unconfirmed(now, (2..=6).contains(&second));
            if live.tick(now) == Verdict::Ping {
                pings.push(second);
            }
        }
        assert_eq!(pings, [4, 6]);
    }

    #[test]
    fn who_was_late_blames_nobody_for_one_interval() {
        let start = Instant::now();
        let mut live = Liveness::new(start, SECOND);
        let late = start + SECOND * 20;
        assert_eq!(live.tick(late), Verdict::Ping);
        assert!(live.check(late + SECOND / 4));
        assert_eq!(live.overdue(late + SECOND / 2, SECOND * 15), None);
        assert!(!live.check(late + SECOND));
        assert_eq!(live.tick(late + SECOND), Verdict::Silent(SECOND * 21));
    }

    #[test]
    fn a_peer_is_given_up_after_the_patience_and_once_an_episode() {
        let start = Instant::now();
        let mut live = Liveness::new(start, SECOND).with_patience(Some(SECOND * 5));
        let given_up = |verdicts: Vec<(u32, Verdict)>| {
            let given_up = |(at, verdict)| (verdict == Verdict::GivenUp).then_some(at);
            verdicts.into_iter().filter_map(given_up).collect::<Vec<_>>()
        };
        let verdicts = run(&mut live, start, 9);
        assert!(verdicts.contains(&(3, Verdict::Silent(SECOND * 3))), "{verdicts:?}");
        assert_eq!(given_up(verdicts), [5]);
        assert!(live.heard(start + SECOND * 9));
        assert_eq!(given_up(run(&mut live, start, 20)), [14]);
    }

    #[test]
    fn who_was_late_has_not_seen_the_silence_before() {
        let start = Instant::now();
        let mut live = Liveness::new(start, SECOND).with_patience(Some(SECOND * 5));
        let late = start + SECOND * 60;
        live.tick(late);
        let verdicts = run(&mut live, start, 70);
        assert!(verdicts.contains(&(61, Verdict::Silent(SECOND * 61))), "{verdicts:?}");
        assert!(verdicts.contains(&(65, Verdict::GivenUp)), "{verdicts:?}");
    }

    #[test]
    fn overdue_after_the_given_patience() {
        let start = Instant::now();
        let mut live = Liveness::new(start, SECOND);
        for second in 1..15 {
            assert_eq!(live.overdue(start + SECOND * second, SECOND * 15), None);
        }
        assert_eq!(live.overdue(start + SECOND * 15, SECOND * 15), Some(SECOND * 15));
    }
}
