//! Reading a connection object.
//!
//! Not by serde's internally tagged enum: that one buffers the object first, which costs time, cannot hold the
//! `reg` of a subscription as it was written, and loses all numbers as soon as any crate in the program
//! switches on `serde_json/arbitrary_precision`. So the fields of all messages are read in one pass, and the
//! type then says which of them count.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ConnObject, Failure, PushEvent};
use crate::{BorrowedStr, DecodeError};

pub(super) fn parse(bytes: &[u8]) -> Result<ConnObject<'_>, DecodeError> {
    let fields: Fields<'_> = serde_json::from_slice(bytes)
        .map_err(|error| DecodeError::ConnObject { message: error.to_string() })?;
    fields.into_object()
}

/// The fields of all messages.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow)]
    r#type: BorrowedStr<'a>,
    #[serde(borrow)]
    channel_name: Option<BorrowedStr<'a>>,
    #[serde(borrow)]
    rs: Option<&'a RawValue>,
    #[serde(borrow)]
    key: Option<BorrowedStr<'a>>,
    #[serde(borrow)]
    reg: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<BorrowedStr<'a>>,
    arg_length: Option<u32>,
    oneway: Option<bool>,
    call: Option<u64>,
    success: Option<bool>,
    failure: Option<Failure>,
    restore: Option<bool>,
    #[serde(borrow)]
    item: Option<BorrowedStr<'a>>,
    epoch: Option<u64>,
    event: Option<PushEvent>,
    accepted: Option<u64>,
}

impl<'a> Fields<'a> {
    fn into_object(self) -> Result<ConnObject<'a>, DecodeError> {
        let of = Object(&self.r#type);
        Ok(match &*self.r#type {
            "register_channel" => ConnObject::RegisterChannel {
                channel_name: of.text("channelName", self.channel_name)?,
                rs: of.raw("rs", self.rs)?,
            },
            "register_channel_res" => ConnObject::RegisterChannelRes { rs: of.raw("rs", self.rs)? },
            "channel_state" => {
                ConnObject::ChannelState { rs: of.need("rs", of.raw("rs", self.rs)?)? }
            }
            "invoke" => ConnObject::Invoke {
                method: of.text("method", self.method)?,
                arg_length: of.need("argLength", self.arg_length)?,
                oneway: of.need("oneway", self.oneway)?,
                call: self.call,
                restore: self.restore.unwrap_or_default(),
            },
            "invoke_result" => ConnObject::InvokeResult {
                success: of.need("success", self.success)?,
                failure: self.failure,
            },
            "cancel" => ConnObject::Cancel,
            "subscribe" => ConnObject::Subscribe {
                key: of.text("key", self.key)?,
                reg: self.reg,
                method: self.method.map(Cow::from),
                arg_length: self.arg_length,
                restore: self.restore.unwrap_or_default(),
            },
            "unSubscribe" => {
                ConnObject::UnSubscribe { key: of.text("key", self.key)?, reg: self.reg }
            }
            "unsubscribed" => ConnObject::Unsubscribed { key: of.text("key", self.key)? },
            "subscribe_result" => ConnObject::SubscribeResult {
                key: of.text("key", self.key)?,
                item: self.item.map(Cow::from),
                epoch: self.epoch,
                event: self.event,
            },
            "subscribe_result_res" => ConnObject::SubscribeResultRes,
            "publication_taken" => ConnObject::PublicationTaken {
                method: of.text("method", self.method)?,
                key: of.text("key", self.key)?,
                call: of.need("call", self.call)?,
            },
            "publication_released" => ConnObject::PublicationReleased {
                method: of.text("method", self.method)?,
                key: of.text("key", self.key)?,
            },
            "going_away" => ConnObject::GoingAway { accepted: of.need("accepted", self.accepted)? },
            "heartbeat" => ConnObject::Heartbeat,
            "heartbeat_res" => ConnObject::HeartbeatRes,
            name => {
                let name = name.to_owned();
                return Err(DecodeError::UnknownType { name });
            }
        })
    }
}

/// The type of the object that is read, for the errors of its fields.
#[derive(Clone, Copy)]
struct Object<'n>(&'n str);

impl Object<'_> {
    fn need<T>(self, field: &'static str, value: Option<T>) -> Result<T, DecodeError> {
        value.ok_or_else(|| self.wrong(field, "missing".to_owned()))
    }

    fn text<'a>(
        self,
        field: &'static str,
        value: Option<BorrowedStr<'a>>,
    ) -> Result<Cow<'a, str>, DecodeError> {
        self.need(field, value).map(Cow::from)
    }

    fn raw<'a, T: Deserialize<'a>>(
        self,
        field: &'static str,
        value: Option<&'a RawValue>,
    ) -> Result<Option<T>, DecodeError> {
        value
            .map(|raw| serde_json::from_str(raw.get()))
            .transpose()
            .map_err(|error| self.wrong(field, error.to_string()))
    }

    fn wrong(self, field: &'static str, message: String) -> DecodeError {
        DecodeError::Field { object: self.0.to_owned(), field, message }
    }
}
