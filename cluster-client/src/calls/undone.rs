//! Publications that a call has taken back at a Node leader: a Rust leader tells their owner, a Node leader nobody.

use bytes::Bytes;

use crate::member::Member;
use crate::service::Kind;
use crate::session::publications::PublicationKey;

impl Member {
    /// A call of the method has succeeded: what it takes back is not to be published again to the next leader. What
    /// was published after the call, which `sequence` tells, stays.
    pub(super) fn forget_undone(
        &self,
        method: usize,
        sequence: u64,
        arguments: impl FnOnce() -> Option<Bytes>,
    ) {
        let Some(info) = self.methods.get(method) else { return };
        let methods = self.methods.iter().enumerate();
        let mut undone = methods.filter_map(|(publish, info)| match info.kind {
            Kind::Publish { key, remembered: true, undo } if undo == Some(method) => {
                Some((publish, key))
            }
            _ => None,
        });
        // Most methods take nothing back.
        let Some(first) = undone.next() else { return };
        let Some(arguments) = arguments() else { return };
        let call = self.call_for_key(info, arguments);
        for (publish, key) in [first].into_iter().chain(undone) {
            // What has no key was never published.
            if let Ok(key) = key(&call) {
                self.remembered().taken(&PublicationKey::new(publish, key), sequence);
            }
        }
    }
}
