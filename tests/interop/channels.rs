//! Several channels on one port, and values that go to one subscriber only.

use std::time::Duration;

use cluster_client::{Error, Role};
use serde_json::json;

use crate::jobs::{Jobs, JobsProxy};
use crate::node::{Node, Peer};
use crate::scene::{Scene, node_post, node_reg};
use crate::store::{Interop, InteropProxy, Ran, post, reg};
use crate::{live, soon};

#[test]
fn channels_of_a_rust_process_serve_node_followers() {
    live(async {
        let scene = Scene::new();
        let (interop, jobs) = (scene.rust().await, scene.jobs().await);
        assert_eq!(interop.membership().role(), Role::Leader);
        assert_eq!(jobs.membership().role(), Role::Leader);
        let process = Node::spawn();
        let first = process.join("Interop", scene.options(json!({})));
        let second = process.join("Interop", scene.options(json!({ "name": "Jobs" })));

        assert_eq!(first.call("echo", &[json!("text")]).unwrap(), "text");
        // It echoes numbers only, so it is the other one.
        assert_eq!(second.call("echo", &[json!(7)]).unwrap(), 7);
        assert_eq!(second.call("echo", &[json!("text")]).unwrap_err().code, "BAD_ARGUMENTS");
    });
}

#[test]
fn channels_of_a_node_process_serve_rust_followers() {
    live(async {
        let scene = Scene::new();
        let process = Node::spawn();
        let first = process.join("Interop", scene.options(json!({})));
        let second = process.join("Interop", scene.options(json!({ "name": "Jobs" })));
        assert!(first.leads() && second.leads());
        let (interop, jobs) = (scene.rust().await, scene.jobs().await);
        assert_eq!(interop.echo("text".into()).await, Ok("text".into()));
        assert_eq!(jobs.echo(7).await, Ok(7));

        // Both follow again when another process has the port.
        process.kill();
        soon(async {
            while interop.add(1.0, 1.0).await.is_err() || jobs.echo(1).await.is_err() {}
        })
        .await;
    });
}

/// D8: a Node leader drops the registration without a word.
#[test]
fn a_channel_that_a_node_process_does_not_run_is_an_error_in_time() {
    live(async {
        let scene = Scene::new();
        let _node = scene.node();
        let builder = JobsProxy::builder()
            .port(scene.port)
            .max_wait_time(Duration::from_secs(2))
            .connect_timeout(Duration::from_millis(500))
            .node_compat();
        let start = soon(builder.start(|_| async { Ok::<_, Error>(Jobs::default()) })).await;
        let error = start.expect_err("nobody runs the channel");
        println!("{error}");
        let unanswered = matches!(error, Error::HandshakeTimeout { .. } | Error::NoLeader { .. });
        assert!(unanswered, "{error:?}");
    });
}

/// It asks again each 3 s and a time-out.
#[test]
fn a_node_follower_waits_for_a_channel_that_a_rust_process_begins_later() {
    live(async {
        let scene = Scene::new();
        let _jobs = scene.jobs().await;
        let setup = json!({ "options": scene.options(json!({ "responseTimeout": 200 })) });
        let (node, id) = Node::spawn().begin_join("Interop", setup);
        // It has not joined this one.
        let follower = Node::spawn().join("Interop", scene.options(json!({ "name": "Jobs" })));
        assert_eq!(follower.call("echo", &[json!(1)]).unwrap(), 1);
        assert_eq!(node.node.now(), 0);

        let _leader = scene.rust().await;
        node.node.answer(id).unwrap();
        assert_eq!(node.call("add", &[json!(1), json!(1)]).unwrap(), 2);
    });
}

#[test]
fn without_node_compat_the_two_kinds_refuse_each_other() {
    live(async {
        let plain = |port| InteropProxy::builder().port(port).max_wait_time(Duration::from_secs(5));
        let factory = |_| async { Ok::<_, Error>(Interop::new(Ran::default())) };

        let scene = Scene::new();
        let _leader = scene.node();
        let error = soon(plain(scene.port).start(factory)).await.expect_err("Node leads");
        assert!(error.to_string().contains("`node_compat()`"), "{error}");

        let scene = Scene::new();
        let _leader = soon(plain(scene.port).start(factory)).await.unwrap();
        let setup = json!({ "options": scene.options(json!({})) });
        let (_node, result) = Node::spawn().try_join("Interop", setup);
        let error = result.unwrap_err();
        assert_eq!(error.code, "NO_NODE_COMPAT");
        assert!(error.message.contains("`node_compat()`"), "{error:?}");
    });
}

#[test]
fn one_subscriber_of_all_gets_a_value_of_a_rust_leader() {
    live(async {
        let scene = Scene::new();
        let leader = scene.jobs().await;
        let takers: Vec<Peer> = (0..2)
            .map(|_| Node::spawn().join("Interop", scene.options(json!({ "name": "Jobs" }))))
            .collect();
        for taker in &takers {
            taker.subscribe("jobs", &node_reg("jobs"));
            // The leader takes what a follower sends in order.
            taker.call("echo", &[json!(0)]).unwrap();
        }
        const JOBS: usize = 40;
        for job in 0..JOBS {
            leader.offer(post("jobs", job as u32)).await.unwrap();
        }
        let taken = || takers.iter().map(|taker| taker.heard(0, "jobs").len()).sum::<usize>();
        soon(async {
            while taken() < JOBS {
                tokio::task::yield_now().await;
            }
        })
        .await;
        takers.iter().for_each(|taker| drop(taker.call("echo", &[json!(0)]).unwrap()));
        assert_eq!(taken(), JOBS);
        assert!(takers.iter().all(|taker| !taker.heard(0, "jobs").is_empty()), "one got all");
    });
}

#[test]
fn one_subscriber_of_all_gets_a_value_of_a_node_leader() {
    live(async {
        let scene = Scene::new();
        let options = json!({ "name": "Jobs", "isBroadcast": false });
        let leader = Node::spawn().join("Interop", scene.options(options));
        let (first, second) = (scene.jobs().await, scene.jobs().await);
        let mut takers =
            [first.take(reg("jobs")).await.unwrap(), second.take(reg("jobs")).await.unwrap()];
        first.echo(0).await.unwrap();
        second.echo(0).await.unwrap();
        const JOBS: usize = 40;
        for job in 0..JOBS {
            leader.send("publish", &node_post("jobs", job));
        }
        let [one, two] = &mut takers;
        let (mut of_one, mut of_two) = (Vec::new(), Vec::new());
        while of_one.len() + of_two.len() < JOBS {
            tokio::select! {
                job = soon(one.next()) => of_one.push(job.unwrap().0),
                job = soon(two.next()) => of_two.push(job.unwrap().0),
            }
        }
        assert!(!of_one.is_empty() && !of_two.is_empty(), "one got all");
        assert!(of_one.is_sorted() && of_two.is_sorted());
        let mut all = [of_one, of_two].concat();
        all.sort_unstable();
        assert_eq!(all, Vec::from_iter(0..JOBS as u32));
    });
}
