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

/// What users size their systems by.
#[test]
fn the_defaults_are_those_that_are_documented() {
    let (kib, mib, s) = (1 << 10, 1 << 20, Duration::from_secs);
    let documented = Limits {
        max_data: 8 * mib,
        max_conn_object: 64 * kib,
        handshake_packet_bytes: kib,
        handshake_bytes: 4 * kib,
        handshake_timeout: s(5),
        pending_handshakes: 64,
        followers: 512,
        in_flight: 8192,
        in_flight_bytes: 64 * mib,
        in_flight_per_follower: 1024,
        in_flight_bytes_per_follower: 16 * mib,
        in_flight_pause: Duration::from_millis(50),
        busy_retry_percent: 10,
        busy_retry_burst: 100,
        waiting_calls: 1024,
        waiting_bytes: 16 * mib,
        outbound_bytes: 8 * mib,
        outbound_bytes_total: 128 * mib,
        write_stall: s(10),
        packet_time: s(30),
        packet_rate: 64 * kib,
        control_packets_per_second: 10_000,
        control_burst: 20_000,
        cancelled_calls: 1024,
        cancel_window: s(10),
        frames_per_turn: 64,
        bytes_per_turn: 256 * kib,
        subscriptions: 65_536,
        subscriptions_per_follower: 1024,
        retained_items: 65_536,
        retained_bytes: 256 * mib,
        linger: s(1),
        publications_per_follower: 4096,
        publication_bytes_per_follower: 16 * mib,
        accept_pause: s(1),
        reconnect_pause: Duration::from_millis(500),
        drain: s(5),
    };
    assert_eq!(Limits::default(), documented);
}

#[test]
fn busy_calls_are_sent_again_by_both_bounds() {
    let limits = Limits { busy_retry_burst: 3, busy_retry_percent: 50, ..Limits::default() };
    let mut retries = limits.retries();
    assert_eq!((0..10).take_while(|_| retries.take(0)).count(), 3);
    assert!(retries.take(2) && !retries.take(2), "a half of two calls");
}

#[test]
fn who_reconnects_pauses_no_longer_than_allowed() {
    let pause = Duration::from_millis(7);
    let mut reconnecting = Limits { reconnect_pause: pause, ..Limits::default() }.reconnecting();
    let longest = (0..20).map(|_| reconnecting.next_delay(u64::MAX)).max();
    assert_eq!(longest, Some(pause));
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
