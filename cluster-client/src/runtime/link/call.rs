//! The future of one call.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::LeaderLink;
use crate::session::{
    calls::{AnswerKind, CallLoss, Polled},
    payload::Payload,
};

/// A call that was sent. To drop it is to cancel it: the leader is told that nobody waits any more.
#[derive(Debug)]
#[must_use = "a call that is dropped is cancelled"]
pub(crate) struct PendingCall<'a> {
    link: &'a LeaderLink,
    id: u64,
    sequence: u64,
    progress: Progress,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) kind: AnswerKind,
    pub(crate) payload: Payload,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Not polled since it was sent, with the waker of the task that polls it now.
    Sent,
    Waiting,
    Over,
}

impl<'a> PendingCall<'a> {
    pub(super) fn new(link: &'a LeaderLink, id: u64, sequence: u64) -> Self {
        Self { link, id, sequence, progress: Progress::Sent }
    }

    /// The number of the call within its member.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl Future for PendingCall<'_> {
    type Output = Result<Answer, CallLoss>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.progress == Progress::Sent {
            self.progress = Progress::Waiting;
            return Poll::Pending;
        }
        let mut payload = Payload::spare();
        // The lock is released before the match: the waker that was replaced is dropped outside it.
        let polled = self.link.lock().calls.poll(self.id, cx.waker(), &mut payload);
        match polled {
            Polled::Waiting { .. } => Poll::Pending,
            Polled::Over(outcome) => {
                self.progress = Progress::Over;
                Poll::Ready(outcome.map(|kind| Answer { kind, payload }))
            }
        }
    }
}

impl Drop for PendingCall<'_> {
    fn drop(&mut self) {
        if self.progress != Progress::Over {
            self.link.abandon(self.id);
        }
    }
}
