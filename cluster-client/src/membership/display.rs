//! Roles and events as one line, for logs.

use std::fmt;

use super::{ClusterEvent, Role};

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Standalone => "standalone",
            Self::Electing => "electing",
            Self::Closed => "closed",
        })
    }
}

impl fmt::Display for ClusterEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BecameLeader { epoch } => write!(f, "leading in epoch {epoch}"),
            Self::BecameFollower { leader } => {
                write!(f, "following process {} in epoch {}", leader.pid, leader.epoch)
            }
            Self::Standalone { epoch } => {
                write!(f, "serving itself in place of the leader of epoch {epoch}")
            }
            Self::LeaderLost { reason } => write!(f, "the leader is lost: {reason}"),
            Self::LeaderUnresponsive { silent_for } => {
                write!(f, "the leader has been silent for {silent_for:?} and holds the port")
            }
            Self::LeaderResponsive => f.write_str("the leader answers again"),
            Self::FollowerJoined { pid, instance } => {
                write!(f, "process {pid} joined as {instance}")
            }
            Self::FollowerLeft { pid, instance, reason } => {
                write!(f, "process {pid} left, which was {instance}: {reason}")
            }
            Self::RealClient(error) => error.fmt(f),
            Self::OnewayFailed { method, calls: 1, error } => {
                write!(f, "the one-way call `{method}` failed: {error}")
            }
            Self::OnewayFailed { method, calls, error } => {
                write!(f, "{calls} one-way calls `{method}` failed: {error}")
            }
            Self::PublicationFailed { method, error } => {
                write!(f, "the publication `{method}` failed: {error}")
            }
            Self::SubscriptionStalled { key, waited } => {
                write!(f, "the subscription {key} has had nothing for {waited:?}")
            }
            Self::SubscriptionFailed { key, error } => {
                write!(f, "the subscription {key} failed: {error}")
            }
            Self::AcceptFailed { message } => write!(f, "cannot accept a connection: {message}"),
            Self::Missed(count) => write!(f, "{count} events were missed here"),
            Self::Closed => f.write_str("this member is closed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, InstanceId};

    #[test]
    fn roles_can_be_aligned() {
        assert_eq!(format!("{:>10}|", Role::Follower), "  follower|");
    }

    #[test]
    fn an_event_is_one_line_that_names_what_it_is_about() {
        let left = ClusterEvent::FollowerLeft {
            pid: 7,
            instance: InstanceId(0xab),
            reason: "it closed the connection".into(),
        };
        assert_eq!(
            left.to_string(),
            "process 7 left, which was 000000000000000000000000000000ab: it closed the connection"
        );
        let failed =
            ClusterEvent::OnewayFailed { method: "tick".into(), calls: 1, error: Error::Closed };
        assert_eq!(
            failed.to_string(),
            "the one-way call `tick` failed: this member of the cluster is closed"
        );
    }
}
