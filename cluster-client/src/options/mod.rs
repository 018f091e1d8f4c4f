//! How a member is started: what can be set, its defaults and its bounds.

mod builder;
mod env;

use std::time::Duration;

use cluster_protocol::Codec;

pub use self::builder::Builder;
use crate::runtime::host::Host;
use crate::{Error, Limits, RolePreference};

/// What [`Builder`] collects.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) role: RolePreference,
    pub(crate) max_wait_time: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) response_timeout: Duration,
    pub(crate) subscribe_timeout: Duration,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) check_heartbeat: bool,
    pub(crate) standalone_after: Option<Duration>,
    pub(crate) single_mode: bool,
    pub(crate) codec: Codec,
    pub(crate) limits: Limits,
    pub(crate) strict_parity: bool,
    pub(crate) node_compat: bool,
    pub(crate) host: Host,
}

/// The longest name of a channel, so that it and what else a member says of itself fit in a connection object.
const MAX_NAME: usize = 256;

/// The longest time that the header of a packet has room for, a signed number of milliseconds: 24.8 days.
const MAX_TIME: Duration = Duration::from_millis(i32::MAX as u64);

impl Options {
    /// The defaults, for the channel of this name.
    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            port: 7777,
            role: RolePreference::Any,
            max_wait_time: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(3),
            subscribe_timeout: Duration::from_secs(10),
            heartbeat_interval: Duration::from_secs(2),
            check_heartbeat: true,
            standalone_after: None,
            single_mode: false,
            codec: Codec::default(),
            limits: Limits::default(),
            strict_parity: false,
            node_compat: false,
            host: Host::default(),
        }
    }

    /// The silence after which a leader drops a follower.
    pub(crate) fn drop_after(&self) -> Duration {
        self.heartbeat_interval.saturating_mul(15)
    }

    fn validate(&self) -> Result<(), Error> {
        if self.name.is_empty() || self.name.len() > MAX_NAME {
            return Err(invalid("name", &self.name, &format!("must have 1 to {MAX_NAME} bytes")));
        }
        if self.name.contains(char::is_control) {
            return Err(invalid(
                "name",
                &self.name.escape_default().to_string(),
                "must have no control characters",
            ));
        }
        for (option, time) in [
            ("max_wait_time", self.max_wait_time),
            ("connect_timeout", self.connect_timeout),
            ("response_timeout", self.response_timeout),
            ("subscribe_timeout", self.subscribe_timeout),
            ("heartbeat_interval", self.heartbeat_interval),
        ] {
            check_time(option, time)?;
        }
        if let Some(time) = self.standalone_after {
            check_time("standalone_after", time)?;
            let refused = |reason| Err(invalid("standalone_after", &format!("{time:?}"), reason));
            if time < self.heartbeat_interval.saturating_mul(3) {
                return refused(
                    "must be three heartbeat intervals or more: a shorter silence says nothing",
                );
            }
            if self.role == RolePreference::Follower {
                return refused("a member that only follows never builds a real client");
            }
        }
        self.limits.validate()
    }
}

fn check_port(option: &str, port: u16) -> Result<u16, Error> {
    if port == 0 {
        return Err(invalid(option, "0", "the members must agree on a port, 1 to 65535"));
    }
    Ok(port)
}

fn check_time(option: &str, time: Duration) -> Result<Duration, Error> {
    if time < Duration::from_millis(1) || time > MAX_TIME {
        return Err(invalid(
            option,
            &format!("{time:?}"),
            &format!("must be between 1ms and {MAX_TIME:?}"),
        ));
    }
    Ok(time)
}

fn invalid(option: &str, value: &str, reason: &str) -> Error {
    Error::InvalidOption { option: option.into(), value: value.into(), reason: reason.into() }
}

#[cfg(test)]
mod tests;
