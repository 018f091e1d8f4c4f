use super::*;

fn builder() -> Builder<()> {
    Builder::new("Registry")
}

fn resolve(builder: Builder<()>, env: &[(&str, &str)]) -> Result<Options, Error> {
    builder.resolve_with(|name| {
        env.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
    })
}

fn wrong_option(builder: Builder<()>, env: &[(&str, &str)]) -> String {
    match resolve(builder, env) {
        Err(Error::InvalidOption { option, .. }) => option,
        other => panic!("{other:?}"),
    }
}

#[test]
fn defaults_hold_where_nothing_is_said() {
    let options = resolve(builder(), &[("CLUSTER_CLIENT_PORT", "")]).unwrap();
    assert_eq!(options, builder().options);
    assert_eq!((options.name.as_str(), options.port), ("Registry", 7777));
    assert_eq!(options.drop_after(), Duration::from_secs(30));
}

#[test]
fn the_builder_goes_before_the_environment_and_our_names_before_those_of_node() {
    let env = [
        ("NODE_CLUSTER_CLIENT_PORT", "1"),
        ("CLUSTER_CLIENT_PORT", "2"),
        ("NODE_CLUSTER_CLIENT_CONNECT_TIMEOUT", "1500"),
        ("NODE_CLUSTER_CLIENT_SINGLE_MODE", "1"),
    ];
    let options = resolve(builder(), &env).unwrap();
    assert_eq!(options.port, 2);
    assert_eq!(options.connect_timeout, Duration::from_millis(1500));
    assert!(options.single_mode);
    assert_eq!(resolve(builder(), &env[..1]).unwrap().port, 1);

    let set = builder().port(3).connect_timeout(Duration::from_secs(1)).single_mode(false);
    let options = resolve(set, &env).unwrap();
    assert_eq!((options.port, options.single_mode), (3, false));
    assert_eq!(options.connect_timeout, Duration::from_secs(1));
}

#[test]
fn a_variable_that_cannot_be_is_named() {
    for (name, value) in [
        ("CLUSTER_CLIENT_PORT", "0"),
        ("CLUSTER_CLIENT_PORT", "65536"),
        ("NODE_CLUSTER_CLIENT_PORT", "http"),
        ("CLUSTER_CLIENT_CONNECT_TIMEOUT", "10s"),
        ("CLUSTER_CLIENT_CONNECT_TIMEOUT", "0"),
        ("CLUSTER_CLIENT_SINGLE_MODE", "yes"),
    ] {
        assert_eq!(wrong_option(builder(), &[(name, value)]), name, "{value}");
    }
    let ignored = resolve(builder().port(1), &[("CLUSTER_CLIENT_PORT", "http")]);
    assert_eq!(ignored.unwrap().port, 1);
}

#[test]
fn an_option_that_cannot_be_is_named() {
    assert_eq!(wrong_option(builder().port(0), &[]), "port");
    assert_eq!(wrong_option(builder().name(""), &[]), "name");
    assert_eq!(wrong_option(builder().name("x".repeat(257)), &[]), "name");
    assert_eq!(wrong_option(builder().name("new\nline"), &[]), "name");
    assert_eq!(wrong_option(builder().response_timeout(Duration::ZERO), &[]), "response_timeout");
    assert_eq!(wrong_option(builder().max_wait_time(Duration::MAX), &[]), "max_wait_time");
    let limits = Limits { max_data: 0, ..Limits::default() };
    assert_eq!(wrong_option(builder().limits(limits), &[]), "limits.max_data");
}

#[test]
fn who_stands_alone_has_listened_for_three_intervals_and_may_build_a_client() {
    let second = Duration::from_secs(1);
    let alone = |seconds| builder().heartbeat_interval(second).standalone_after(second * seconds);
    assert_eq!(resolve(alone(3), &[]).unwrap().standalone_after, Some(second * 3));
    assert_eq!(wrong_option(alone(2), &[]), "standalone_after");
    assert_eq!(wrong_option(alone(3).role(RolePreference::Follower), &[]), "standalone_after");
    assert!(resolve(alone(3).role(RolePreference::Leader).single_mode(true), &[]).is_ok());
}
