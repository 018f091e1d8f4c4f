//! What the suites share.

/// A port that the system had free a moment ago.
///
/// # Panics
///
/// If the system has none.
pub fn free_port() -> u16 {
    let listener =
        std::net::TcpListener::bind(("127.0.0.1", 0)).expect("the system has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}
