//! Names that are keywords.

use cluster_client::__private::Service;
use cluster_client::{Subscribe, Subscription, cluster_client};
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Subscribe)]
pub struct r#Event {
    #[subscribe(key)]
    pub r#type: String,
}

#[allow(non_camel_case_types)]
pub struct r#match;

#[cluster_client(rename_all = "camelCase")]
impl r#match {
    #[invoke]
    pub async fn r#move(&self, r#type: &str, r#in: u8) -> u8 {
        let _ = r#type;
        r#in
    }

    #[subscribe]
    pub async fn r#loop(&self, r#type: String) -> Subscription<r#Event> {
        drop(r#type);
        Subscription::channel().1
    }

    #[publish(key = "(r#type.r#type, r#for)", undo = "undo")]
    pub async fn r#yield(&self, r#type: r#Event, r#for: u8) {
        let _ = (r#type, r#for);
    }

    #[invoke]
    pub async fn undo(&self, event: r#Event, r#for: u8) {
        let _ = (event, r#for);
    }
}

#[test]
fn the_channel_is_the_plain_name() {
    assert_eq!(matchProxy::CHANNEL, "match");
}

/// Never run.
pub async fn called(proxy: &matchProxy) -> Result<u8, cluster_client::Error> {
    proxy.r#move("a", 1).await
}
