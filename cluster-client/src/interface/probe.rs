//! The deserializer that has no input: it notes what it is asked for, and answers with trial values.

use std::any::type_name;

use serde::de::value::{BorrowedStrDeserializer, Error as Rejected};
use serde::de::{self, DeserializeSeed, Error as _, Visitor};

use super::trace::{Content, Node, Trace, Visit};

/// Deserializes one value.
pub(super) struct Probe<'a> {
    trace: &'a mut Trace,
    node: &'a mut Node,
}

impl<'a> Probe<'a> {
    /// `node` becomes what the value consists of, also where no value can be made.
    pub(super) fn new(trace: &'a mut Trace, node: &'a mut Node) -> Self {
        Self { trace, node }
    }

    /// Visits the one type of which the value is.
    fn named<V>(
        self,
        name: &'static str,
        variants: &[&'static str],
        inner: impl FnOnce(&mut Trace, &Visit) -> Result<V, Rejected>,
    ) -> Result<V, Rejected> {
        let visit = self.trace.enter::<V>(name, variants);
        *self.node = Node::Type(visit.id);
        let result = inner(self.trace, &visit);
        self.trace.leave(&visit);
        result
    }
}

/// Trial values. They are what most types that check theirs accept: one is in range where zero may not
/// be, a text of one digit is a number too, and 16 bytes are an identifier.
const TEXT: &str = "1";
const BYTES: &[u8] = &[1; 16];

macro_rules! leaves {
    ($($method:ident: $name:literal, $visit:ident($($value:expr)?);)*) => {
        $(fn $method<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Rejected> {
            *self.node = Node::Leaf($name);
            visitor.$visit($($value)?)
        })*
    };
}

impl de::Deserializer<'static> for Probe<'_> {
    type Error = Rejected;

    fn is_human_readable(&self) -> bool {
        false
    }

    leaves! {
        deserialize_bool: "bool", visit_bool(true);
        deserialize_i8: "i8", visit_i8(1);
        deserialize_i16: "i16", visit_i16(1);
        deserialize_i32: "i32", visit_i32(1);
        deserialize_i64: "i64", visit_i64(1);
        deserialize_i128: "i128", visit_i128(1);
        deserialize_u8: "u8", visit_u8(1);
        deserialize_u16: "u16", visit_u16(1);
        deserialize_u32: "u32", visit_u32(1);
        deserialize_u64: "u64", visit_u64(1);
        deserialize_u128: "u128", visit_u128(1);
        deserialize_f32: "f32", visit_f32(1.0);
        deserialize_f64: "f64", visit_f64(1.0);
        deserialize_char: "char", visit_char('1');
        deserialize_str: "str", visit_borrowed_str(TEXT);
        deserialize_string: "str", visit_borrowed_str(TEXT);
        deserialize_identifier: "str", visit_borrowed_str(TEXT);
        deserialize_bytes: "bytes", visit_borrowed_bytes(BYTES);
        deserialize_byte_buf: "bytes", visit_borrowed_bytes(BYTES);
        deserialize_unit: "unit", visit_unit();
        deserialize_any: "any", visit_unit();
        deserialize_ignored_any: "any", visit_unit();
    }

    fn deserialize_option<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Rejected> {
        let mut inner = Node::Hidden;
        let result = if self.trace.is_cheap() {
            visitor.visit_none()
        } else {
            self.trace.deeper(|trace| visitor.visit_some(Probe::new(trace, &mut inner)))
        };
        *self.node = Node::Option(Box::new(inner));
        result
    }

    fn deserialize_seq<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Rejected> {
        let len = usize::from(!self.trace.is_cheap());
        let mut nodes = Vec::new();
        let result = visitor.visit_seq(Elements::new(self.trace, &mut nodes, len));
        let inner = nodes.pop().unwrap_or(Node::Hidden);
        *self.node = Node::Seq(Box::new(inner));
        result
    }

    fn deserialize_map<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Rejected> {
        let len = if self.trace.is_cheap() { 0 } else { 2 };
        let mut nodes = Vec::new();
        let result = visitor.visit_map(Elements::new(self.trace, &mut nodes, len));
        let mut nodes = nodes.into_iter();
        let mut next = || Box::new(nodes.next().unwrap_or(Node::Hidden));
        *self.node = Node::Map(next(), next());
        result
    }

    fn deserialize_tuple<V: Visitor<'static>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        let mut nodes = Vec::new();
        let result = visitor.visit_seq(Elements::new(self.trace, &mut nodes, len));
        *self.node = Node::Tuple(nodes);
        result
    }

