//! Waiting for somebody else no longer than one wants to, without blaming them for the time in which this process did
//! not run: it may have been stopped, or the machine may have slept.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use crate::clock;

/// How often it is looked whether this process runs.
const TICK: Duration = Duration::from_millis(500);

/// Waited for as long as that.
#[derive(Debug, PartialEq)]
pub(crate) struct Exhausted;

/// Waits for `future`, at most for `patience` of the time in which this process runs.
pub(crate) async fn wait<F: Future>(patience: Duration, future: F) -> Result<F::Output, Exhausted> {
    let mut future = pin!(future);
    let mut left = patience;
    loop {
        let (tick, began) = (left.min(TICK), clock::now());
        if let Ok(output) = tokio::time::timeout(tick, &mut future).await {
            return Ok(output);
        }
        // A look that comes much later than it was due says that nothing ran meanwhile.
        left = left.saturating_sub((clock::now() - began).min(tick * 2));
        if left.is_zero() {
            return Err(Exhausted);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_as_long_as_told() {
        let began = clock::now();
        let patience = Duration::from_millis(1700);
        assert_eq!(wait(patience, pending::<()>()).await, Err(Exhausted));
        assert_eq!(clock::now() - began, patience);
        assert_eq!(wait(patience, ready(7)).await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_of_the_whole_process_counts_for_little() {
        let began = clock::now();
        let patience = Duration::from_secs(10);
        let waiting = tokio::spawn(wait(patience, pending::<()>()));
        tokio::time::sleep(Duration::from_millis(1250)).await;
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(waiting.await.unwrap(), Err(Exhausted));
        let waited = clock::now() - began;
        assert!(waited > Duration::from_secs(68) && waited < Duration::from_secs(71), "{waited:?}");
    }
}
