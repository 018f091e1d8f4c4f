//! The text of a value, read token by token in place.

use std::borrow::Cow;
use std::mem;

use super::error::Error;
use super::number::{parse_base36, parse_float};
use super::{Date, MAX_DEPTH};

/// Where each item of the lists begins, and where in the structure we are.
pub(super) struct Reader<'de> {
    text: &'de str,
    /// By index; [`USED`] once it was read.
    starts: Vec<usize>,
    /// The first index after the strings, the integers, the floats and the dates.
    ends: [usize; 4],
    at: usize,
    depth: usize,
}

/// An encoder writes each item for one place. Were it more, a few bytes could stand for any amount of memory.
const USED: usize = usize::MAX;

/// What a value begins with.
pub(super) enum Head<'de> {
    Array,
    Object,
    Buffer,
    Error,
    Undefined,
    Null,
    Bool(bool),
    String(Cow<'de, str>),
    Integer(f64),
    Float(f64),
    Date(i64),
}

impl<'de> Reader<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Result<Self, Error> {
        let text = str::from_utf8(bytes)?;
        let (mut starts, mut ends, mut at) = (Vec::new(), [0; 4], 0);
        for (found, end) in ends.iter_mut().enumerate() {
            // `at` is 0 or follows a '^'.
            let Some((list, _)) = text[at..].split_once('^') else {
                return Err(Error::Parts { found: found + 1 });
            };
            if !list.is_empty() {
                starts.push(at);
                starts.extend(list.match_indices('|').map(|(bar, _)| at + bar + 1));
            }
            *end = starts.len();
            at += list.len() + 1;
        }
        Ok(Self { text, starts, ends, at, depth: 0 })
    }

    /// What comes next. A container is to be read by [`Reader::container`].
    pub(super) fn head(&mut self) -> Result<Head<'de>, Error> {
        let container = match self.text.as_bytes().get(self.at) {
            Some(b'@') => Head::Array,
            Some(b'$') => Head::Object,
            Some(b'*') => Head::Buffer,
            Some(b'#') => Head::Error,
            _ => return self.scalar(),
        };
        self.at += 1;
        Ok(container)
    }

    /// Reads what is in a container whose head was read, and its end.
    pub(super) fn container<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        self.take(b']', "the end of a container")?;
        Ok(value)
    }

    /// Whether the container has one more item; if so, it is the next thing to read.
    pub(super) fn next_item(&mut self, first: &mut bool) -> Result<bool, Error> {
        if self.text.as_bytes().get(self.at) == Some(&b']') {
            return Ok(false);
        }
        if !mem::take(first) {
            self.separator()?;
        }
        Ok(true)
    }

    /// Reads what is between two items.
    pub(super) fn separator(&mut self) -> Result<(), Error> {
        self.take(b'|', "'|' or the end of a container")
    }

    pub(super) fn key(&mut self) -> Result<Cow<'de, str>, Error> {
        let at = self.at;
        match self.head()? {
            Head::String(key) => Ok(key),
            _ => Err(self.unexpected(at, "a string as key")),
        }
    }

    /// Reads `undefined` if it comes next.
    pub(super) fn undefined(&mut self) -> bool {
        self.constant("-5")
    }

    /// Reads `undefined` or `null` if it comes next.
    pub(super) fn nothing(&mut self) -> bool {
        self.constant("-5") || self.constant("-3")
    }

    pub(super) fn end(&self) -> Result<(), Error> {
        if self.at < self.text.len() {
            return Err(self.unexpected(self.at, "the end"));
        }
        Ok(())
    }

    fn scalar(&mut self) -> Result<Head<'de>, Error> {
        let token = self.token();
        if token.is_empty() {
            return Err(self.unexpected(self.at, "a value"));
        }
        self.at += token.len();
        Ok(match token {
            "-1" => Head::Bool(true),
            "-2" => Head::Bool(false),
            "-3" => Head::Null,
            "-4" => Head::String(Cow::Borrowed("")),
            "-5" => Head::Undefined,
            _ => return self.item(token),
        })
    }

    fn item(&mut self, token: &str) -> Result<Head<'de>, Error> {
        let index = match usize::from_str_radix(token, 36) {
            Ok(index) if !token.starts_with('+') => index,
            _ => return Err(Error::Index(token.to_owned())),
        };
        let len = self.starts.len();
        let start = self.starts.get_mut(index).ok_or(Error::IndexOutOfRange { index, len })?;
        let start = mem::replace(start, USED);
        // `USED` is beyond any text.
        let rest = self.text.get(start..).ok_or(Error::UsedTwice(index))?;
        let item = rest.split(['|', '^']).next().unwrap_or(rest);

        let [strings, integers, floats, _] = self.ends;
        if index < strings {
            Ok(Head::String(unescape(item)))
        } else if index < integers {
            let number = parse_base36(item).ok_or_else(|| Error::Integer(item.to_owned()))?;
            Ok(Head::Integer(number))
        } else if index < floats {
            let number = parse_float(item).ok_or_else(|| Error::Float(item.to_owned()))?;
            Ok(Head::Float(number))
        } else {
            // A number that is too large stays so as an i64.
            let date = parse_base36(item).and_then(|ms| Date::from_millis(ms as i64).ok());
            let date = date.ok_or_else(|| Error::Date(item.to_owned()))?;
            Ok(Head::Date(date.as_millis()))
        }
    }

    fn constant(&mut self, constant: &str) -> bool {
        let found = self.token() == constant;
        if found {
            self.at += constant.len();
        }
        found
    }

    /// What stands before the next character that has a meaning of its own.
    fn token(&self) -> &'de str {
        // `at` is after such a character or token.
        let rest = &self.text[self.at..];
        let len = rest.find(['|', ']', '$', '@', '*', '#']).unwrap_or(rest.len());
        &rest[..len]
    }

    fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), Error> {
        if self.text.as_bytes().get(self.at) != Some(&byte) {
            return Err(self.unexpected(self.at, expected));
        }
        self.at += 1;
        Ok(())
    }

    fn unexpected(&self, at: usize, expected: &'static str) -> Error {
        let found = self.text.get(at..).and_then(|rest| rest.chars().next());
        Error::Unexpected { at, found, expected }
    }
}

/// Borrows what has no escape. What looks like one and is none stays as it is.
fn unescape(item: &str) -> Cow<'_, str> {
    const ESCAPES: [(&str, char); 5] =
        [("+", ' '), ("%2B", '+'), ("%7C", '|'), ("%5E", '^'), ("%25", '%')];
    let is_escape = |c| matches!(c, '+' | '%');
    let Some(first) = item.find(is_escape) else {
        return Cow::Borrowed(item);
    };
    let (plain, mut rest) = item.split_at(first);
    let mut text = String::with_capacity(item.len());
    text.push_str(plain);
    // `rest` begins with '+' or '%', which are one byte long.
    while !rest.is_empty() {
        let escape = ESCAPES.iter().find(|(escape, _)| rest.starts_with(escape));
        let (len, character) = escape.map_or((1, '%'), |(escape, c)| (escape.len(), *c));
        text.push(character);
        rest = &rest[len..];
        let next = rest.find(is_escape).unwrap_or(rest.len());
        text.push_str(&rest[..next]);
        rest = &rest[next..];
    }
    Cow::Owned(text)
}
