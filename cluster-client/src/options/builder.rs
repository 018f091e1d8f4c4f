//! The builder that a generated proxy starts from.

use std::ffi::OsString;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use cluster_protocol::Codec;

use super::env::Variable;
use super::{Options, check_port, check_time, invalid};
use crate::runtime::host::Host;
use crate::{Error, Limits, RolePreference};

/// Configures a member of a cluster; made by the `builder()` of a generated proxy.
///
/// Every option has a default. A value that cannot be is reported by `start`, as [`Error::InvalidOption`].
///
/// | option | default | environment, if not set here |
/// |---|---|---|
/// | [`name`](Self::name) | name of the type | |
/// | [`port`](Self::port) | 7777 | `CLUSTER_CLIENT_PORT` |
/// | [`role`](Self::role) | any | |
/// | [`max_wait_time`](Self::max_wait_time) | 30 s | |
/// | [`connect_timeout`](Self::connect_timeout) | 10 s | `CLUSTER_CLIENT_CONNECT_TIMEOUT` (ms) |
/// | [`response_timeout`](Self::response_timeout) | 3 s | |
/// | [`subscribe_timeout`](Self::subscribe_timeout) | 10 s | |
/// | [`heartbeat_interval`](Self::heartbeat_interval) | 2 s | |
/// | [`check_heartbeat`](Self::check_heartbeat) | true | |
/// | [`standalone_after`](Self::standalone_after) | never | |
/// | [`single_mode`](Self::single_mode) | false | `CLUSTER_CLIENT_SINGLE_MODE` (0 or 1) |
/// | [`codec`](Self::codec) | bincode, or JSON without that feature | |
/// | [`limits`](Self::limits) | [`Limits::default`] | |
/// | [`strict_parity`](Self::strict_parity) | false | |
/// | [`node_compat`](Self::node_compat) | off | |
///
/// Where an environment variable is not set, the one with `NODE_` before its name is read.
///
/// Members find each other by `name` and `port`. They should also agree on `heartbeat_interval` and on
/// [`Limits::max_data`] and [`Limits::max_conn_object`]: each judges by its own. One that differs from its leader in
/// `node_compat` is refused. All other options are each member's own.
#[must_use = "a builder does nothing until `start`"]
pub struct Builder<S> {
    pub(crate) options: Options,
    port: Option<u16>,
    connect_timeout: Option<Duration>,
    single_mode: Option<bool>,
    codec: Option<Codec>,
    strict_parity: Option<bool>,
    service: PhantomData<fn() -> S>,
}

