//! What happens to the members.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cluster_client::Role;
use cluster_client::testing::Process;
use tokio::time::{Instant, sleep};

use crate::check::{self, Closed};
use crate::counter::CounterProxy;
use crate::history::{Member, World};

impl World {
    /// Somebody; the leader more often than others.
    fn somebody(&mut self) -> usize {
        let leads = |member: &Member| {
            member.proxy.as_ref().is_some_and(|proxy| proxy.membership().role() == Role::Leader)
        };
        let leader = self.members.iter().position(leads);
        let any = self.random.usize(..self.members.len());
        if self.random.bool() { leader.unwrap_or(any) } else { any }
    }

    pub(crate) fn fault(&mut self) {
        match self.random.u8(..11) {
            // A leader that is stopped and lives is what they stand alone for.
            0..3 if self.conditions.stand_alone() => self.stop(),
            0..4 => self.kill(),
            4..6 => self.stop(),
            6..8 => self.close(),
            8 => self.cut(),
            9 => {
                let whom = self.somebody();
                let rates = self.conditions.slow_rates();
                let rate = self.random.bool().then(|| self.random.u64(rates));
                let process = &self.members[whom].process;
                process.set_slow(rate);
                self.past.disturbed.insert(process.id());
                self.past.slowed.insert(process.id());
            }
            _ => {
                let by = Duration::from_secs(self.random.u64(1..3600));
                self.network.set_clock_back(by);
                self.kill();
            }
        }
    }

    fn kill(&mut self) {
        let whom = self.somebody();
        let Member { process, .. } = self.members.remove(whom);
        process.kill();
        self.server.book().process_gone(process.id());
        self.past.gone.insert(process.id(), Instant::now());
        self.summary.kills += 1;
    }

    fn stop(&mut self) {
        let whom = self.somebody();
        let process = self.members[whom].process.clone();
        process.stop();
        self.past.disturbed.insert(process.id());
        self.summary.stops += 1;
        let pause = Duration::from_millis(self.random.u64(10..8000));
        let (slept, before) = (Arc::clone(&self.slept), self.slept());
        tokio::spawn(async move {
            sleep(pause).await;
            if slept.load(Ordering::Relaxed) == before {
                process.resume();
            }
        });
    }

    fn slept(&self) -> u64 {
        self.slept.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&mut self) {
        let whom = self.somebody();
        let Some(proxy) = self.members[whom].proxy.take() else { return };
        let Member { process, .. } = self.members.remove(whom);
        let closed = Closed { at: Instant::now(), without_leader: !self.has_leader(&proxy) };
        self.past.closed.insert(process.id(), closed);
        process.spawn(async move { proxy.membership().close().await });
        self.summary.closes += 1;
    }

    /// Whether a member has a leader which will take its calls.
    fn has_leader(&self, proxy: &CounterProxy) -> bool {
        let leader = proxy.membership().leader();
        leader.is_some_and(|leader| !self.past.closed.contains_key(&leader.pid))
    }

    fn cut(&mut self) {
        let (whom, other) = (self.somebody(), self.random.usize(..self.members.len()));
        if other == whom {
            return;
        }
        self.network.cut(&self.members[whom].process, &self.members[other].process);
        self.summary.cuts += 1;
        let (network, pause) = (self.network.clone(), self.random.u64(10..1500));
        tokio::spawn(async move {
            sleep(Duration::from_millis(pause)).await;
            network.heal();
        });
    }

    /// The whole machine sleeps, longer than any member may be silent. Nobody blames anybody for that.
    pub(crate) async fn sleep(&mut self) -> Result<(), String> {
        self.slept.fetch_add(1, Ordering::Relaxed);
        self.summary.sleeps += 1;
        for member in &self.members {
            member.process.set_slow(None);
        }
        // What was slow on its way has come by then.
        sleep(Duration::from_millis(100)).await;
        for process in &self.everybody {
            process.stop();
            self.past.disturbed.insert(process.id());
        }
        sleep(Duration::from_secs(self.random.u64(35..90))).await;
        let woken = Instant::now();
        self.everybody.iter().for_each(Process::resume);
        sleep(Duration::from_secs(1)).await;
        check::nobody_is_blamed(&self.log, woken)
    }
}
