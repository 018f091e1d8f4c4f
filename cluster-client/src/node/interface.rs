//! Which methods a Node process means: it subscribes without naming one, and publishes under its own name for it.

use cluster_protocol::ConnObject;

use crate::error::Error;
use crate::service::{Kind, MethodInfo};

/// The name that a Node client's publishing method has unless its author chose another.
const PUBLISH: &str = "publish";

/// The interface as Node processes see it.
#[derive(Debug)]
pub(crate) struct NodeInterface {
    subscribe: Option<usize>,
    publish: Option<Publish>,
    /// For each method, how many arguments it takes.
    arguments: Vec<u32>,
}

#[derive(Debug)]
struct Publish {
    method: usize,
    name: &'static str,
    /// The connection object that makes a Node leader publish: one-way, as it answers to no other.
    conn: Vec<u8>,
}

impl NodeInterface {
    /// # Errors
    ///
    /// [`Error::InvalidOption`], if it is open which method is meant, or that one does not take what Node sends.
    pub(crate) fn new(methods: &[MethodInfo]) -> Result<Self, Error> {
        let arguments: Vec<u32> = methods.iter().map(arguments).collect();
        let subscribe =
            the_only(methods, "subscribe", |kind| matches!(kind, Kind::Subscribe { .. }))?;
        let publish = the_only(methods, "publish", |kind| matches!(kind, Kind::Publish { .. }))?;
        for (method, kind, allowed) in
            [(subscribe, "subscribe", 0..=1), (publish, "publish", 1..=1)]
        {
            let Some((info, count)) =
                method.and_then(|method| Some((methods.get(method)?, *arguments.get(method)?)))
            else {
                continue;
            };
            if !allowed.contains(&count) {
                let name = info.name;
                return Err(refused(&format!(
                    "a Node process gives `#[{kind}]` one argument, and `{name}` takes {count}: \
                     put them into one struct, or mark another method `#[{kind}(default)]`"
                )));
            }
        }
        let publish = publish.and_then(|method| Some(Publish::new(method, methods.get(method)?)));
        if let Some(publish) = &publish {
            publish.check(methods)?;
        }
        Ok(Self { subscribe, publish, arguments })
    }

    /// The method that is meant where none is named.
    pub(crate) fn subscribe(&self) -> Option<usize> {
        self.subscribe
    }

    /// The method that is meant by a name that no method has.
    pub(crate) fn alias(&self, name: &str) -> Option<usize> {
        self.publish.as_ref().filter(|publish| publish.name == name).map(|publish| publish.method)
    }

    /// How to make a Node leader publish, if that is what the method does.
    pub(crate) fn publish_object(&self, method: usize) -> Option<&[u8]> {
        self.publish
            .as_ref()
            .filter(|publish| publish.method == method)
            .map(|publish| publish.conn.as_slice())
    }

    /// How many arguments of a method are missing from a call that has so many.
    pub(crate) fn absent(&self, method: usize, found: u32) -> u32 {
        self.arguments.get(method).map_or(0, |expected| expected.saturating_sub(found))
    }

    /// Whether a Node leader can be asked for the method. It takes subscriptions without a name.
    pub(crate) fn check(&self, method: usize, info: &MethodInfo) -> Result<(), Error> {
        match info.kind {
            Kind::Subscribe { .. } if self.subscribe != Some(method) => {
                Err(Error::UnknownMethod { method: info.name.to_owned() })
            }
            _ => Ok(()),
        }
    }
}

impl Publish {
    fn new(method: usize, info: &MethodInfo) -> Self {
        let name = if info.named { info.name } else { PUBLISH };
        let conn = ConnObject::Invoke {
            method: name.into(),
            arg_length: 1,
            oneway: true,
            call: None,
            restore: false,
        };
        Self { method, name, conn: conn.to_bytes() }
    }

    /// Its name for Node must not be that of another method, which would be called in its place.
    fn check(&self, methods: &[MethodInfo]) -> Result<(), Error> {
        let is_taken =
            |(index, info): (usize, &MethodInfo)| index != self.method && info.name == self.name;
        if !methods.iter().enumerate().any(is_taken) {
            return Ok(());
        }
        let own = methods.get(self.method).map_or("", |info| info.name);
        Err(refused(&format!(
            "a Node process publishes by `{name}`, which stands for `{own}` and is the name of another \
             method: give that one another name on the wire, or `{own}` a `name = \"…\"` of its own",
            name = self.name
        )))
    }
}

