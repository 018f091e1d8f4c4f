//! Many requests, so many at once.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use super::request::{NotMade, Request};
use crate::runtime::following::Session;
use crate::runtime::link::{Answer, PendingCall};

/// Makes the requests, and waits for all answers.
pub(super) async fn make_all(
    session: &Session,
    requests: &[Request],
    at_once: usize,
    deadline: Instant,
) -> Vec<Result<Answer, NotMade>> {
    let mut made = BTreeMap::new();
    let mut running: Vec<(usize, PendingCall<'_>)> = Vec::new();
    let mut waiting = requests.iter().enumerate();
    poll_fn(|cx| {
        loop {
            running.retain_mut(|(at, call)| match Pin::new(call).poll(cx) {
                Poll::Ready(result) => {
                    made.insert(*at, result.map_err(NotMade::Lost));
                    false
                }
                Poll::Pending => true,
            });
            let room = at_once - running.len();
            let mut started = false;
            for (at, request) in waiting.by_ref().take(room) {
                started = true;
                match request.start(session, deadline, cx.waker().clone()) {
                    Ok(call) => running.push((at, call)),
                    Err(error) => drop(made.insert(at, Err(error))),
                }
            }
            if !started {
                break;
            }
        }
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    // In the order of the requests, each of which has been started and has ended.
    made.into_values().collect()
}
