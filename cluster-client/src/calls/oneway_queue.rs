//! One-way calls that wait for a leader, or for room at one.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::clock;
use crate::error::Error;
use crate::limits::Limits;
use crate::service::MethodInfo;
use crate::session::oneways::Oneway;

/// One-way calls that wait for a leader, each until its deadline.
pub(crate) struct Oneways {
    queue: Mutex<Queue>,
    /// Rung when `Queue::wake_at` has changed.
    rung: Notify,
    max_calls: usize,
    max_bytes: usize,
}

#[derive(Default)]
struct Queue {
    calls: VecDeque<Oneway>,
    bytes: usize,
    /// When [`Member::tend_queued`] is to look: no later than the earliest deadline, and not at all if nothing is queued.
    wake_at: Option<Instant>,
}

impl Oneways {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            queue: Mutex::default(),
            rung: Notify::new(),
            max_calls: limits.waiting_calls,
            max_bytes: limits.waiting_bytes,
        }
    }

    pub(super) fn push(&self, info: &MethodInfo, call: Oneway) -> Result<(), Error> {
        let mut queue = self.lock();
        let limit = if queue.calls.len() >= self.max_calls {
            "limits.waiting_calls"
        } else if queue.bytes + call.data.len() > self.max_bytes {
            "limits.waiting_bytes"
        } else {
            self.wake_by(&mut queue, call.deadline);
            queue.bytes += call.data.len();
            queue.calls.push_back(call);
            return Ok(());
        };
        Err(Error::Busy { method: info.name.to_owned(), limit: limit.to_owned() })
    }

    /// How many calls are queued, and with how many bytes.
    #[cfg(feature = "testing")]
    pub(crate) fn held(&self) -> (usize, usize) {
        let queue = self.lock();
        (queue.calls.len(), queue.bytes)
    }

    /// In front of those that came later. The bound on their number is that of the table it comes from.
    pub(super) fn push_back_in(&self, call: Oneway) {
        let deadline = call.deadline;
        self.put_in_front(call, deadline);
    }

    /// The same, to be sent after a pause.
    pub(super) fn push_back_for(&self, call: Oneway, pause: Duration) {
        let resumes = clock::now() + pause;
        let wake_at = resumes.min(call.deadline);
        self.put_in_front(call, wake_at);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().calls.is_empty()
    }

    pub(super) fn pop(&self) -> Option<Oneway> {
        let mut queue = self.lock();
        let call = queue.calls.pop_front()?;
        queue.bytes -= call.data.len();
        if queue.calls.is_empty() {
            // No timer runs for an empty queue.
            queue.wake_at = None;
            self.rung.notify_one();
        }
        Some(call)
    }

    /// Takes out what is past its deadline: of each method, how many calls.
    pub(super) fn take_due(&self, now: Instant) -> BTreeMap<usize, u64> {
        let mut queue = self.lock();
        let Queue { calls, bytes, wake_at } = &mut *queue;
        let mut due = BTreeMap::new();
        let mut earliest: Option<Instant> = None;
        // In no order of deadlines, since each method has its own timeout.
        calls.retain(|call| {
            let waits = call.deadline > now;
            if waits {
                earliest = Some(earliest.map_or(call.deadline, |other| other.min(call.deadline)));
            } else {
                *bytes -= call.data.len();
                *due.entry(call.method).or_default() += 1;
            }
            waits
        });
        if *wake_at != earliest {
            *wake_at = earliest;
            self.rung.notify_one();
        }
        due
    }

    /// Sleeps until a deadline may have come, however the queue changes meanwhile.
    pub(super) async fn may_be_due(&self) {
        loop {
            let wake_at = self.lock().wake_at;
            let sleep = async {
                match wake_at {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.rung.notified() => {}
                () = sleep => return,
            }
        }
    }

    fn put_in_front(&self, call: Oneway, wake_at: Instant) {
        let mut queue = self.lock();
        self.wake_by(&mut queue, wake_at);
        queue.bytes += call.data.len();
        queue.calls.push_front(call);
    }

    fn wake_by(&self, queue: &mut Queue, deadline: Instant) {
        if queue.wake_at.is_none_or(|wake_at| deadline < wake_at) {
            queue.wake_at = Some(deadline);
            self.rung.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;

    use super::*;

    /// How often `future` was polled until there was nothing to wait for but the end of a day.
    async fn polls_in_a_day(future: impl Future<Output = ()>) -> usize {
        let mut future = pin!(future);
        let mut polls = 0;
        let counted = std::future::poll_fn(|context| {
            polls += 1;
            future.as_mut().poll(context)
        });
        let _ = tokio::time::timeout(Duration::from_secs(86_400), counted).await;
        polls
    }

    fn call(timeout: u64) -> Oneway {
        let deadline = clock::now() + Duration::from_secs(timeout);
        Oneway { method: 7, data: vec![0; 4].into(), deadline }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_queued_call_there_is_no_timer() {
        let oneways = Arc::new(Oneways::new(&Limits::default()));
        // To begin with, and at the end of the day.
        assert_eq!(polls_in_a_day(oneways.may_be_due()).await, 2);
        let expiring = Arc::clone(&oneways);
        let polls = tokio::spawn(async move { polls_in_a_day(expiring.may_be_due()).await });
        tokio::task::yield_now().await;
        oneways.push_back_in(call(10));
        tokio::task::yield_now().await;
        oneways.pop();
        assert_eq!(polls.await.unwrap(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_the_order_the_earliest_deadline_is_waited_for() {
        let oneways = Oneways::new(&Limits::default());
        let began = clock::now();
        for timeout in [20, 5, 10, 5] {
            oneways.push_back_in(call(timeout));
        }
        for (timeout, calls) in [(5, 2), (10, 1), (20, 1)] {
            oneways.may_be_due().await;
            let now = clock::now();
            assert_eq!(now - began, Duration::from_secs(timeout));
            assert_eq!(oneways.take_due(now), BTreeMap::from([(7, calls)]));
        }
        let queue = oneways.lock();
        assert_eq!((queue.calls.len(), queue.bytes, queue.wake_at), (0, 0, None));
    }
}
