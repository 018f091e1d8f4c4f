//! What is written out, as text: `UPDATE_EXPECT=1 cargo test -p cluster-client-derive` writes the
//! snapshots anew.

use std::path::Path;
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::quote;

use crate::{annotate, derive_subscribe};

#[test]
fn calls() {
    let item = quote! {
        impl Registry {
            /// Where a service runs.
            #[invoke(idempotent, timeout = "5s")]
            pub async fn lookup(&self, service: &str) -> Result<Vec<String>, RegistryError> {
                self.ask(service).await
            }

            #[invoke]
            #[cfg(unix)]
            pub async fn count(&self, cx: CallContext, tags: &[String], deep: bool) -> usize {
                tags.len()
            }

            #[invoke(oneway)]
            pub async fn touch(&self, service: String) {}

            fn helper(&self) {}
        }
    };
    snapshot("calls", &annotate(TokenStream::new(), &item));
}

#[test]
fn subscriptions_and_publications() {
    let item = quote! {
        impl Registry {
            #[subscribe]
            pub async fn watch(&self, service: String) -> Result<Subscription<Instances>, RegistryError> {
                self.open(service).await
            }

            #[publish(key = "instance.id", undo = "deregister")]
            pub async fn register(&self, instance: Instance, weight: u8) -> Result<(), RegistryError> {
                Ok(())
            }

            #[invoke(name = "unregister", spawn, version = "2")]
            async fn deregister(&self, instance: Instance, weight: u8) -> Result<(), RegistryError> {
                Ok(())
            }

            #[close]
            pub async fn disconnect(&self) {}
        }
    };
    snapshot("subscriptions_and_publications", &annotate(TokenStream::new(), &item));
}

#[test]
fn trait_form() {
    let args = quote!(name = "directory", proxy = "Shared", rename_all = "camelCase");
    let item = quote! {
        #[async_trait]
        pub(crate) trait Directory: Send + Sync {
            #[invoke]
            async fn look_up(&self, service: &str) -> Result<Vec<String>, Error>;

            #[invoke(oneway)]
            async fn touch(&self, service: &str);

            #[invoke(oneway)]
            fn touch_now(&self, service: &str) -> Result<(), Error>;

            #[close]
            async fn leave(&self) -> Result<(), Error>;

            async fn first(&self) -> Result<Option<String>, Error> {
                Ok(None)
            }
        }
    };
    snapshot("trait_form", &annotate(args, &item));
}

#[test]
fn fallback() {
    let item = quote! {
        impl Registry {
            #[invoke]
            pub async fn lookup(&mut self) {}
        }
    };
    snapshot("fallback", &annotate(TokenStream::new(), &item));
}

#[test]
fn event() {
    let item = quote! {
        #[subscribe(delivery = "latest")]
        struct Price {
            #[subscribe(key)]
            symbol: String,
            cents: u64,
        }
    };
    snapshot("event", &derive_subscribe(item));
}

#[test]
fn a_renamed_crate_is_the_only_one_named() {
    let item = quote! {
        impl Registry {
            #[publish]
            async fn register(&self, instance: &str) {}
            #[subscribe]
            async fn watch(&self) -> Subscription<Event> {}
        }
    };
    let event = quote! {
        #[subscribe(crate = "::renamed")]
        struct Event(#[subscribe(key)] u64);
    };
    let annotated = annotate(quote!(crate = "::renamed"), &item);
    for expanded in [annotated, derive_subscribe(event)] {
        let text = expanded.to_string();
        assert!(text.contains("renamed"), "{text}");
        assert!(!text.contains("cluster_client"), "{text}");
    }
}

fn snapshot(name: &str, expanded: &TokenStream) {
    let file = syn::parse2(expanded.clone()).expect("what is written out is items");
    let actual = prettyplease::unparse(&file);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/snapshots/{name}.expanded"));
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &actual).expect("the snapshots are writable");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        actual == expected,
        "{name} is written out differently now; if that is right, run again with UPDATE_EXPECT=1\n\n\
         {actual}"
    );
}
