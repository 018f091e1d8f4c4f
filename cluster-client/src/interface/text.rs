//! A traced type as a text: `Tree{value:u64,children:[@Tree]}`.

use std::collections::HashMap;

use super::trace::{Body, Content, Node, Trace, Type};

/// A named type is written out where it comes first, and as `@name` from then on.
pub(super) struct Text<'a> {
    trace: &'a Trace,
    out: String,
    /// By the index of the type.
    labels: HashMap<usize, String>,
    /// How many types written so far have this name: strangers, or instances of one generic type.
    names: HashMap<&'static str, usize>,
}

impl<'a> Text<'a> {
    pub(super) fn of(trace: &'a Trace, root: &Node) -> String {
        let mut text =
            Self { trace, out: String::new(), labels: HashMap::new(), names: HashMap::new() };
        text.node(root);
        text.out
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Hidden => self.out.push('?'),
            Node::Leaf(name) => self.out.push_str(name),
            Node::Option(inner) => {
                self.out.push_str("option ");
                self.node(inner);
            }
            Node::Seq(inner) => self.within('[', ']', |text| text.node(inner)),
            Node::Map(key, value) => self.within('{', '}', |text| {
                text.node(key);
                text.out.push(':');
                text.node(value);
            }),
            Node::Tuple(nodes) => self.tuple(nodes),
            Node::Type(id) => self.named(*id),
        }
    }

    fn named(&mut self, id: usize) {
        if let Some(label) = self.labels.get(&id) {
            self.out.push('@');
            self.out.push_str(label);
            return;
        }
        let Type { name, body, .. } = &self.trace.types[id];
        let count = self.names.entry(name).or_default();
        *count += 1;
        let label = if *count == 1 { (*name).to_owned() } else { format!("{name}#{count}") };
        self.out.push_str(&label);
        self.labels.insert(id, label);

        match body {
            Body::Struct(content) => self.content(content.as_ref()),
            Body::Enum { variants, .. } => self.within('<', '>', |text| {
                text.separated('|', variants, |text, variant| {
                    text.out.push_str(variant.name);
                    text.content(variant.content.as_ref());
                });
            }),
        }
    }

    fn content(&mut self, content: Option<&Content>) {
        match content {
            None => self.out.push('?'),
            Some(Content::Unit) => {}
            Some(Content::Newtype(node)) => self.within('(', ')', |text| text.node(node)),
            Some(Content::Tuple(nodes)) => self.tuple(nodes),
            Some(Content::Struct(fields, nodes)) => self.within('{', '}', |text| {
                text.separated(',', fields.iter().zip(nodes), |text, (field, node)| {
                    text.out.push_str(field);
                    text.out.push(':');
                    text.node(node);
                });
            }),
        }
    }

    /// `(a,b,)`: the last comma tells one element from a newtype.
    fn tuple(&mut self, nodes: &[Node]) {
        self.within('(', ')', |text| {
            for node in nodes {
                text.node(node);
                text.out.push(',');
            }
        });
    }

    fn within(&mut self, open: char, close: char, inner: impl FnOnce(&mut Self)) {
        self.out.push(open);
        inner(self);
        self.out.push(close);
    }

    fn separated<T>(
        &mut self,
        separator: char,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.out.push(separator);
            }
            write(self, item);
        }
    }
}
