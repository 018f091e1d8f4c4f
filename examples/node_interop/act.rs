//! One act: a leader of one language, two followers of the other, and what is left when the leader is killed.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use showcase::{Screen, Tone, free_port, millis, plural};

use crate::cast::{Cast, Language, Member};
use crate::member::Order;
use crate::server::{Book, LIMITS, Server};

/// Published by one follower, and what all subscribe to.
const RATE: &str = "rate";
/// Published by the other.
const QUOTA: &str = "quota";
const FOLLOWERS: [usize; 2] = [1, 2];
/// The new leader's connection to the config center.
const SECOND: u64 = 2;

/// What an act comes down to.
pub struct Outcome {
    pub processes: usize,
    /// From the kill until the last survivor got its first answer of the new leader.
    pub takeover: Duration,
    /// Subscriptions and publications of the survivors that work again.
    pub restored: usize,
    /// Those that do not.
    pub lost: usize,
}

pub async fn play(
    screen: &Screen,
    first: usize,
    leads: Language,
    follow: Language,
) -> Result<Outcome> {
    let (leader, follower) = (leads.name(), follow.name());
    let server = Server::start().await?;
    let port = free_port()?;
    let mut cast = Cast::new(first);

    screen.step(&format!("A {leader} process takes the port; two {follower} processes join it"));
    cast.join(leads, &server.address, port).await?;
    for _ in FOLLOWERS {
        cast.join(follow, &server.address, port).await?;
    }
    ensure!(cast.leader()? == 0, "the first one does not lead");
    screen.row("who         language", Tone::Plain, "role", "what it saw");
    cast.show(screen, |member| format!("pid {}", member.pid));
    let open = server.until("the leader is connected", |book| book.open > 0).await?.open;
    ensure!(open == 1, "{open} connections");
    screen.row("config center", Tone::Good, "1 connection", "for three processes");

    screen.step("Each gets a config that has a Buffer and a Date, and an undefined comment");
    cast.all_see(screen, &Order::Get { data_id: LIMITS.to_owned() }).await?;

    screen.step("A Date, a Buffer and undefined go to the leader and come back");
    cast.all_see(screen, &Order::Echo).await?;

    screen.step("Each asks for a config that is not there: an error with its code");
    cast.all_see(screen, &Order::Fail).await?;

    screen.step("Two subscribe, each follower publishes, and then the third subscribes too");
    subscribe_and_publish(&mut cast, &server).await?;
    cast.show(screen, |member| format!("{RATE} is {}", member.heard_as));

    screen.step(&format!("The {leader} leader is killed by SIGKILL while the others call"));
    let takeover = change_leader(&mut cast, screen).await?;

    screen.step("Publications are back by themselves, and so are subscriptions");
    let restored = restored(&mut cast, &server, screen).await?;
    let processes = cast.members.len();
    cast.finish().await?;
    let expected = 2 * FOLLOWERS.len();
    Ok(Outcome { processes, takeover, restored, lost: expected.saturating_sub(restored) })
}

async fn subscribe_and_publish(cast: &mut Cast, server: &Server) -> Result<()> {
    let [publisher, late] = FOLLOWERS;
    let subscribe = Order::Subscribe { data_id: RATE.to_owned() };
    cast.order(0, &subscribe).await?;
    cast.order(publisher, &subscribe).await?;
    for (who, data_id, content) in [(publisher, RATE, "7"), (late, QUOTA, "5")] {
        let (data_id, content) = (data_id.to_owned(), content.to_owned());
        cast.order(who, &Order::Publish { data_id, content }).await?;
    }
    cast.until("the subscribers hear of the publication", |cast| {
        cast.members[..2].iter().all(|member| member.hears("7"))
    })
    .await?;
    cast.order(late, &subscribe).await?;
    cast.until("the late subscriber has the value", |cast| cast.members[late].hears("7")).await?;
    server.until("both have published", |book| book.published.len() == 2).await.map(drop)
}

async fn change_leader(cast: &mut Cast, screen: &Screen) -> Result<Duration> {
    let leader = cast.members[0].pid;
    for who in FOLLOWERS {
        cast.order(who, &Order::Chase { leader }).await?;
    }
    cast.until("the followers call", |cast| FOLLOWERS.iter().all(|who| cast.members[*who].chases))
        .await?;
    let killed = cast.kill_leader()?;
    cast.until("the survivors are served again", |cast| {
        cast.survivors().all(|member| member.moved.is_some())
    })
    .await?;
    cast.leader()?;
    let after = |member: &Member| member.moved.map(|moved| moved.at.duration_since(killed));
    cast.show(screen, |member| match (member.moved, after(member)) {
        (Some(moved), Some(after)) => format!(
            "a call answered after {}; {} of {} failed",
            millis(after),
            moved.failed,
            plural(moved.calls, "call")
        ),
        _ => format!("pid {leader}"),
    });
    cast.survivors().filter_map(after).max().context("nobody is left")
}

/// Counts the survivors' publications that the server got again, and their subscriptions that bring a new value.
async fn restored(cast: &mut Cast, server: &Server, screen: &Screen) -> Result<usize> {
    let again = |book: &Book| {
        [RATE, QUOTA].iter().filter(|data_id| book.has_published(SECOND, data_id)).count()
    };
    let awaited = "the survivors' publications are back";
    let book = server.until(awaited, |book| again(book) == FOLLOWERS.len()).await?;
    ensure!(book.accepted == SECOND, "{} connections for two leaders", book.accepted);
    let publications = again(&book);
    let note = "by the new leader, on a connection of its own; nobody asked for it";
    screen.row("config center", Tone::Good, &format!("{publications} published"), note);

    let [publisher, _] = FOLLOWERS;
    let (data_id, content) = (RATE.to_owned(), "8".to_owned());
    cast.order(publisher, &Order::Publish { data_id, content }).await?;
    cast.until("the survivors hear of a new publication", |cast| {
        cast.survivors().all(|member| member.hears("8"))
    })
    .await?;
    cast.show(screen, |member| match (member.killed, member.resynced) {
        (true, _) => String::new(),
        (_, resynced) => {
            let resynced = if resynced { "Resynced, then " } else { "" };
            format!("{resynced}{RATE} is {}", member.heard_as)
        }
    });
    Ok(publications + cast.survivors().filter(|member| member.hears("8")).count())
}
