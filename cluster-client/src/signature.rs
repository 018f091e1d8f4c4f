//! The types of an annotated method, and what they must be able to do.
//!
//! The macros write one type for each method and implement [`Takes`], [`Returns`] or [`Delivers`], and [`Fails`] for it.
//! The bounds stand on the associated types, so the compiler checks them there, once and on the user's own
//! token; all other generated code takes the types from the method, in the wrappers [`Owned`], [`Borrowed`],
//! [`Success`] and [`Failed`].
//!
//! The traits of the bounds have no supertraits, and their blanket implementations are not recommended: so a
//! message is ours, about the user's type, and says what to write.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;
use crate::event::Subscribe;
use crate::serve::MethodError;

/// The `N`th argument that travels.
pub trait Takes<const N: usize> {
    /// As written, without the `&` of a borrowed one.
    type Type: ?Sized + Argument;
}

/// What an `#[invoke]` or `#[publish]` method returns.
pub trait Returns {
    /// The value.
    type Ok: Value + Send;
}

/// What a `#[subscribe]` method hands out.
pub trait Delivers {
    /// The events of the subscription.
    type Event: Subscribe;
}

/// What a method fails with; one that cannot fail, with [`Error`].
pub trait Fails {
    /// The error.
    type Err: Value + ErrorType + FromCluster + Send;
}

/// A type of arguments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a method that is called from other processes",
    label = "this cannot be sent",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it and for all that it contains",
    note = "an argument is owned (`T`) or borrowed at the outermost level (`&T`, `&[T]`, `&str`), and what it contains is owned"
)]
pub trait Argument: OwnedForm {
    /// As `Serialize` does.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
    /// As `Serialize` of the owned form does.
    fn serialize_owned<S: Serializer>(
        owned: &Self::Owned,
        serializer: S,
    ) -> Result<S::Ok, S::Error>;
    /// As `Deserialize` of the owned form does.
    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self::Owned, D::Error>;
}

#[diagnostic::do_not_recommend]
impl<T> Argument for T
where
    T: ?Sized + Serialize + OwnedForm<Owned: Serialize + DeserializeOwned + Send + 'static>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Serialize::serialize(self, serializer)
    }

    fn serialize_owned<S: Serializer>(
        owned: &Self::Owned,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Serialize::serialize(owned, serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self::Owned, D::Error> {
        Deserialize::deserialize(deserializer)
    }
}

/// A type of results or errors.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned to other processes",
    label = "this cannot be sent",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it and for all that it contains; what it contains is owned"
)]
pub trait Value: Sized {
    /// As `Serialize` does.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
    /// As `Deserialize` does.
    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Value for T {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Serialize::serialize(self, serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(deserializer)
    }
}

/// A type of errors.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error type",
    label = "does not implement `std::error::Error`",
    note = "derive `thiserror::Error` for it, or return `cluster_client::Error`"
)]
pub trait ErrorType {
    /// As `Display` does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

#[diagnostic::do_not_recommend]
impl<E: std::error::Error> ErrorType for E {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A type of errors that says also what went wrong on the way to the leader.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold an error of the cluster itself",
    label = "does not implement `From<cluster_client::Error>`",
    note = "a call can fail on its way to the leader: add a variant `#[error(transparent)] Cluster(#[from] cluster_client::Error)` (as `thiserror` spells it), or return `cluster_client::Error`"
)]
pub trait FromCluster {
    /// As `From` does.
    fn from_cluster(error: Error) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: From<Error>> FromCluster for E {
    fn from_cluster(error: Error) -> Self {
        Self::from(error)
    }
}

/// The success and error type of a fallible method, however its user spells `Result`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is called `Result` and is none",
    label = "neither `std::result::Result` nor an alias of it",
    note = "a return type whose last word is `Result` is taken for a `std::result::Result`: write one, or give this type another name"
)]
pub trait Fallible {
    /// The success type.
    type Ok;
    /// The error type.
    type Err;
}

impl<T, E> Fallible for Result<T, E> {
    type Ok = T;
    type Err = E;
}

/// What a borrowed argument is decoded into.
pub trait OwnedForm {
    /// `T` for a sized type, else its usual owner.
    type Owned;
}

impl<T> OwnedForm for T {
    type Owned = T;
}

impl OwnedForm for str {
    type Owned = String;
}

impl<T> OwnedForm for [T] {
    type Owned = Vec<T>;
}

impl OwnedForm for std::path::Path {
    type Owned = std::path::PathBuf;
}

impl OwnedForm for std::ffi::CStr {
    type Owned = std::ffi::CString;
}

impl OwnedForm for std::ffi::OsStr {
    type Owned = std::ffi::OsString;
}

/// The `N`th argument of `M`, by value.
pub struct Owned<M: Takes<N>, const N: usize>(pub <M::Type as OwnedForm>::Owned);

/// The `N`th argument of `M`, borrowed.
pub struct Borrowed<'a, M: Takes<N>, const N: usize>(pub &'a M::Type);

/// The value that `M` returns.
pub struct Success<M: Returns>(pub M::Ok);

/// The error of `M`.
pub struct Failed<M: Fails>(pub M::Err);

/// The result of `M` on its way.
pub type Answer<M> = Result<Success<M>, Failed<M>>;

impl<M: Takes<N>, const N: usize> Serialize for Owned<M, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        M::Type::serialize_owned(&self.0, serializer)
    }
}

impl<'de, M: Takes<N>, const N: usize> Deserialize<'de> for Owned<M, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        M::Type::deserialize(deserializer).map(Self)
    }
}

impl<M: Takes<N>, const N: usize> Serialize for Borrowed<'_, M, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<M: Returns> Serialize for Success<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, M: Returns> Deserialize<'de> for Success<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        M::Ok::deserialize(deserializer).map(Self)
    }
}

impl<M: Fails> Serialize for Failed<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, M: Fails> Deserialize<'de> for Failed<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        M::Err::deserialize(deserializer).map(Self)
    }
}

impl<M: Fails> fmt::Display for Failed<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<M: Fails> MethodError for Failed<M> {
    fn type_name() -> &'static str {
        let path = std::any::type_name::<M::Err>();
        let path = path.split_once('<').map_or(path, |(path, _)| path);
        path.rsplit_once("::").map_or(path, |(_, name)| name)
    }
}

impl<M: Fails> From<Error> for Failed<M> {
    fn from(error: Error) -> Self {
        Self(M::Err::from_cluster(error))
    }
}
