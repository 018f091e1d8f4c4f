use super::*;
use crate::Codec;

const HELLO: Hello =
    Hello { version: 1, instance: 0xabc, pid: 42, codec: Codec::Json, epoch: u64::MAX };

fn welcome() -> Welcome {
    Welcome {
        version: 1,
        instance: u128::MAX,
        pid: 43,
        epoch: 7,
        since: 1_700_000_000_000,
        state: ChannelState::NotServed,
        channels: vec!["a".to_owned(), "b".to_owned()],
    }
}

/// Both ways: the object is written so, and read back as it was.
#[track_caller]
fn is(object: &ConnObject<'_>, json: &str) {
    assert_eq!(String::from_utf8(object.to_bytes()).unwrap(), json);
    let parsed = ConnObject::parse(json.as_bytes()).unwrap();
    assert_eq!(format!("{parsed:?}"), format!("{object:?}"));
}

#[test]
fn every_message_has_its_form() {
    let reg = RawValue::from_string(r#"{"dataId":1.0}"#.to_owned()).unwrap();
    let hello = r#"{"v":1,"instance":"00000000000000000000000000000abc","pid":42,"codec":"json","epoch":18446744073709551615}"#;
    let welcomed = r#"{"v":1,"instance":"ffffffffffffffffffffffffffffffff","pid":43,"epoch":7,"since":1700000000000,"state":"not_served","channels":["a","b"]}"#;
    is(
        &ConnObject::RegisterChannel { channel_name: "c".into(), rs: None },
        r#"{"type":"register_channel","channelName":"c"}"#,
    );
    is(
        &ConnObject::RegisterChannel { channel_name: "c".into(), rs: Some(HELLO) },
        &format!(r#"{{"type":"register_channel","channelName":"c","rs":{hello}}}"#),
    );
    is(&ConnObject::RegisterChannelRes { rs: None }, r#"{"type":"register_channel_res"}"#);
    is(
        &ConnObject::RegisterChannelRes { rs: Some(welcome()) },
        &format!(r#"{{"type":"register_channel_res","rs":{welcomed}}}"#),
    );
    is(
        &ConnObject::ChannelState { rs: welcome() },
        &format!(r#"{{"type":"channel_state","rs":{welcomed}}}"#),
    );
    is(
        &ConnObject::Invoke {
            method: "get".into(),
            arg_length: 2,
            oneway: true,
            call: Some(9),
            restore: false,
        },
        r#"{"type":"invoke","method":"get","argLength":2,"oneway":true,"call":9}"#,
    );
    is(
        &ConnObject::InvokeResult { success: false, failure: Some(Failure::UnknownMethod) },
        r#"{"type":"invoke_result","success":false,"failure":"unknown_method"}"#,
    );
    is(
        &ConnObject::Subscribe {
            key: "k".into(),
            reg: Some(&reg),
            method: None,
            arg_length: None,
            restore: false,
        },
        r#"{"type":"subscribe","key":"k","reg":{"dataId":1.0}}"#,
    );
    is(
        &ConnObject::Subscribe {
            key: "k".into(),
            reg: None,
            method: Some("watch".into()),
            arg_length: Some(1),
            restore: true,
        },
        r#"{"type":"subscribe","key":"k","method":"watch","argLength":1,"restore":true}"#,
    );
    is(
        &ConnObject::UnSubscribe { key: "k".into(), reg: Some(&reg) },
        r#"{"type":"unSubscribe","key":"k","reg":{"dataId":1.0}}"#,
    );
    is(
        &ConnObject::SubscribeResult {
            key: "k".into(),
            item: Some("i".into()),
            epoch: Some(7),
            event: Some(PushEvent::Missed { count: 3 }),
        },
        r#"{"type":"subscribe_result","key":"k","item":"i","epoch":7,"event":{"missed":{"count":3}}}"#,
    );
    is(
        &ConnObject::SubscribeResult {
            key: "k".into(),
            item: None,
            epoch: None,
            event: Some(PushEvent::Resynced),
        },
        r#"{"type":"subscribe_result","key":"k","event":"resynced"}"#,
    );
    is(&ConnObject::Unsubscribed { key: "k".into() }, r#"{"type":"unsubscribed","key":"k"}"#);
    is(&ConnObject::SubscribeResultRes, r#"{"type":"subscribe_result_res"}"#);
    is(
        &ConnObject::PublicationTaken { method: "register".into(), key: "k".into(), call: 7 },
        r#"{"type":"publication_taken","method":"register","key":"k","call":7}"#,
    );
    is(
        &ConnObject::PublicationReleased { method: "register".into(), key: "k".into() },
        r#"{"type":"publication_released","method":"register","key":"k"}"#,
    );
    is(&ConnObject::GoingAway { accepted: 5 }, r#"{"type":"going_away","accepted":5}"#);
}

#[test]
fn the_constants_are_what_the_objects_are_written_as() {
    let invoke = |oneway| ConnObject::Invoke {
        method: "get".into(),
        arg_length: 1,
        oneway,
        call: None,
        restore: false,
    };
    let result = |success| ConnObject::InvokeResult { success, failure: None };
    is(&invoke(false), invoke_object!("get", 1, false));
    is(&invoke(true), invoke_object!("get", 1, true));
    is(&result(true), RESULT_OK);
    is(&result(false), RESULT_ERR);
    is(&ConnObject::Heartbeat, HEARTBEAT);
    is(&ConnObject::HeartbeatRes, HEARTBEAT_RES);
    is(&ConnObject::Cancel, CANCEL);
}

#[test]
fn order_and_unknown_fields_do_not_matter() {
    let json = br#"{"later":[{}],"oneway":false,"argLength":0,"method":"get","type":"invoke"}"#;
    let object = ConnObject::parse(json);
    assert!(matches!(object, Ok(ConnObject::Invoke { arg_length: 0, .. })), "{object:?}");
}

#[test]
fn strings_are_borrowed_unless_they_have_escapes() {
    let key_borrowed = |json| match ConnObject::parse(json) {
        Ok(ConnObject::SubscribeResult { key, item: Some(item), .. }) => {
            [key, item].map(|text| matches!(text, Cow::Borrowed(_)))
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(
        key_borrowed(br#"{"type":"subscribe_result","key":"k","item":"\u0061"}"#),
        [true, false]
    );
    assert_eq!(
        key_borrowed(br#"{"type":"subscribe_result","key":"\"","item":"i"}"#),
        [false, true]
    );
}

#[test]
fn what_is_no_message_is_told_apart() {
    let wrong = |json: &str| ConnObject::parse(json.as_bytes()).unwrap_err();
    for json in ["", r#"{"foo":"bar"|"#, r#"{"foo":"bar"}"#, "[]", r#"{"type":1}"#] {
        assert!(matches!(wrong(json), DecodeError::ConnObject { .. }), "{json}");
    }
    let name = "greet".to_owned();
    assert_eq!(wrong(r#"{"type":"greet"}"#), DecodeError::UnknownType { name });
    let missing = wrong(r#"{"type":"invoke","argLength":1,"oneway":false}"#);
    assert_eq!(missing.to_string(), "connection object invoke: field method: missing");
    let codec = wrong(
        r#"{"type":"register_channel","channelName":"c","rs":{"v":1,"instance":"00000000000000000000000000000abc","pid":1,"codec":"morse","epoch":0}}"#,
    );
    assert!(codec.to_string().contains("unknown codec \"morse\""), "{codec}");
    for instance in ["abc", "+0000000000000000000000000000abc", "0000000000000000000000000000äbc"]
    {
        let json = format!(
            r#"{{"type":"register_channel","channelName":"c","rs":{{"v":1,"instance":"{instance}","pid":1,"codec":"json","epoch":0}}}}"#
        );
        let error = wrong(&json);
        assert!(matches!(error, DecodeError::Field { field: "rs", .. }), "{error:?}");
    }
}
