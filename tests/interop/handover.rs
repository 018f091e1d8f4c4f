//! Leaders of one kind that close, one after the other, for leaders of the other kind.

use cluster_client::{Role, RolePreference};
use serde_json::json;

use crate::scene::{Scene, node_reg, until_role};
use crate::store::{News, post, reg};
use crate::{live, soon, until};

#[test]
fn leadership_goes_from_rust_to_node_and_back() {
    live(async {
        let scene = Scene::new();
        let first = scene.rust().await;
        let witness = scene.rust_as(RolePreference::Follower).await;
        let node = scene.node();
        node.subscribe("all", &node_reg("prices"));
        let mut news = witness.watch(reg("prices")).await.unwrap();
        witness.announce(post("prices", 1)).await.unwrap();
        node.hears(0, "all", &json!(1));

        // To Node: nobody else may lead.
        let from = node.node.now();
        soon(first.membership().close()).await;
        node.event(from, "role", |line| (line["leads"] == true).then_some(()));
        assert_eq!(witness.add(1.0, 1.0).await, Ok(2.0));
        // Published again by the witness.
        node.ran(from, "publish");
        witness.announce(post("prices", 2)).await.unwrap();
        node.hears(from, "all", &json!(2));
        until(async || (news.next().await? == News(2.into())).then_some(())).await;

        // And back to ours.
        let second = scene.rust().await;
        assert_eq!(second.membership().role(), Role::Follower);
        node.close();
        until_role(&second, Role::Leader).await;
        assert_eq!(witness.add(1.0, 1.0).await, Ok(2.0));
        scene.ran.until("announce", 2).await;
        second.announce(post("prices", 3)).await.unwrap();
        until(async || (news.next().await? == News(3.into())).then_some(())).await;

        // A new Node member follows, and hears what there is.
        let last = scene.node();
        assert!(!last.leads());
        last.subscribe("late", &node_reg("prices"));
        last.hears(0, "late", &json!(3));
    });
}
