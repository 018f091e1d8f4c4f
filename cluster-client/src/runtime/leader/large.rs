//! Packets with much data: what to do with one is decided by its beginning, before the data is read.
//!
//! The arguments of a call take their place in the bounds then, so that these hold for what is still on its way, too. For
//! a call that is over a bound, and for whatever needs no data, the data is passed over as it comes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use cluster_protocol::{Failure, HEADER_LEN, Header, Packet};
use tokio::time::Sleep;

use super::follower::Follower;
use super::gate::NoRoom;
use super::request::{self, Incoming};
use super::serving::Connection;
use super::{Leadership, Refusal, refusal};
use crate::serve::Reply;
use crate::session::payload::Payload;

/// Data up to this length is read before the packet is looked at, and copied: a call that takes its time would keep the whole
/// read buffer, of which only its own part counts in the bounds.
pub(super) const SMALL: usize = 64 * 1024;

/// What is known of the packet whose data is coming in.
#[derive(Default)]
pub(super) struct Large {
    /// So many bytes that are still to come belong to a packet that is done with.
    pub(super) passed_over: usize,
    place: Option<Place>,
    pause: Pause,
}

/// Reading may pause for a moment: there may be room soon.
#[derive(Default)]
enum Pause {
    #[default]
    NotYet,
    Running(Pin<Box<Sleep>>),
    Over,
}

/// What becomes of a packet that has begun.
pub(super) enum Begun {
    /// There is nothing to be done before more of it has come.
    Comes,
    /// Its data is passed over.
    Done,
    /// There may be room for its data soon: until then it is not read.
    Waits,
}

impl Large {
    /// The packet has come as a whole. Its call takes its place like any other.
    pub(super) fn came(&mut self) {
        self.place = None;
    }

    pub(super) fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Pause::Running(sleep) = &mut self.pause {
            ready!(sleep.as_mut().poll(cx));
            self.pause = Pause::Over;
        }
        Poll::Ready(())
    }
}

impl Connection {
    /// Passes over what has come of a packet that is done with.
    pub(super) fn pass_over(&mut self) {
        if self.large.passed_over > 0 {
            let come = self.large.passed_over.min(self.read.buffered().len());
            self.read.consume(come);
            self.large.passed_over -= come;
        }
    }

    /// Looks at the beginning of a packet that has not come as a whole.
    pub(super) fn begin(&mut self, leadership: &Arc<Leadership>) -> Result<Begun, String> {
        if self.large.place.is_some() {
            return Ok(Begun::Comes);
        }
        let Some(packet) = beginning(self.read.buffered()) else { return Ok(Begun::Comes) };
        let header = packet.header;
        let node = leadership.terms.node.as_deref().filter(|_| self.node.is_some());
        let incoming = request::read(&packet, &leadership.terms.methods, node)
            .map_err(|error| self.broke_protocol(&error))?;
        let (method, oneway) = match incoming {
            Incoming::Invoke { method, oneway, .. } if !self.going_away => (method, oneway),
            Incoming::Subscribe { method, .. } if !self.going_away => (method, false),
            needs_no_data => {
                self.large.passed_over = header.packet_len();
                self.handle(leadership, &header, needs_no_data, Payload::default())?;
                return Ok(Begun::Done);
            }
        };
        let (failure, limit) = match Place::take(&self.follower, header.data_len as usize) {
            Ok(place) => {
                (self.large.place, self.large.pause) = (Some(place), Pause::NotYet);
                return Ok(Begun::Comes);
            }
            Err(NoRoom::Yet(_)) if !matches!(self.large.pause, Pause::Over) => {
                if matches!(self.large.pause, Pause::NotYet) {
                    let pause = tokio::time::sleep(leadership.terms.limits.in_flight_pause);
                    self.large.pause = Pause::Running(Box::pin(pause));
                }
                return Ok(Begun::Waits);
            }
            Err(NoRoom::Yet(limit)) => refusal(Refusal::Full(limit)),
            Err(NoRoom::Refused(refused)) => refusal(refused),
        };
        self.large.pause = Pause::NotYet;
        self.large.passed_over = header.packet_len();
        if failure == Failure::GoingAway && self.node.is_none() {
            self.go_away();
            return Ok(Begun::Done);
        }
        self.accepted += 1;
        if let Some(info) = leadership.terms.methods.get(method) {
            self.answer(header.id, info, oneway, Reply::failed(failure, limit));
        }
        Ok(Begun::Done)
    }
}

/// A packet with much data, as far as its connection object, if that has come.
fn beginning(buf: &[u8]) -> Option<Packet<'_>> {
    let (head, body) = buf.split_first_chunk::<HEADER_LEN>()?;
    // What is no header was found to be none before.
    let header = Header::decode(head).ok()?;
    let conn = body.get(..header.conn_len as usize)?;
    (header.data_len as usize > SMALL).then_some(Packet { header, conn, data: &[] })
}

/// Room for arguments that are on their way.
struct Place {
    follower: Arc<Follower>,
    bytes: usize,
}

impl Place {
    fn take(follower: &Arc<Follower>, bytes: usize) -> Result<Self, NoRoom> {
        let leadership = follower.leadership();
        follower.reserve(bytes)?;
        if let Err(refused) = leadership.gate().reserve(bytes, &leadership.terms.limits) {
            follower.release(bytes);
            return Err(refused);
        }
        Ok(Self { follower: Arc::clone(follower), bytes })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.follower.release(self.bytes);
        self.follower.leadership().gate().release(self.bytes);
    }
}