impl<S> Builder<S> {
    /// The defaults, for the channel of this name.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            options: Options::new(name),
            port: None,
            connect_timeout: None,
            single_mode: None,
            codec: None,
            strict_parity: None,
            service: PhantomData,
        }
    }

    /// The name of the channel: members of the same name on the same port share one real client, the one that the leader's
    /// factory has built. Where factories build different ones, of different servers perhaps, give them different names:
    /// nothing else tells them apart. Not empty, at most 256 bytes, no control characters.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = name.into();
        self
    }

    /// The port of 127.0.0.1 that the members compete for. Not 0. Several channels may share one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Which role this member may take.
    pub fn role(mut self, role: RolePreference) -> Self {
        self.options.role = role;
        self
    }

    /// How long `start` waits until this member is ready.
    pub fn max_wait_time(mut self, time: Duration) -> Self {
        self.options.max_wait_time = time;
        self
    }

    /// How long one attempt to join a leader may take, connecting and registering together.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = Some(time);
        self
    }

    /// The deadline of a call whose method gives none (`timeout = "…"`), waiting for a leader included.
    pub fn response_timeout(mut self, time: Duration) -> Self {
        self.options.response_timeout = time;
        self
    }

    /// After how long a subscription without a value is reported
    /// ([`ClusterEvent::SubscriptionStalled`](crate::ClusterEvent::SubscriptionStalled)), and for how long
    /// at most this member, after a change of leader, restores its own subscriptions and publications before
    /// its calls go out.
    pub fn subscribe_timeout(mut self, time: Duration) -> Self {
        self.options.subscribe_timeout = time;
        self
    }

    /// After how long a silence a follower pings its leader. After three of these the leader is reported
    /// as [`LeaderUnresponsive`](crate::ClusterEvent::LeaderUnresponsive); after fifteen of its own a leader
    /// drops a follower, so set the same in all members.
    pub fn heartbeat_interval(mut self, time: Duration) -> Self {
        self.options.heartbeat_interval = time;
        self
    }

    /// Whether a leader drops followers that are silent. Off helps while a follower is held in a debugger.
    pub fn check_heartbeat(mut self, check: bool) -> Self {
        self.options.check_heartbeat = check;
        self
    }

    /// After how long a silence this member no longer waits for its leader, or for who holds the port, and serves itself:
    /// it runs the factory and is [`Role::Standalone`](crate::Role::Standalone), without a port and without followers.
    /// Never by default.
    ///
    /// A leader that is stopped, or hangs, keeps the port, and nobody can take over. With this option the calls of this member
    /// go on, at the price of what a cluster is there to save: as long as members stand alone, **each has a real client of
    /// its own** beside the leader's, and a value that one of them publishes to its own is not seen by the others.
    /// Subscriptions and publications are made again at the own client
    /// ([`Event::Resynced`](crate::Event::Resynced)), and again at the leader once one answers and has caught up, or this member
    /// itself has won the port; the own client is closed before that, within [`Limits::drain`](crate::Limits::drain). What this
    /// member has taken back meanwhile, of what it had published itself, the leader then takes back too; and where somebody
    /// else has published the same key at the leader meanwhile, that stays.
    ///
    /// Calls that the silent leader may have got keep waiting for it within their deadlines, but for `idempotent` ones.
    /// Time in which this process itself did not run does not count. Not less than three heartbeat intervals, and not
    /// together with [`RolePreference::Follower`](crate::RolePreference::Follower). To be of use to `start`, less than
    /// `max_wait_time`. In single mode there is nobody to wait for, and it does nothing.
    pub fn standalone_after(mut self, silence: Duration) -> Self {
        self.options.standalone_after = Some(silence);
        self
    }

    /// Whether to stay within this process and open no socket: the first member of a name and port leads,
    /// the others in the process follow it. For tests, and where there is only one process.
    ///
    /// The real client lives on the runtime that its member started on, until the last of the members leaves; who
    /// starts after that waits until it is closed. On a runtime that exists and that nobody drives it never is.
    pub fn single_mode(mut self, single: bool) -> Self {
        self.single_mode = Some(single);
        self
    }

    /// How this member encodes arguments and results on its connection to a leader. Each member may choose, but for
    /// [`node_compat`](Self::node_compat), which has a codec of its own.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = Some(codec);
        self
    }

    /// Shares the channel with Node processes, which use the npm package cluster-client 3.7: any of them may lead, and
    /// any may follow. To be set in all Rust members of the channel. See
    /// [Node and Rust in one cluster](crate#node-and-rust-in-one-cluster) for what changes.
    ///
    /// A switch of its own, as a Node process cannot prove who it is: any process of this machine that can connect to
    /// the port is let in, and the port's owner is believed.
    pub fn node_compat(mut self) -> Self {
        self.options.node_compat = true;
        self
    }

    /// The bounds on memory and work.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options.limits = limits;
        self
    }

    /// Whether a leader encodes and decodes its own calls too, so that a test with one process fails where
    /// a follower would.
    pub fn strict_parity(mut self, strict: bool) -> Self {
        self.strict_parity = Some(strict);
        self
    }

    /// The options with the environment of this process applied, or the first one that cannot be.
    pub(crate) fn resolve(self) -> Result<Options, Error> {
        self.resolve_with(|name| std::env::var_os(name))
    }

    pub(super) fn resolve_with(
        self,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Options, Error> {
        let mut options = self.options;
        if let Some(port) = self.port {
            options.port = check_port("port", port)?;
        } else if let Some(variable) = Variable::find("CLUSTER_CLIENT_PORT", &env) {
            options.port =
                variable.parse("must be a port, 1 to 65535", |text| text.parse().ok())?;
            check_port(&variable.name, options.port)?;
        }
        if let Some(time) = self.connect_timeout {
            options.connect_timeout = time;
        } else if let Some(variable) = Variable::find("CLUSTER_CLIENT_CONNECT_TIMEOUT", &env) {
            let millis = variable.parse("must be milliseconds", |text| text.parse().ok())?;
            options.connect_timeout = check_time(&variable.name, Duration::from_millis(millis))?;
        }
        if let Some(single) = self.single_mode {
            options.single_mode = single;
        } else if let Some(variable) = Variable::find("CLUSTER_CLIENT_SINGLE_MODE", &env) {
            options.single_mode = variable.parse("must be 0 or 1", |text| match text {
                "0" => Some(false),
                "1" => Some(true),
                _ => None,
            })?;
        }
        options.strict_parity = self.strict_parity.unwrap_or(options.host != Host::Here);
        options.codec = codec(self.codec, options.node_compat)?;
        options.validate()?;
        Ok(options)
    }
}

/// The codec of a channel that Node processes share is theirs, and no other channel's.
fn codec(asked: Option<Codec>, node_compat: bool) -> Result<Codec, Error> {
    let refused = |codec: Codec, reason| Err(invalid("codec", codec.name(), reason));
    match asked {
        Some(codec @ Codec::SerializeJson) if !node_compat => {
            refused(codec, "it is what Node processes speak: write `node_compat()`")
        }
        Some(codec) if node_compat && codec != Codec::SerializeJson => {
            refused(codec, "`node_compat()` has a codec of its own: leave `codec` out")
        }
        _ if node_compat => Ok(Codec::SerializeJson),
        asked => Ok(asked.unwrap_or_default()),
    }
}

impl<S> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("options", &self.options)
            .field("port", &self.port)
            .field("connect_timeout", &self.connect_timeout)
            .field("single_mode", &self.single_mode)
            .field("codec", &self.codec)
            .field("strict_parity", &self.strict_parity)
            .finish()
    }
}