/// The method of the kind that is marked, or the only one.
fn the_only(
    methods: &[MethodInfo],
    kind: &str,
    is: fn(&Kind) -> bool,
) -> Result<Option<usize>, Error> {
    let of_kind = || methods.iter().enumerate().filter(|(_, info)| is(&info.kind));
    if let Some((method, _)) = of_kind().find(|(_, info)| info.default) {
        return Ok(Some(method));
    }
    let all: Vec<_> = of_kind().collect();
    match all.as_slice() {
        [] => Ok(None),
        [(method, _)] => Ok(Some(*method)),
        several => {
            let names: Vec<_> =
                several.iter().map(|(_, info)| format!("`{}`", info.name)).collect();
            Err(refused(&format!(
                "a Node process does not say which `#[{kind}]` method it means, and there are {}: \
                 mark one of them `#[{kind}(default)]`",
                names.join(", ")
            )))
        }
    }
}

fn refused(reason: &str) -> Error {
    Error::InvalidOption {
        option: "node_compat".to_owned(),
        value: "true".to_owned(),
        reason: reason.to_owned(),
    }
}

/// As its connection object says.
fn arguments(info: &MethodInfo) -> u32 {
    match ConnObject::parse(info.conn.as_bytes()) {
        Ok(ConnObject::Invoke { arg_length, .. }) => arg_length,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Events;
    use crate::subscription::testing::Latest;

    const EVENTS: Events = Events::of::<Latest>();

    fn info(name: &'static str, conn: &'static str) -> MethodInfo {
        MethodInfo::new(name, "", conn, |shape| shape)
    }

    fn watch(name: &'static str) -> MethodInfo {
        info(name, cluster_protocol::invoke_object!("watch", 1, false)).delivers(EVENTS)
    }

    fn register() -> MethodInfo {
        info("register", cluster_protocol::invoke_object!("register", 1, false)).event()
    }

    #[test]
    fn the_only_method_of_its_kind_is_meant() {
        let node = NodeInterface::new(&[register(), watch("watch")]).unwrap();
        assert_eq!(node.subscribe(), Some(1));
        assert_eq!((node.alias("publish"), node.alias("register")), (Some(0), None));
        let conn = node.publish_object(0).unwrap();
        assert_eq!(conn, cluster_protocol::invoke_object!("publish", 1, true).as_bytes());
        assert_eq!(node.publish_object(1), None);

        let node = NodeInterface::new(&[]).unwrap();
        assert_eq!((node.subscribe(), node.alias("publish")), (None, None));
    }

    #[test]
    fn a_written_name_is_nodes_name_too() {
        let node = NodeInterface::new(&[register().named()]).unwrap();
        assert_eq!((node.alias("register"), node.alias("publish")), (Some(0), None));
    }

    #[test]
    fn of_several_one_must_be_marked() {
        let error = NodeInterface::new(&[watch("one"), watch("two")]).unwrap_err().to_string();
        for part in ["`one`, `two`", "#[subscribe(default)]", "node_compat"] {
            assert!(error.contains(part), "{error}");
        }
        let marked = [watch("one"), watch("two").default_of_its_kind()];
        let node = NodeInterface::new(&marked).unwrap();
        assert_eq!(node.subscribe(), Some(1));
        assert!(node.check(1, &marked[1]).is_ok());
        assert!(matches!(node.check(0, &marked[0]), Err(Error::UnknownMethod { .. })));
    }

    #[test]
    fn it_must_take_what_node_gives() {
        let two = info("register", cluster_protocol::invoke_object!("register", 2, false)).event();
        let error = NodeInterface::new(&[two]).unwrap_err().to_string();
        assert!(error.contains("`register` takes 2"), "{error}");
        let none = info("watch", cluster_protocol::invoke_object!("watch", 0, false));
        assert!(NodeInterface::new(&[none.delivers(EVENTS)]).is_ok());
    }

    #[test]
    fn no_other_method_may_have_the_name_that_node_publishes_by() {
        let publish = || info("publish", cluster_protocol::invoke_object!("publish", 1, false));
        let error = NodeInterface::new(&[publish(), register()]).unwrap_err().to_string();
        for part in ["publishes by `publish`", "stands for `register`", "another name"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(NodeInterface::new(&[publish(), register().named()]).is_ok());
        assert!(NodeInterface::new(&[publish().event()]).is_ok());
        let both = [publish().event(), register().default_of_its_kind()];
        assert!(NodeInterface::new(&both).is_err());
    }

    #[test]
    fn arguments_that_are_missing_are_counted() {
        let node = NodeInterface::new(&[register()]).unwrap();
        assert_eq!((node.absent(0, 0), node.absent(0, 1), node.absent(0, 2)), (1, 0, 0));
    }
}
