//! Packets of a Node process that are over a limit.
//!
//! If it were hung up on it would connect again at once and send the same again, without end, and each time its other
//! calls would fail. So such a packet is refused and passed over as it comes.

use cluster_protocol::{DecodeError, FrameLimits, Header, Kind, Packet, RESULT_ERR, write_packet};

use crate::error::Error;
use crate::membership::ClusterEvent;
use crate::node::errors::Thrown;
use crate::runtime::leader::request::{self, Incoming};
use crate::runtime::leader::serving::Connection;
use crate::runtime::leader::{Leadership, Terms};

/// So much of a connection object that is too long is told of: what is that long is a key, which stands there.
const BEGINNING: usize = 200;

impl Connection {
    /// Refuses the next packet if `error` is that it is over a limit. False: too little of it has come yet.
    ///
    /// # Errors
    ///
    /// What else is wrong with it, or `error` if no Node process has sent it.
    pub(in crate::runtime::leader) fn refuse(
        &mut self,
        error: DecodeError,
    ) -> Result<bool, DecodeError> {
        let (Some(_), Some((head, body))) = (&self.node, self.read.buffered().split_first_chunk())
        else {
            return Err(error);
        };
        let header = Header::decode(head)?;
        let (known, limit) = match error {
            DecodeError::ConnObjectTooLong { .. } => (BEGINNING, "limits.max_conn_object"),
            DecodeError::DataTooLong { .. } => (header.conn_len as usize, "limits.max_data"),
            error => return Err(error),
        };
        let Some(conn) = body.get(..known) else { return Ok(false) };
        let refused = match error {
            _ if header.kind == Kind::Response => Refused::Response,
            DecodeError::ConnObjectTooLong { .. } => {
                Refused::Subscription { beginning: String::from_utf8_lossy(conn).into_owned() }
            }
            _ => self.leadership.refused(&Packet { header, conn, data: &[] })?,
        };
        self.large.passed_over = header.packet_len();
        self.tell(header.id, refused, format!("{error} ({limit})"));
        Ok(true)
    }

    fn tell(&mut self, id: u64, refused: Refused, message: String) {
        let bad_arguments = |method: &str| Error::BadArguments {
            method: method.to_owned(),
            message: message.clone(),
        };
        let method = match refused {
            Refused::Response => return,
            Refused::Oneway { method } => {
                let error = bad_arguments(&method);
                return self.leadership.emit(ClusterEvent::OnewayFailed {
                    method,
                    calls: 1,
                    error,
                });
            }
            Refused::Call { method } => method,
            Refused::Subscription { beginning } => {
                let (key, error) = (beginning, bad_arguments("subscribe"));
                self.leadership.emit(ClusterEvent::SubscriptionFailed { key, error });
                // Should it be something else, somebody may wait. If nobody does, the answer is ignored.
                "subscribe".to_owned()
            }
        };
        let conn = RESULT_ERR.as_bytes();
        let limits = FrameLimits { conn_object: conn.len(), data: i32::MAX as usize };
        let written = write_packet(&mut self.out, Kind::Response, id, 0, conn, &limits, |out| {
            Thrown::too_large(&method, &message).encode(out);
            Ok(())
        });
        // Strings come nowhere near 2 GiB, and the id came over the wire.
        debug_assert!(written.is_ok());
    }
}

/// What a packet was that is over a limit.
enum Refused {
    Response,
    Oneway {
        method: String,
    },
    Call {
        method: String,
    },
    /// Nothing else has a connection object that is too long.
    Subscription {
        beginning: String,
    },
}

impl Leadership {
    /// What a packet of a Node process is, whose data is not there.
    fn refused(&self, packet: &Packet<'_>) -> Result<Refused, DecodeError> {
        let Terms { methods, node, .. } = &self.terms;
        let (method, oneway) = match request::read(packet, methods, node.as_deref())? {
            Incoming::Invoke { method, oneway, .. } => {
                (methods.get(method).map_or("", |info| info.name).to_owned(), oneway)
            }
            Incoming::UnknownMethod { name, oneway } => (name, oneway),
            _ => ("what is no call".to_owned(), false),
        };
        Ok(if oneway { Refused::Oneway { method } } else { Refused::Call { method } })
    }
}
