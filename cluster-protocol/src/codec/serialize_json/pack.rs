//! The text of a value: four lists, then the structure.

use super::error::Error;
use super::number::{parse_base36, push_base36, push_integer};
use super::{Object, Value};

/// Appends the text of `value`.
pub(super) fn pack(value: &Value, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut packer = Packer::default();
    packer.value(value)?;
    packer.write(out);
    Ok(())
}

#[derive(Default)]
struct Packer {
    strings: List,
    integers: List,
    floats: List,
    dates: List,
    tokens: Vec<Token>,
}

/// The items of one kind, with `|` between them.
#[derive(Default)]
struct List {
    text: Vec<u8>,
    len: usize,
}

enum Token {
    Open(u8),
    Close,
    Constant(&'static [u8]),
    String(usize),
    Integer(usize),
    Float(usize),
    Date(usize),
}

impl Packer {
    fn value(&mut self, value: &Value) -> Result<(), Error> {
        let token = match value {
            Value::Undefined => Token::Constant(b"-5"),
            Value::Null => Token::Constant(b"-3"),
            Value::Bool(false) => Token::Constant(b"-2"),
            Value::Bool(true) => Token::Constant(b"-1"),
            Value::Number(number) => self.number(*number)?,
            Value::String(text) => {
                self.string(text);
                return Ok(());
            }
            Value::Date(date) => {
                Token::Date(self.dates.push(|out| push_base36(date.as_millis() as f64, out)))
            }
            Value::Buffer(bytes) => {
                self.tokens.push(Token::Open(b'*'));
                for &byte in &bytes.0 {
                    let token = self.number(byte.into())?;
                    self.tokens.push(token);
                }
                Token::Close
            }
            Value::Error(error) => {
                self.tokens.push(Token::Open(b'#'));
                self.string("message");
                self.string(&error.message);
                self.string("stack");
                self.value(&error.stack.as_deref().map_or(Value::Undefined, Value::from))?;
                self.members(&error.enumerable())?;
                Token::Close
            }
            Value::Array(items) => {
                self.tokens.push(Token::Open(b'@'));
                for item in items {
                    self.value(item)?;
                }
                Token::Close
            }
            Value::Object(object) => {
                self.tokens.push(Token::Open(b'$'));
                self.members(object)?;
                Token::Close
            }
        };
        self.tokens.push(token);
        Ok(())
    }

    fn members(&mut self, object: &Object) -> Result<(), Error> {
        for (key, value) in object.iter() {
            self.string(key);
            self.value(value)?;
        }
        Ok(())
    }

    fn string(&mut self, text: &str) {
        let token = match text {
            "" => Token::Constant(b"-4"),
            _ => Token::String(self.strings.push(|out| push_escaped(text, out))),
        };
        self.tokens.push(token);
    }

    fn number(&mut self, number: f64) -> Result<Token, Error> {
        if number % 1.0 != 0.0 {
            return Ok(Token::Float(self.floats.push(|out| push_float(number, out))));
        }
        if reads_as_infinity(number) {
            return Err(Error::ReadAsInfinity(number));
        }
        Ok(Token::Integer(self.integers.push(|out| push_base36(number, out))))
    }

    fn write(self, out: &mut Vec<u8>) {
        let lists = [self.strings, self.integers, self.floats, self.dates];
        let mut first = [0; 4];
        let mut len = 0;
        for (first, list) in first.iter_mut().zip(lists) {
            out.extend_from_slice(&list.text);
            out.push(b'^');
            *first = len;
            len += list.len;
        }
        let mut opened = true;
        for token in self.tokens {
            if !opened && !matches!(token, Token::Close) {
                out.push(b'|');
            }
            opened = matches!(token, Token::Open(_));
            match token {
                Token::Open(kind) => out.push(kind),
                Token::Close => out.push(b']'),
                Token::Constant(token) => out.extend_from_slice(token),
                Token::String(index) => push_integer((first[0] + index) as u64, out),
                Token::Integer(index) => push_integer((first[1] + index) as u64, out),
                Token::Float(index) => push_integer((first[2] + index) as u64, out),
                Token::Date(index) => push_integer((first[3] + index) as u64, out),
            }
        }
    }
}

impl List {
    /// Gives its index.
    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        if self.len > 0 {
            self.text.push(b'|');
        }
        write(&mut self.text);
        self.len += 1;
        self.len - 1
    }
}

/// Node's rounding can lead beyond the largest double.
fn reads_as_infinity(number: f64) -> bool {
    if number.abs() < 1e308 {
        return false;
    }
    let mut text = Vec::new();
    push_base36(number, &mut text);
    let read = str::from_utf8(&text).ok().and_then(parse_base36);
    read.is_none_or(f64::is_infinite)
}

fn push_escaped(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b' ' => out.push(b'+'),
            b'+' => out.extend_from_slice(b"%2B"),
            b'|' => out.extend_from_slice(b"%7C"),
            b'^' => out.extend_from_slice(b"%5E"),
            b'%' => out.extend_from_slice(b"%25"),
            _ => out.push(byte),
        }
    }
}

fn push_float(number: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(ryu_js::Buffer::new().format(number).as_bytes());
}
