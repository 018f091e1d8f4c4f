//! The wire format: byte for byte what Node speaks, and nothing that a peer may send does harm.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use cluster_protocol::{FrameLimits, Header, Packet, Parse, parse, write_packet};
use serde::Deserialize;

mod codec;
mod codec_properties;
mod golden;
mod hostile;
mod properties;

const LIMITS: FrameLimits = FrameLimits { conn_object: 64 * 1024, data: 8 * 1024 * 1024 };

/// A packet as Node sends it.
#[derive(Deserialize)]
struct Golden {
    name: String,
    hex: String,
    id: u64,
    r#type: u8,
    timeout: u32,
    conn: String,
    data_hex: Option<String>,
}

fn golden() -> Vec<Golden> {
    #[derive(Deserialize)]
    struct Vectors {
        packets: Vec<Golden>,
    }
    let vectors: Vectors =
        serde_json::from_str(include_str!("../vectors/node-3.7.0.json")).unwrap();
    assert_eq!(vectors.packets.len(), 16);
    vectors.packets
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn complete(bytes: &[u8]) -> Packet<'_> {
    match parse(bytes, &LIMITS) {
        Ok(Parse::Complete(packet)) => packet,
        other => panic!("{other:?}"),
    }
}

fn write(header: &Header, conn: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_packet(&mut out, header.kind, header.id, header.timeout, conn, &LIMITS, |out| {
        out.extend_from_slice(data);
        Ok(())
    })
    .unwrap();
    out
}
