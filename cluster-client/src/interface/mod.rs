//! What the members tell each other about their methods, so that two programs that differ in one of them
//! get an error for that method, instead of bytes that mean something else to each side.

mod probe;
mod shape;
mod text;
mod trace;

use serde::{Deserialize, Serialize};

pub use self::shape::Shape;
use crate::Error;

/// One method, as both sides must have it. Sent as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MethodDescription {
    /// The name on the wire.
    pub(crate) name: String,
    pub(crate) kind: MethodKind,
    /// The argument and return types, as written.
    pub(crate) signature: String,
    /// What the types consist of: the text of [`Shape::finish`].
    pub(crate) shape: String,
    /// What the user says of what neither text can show.
    pub(crate) version: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MethodKind {
    Invoke,
    Oneway,
    Publish,
    Subscribe,
    /// One that a later version of this library has. It equals none of ours.
    #[serde(other)]
    Other,
}

/// [`Error::InterfaceMismatch`] if this process's method is not the leader's.
pub(crate) fn compare(mine: &MethodDescription, leaders: &MethodDescription) -> Option<Error> {
    (mine != leaders).then(|| Error::InterfaceMismatch {
        method: mine.name.clone(),
        leader: leaders.beside(mine),
        follower: mine.beside(leaders),
    })
}

/// What a call of a method that the leader does not have fails with.
pub(crate) fn missing(mine: &MethodDescription) -> Error {
    Error::InterfaceMismatch {
        method: mine.name.clone(),
        leader: "no such method".into(),
        follower: format!("`{}`", mine.signature),
    }
}

impl MethodDescription {
    /// The description, with those details that tell it from the other one.
    fn beside(&self, other: &Self) -> String {
        let kind = match self.kind {
            MethodKind::Invoke => "invoke",
            MethodKind::Oneway => "one-way",
            MethodKind::Publish => "publish",
            MethodKind::Subscribe => "subscribe",
            MethodKind::Other => "other",
        };
        let mut text = format!("{kind} `{}`", self.signature);
        if self.version != other.version {
            match &self.version {
                Some(version) => text.push_str(&format!(" in version `{version}`")),
                None => text.push_str(" without a version"),
            }
        }
        if self.shape != other.shape {
            text.push_str(&format!(" where the types are `{}`", self.shape));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup() -> MethodDescription {
        MethodDescription {
            name: "lookup".into(),
            kind: MethodKind::Invoke,
            signature: "(&str) -> Vec<String>".into(),
            shape: "(str)->[str]".into(),
            version: None,
        }
    }

    fn sides(mine: &MethodDescription, leaders: &MethodDescription) -> (String, String) {
        match compare(mine, leaders) {
            Some(Error::InterfaceMismatch { leader, follower, .. }) => (leader, follower),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_difference_names_both_sides_and_what_differs() {
        assert_eq!(compare(&lookup(), &lookup()), None);

        let leaders = MethodDescription { version: Some("2".into()), ..lookup() };
        let (leader, follower) = sides(&lookup(), &leaders);
        assert_eq!(leader, "invoke `(&str) -> Vec<String>` in version `2`");
        assert_eq!(follower, "invoke `(&str) -> Vec<String>` without a version");

        let leaders = MethodDescription { shape: "(str)->[u8]".into(), ..lookup() };
        let (leader, follower) = sides(&lookup(), &leaders);
        assert_eq!(leader, "invoke `(&str) -> Vec<String>` where the types are `(str)->[u8]`");
        assert_eq!(follower, "invoke `(&str) -> Vec<String>` where the types are `(str)->[str]`");

        let leaders = MethodDescription { kind: MethodKind::Subscribe, ..lookup() };
        assert_eq!(sides(&lookup(), &leaders).0, "subscribe `(&str) -> Vec<String>`");
    }

    #[test]
    fn what_a_later_version_adds_leaves_the_other_methods_readable() {
        let json = serde_json::to_string(&lookup()).unwrap();
        assert_eq!(serde_json::from_str::<MethodDescription>(&json).unwrap(), lookup());

        let later = json.replace("\"invoke\"", "\"stream\",\"more\":1");
        let later = serde_json::from_str::<MethodDescription>(&later).unwrap();
        assert_eq!(later.kind, MethodKind::Other);
        assert!(compare(&lookup(), &later).is_some());
    }
}
