//! What a caller may be told, by how often its call ran: one rule for simulated processes and for real ones.

use cluster_client::Outcome;

/// What a method promises of its calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Promise {
    /// It runs once, unless its caller is told otherwise.
    Once,
    /// It is idempotent: it may run again, as the same call.
    AtLeastOnce,
    /// It is one-way: to be done means to be queued.
    Queued,
}

/// What does not hold. `told` is what the caller was told, if anything; `runs` are the ids that its runs had. Nothing that
/// is called here fails by itself.
pub fn broken<Id: PartialEq>(
    promise: Promise,
    told: Option<Result<(), Outcome>>,
    runs: &[Id],
) -> Option<&'static str> {
    if runs.len() > 1 && promise != Promise::AtLeastOnce {
        return Some("ran more than once");
    }
    if runs.iter().any(|run| *run != runs[0]) {
        return Some("had more than one number");
    }
    match told? {
        Ok(()) if runs.is_empty() && promise != Promise::Queued => {
            Some("was acknowledged and did not run")
        }
        Err(Outcome::NotExecuted) if !runs.is_empty() => Some("ran although it was said not to"),
        Err(Outcome::Executed) => Some("failed"),
        _ => None,
    }
}
