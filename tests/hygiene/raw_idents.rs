//! Names that are keywords.

use cluster_client::__private::Service;
use cluster_client::{Subscribe, Subscription, cluster_client};
use serde::{Deserialize, Serialize};

use crate::members::members;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
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
        let (events, subscription) = Subscription::channel();
        events.send(r#Event { r#type }).expect("the subscription is here");
        subscription
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

#[tokio::test]
async fn keywords_are_names_like_others() {
    for proxy in members::<matchProxy, _, _>(|| r#match).await {
        assert_eq!(proxy.r#move("a", 1).await, Ok(1));
        let event = r#Event { r#type: "b".to_owned() };
        proxy.r#yield(event.clone(), 2).await.unwrap();
        proxy.undo(event.clone(), 2).await.unwrap();
        let mut events = proxy.r#loop("b".to_owned()).await.unwrap();
        assert_eq!(events.next().await, Some(event));
    }
}