    fn deserialize_unit_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        self.named(name, &[], |trace, visit| {
            trace.found(visit, Content::Unit, true);
            visitor.visit_unit()
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        self.named(name, &[], |trace, visit| {
            let mut node = Node::Hidden;
            let result =
                trace.deeper(|trace| visitor.visit_newtype_struct(Probe::new(trace, &mut node)));
            trace.found(visit, Content::Newtype(node), result.is_ok());
            result
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        self.named(name, &[], |trace, visit| {
            let mut nodes = Vec::new();
            let result = visitor.visit_seq(Elements::new(trace, &mut nodes, len));
            trace.found(visit, Content::Tuple(nodes), result.is_ok());
            result
        })
    }

    fn deserialize_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        self.named(name, &[], |trace, visit| {
            let mut nodes = Vec::new();
            let result = visitor.visit_seq(Elements::new(trace, &mut nodes, fields.len()));
            trace.found(visit, Content::of_struct(fields, nodes), result.is_ok());
            result
        })
    }

    fn deserialize_enum<V: Visitor<'static>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        if type_name::<V::Value>() == type_name::<crate::Error>() {
            // It is part of most users' errors, and gains variants without becoming another type.
            *self.node = Node::Leaf("cluster_client::Error");
            return visitor.visit_enum(OneVariant {
                trace: self.trace,
                variant: "Closed",
                content: &mut None,
            });
        }
        self.named(name, variants, |trace, visit| {
            let Some((chosen, variant)) = trace.begin_variant(visit) else {
                return Err(Rejected::custom("an enum without a finite variant"));
            };
            let mut content = None;
            let result = visitor.visit_enum(OneVariant {
                trace: &mut *trace,
                variant,
                content: &mut content,
            });
            trace.end_variant(visit, chosen, content, result.is_ok());
            result
        })
    }
}

/// So many elements, or keys and values in turn.
struct Elements<'a> {
    trace: &'a mut Trace,
    nodes: &'a mut Vec<Node>,
    left: usize,
}

impl<'a> Elements<'a> {
    fn new(trace: &'a mut Trace, nodes: &'a mut Vec<Node>, left: usize) -> Self {
        Self { trace, nodes, left }
    }

    fn next<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<Option<S::Value>, Rejected> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut node = Node::Hidden;
        let result = self.trace.deeper(|trace| seed.deserialize(Probe::new(trace, &mut node)));
        self.nodes.push(node);
        result.map(Some)
    }
}

impl de::SeqAccess<'static> for Elements<'_> {
    type Error = Rejected;

    fn next_element_seed<S: DeserializeSeed<'static>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Rejected> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl de::MapAccess<'static> for Elements<'_> {
    type Error = Rejected;

    fn next_key_seed<S: DeserializeSeed<'static>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Rejected> {
        self.next(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'static>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Rejected> {
        self.next(seed)?.ok_or_else(|| Rejected::custom("a value without a key"))
    }
}

/// An enum of which this variant is taken.
struct OneVariant<'a> {
    trace: &'a mut Trace,
    variant: &'static str,
    content: &'a mut Option<Content>,
}

impl de::EnumAccess<'static> for OneVariant<'_> {
    type Error = Rejected;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'static>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self), Rejected> {
        let name = seed.deserialize(BorrowedStrDeserializer::new(self.variant))?;
        Ok((name, self))
    }
}

impl de::VariantAccess<'static> for OneVariant<'_> {
    type Error = Rejected;

    fn unit_variant(self) -> Result<(), Rejected> {
        *self.content = Some(Content::Unit);
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'static>>(
        self,
        seed: S,
    ) -> Result<S::Value, Rejected> {
        let mut node = Node::Hidden;
        let result = self.trace.deeper(|trace| seed.deserialize(Probe::new(trace, &mut node)));
        *self.content = Some(Content::Newtype(node));
        result
    }

    fn tuple_variant<V: Visitor<'static>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        let mut nodes = Vec::new();
        let result = visitor.visit_seq(Elements::new(self.trace, &mut nodes, len));
        *self.content = Some(Content::Tuple(nodes));
        result
    }

    fn struct_variant<V: Visitor<'static>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejected> {
        let mut nodes = Vec::new();
        let result = visitor.visit_seq(Elements::new(self.trace, &mut nodes, fields.len()));
        *self.content = Some(Content::of_struct(fields, nodes));
        result
    }
}
