//! What a type consists of, learned by deserializing it from nothing.
//!
//! One pass (see [`probe`](super::probe)) makes one value of the type, out of trial values, and so can take
//! one variant of each enum. Passes are repeated while they show something new. Recursion ends as follows:
//! the first visit of a type in a pass is thorough; any further one, and all within it, only wants some
//! value at little cost, so it leaves options and lists empty and takes the variant of an enum that first
//! turned out to be finite. Whatever a `Deserialize` implementation does, the number of steps and their
//! depth are bounded, and what was seen until then is the answer.

use std::any::type_name;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::value::Error as Rejected;
use serde::de::{DeserializeOwned, Error as _};

use super::probe::Probe;
use super::text::Text;

/// Steps until a type counts as too large to be seen whole.
const MAX_STEPS: usize = 100_000;
/// Levels within each other, as in serde_json far below what the stack of a thread holds.
const MAX_DEPTH: usize = 64;

/// What `T` consists of, as a text: the same in every build.
pub(super) fn text<T: DeserializeOwned>() -> String {
    let mut trace = Trace::default();
    let mut root = Node::Hidden;
    loop {
        trace.news = false;
        trace.pass += 1;
        let mut node = Node::Hidden;
        let probe = Probe::new(&mut trace, &mut node);
        let made = catch_unwind(AssertUnwindSafe(|| T::deserialize(probe).is_ok()));
        if matches!(root, Node::Hidden) || matches!(made, Ok(true)) {
            root = node;
        }
        if made.is_err() || !trace.news {
            return Text::of(&trace, &root);
        }
    }
}

/// A place where a value is deserialized.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Hidden,
    Leaf(&'static str),
    Option(Box<Node>),
    Seq(Box<Node>),
    Map(Box<Node>, Box<Node>),
    Tuple(Vec<Node>),
    /// An index in [`Trace::types`].
    Type(usize),
}

/// What a struct or a variant holds.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Unit,
    Newtype(Node),
    Tuple(Vec<Node>),
    Struct(&'static [&'static str], Vec<Node>),
}

#[derive(Debug)]
pub(super) struct Type {
    pub(super) name: &'static str,
    pub(super) body: Body,
    /// The last pass that visited it thoroughly.
    pass: usize,
}

#[derive(Debug)]
pub(super) enum Body {
    Struct(Option<Content>),
    Enum { variants: Vec<Variant>, finite: Option<usize> },
}

#[derive(Debug)]
pub(super) struct Variant {
    pub(super) name: &'static str,
    pub(super) content: Option<Content>,
    /// A value of it was made.
    finite: bool,
    /// A value of it is being made.
    active: bool,
}

#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Only grows, so that an index of it stays one.
    pub(super) types: Vec<Type>,
    /// By the name that Rust has for the type and the one that serde has.
    index: HashMap<(&'static str, &'static str), usize>,
    pass: usize,
    /// Whether the pass showed something that no pass before it had.
    news: bool,
    /// Whether only some value is wanted.
    cheap: bool,
    depth: usize,
    steps: usize,
}

/// One visit of a type, to be given back to [`Trace::leave`].
pub(super) struct Visit {
    pub(super) id: usize,
    cheap_before: bool,
}

impl Trace {
    pub(super) fn is_cheap(&self) -> bool {
        self.cheap
    }

