//! Names by which our serializer and deserializer know our own types, where serde has no type for them.
//!
//! A type gives its mark as the name of a newtype struct, which other formats ignore. The deserializer shows what is
//! marked as a newtype struct that holds a map with the mark as its only key: types that do not expect it refuse it,
//! and it passes through serde's buffer for untagged enums and flattened structs.

pub(super) const DATE: &str = "$cluster_client::Date";
pub(super) const ERROR: &str = "$cluster_client::Error";
/// Only asks for a value as it is, with the members that are undefined.
pub(super) const VALUE: &str = "$cluster_client::Value";
