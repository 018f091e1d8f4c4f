//! A plain object of JavaScript.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use super::Value;

/// The properties of a JavaScript object, in JavaScript's order: keys that are array indices (`"0"` to
/// `"4294967294"`) first, ascending, then the others as they were given.
///
/// Made of an iterator of entries. As in JavaScript, a key that comes again keeps its place and gets the last value.
///
/// ```
/// use cluster_protocol::Object;
///
/// let object = Object::from_iter([("b", 1.into()), ("10", 2.into()), ("9", 3.into()), ("b", 4.into())]);
/// assert_eq!(object.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["9", "10", "b"]);
/// assert_eq!(object.get("b"), Some(&4.into()));
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Object(Vec<(String, Value)>);

impl Object {
    /// For entries of which no two have the same key.
    pub(super) fn of_unique(mut entries: Vec<(String, Value)>) -> Self {
        // A stable sort: what is no index stays as it was.
        entries.sort_by_key(|(key, _)| array_index(key).map_or(u64::MAX, u64::from));
        Self(entries)
    }

    /// How many properties there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a property. Looks through all of them.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The properties in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

impl IntoIterator for Object {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Into<String>> FromIterator<(K, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        let mut places = HashMap::<String, usize>::new();
        let mut ordered = Vec::<(String, Value)>::new();
        for (key, value) in entries {
            let key = key.into();
            match places.entry(key.clone()) {
                Entry::Occupied(place) => ordered[*place.get()].1 = value,
                Entry::Vacant(place) => {
                    place.insert(ordered.len());
                    ordered.push((key, value));
                }
            }
        }
        Self::of_unique(ordered)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The number that a key is the canonical text of, up to 2^32 - 2.
fn array_index(key: &str) -> Option<u32> {
    if !key.bytes().all(|byte| byte.is_ascii_digit()) || (key.starts_with('0') && key != "0") {
        return None;
    }
    key.parse().ok().filter(|&index| index != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_javascript() {
        // The order of Object.keys in Node 20.
        let given = ["b", "01", "4294967295", "4294967294", "-1", "1.5", "2", "", "0", "a", "1e3"];
        let object = Object::from_iter(given.map(|key| (key, Value::Null)));
        let keys: Vec<_> = object.iter().map(|(key, _)| key).collect();
        assert_eq!(
            keys,
            ["0", "2", "4294967294", "b", "01", "4294967295", "-1", "1.5", "", "a", "1e3"]
        );
    }
}
