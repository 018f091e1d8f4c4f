//! What the macros accept and refuse. A file's name is the rule it is about.
//!
//! `TRYBUILD=overwrite cargo test -p cluster-client-tests --test macros` writes the messages anew:
//! read them.

#[test]
fn accepted() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

#[test]
fn refused() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}
