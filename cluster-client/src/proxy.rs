//! What generated proxies wrap: a member's handle, and the two that keep to one role.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::error::Error;
use crate::member::{Factory, Handle, Link, Member};
use crate::membership::{Membership, Role};
use crate::options::Builder;
use crate::runtime::supervisor;
use crate::service::{Accept, Bound, Served, Service};

/// The handle of a member, in whatever role. Cloning it shares the member.
pub struct Proxy<S> {
    handle: Arc<Handle>,
    _service: PhantomData<fn() -> S>,
}

/// A handle that is good for as long as this process leads.
///
/// A one-way call that it has taken on is delivered as any other is: by the next leader, if this one did not accept it.
pub struct LeaderProxy<S: Service> {
    handle: Arc<Handle>,
    link: Link,
    client: Arc<S::Client>,
}

/// A handle that is good for as long as this process follows the same leader.
///
/// A one-way call that it has taken on is delivered as any other is: by the next leader, if this one did not accept it.
pub struct FollowerProxy<S> {
    handle: Arc<Handle>,
    link: Link,
    _service: PhantomData<fn() -> S>,
}

/// What calls can be made through.
pub trait Target<S>: sealed::Sealed + Send + Sync {}

pub(crate) mod sealed {
    use super::{Arc, Handle, Link};

    pub trait Sealed {
        /// The member.
        fn handle(&self) -> &Arc<Handle>;
        /// The only link that calls may take.
        fn pinned(&self) -> Option<&Link>;
    }
}

impl<S: Service> Proxy<S> {
    /// The options of a new member.
    pub fn builder() -> Builder<S> {
        Builder::new(S::CHANNEL)
    }

    /// The member behind this proxy.
    pub fn membership(&self) -> &Membership {
        &self.handle.membership
    }

    /// A proxy for the time that this process leads; `None` if it does not.
    pub fn as_leader(&self) -> Option<LeaderProxy<S>> {
        let link = self.handle.member.link();
        let Link::Leading(leadership) = &link else { return None };
        if self.membership().role() != Role::Leader {
            return None;
        }
        let client = typed::<S>(&*leadership.client()?)?;
        Some(LeaderProxy { handle: Arc::clone(&self.handle), link, client })
    }

    /// A proxy for the time that this process follows its present leader; `None` if it follows none.
    pub fn as_follower(&self) -> Option<FollowerProxy<S>> {
        let link = self.handle.member.link();
        let follows = matches!(link, Link::Leading(_) | Link::Following(_));
        (follows && self.membership().role() == Role::Follower).then(|| FollowerProxy {
            handle: Arc::clone(&self.handle),
            link,
            _service: PhantomData,
        })
    }
}

impl<S: Service> LeaderProxy<S> {
    /// The real client. It may be closed already.
    pub fn client(&self) -> &S::Client {
        &self.client
    }
}

pub(crate) fn typed<S: Service>(client: &dyn Served) -> Option<Arc<S::Client>> {
    client.as_any().downcast_ref::<Bound<S>>().map(|bound| Arc::clone(&bound.client))
}

impl<S: Service> Builder<S> {
    /// Joins the cluster and waits until this member is ready: as the leader, once `factory` has built the real
    /// client; as a follower, once it is registered with a leader that is ready. At most `max_wait_time`.
    ///
    /// `factory` runs only where and whenever this process becomes the leader, so it may run several times in one
    /// process, or never. It is given a [`LeaderContext`](crate::LeaderContext) with the epoch of the leadership. Note
    /// that `?` inside of the closure needs its error type spelled out (`Ok::<_, MyError>(client)`), and that an
    /// `async move |cx|` closure that moves a captured value away can run only once, which is not enough: clone it
    /// inside.
    ///
    /// If it fails in a member that has started already, all members' calls that wait fail with [`Error::RealClient`].
    /// The leader tries again when somebody calls or joins, at least 100 ms after the last try, which the call waits
    /// for; and unasked after random pauses that grow to at most 5 s.
    ///
    /// # Errors
    ///
    /// Each of these says what stood in the way: [`Error::InvalidOption`], [`Error::Bind`], [`Error::PortOccupied`],
    /// [`Error::NoLeader`], [`Error::ForeignPort`], [`Error::HandshakeTimeout`], [`Error::ChannelNotServed`],
    /// [`Error::Refused`], and [`Error::RealClient`] with the factory's error. The member is gone then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future makes the member leave again, in the background.
    ///
    /// # Panics
    ///
    /// If it is called outside of a tokio runtime.
    pub async fn start<F, Fut, T, E, Form>(self, factory: F) -> Result<S, Error>
    where
        S: Accept<T, Form>,
        F: Fn(crate::LeaderContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let member = Member::new::<S>(self.resolve()?)?;
        let handle = Handle::new(Arc::clone(&member));
        let factory = Arc::new(factory);
        let factory: Factory = Arc::new(move |context| {
            let factory = Arc::clone(&factory);
            // Called within the future: there it may panic, or call its own proxy, and be told.
            Box::pin(async move {
                match factory(context).await {
                    Ok(client) => {
                        Ok(Arc::new(Bound::<S> { client: S::accept(client) }) as Arc<dyn Served>)
                    }
                    Err(error) => Err(with_causes(&*error.into())),
                }
            })
        });
        supervisor::start(&member, factory).await?;
        Ok(S::from_proxy(Proxy { handle, _service: PhantomData }))
    }
}

/// An error and what caused it, in one line: it is sent to all members.
fn with_causes(error: &(dyn std::error::Error + Send + Sync)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Many errors say their cause themselves.
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

impl<S> sealed::Sealed for Proxy<S> {
    fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    fn pinned(&self) -> Option<&Link> {
        None
    }
}

impl<S: Service> sealed::Sealed for LeaderProxy<S> {
    fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    fn pinned(&self) -> Option<&Link> {
        Some(&self.link)
    }
}

impl<S> sealed::Sealed for FollowerProxy<S> {
    fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    fn pinned(&self) -> Option<&Link> {
        Some(&self.link)
    }
}

impl<S: Service> Target<S> for Proxy<S> {}
impl<S: Service> Target<S> for LeaderProxy<S> {}
impl<S: Service> Target<S> for FollowerProxy<S> {}

impl<S> Clone for Proxy<S> {
    fn clone(&self) -> Self {
        Self { handle: Arc::clone(&self.handle), _service: PhantomData }
    }
}

impl<S: Service> Clone for LeaderProxy<S> {
    fn clone(&self) -> Self {
        let (handle, client) = (Arc::clone(&self.handle), Arc::clone(&self.client));
        Self { handle, link: self.link.clone(), client }
    }
}

impl<S> Clone for FollowerProxy<S> {
    fn clone(&self) -> Self {
        Self { handle: Arc::clone(&self.handle), link: self.link.clone(), _service: PhantomData }
    }
}

impl<S> fmt::Debug for Proxy<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.membership.fmt(f)
    }
}

impl<S: Service> fmt::Debug for LeaderProxy<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.membership.fmt(f)
    }
}

impl<S> fmt::Debug for FollowerProxy<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.membership.fmt(f)
    }
}
