//! The types of a method as a text that is equal where the bytes are.

use serde::de::DeserializeOwned;

use super::trace;
use crate::signature::{Delivers, Failed, Fails, Returns, Success};

/// Collects what serde shows of a method's types: the names of structs, fields and variants in their
/// order, down to the numbers and texts.
///
/// It is read off trial deserializations, so it shows what `Deserialize` asks for and not what it does
/// with it: hand-written implementations can mean different things by the same shape. `any` stands for
/// what only a self-describing format could show (untagged and internally tagged enums, flattened
/// structs), `?` for what comes after a value that none could be made of in the same struct or tuple (one
/// that is parsed out of a text, say).
#[derive(Debug, Default)]
pub struct Shape {
    arguments: Vec<String>,
    result: String,
}

/// A longer text is replaced by its digest.
const MAX_TEXT: usize = 512;

impl Shape {
    /// Adds an argument, in its decoded form.
    #[must_use]
    pub fn argument<T: DeserializeOwned>(mut self) -> Self {
        self.arguments.push(trace::text::<T>());
        self
    }

    /// The result of a method that cannot fail.
    #[must_use]
    pub fn value<M: Returns>(mut self) -> Self {
        self.result = format!("->{}", trace::text::<Success<M>>());
        self
    }

    /// The result of a method that can fail.
    #[must_use]
    pub fn result<M: Returns + Fails>(mut self) -> Self {
        self.result = format!("->{}!{}", trace::text::<Success<M>>(), trace::text::<Failed<M>>());
        self
    }

    /// The events of a method that subscribes, and what it can fail with.
    #[must_use]
    pub fn events<M: Delivers + Fails>(mut self) -> Self {
        self.result = format!("->*{}!{}", trace::text::<M::Event>(), trace::text::<Failed<M>>());
        self
    }

    /// The text to compare, or its digest if it is long.
    #[must_use]
    pub fn finish(self) -> String {
        let text = format!("({}){}", self.arguments.join(","), self.result);
        if text.len() > MAX_TEXT {
            format!("fnv1a-64:{:016x}", fnv1a(text.as_bytes()))
        } else {
            text
        }
    }
}

/// The 64-bit FNV-1a digest: the same in every build, unlike that of the standard library's hasher.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |digest, byte| {
        (digest ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    struct Method;

    impl Returns for Method {
        type Ok = Option<char>;
    }

    impl Fails for Method {
        type Err = Error;
    }

    #[test]
    fn a_method_reads_as_arguments_and_result() {
        assert_eq!(Shape::default().finish(), "()");
        let shape = Shape::default().argument::<String>().argument::<Vec<u8>>().value::<Method>();
        assert_eq!(shape.finish(), "(str,[u8])->option char");
        let shape = Shape::default().argument::<()>().result::<Method>();
        assert_eq!(shape.finish(), "(unit)->option char!cluster_client::Error");
    }

    #[test]
    fn a_long_text_is_replaced_by_its_digest() {
        let long = || (0..200).fold(Shape::default(), |shape, _| shape.argument::<u64>());
        assert_eq!(long().finish(), long().finish());
        assert_ne!(long().finish(), long().argument::<u64>().finish());
        assert!(long().finish().starts_with("fnv1a-64:"));
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
