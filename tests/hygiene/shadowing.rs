//! Names of the user's that the generated code has too.

use std::sync::Arc;

use cluster_client::{CallContext, cluster_client};
use serde::{Deserialize, Serialize};

use crate::members::members;

/// Types named like those of the run time.
#[derive(Serialize, Deserialize)]
pub struct Method;
#[derive(Serialize, Deserialize)]
pub struct MethodInfo;
#[derive(Serialize, Deserialize)]
pub struct Proxy;
#[derive(Serialize, Deserialize)]
pub struct Error;
#[derive(Serialize, Deserialize)]
pub struct Service;

pub struct Registry;

/// A function named like a generated one.
#[allow(dead_code)]
fn clone_on_leader() {}
#[allow(dead_code)]
fn clone_on_client() {}

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn locals(
        &self,
        cx: CallContext,
        client: u8,
        call: &str,
        slot: u8,
        result: u8,
        error: u8,
        shape: u8,
        proxy: &[u8],
        args: u8,
    ) -> u8 {
        let _ = (cx, call, proxy);
        client + slot + result + error + shape + args
    }

    #[publish]
    pub async fn kept(&self, client: u8, call: &str, key: u8) {
        let _ = (client, call, key);
    }

    #[invoke]
    pub async fn types(&self, a: Method, b: MethodInfo, c: Proxy, d: Error) -> Service {
        let _ = (a, b, c, d);
        Service
    }

    /// Methods that `Arc` has as well.
    #[invoke]
    pub async fn clone(&self) -> u8 {
        7
    }

    #[invoke]
    pub async fn deref(&self) -> u8 {
        8
    }

    /// Methods named like functions of the run time.
    #[invoke]
    pub async fn invoke(&self, key: u8) -> u8 {
        key
    }

    #[invoke(oneway)]
    pub fn oneway(&self) {}

    #[close]
    pub async fn close(&self) {}
}

#[tokio::test]
async fn each_name_means_the_users_own() {
    for proxy in members::<RegistryProxy, _, _>(|| Registry).await.map(Arc::new) {
        assert_eq!(proxy.locals(1, "", 2, 4, 8, 16, &[], 32).await, Ok(63));
        assert!(proxy.types(Method, MethodInfo, Proxy, Error).await.is_ok());
        assert_eq!(RegistryProxy::clone(&proxy).await, Ok(7));
        assert_eq!(proxy.deref().await, Ok(8));
        assert_eq!(proxy.invoke(9).await, Ok(9));
        proxy.kept(1, "", 2).await.unwrap();
        proxy.oneway().unwrap();
        proxy.close().await;
    }
}
