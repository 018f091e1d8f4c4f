//! Generated code in surroundings that are not kind to it.

#![allow(
    clippy::expect_used,
    clippy::too_many_arguments,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "the modules are what users might write"
)]

pub extern crate cluster_client as renamed;

mod arguments;
mod cfg_methods;
pub mod lints;
mod members;
mod no_prelude;
mod own_proxy;
mod private_client;
mod raw_idents;
mod renamed_crate;
mod shadowing;
mod signatures;
mod trait_form;
