//! A leader and a follower of any service.

use cluster_client::__private::{Accept, Proxy};
use cluster_client::Error;

/// Two members on a free port: the one that leads, then the one that follows.
pub async fn members<S, T, Form>(real: fn() -> T) -> [S; 2]
where
    S: Accept<T, Form>,
    T: Send + 'static,
{
    let port = support::free_port();
    let start = || {
        let builder = Proxy::<S>::builder().port(port);
        builder.start(move |_| async move { Ok::<_, Error>(real()) })
    };
    let leader = start().await.expect("nobody else leads");
    [leader, start().await.expect("the leader is ready")]
}