    /// Runs one step, within the bounds.
    pub(super) fn deeper<T>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, Rejected>,
    ) -> Result<T, Rejected> {
        if self.steps == MAX_STEPS || self.depth == MAX_DEPTH {
            return Err(Rejected::custom("too large, or recursive without end"));
        }
        self.steps += 1;
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }

    /// Begins to visit a struct, or an enum with these variants. `V` is its type in Rust.
    pub(super) fn enter<V>(&mut self, name: &'static str, variants: &[&'static str]) -> Visit {
        let next = self.types.len();
        let id = *self.index.entry((type_name::<V>(), name)).or_insert(next);
        if id == next {
            self.types.push(Type::new(name, variants));
        }
        let cheap_before = self.cheap;
        self.cheap |= self.types[id].pass == self.pass;
        if !self.cheap {
            self.types[id].pass = self.pass;
        }
        Visit { id, cheap_before }
    }

    /// Ends the visit of a type.
    pub(super) fn leave(&mut self, visit: &Visit) {
        self.cheap = visit.cheap_before;
    }

    /// What a struct turned out to hold.
    pub(super) fn found(&mut self, visit: &Visit, found: Content, made: bool) {
        if self.cheap {
            return;
        }
        if let Body::Struct(content) = &mut self.types[visit.id].body
            && (content.is_none() || made)
        {
            *content = Some(found);
        }
    }

    /// The variant to make a value of, if there is one that does not contain itself.
    pub(super) fn begin_variant(&mut self, visit: &Visit) -> Option<(usize, &'static str)> {
        let chosen = self.choose(visit.id)?;
        let variant = self.types[visit.id].variant(chosen)?;
        variant.active = true;
        Some((chosen, variant.name))
    }

    /// What a variant turned out to hold.
    pub(super) fn end_variant(
        &mut self,
        visit: &Visit,
        chosen: usize,
        found: Option<Content>,
        made: bool,
    ) {
        let (cheap, type_) = (self.cheap, &mut self.types[visit.id]);
        if let Some(variant) = type_.variant(chosen) {
            variant.active = false;
            variant.finite |= made;
            if !cheap && (variant.content.is_none() || made) {
                self.news |= variant.content.is_none();
                variant.content = found.or(Some(Content::Tuple(vec![Node::Hidden])));
            }
        }
        if let Body::Enum { finite, .. } = &mut type_.body
            && made
        {
            finite.get_or_insert(chosen);
        }
    }

    /// Thoroughly: a variant that is new, or else has something new in it. Cheaply: one that is known to end.
    fn choose(&self, id: usize) -> Option<usize> {
        let Body::Enum { variants, finite } = &self.types[id].body else {
            return None;
        };
        let idle = |accept: &dyn Fn(&Variant) -> bool| {
            variants.iter().position(|variant| !variant.active && accept(variant))
        };
        let unseen = || idle(&|variant| variant.content.is_none());
        if self.cheap {
            return finite.or_else(unseen).or_else(|| idle(&|_| true));
        }
        let leads_on = |variant: &Variant| {
            variant.finite
                && variant
                    .content
                    .as_ref()
                    .is_some_and(|content| self.has_unseen(content, &mut vec![id]))
        };
        unseen().or_else(|| idle(&leads_on)).or(*finite).or_else(|| idle(&|_| true))
    }

    /// Whether there is a variant below here that no pass has taken.
    fn has_unseen(&self, content: &Content, visited: &mut Vec<usize>) -> bool {
        content.nodes().iter().any(|node| self.node_has_unseen(node, visited))
    }

    fn node_has_unseen(&self, node: &Node, visited: &mut Vec<usize>) -> bool {
        match node {
            Node::Hidden | Node::Leaf(_) => false,
            Node::Option(inner) | Node::Seq(inner) => self.node_has_unseen(inner, visited),
            Node::Map(key, value) => {
                self.node_has_unseen(key, visited) || self.node_has_unseen(value, visited)
            }
            Node::Tuple(nodes) => nodes.iter().any(|node| self.node_has_unseen(node, visited)),
            Node::Type(id) if visited.contains(id) => false,
            Node::Type(id) => {
                visited.push(*id);
                match &self.types[*id].body {
                    Body::Struct(content) => {
                        content.iter().any(|content| self.has_unseen(content, visited))
                    }
                    Body::Enum { variants, .. } => {
                        variants.iter().any(|variant| match &variant.content {
                            None => true,
                            Some(content) => self.has_unseen(content, visited),
                        })
                    }
                }
            }
        }
    }
}

impl Type {
    fn new(name: &'static str, variants: &[&'static str]) -> Self {
        let body = if variants.is_empty() {
            Body::Struct(None)
        } else {
            let unseen =
                |name: &&'static str| Variant { name, content: None, finite: false, active: false };
            Body::Enum { variants: variants.iter().map(unseen).collect(), finite: None }
        };
        Self { name, body, pass: 0 }
    }

    fn variant(&mut self, index: usize) -> Option<&mut Variant> {
        match &mut self.body {
            Body::Enum { variants, .. } => variants.get_mut(index),
            Body::Struct(_) => None,
        }
    }
}

impl Content {
    /// Fields that were not reached are hidden.
    pub(super) fn of_struct(fields: &'static [&'static str], mut nodes: Vec<Node>) -> Self {
        nodes.resize(fields.len(), Node::Hidden);
        Self::Struct(fields, nodes)
    }

    fn nodes(&self) -> &[Node] {
        match self {
            Self::Unit => &[],
            Self::Newtype(node) => std::slice::from_ref(node),
            Self::Tuple(nodes) | Self::Struct(_, nodes) => nodes,
        }
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
