//! The keys of subscriptions at a Node leader, and whose they are here.

use std::collections::HashMap;
use std::sync::Arc;

use cluster_protocol::{Codec, ConnObject, DecodeArguments, Value, json_text, node_key};
use serde_json::value::RawValue;

use crate::error::Error;

/// What stands before the text of the argument in a key.
const PREFIX: &str = "$$inner$$__";

/// For each subscription the key that a Node leader knows it by.
#[derive(Debug, Default)]
pub(crate) struct NodeKeys {
    wires: HashMap<Arc<str>, Wire>,
    /// For each key of the leader the subscriptions here. More than one only if their arguments read the same in
    /// JavaScript, such as 0 and -0.
    topics: HashMap<String, Vec<Arc<str>>>,
    /// These keys by what they mean.
    meanings: HashMap<String, String>,
}

/// How a subscription is written for a Node leader.
#[derive(Clone, Debug)]
struct Wire {
    key: String,
    /// `None`: undefined, which JSON leaves out.
    reg: Option<Box<RawValue>>,
}

impl NodeKeys {
    /// The connection object that subscribes. `arguments` are encoded.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`], if JavaScript has no text for the argument.
    pub(crate) fn subscribe(
        &mut self,
        topic: &Arc<str>,
        arguments: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let wire = wire(arguments)?;
        if let Some(meaning) = meaning(&wire.key) {
            self.meanings.insert(meaning, wire.key.clone());
        }
        let topics = self.topics.entry(wire.key.clone()).or_default();
        if !topics.contains(topic) {
            topics.push(Arc::clone(topic));
        }
        let conn = ConnObject::Subscribe {
            key: wire.key.as_str().into(),
            reg: wire.reg.as_deref(),
            method: None,
            arg_length: None,
            restore: false,
        };
        let conn = conn.to_bytes();
        self.wires.insert(Arc::clone(topic), wire);
        Ok(conn)
    }

    /// The connection object that unsubscribes; `None` if another subscription still needs the leader's.
    pub(crate) fn unsubscribe(&mut self, topic: &str) -> Option<Vec<u8>> {
        let wire = self.wires.remove(topic)?;
        let topics = self.topics.get_mut(&wire.key)?;
        topics.retain(|known| **known != *topic);
        if !topics.is_empty() {
            return None;
        }
        self.topics.remove(&wire.key);
        if let Some(meaning) = meaning(&wire.key)
            && self.meanings.get(&meaning) == Some(&wire.key)
        {
            self.meanings.remove(&meaning);
        }
        let conn =
            ConnObject::UnSubscribe { key: wire.key.as_str().into(), reg: wire.reg.as_deref() };
        Some(conn.to_bytes())
    }

    /// The subscriptions that a push under this key is for. A leader makes the key anew from the argument, so one that
    /// is written differently but means the same is recognised too.
    pub(crate) fn topics(&self, key: &str) -> Vec<Arc<str>> {
        if let Some(topics) = self.topics.get(key) {
            return topics.clone();
        }
        let known = meaning(key).and_then(|meaning| self.meanings.get(&meaning));
        known.and_then(|known| self.topics.get(known)).cloned().unwrap_or_default()
    }
}

/// The argument in a key, so written that equal ones are equal texts.
fn meaning(key: &str) -> Option<String> {
    let argument: serde_json::Value = serde_json::from_str(key.strip_prefix(PREFIX)?).ok()?;
    crate::key::key(&argument).ok()
}

/// The one argument of a subscription as JavaScript writes it; `null` where there is none.
fn wire(arguments: &[u8]) -> Result<Wire, Error> {
    let text = if arguments.is_empty() {
        "null".to_owned()
    } else {
        let (reg,) = <(Value,)>::decode(Codec::SerializeJson, arguments)
            .map_err(|error| unwritten(&error))?;
        json_text(&reg).map_err(|error| unwritten(&error))?
    };
    let key = node_key(&text);
    if text == "undefined" {
        return Ok(Wire { key, reg: None });
    }
    let reg = RawValue::from_string(text).map_err(|error| unwritten(&error))?;
    Ok(Wire { key, reg: Some(reg) })
}

fn unwritten(error: &dyn std::fmt::Display) -> Error {
    Error::Encode { what: "the argument of a subscription".to_owned(), message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use cluster_protocol::EncodeArguments;

    use super::*;

    fn subscribed(keys: &mut NodeKeys, topic: &str, argument: impl serde::Serialize) -> String {
        let mut arguments = Vec::new();
        (argument,).encode(Codec::SerializeJson, &mut arguments).unwrap();
        let conn = keys.subscribe(&topic.into(), &arguments).unwrap();
        String::from_utf8(conn).unwrap()
    }

    #[test]
    fn a_subscription_is_written_as_node_writes_it() {
        let mut keys = NodeKeys::default();
        assert_eq!(
            subscribed(&mut keys, "topic", serde_json::json!({ "dataId": "foo" })),
            r#"{"type":"subscribe","key":"$$inner$$__{\"dataId\":\"foo\"}","reg":{"dataId":"foo"}}"#
        );
        let topics = keys.topics(r#"$$inner$$__{"dataId":"foo"}"#);
        assert_eq!(topics, ["topic".into()]);
        assert_eq!(
            keys.unsubscribe("topic").as_deref(),
            Some(
                &br#"{"type":"unSubscribe","key":"$$inner$$__{\"dataId\":\"foo\"}","reg":{"dataId":"foo"}}"#[..]
            )
        );
        assert!(keys.topics(r#"$$inner$$__{"dataId":"foo"}"#).is_empty());
    }

    #[test]
    fn a_method_without_arguments_subscribes_to_null() {
        let conn = NodeKeys::default().subscribe(&"topic".into(), b"").unwrap();
        assert_eq!(conn, br#"{"type":"subscribe","key":"$$inner$$__null","reg":null}"#);
    }

    #[test]
    fn what_is_undefined_is_left_out() {
        let mut keys = NodeKeys::default();
        assert_eq!(
            subscribed(&mut keys, "topic", Value::Undefined),
            r#"{"type":"subscribe","key":"$$inner$$__undefined"}"#
        );
        assert_eq!(keys.topics("$$inner$$__undefined"), ["topic".into()]);
    }

    #[test]
    fn a_key_that_means_the_same_is_recognised() {
        let mut keys = NodeKeys::default();
        subscribed(&mut keys, "topic", serde_json::json!({ "a": 1, "b": [1.5] }));
        assert_eq!(keys.topics(r#"$$inner$$__{"b":[1.50],"a":1}"#), ["topic".into()]);
        assert!(keys.topics(r#"$$inner$$__{"b":[1.5],"a":2}"#).is_empty());
        assert!(keys.topics("of another format").is_empty());
        keys.unsubscribe("topic").unwrap();
        assert!(keys.topics(r#"$$inner$$__{"b":[1.50],"a":1}"#).is_empty());
        assert!(keys.meanings.is_empty());
    }

    #[test]
    fn subscriptions_that_read_the_same_share_the_leaders() {
        let mut keys = NodeKeys::default();
        subscribed(&mut keys, "zero", 0.0);
        subscribed(&mut keys, "minus zero", -0.0);
        assert_eq!(keys.topics("$$inner$$__0").len(), 2);
        assert_eq!(keys.unsubscribe("zero"), None);
        assert_eq!(keys.topics("$$inner$$__0"), ["minus zero".into()]);
        assert!(keys.unsubscribe("minus zero").is_some());
    }
}
