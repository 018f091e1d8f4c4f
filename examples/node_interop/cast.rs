//! The three processes of an act, as the example knows them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use showcase::{Children, Screen, Tone};

use crate::member::{Order, Report};
use crate::node;

/// How long one thing may take that the example waits for.
const PATIENCE: Duration = Duration::from_secs(8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Rust,
    Node,
}

pub struct Member {
    pub language: Language,
    pub pid: u32,
    pub joined: bool,
    pub leads: bool,
    pub killed: bool,
    /// The last result or error.
    pub saw: Option<String>,
    /// By its subscription, all contents and how the last one looks.
    pub heard: Vec<String>,
    pub heard_as: String,
    pub resynced: bool,
    pub chases: bool,
    pub moved: Option<Moved>,
}

/// What a survivor tells of the change of leader.
#[derive(Clone, Copy)]
pub struct Moved {
    pub at: Instant,
    pub calls: usize,
    pub failed: usize,
}

pub struct Cast {
    pub members: Vec<Member>,
    /// The number of the first of them.
    first: usize,
    children: Children<Report>,
}

impl Language {
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Node => "Node",
        }
    }
}

impl Cast {
    pub fn new(first: usize) -> Self {
        Self { members: Vec::new(), first, children: Children::new() }
    }

    /// Starts a member, and waits until it is one.
    pub async fn join(&mut self, language: Language, server: &str, port: u16) -> Result<()> {
        let who = self.members.len();
        let (name, port) = (self.name(who), port.to_string());
        let pid = match language {
            Language::Rust => self.children.spawn(name, &["member", server, &port])?,
            Language::Node => self.children.spawn_other(name, node::member(&[server, &port]))?,
        };
        self.members.push(Member {
            language,
            pid,
            joined: false,
            leads: false,
            killed: false,
            saw: None,
            heard: Vec::new(),
            heard_as: String::new(),
            resynced: false,
            chases: false,
            moved: None,
        });
        self.until("it joins", |cast| cast.members[who].joined).await
    }

    /// Takes reports until `done`.
    pub async fn until(&mut self, awaited: &str, done: impl Fn(&Self) -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            let (who, at, report) = self.children.next(deadline, awaited).await?;
            self.members[who].take(at, report);
        }
        Ok(())
    }

    pub async fn order(&mut self, who: usize, order: &Order) -> Result<()> {
        self.children.order(who, order).await
    }

    /// Has every process do the same, and shows what each saw.
    pub async fn all_see(&mut self, screen: &Screen, order: &Order) -> Result<()> {
        for who in 0..self.members.len() {
            self.members[who].saw = None;
            self.order(who, order).await?;
        }
        self.until("each has seen something", |cast| {
            cast.members.iter().all(|member| member.saw.is_some())
        })
        .await?;
        self.show(screen, |member| member.saw.clone().unwrap_or_default());
        Ok(())
    }

    /// Kills the leader with SIGKILL. Returns the moment just before.
    pub fn kill_leader(&mut self) -> Result<Instant> {
        let leader = self.leader()?;
        let at = self.children.kill(leader)?;
        self.members[leader].killed = true;
        self.members[leader].leads = false;
        Ok(at)
    }

    /// The only one.
    pub fn leader(&self) -> Result<usize> {
        let leaders = self.members.iter().filter(|member| member.leads).count();
        ensure!(leaders == 1, "{leaders} leaders");
        self.members.iter().position(|member| member.leads).context("nobody leads")
    }

    pub fn survivors(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| !member.killed)
    }

    /// One line for each process: who, language, role, and what it saw.
    pub fn show(&self, screen: &Screen, saw: impl Fn(&Member) -> String) {
        for (who, member) in self.members.iter().enumerate() {
            let (role, tone) = match (member.killed, member.leads) {
                (true, _) => ("killed", Tone::Bad),
                (false, true) => ("LEADER", Tone::Leader),
                (false, false) => ("follower", Tone::Follower),
            };
            let label = format!("{}   {}", self.name(who), member.language.name());
            screen.row(&label, tone, role, &saw(member));
        }
    }

    fn name(&self, who: usize) -> String {
        format!("process {}", self.first + who)
    }

    pub async fn finish(self) -> Result<()> {
        self.children.finish(Instant::now() + PATIENCE).await
    }
}

impl Member {
    fn take(&mut self, at: Instant, report: Report) {
        match report {
            Report::Joined { leads } => (self.joined, self.leads) = (true, leads),
            Report::Saw { text } => self.saw = Some(text),
            Report::Heard { content, text } => {
                self.heard.push(content);
                self.heard_as = text;
            }
            Report::Resynced => self.resynced = true,
            Report::Chases => self.chases = true,
            // Its last words may come in after its end.
            Report::Moved { .. } if self.killed => {}
            Report::Moved { leads, calls, failed } => {
                self.leads = leads;
                self.moved = Some(Moved { at, calls, failed });
            }
        }
    }

    /// Whether its subscription brought that last.
    pub fn hears(&self, content: &str) -> bool {
        self.heard.last().is_some_and(|last| last == content)
    }
}
