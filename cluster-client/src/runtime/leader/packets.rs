//! One event as packets: encoded once for each codec that some follower speaks.

use std::sync::Arc;

use bytes::Bytes;
use cluster_protocol::{
    Codec, ConnObject, EncodeError, FrameLimits, HEADER_LEN, Kind, PushEvent, write_packet,
};

use crate::event::{Item, Payload};

/// Where the pushes of one topic come from.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) key: Arc<str>,
    pub(super) epoch: u64,
    pub(super) limits: FrameLimits,
}

impl Source {
    /// The packet that says something about the topic besides a value.
    pub(super) fn announcement(&self, event: PushEvent) -> Bytes {
        let conn = ConnObject::SubscribeResult {
            key: self.key.as_ref().into(),
            item: None,
            epoch: Some(self.epoch),
            event: Some(event),
        };
        control_packet(&conn, &self.limits)
    }
}

/// A value on its way to the followers.
pub(super) struct Packets<'a> {
    source: Source,
    sequence: u64,
    item: &'a Item,
    size: usize,
    by_codec: Vec<(Codec, Result<Encoded, EncodeError>)>,
    /// For Node processes, by the keys under which they expect it.
    by_key: Vec<(Arc<str>, Bytes)>,
}

impl<'a> Packets<'a> {
    pub(super) fn new(source: Source, sequence: u64, item: &'a Item) -> Self {
        let size = item.size();
        Self { source, sequence, item, size, by_codec: Vec::new(), by_key: Vec::new() }
    }

    pub(super) fn key(&self) -> &str {
        &self.source.key
    }

    /// The packet for followers that speak `codec`. Runs the user's `Serialize` the first time.
    pub(super) fn get(&mut self, codec: Codec) -> Result<Bytes, EncodeError> {
        self.encoded(codec).map(|encoded| encoded.packet)
    }

    /// How long the value is when it is encoded, in whichever codec it was, or else in this one. One that cannot be encoded
    /// counts as none, unless it is only too long.
    pub(super) fn measure(&mut self, codec: Codec) -> usize {
        let known = self.by_codec.iter().find_map(|(_, encoded)| length(encoded));
        self.size = known.or_else(|| length(&self.encoded(codec))).unwrap_or(0);
        self.size
    }

    /// What it was measured to be.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    fn encoded(&mut self, codec: Codec) -> Result<Encoded, EncodeError> {
        if let Some((_, encoded)) = self.by_codec.iter().find(|(known, _)| *known == codec) {
            return encoded.clone();
        }
        let encoded = self.encode(codec);
        self.by_codec.push((codec, encoded.clone()));
        encoded
    }

    /// The packets for a Node process that is subscribed under these keys: seldom more than one.
    pub(super) fn for_node(&mut self, keys: &[Arc<str>]) -> Result<Bytes, EncodeError> {
        match keys {
            [key] => self.under(key),
            keys => {
                let mut packets = Vec::new();
                for key in keys {
                    packets.extend_from_slice(&self.under(key)?);
                }
                Ok(packets.into())
            }
        }
    }

    /// The packet for Node processes that expect it under this key.
    pub(super) fn under(&mut self, key: &Arc<str>) -> Result<Bytes, EncodeError> {
        if let Some((_, packet)) = self.by_key.iter().find(|(known, _)| known == key) {
            return Ok(packet.clone());
        }
        let value = self.encoded(Codec::SerializeJson)?.value();
        let conn = ConnObject::SubscribeResult {
            key: key.as_ref().into(),
            item: None,
            epoch: None,
            event: None,
        };
        let mut packet = Vec::new();
        let (id, limits) = (self.sequence, &self.source.limits);
        write_packet(&mut packet, Kind::Request, id, 0, &conn.to_bytes(), limits, |out| {
            out.extend_from_slice(&value);
            Ok(())
        })?;
        let packet = Bytes::from(packet);
        self.by_key.push((Arc::clone(key), packet.clone()));
        Ok(packet)
    }

    fn encode(&self, codec: Codec) -> Result<Encoded, EncodeError> {
        let conn = ConnObject::SubscribeResult {
            key: self.source.key.as_ref().into(),
            item: self.item.key.as_deref().map(Into::into),
            epoch: Some(self.source.epoch),
            event: None,
        };
        let (mut packet, conn) = (Vec::new(), conn.to_bytes());
        write_packet(
            &mut packet,
            Kind::Request,
            self.sequence,
            0,
            &conn,
            &self.source.limits,
            |out| {
                match &self.item.payload {
                    Payload::Typed(value) => value.encode(codec, out),
                    // Only a follower's items are encoded, and a follower pushes to nobody.
                    Payload::Encoded { bytes, .. } => {
                        out.extend_from_slice(bytes);
                        Ok(())
                    }
                }
            },
        )?;
        Ok(Encoded { packet: packet.into(), value: HEADER_LEN + conn.len() })
    }
}

/// A packet, and where the value in it begins.
#[derive(Clone)]
struct Encoded {
    packet: Bytes,
    value: usize,
}

impl Encoded {
    fn value(&self) -> Bytes {
        self.packet.slice(self.value..)
    }
}

fn length(encoded: &Result<Encoded, EncodeError>) -> Option<usize> {
    match encoded {
        Ok(encoded) => Some(encoded.packet.len() - encoded.value),
        Err(EncodeError::DataTooLong { len, .. }) => Some(*len),
        Err(_) => None,
    }
}

/// A request without data and without an answer.
pub(super) fn control_packet(conn: &ConnObject<'_>, limits: &FrameLimits) -> Bytes {
    let mut packet = Vec::new();
    // A connection object over the limit has a key over the limit: that of a subscription was refused when it came in, that of
    // a publication is short.
    let written =
        write_packet(&mut packet, Kind::Request, 0, 0, &conn.to_bytes(), limits, |_| Ok(()));
    if let Err(error) = written {
        tracing::error!(%error, "a control packet was not sent");
    }
    Bytes::from(packet)
}
