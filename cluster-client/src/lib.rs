//! cluster-client.
