//! cluster-client-derive.
