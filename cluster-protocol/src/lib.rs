//! cluster-protocol.
