use super::*;

/// The bound that is refused.
fn refused(limits: Limits) -> String {
    match limits.validate() {
        Err(Error::InvalidOption { option, .. }) => option,
        other => panic!("{other:?}"),
    }
}

/// Each change makes one bound impossible, which is then named.
macro_rules! refused {
    ($($field:ident: $value:expr),+ $(,)?) => {$(
        let limits = Limits { $field: $value, ..Limits::default() };
        assert_eq!(refused(limits), concat!("limits.", stringify!($field)));
    )+};
}

#[test]
fn the_defaults_are_valid() {
    assert_eq!(Limits::default().validate(), Ok(()));
}

#[test]
fn a_bound_of_nothing_is_named() {
    refused! {
        max_data: 0,
        max_conn_object: 10,
        handshake_packet_bytes: 100,
        handshake_bytes: 1000,
        handshake_timeout: Duration::ZERO,
        pending_handshakes: 0,
        in_flight: 0,
        in_flight_bytes: 0,
        in_flight_per_follower: 0,
        in_flight_bytes_per_follower: 0,
        outbound_bytes: 0,
        outbound_bytes_total: 0,
        write_stall: Duration::ZERO,
        packet_time: Duration::ZERO,
        control_packets_per_second: 0,
        control_burst: 0,
        retained_items: 0,
        retained_bytes: 0,
        frames_per_turn: 0,
        bytes_per_turn: 0,
        accept_pause: Duration::ZERO,
        reconnect_pause: Duration::ZERO,
    }
}

#[test]
fn a_bound_beyond_the_header_or_the_clock_is_named() {
    refused! {
        max_data: 1 << 31,
        max_conn_object: 1 << 31,
        in_flight_pause: Duration::MAX,
        cancel_window: Duration::MAX,
        linger: Duration::MAX,
        drain: Duration::MAX,
    }
}
