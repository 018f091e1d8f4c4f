use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::text;

/// Only what serde makes of these types matters.
macro_rules! types {
    ($($(#[$attribute:meta])* $kind:ident $name:ident $body:tt)*) => {
        $(#[derive(Deserialize)] #[allow(dead_code)] $(#[$attribute])* $kind $name $body)*
    };
}

types! {
    struct Instance { id: String, ports: (u16, u16), tags: BTreeMap<String, Vec<u8>>, group: Option<char> }
    struct Tree { value: u64, children: Vec<Tree>, parent: Option<Box<Tree>> }
    enum Filter { All, Named(String), Between(u8, u8), Tagged { tag: char, exact: bool } }
    enum Expr { Add(Box<Expr>, Box<Expr>), Neg(Box<Expr>), Block(Vec<Statement>), Literal(i64) }
    enum Statement { If(Expr, Box<Statement>), Let { name: String, filter: Filter }, Return(Expr) }
    enum Endless { Once(Box<Endless>), Twice(Box<Endless>, Box<Endless>) }
    struct EndlessStruct { inner: Box<EndlessStruct> }
    enum Never {}
    struct Page { items: Vec<Filter>, other: Vec<Filter> }
    enum Late { Empty, Holds(Filter), Other }
    enum UserError { NotFound(String), Cluster(crate::Error) }
    struct Checked { before: u8, checked: Picky, after: u8 }
    struct Uses { before: u8, value: serde_json::Value, after: Filter }
    #[serde(untagged)] enum Untagged { Number(u8), Text(String) }
    #[serde(tag = "type")] enum Tagged { One { a: u8 } }
    struct Flat { a: u8, #[serde(flatten)] rest: BTreeMap<String, u8> }
}

#[derive(Deserialize)]
struct Meters(#[allow(dead_code)] f64);

#[derive(Deserialize)]
struct Pair(#[allow(dead_code)] u8, #[allow(dead_code)] u8);

#[derive(Deserialize)]
struct Marker;

#[derive(Deserialize)]
struct Generic<T> {
    #[allow(dead_code)]
    inner: T,
}

/// Takes no text that is not a date.
struct Picky;

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.contains('-') { Ok(Self) } else { Err(serde::de::Error::custom("no date")) }
    }
}

struct Panics;

impl<'de> Deserialize<'de> for Panics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        assert!(text.len() > 10, "a bug in the user's code");
        Ok(Self)
    }
}

#[test]
fn names_and_leaves_show_in_order() {
    assert_eq!(
        text::<Instance>(),
        "Instance{id:str,ports:(u16,u16,),tags:{str:[u8]},group:option char}"
    );
    assert_eq!(text::<(Meters, Pair, Marker)>(), "(Meters(f64),Pair(u8,u8,),Marker,)");
    assert_eq!(text::<(Duration, NonZeroU32)>(), "(Duration{secs:u64,nanos:u32},u32,)");
    assert_eq!(text::<[u8; 3]>(), "(u8,u8,u8,)");
}

#[test]
fn all_variants_of_an_enum_show_wherever_it_is() {
    let filter = "Filter<All|Named(str)|Between(u8,u8,)|Tagged{tag:char,exact:bool}>";
    assert_eq!(text::<Filter>(), filter);
    assert_eq!(text::<Page>(), format!("Page{{items:[{filter}],other:[@Filter]}}"));
    let nested = text::<Option<Result<Filter, Box<Filter>>>>();
    assert_eq!(nested, format!("option Result<Ok({filter})|Err(@Filter)>"));
    assert_eq!(text::<Late>(), format!("Late<Empty|Holds({filter})|Other>"));
    assert!(text::<IpAddr>().starts_with("IpAddr<V4("), "{}", text::<IpAddr>());
}

#[test]
fn recursion_ends_whichever_variant_comes_first() {
    assert_eq!(text::<Tree>(), "Tree{value:u64,children:[@Tree],parent:option @Tree}");
    assert_eq!(
        text::<Expr>(),
        "Expr<Add(@Expr,@Expr,)|Neg(@Expr)|Block([Statement<If(@Expr,@Statement,)|\
         Let{name:str,filter:Filter<All|Named(str)|Between(u8,u8,)|Tagged{tag:char,exact:bool}>}|\
         Return(@Expr)>])|Literal(i64)>"
    );
    assert_eq!(text::<Expr>(), text::<Box<Expr>>());
}

#[test]
fn types_without_a_value_end_too() {
    assert_eq!(text::<Endless>(), "Endless<Once(@Endless)|Twice(@Endless,)>");
    assert_eq!(text::<Never>(), "Never?");
    assert_eq!(text::<EndlessStruct>(), "EndlessStruct{inner:@EndlessStruct}");
}

#[test]
fn what_cannot_be_traced_hides_what_follows_and_no_more() {
    assert_eq!(text::<Checked>(), "Checked{before:u8,checked:str,after:?}");
    assert_eq!(
        text::<Uses>(),
        "Uses{before:u8,value:any,after:Filter<All|Named(str)|Between(u8,u8,)|Tagged{tag:char,exact:bool}>}"
    );
    assert_eq!(text::<Untagged>(), "any");
    assert_eq!(text::<Tagged>(), "any");
    assert_eq!(text::<Flat>(), "{str:any}");
    assert_eq!(text::<serde_json::Value>(), "any");
}

#[test]
fn a_panic_in_a_users_implementation_stays_there() {
    assert_eq!(text::<Panics>(), "str");
    assert_eq!(text::<Generic<Panics>>(), "Generic?");
}

#[test]
fn the_librarys_own_error_may_gain_variants() {
    assert_eq!(text::<UserError>(), "UserError<NotFound(str)|Cluster(cluster_client::Error)>");
    assert_eq!(text::<crate::Error>(), "cluster_client::Error");
}

#[test]
fn instances_of_a_generic_type_are_told_apart() {
    assert_eq!(
        text::<(Generic<u8>, Generic<Generic<u16>>, Generic<u8>)>(),
        "(Generic{inner:u8},Generic#2{inner:Generic#3{inner:u16}},@Generic,)"
    );
}

#[test]
fn a_type_that_is_too_large_ends_in_bounded_time() {
    type Four<T> = Box<(T, T, T, T)>;
    type Many<T> = Four<Four<Four<Four<Four<T>>>>>;
    assert!(text::<Many<Many<u8>>>().starts_with("((((((((((u8,u8,"));
}
