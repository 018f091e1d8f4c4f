//! A second channel, whose values go to one subscriber each.

use std::sync::Mutex;

use cluster_client::{Error, Subscribe, Subscription, SubscriptionSender, cluster_client};
use serde::{Deserialize, Serialize};

use crate::store::{Post, Reg};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(delivery = "every", receivers = "one")]
pub(crate) struct Job(pub(crate) u32);

#[derive(Default)]
pub(crate) struct Jobs {
    takers: Mutex<Vec<SubscriptionSender<Job>>>,
}

#[cluster_client(vis = "pub(crate)")]
impl Jobs {
    #[invoke]
    pub(crate) async fn echo(&self, value: u32) -> u32 {
        value
    }

    /// Whoever takes jobs takes those of this name.
    #[subscribe]
    pub(crate) async fn take(&self, _reg: Reg) -> Result<Subscription<Job>, Error> {
        let (sender, subscription) = Subscription::channel();
        self.takers.lock().unwrap().push(sender);
        Ok(subscription)
    }

    #[publish(event)]
    pub(crate) async fn offer(&self, post: Post) -> Result<(), Error> {
        let cluster_client::Value::Number(job) = post.value else { panic!("{post:?}") };
        let takers = self.takers.lock().unwrap();
        takers.iter().for_each(|taker| taker.send(Job(job as u32)).unwrap());
        Ok(())
    }
}
