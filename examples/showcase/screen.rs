use std::cell::Cell;
use std::io::{IsTerminal, stdout};
use std::time::{Duration, Instant};

/// Prints aligned lines, coloured on a terminal (unless `NO_COLOR` is set) and plain everywhere else.
pub struct Screen {
    coloured: bool,
    steps: Cell<u32>,
    started: Instant,
}

/// How a value is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// The process that holds the real client.
    Leader,
    /// A process that forwards its calls.
    Follower,
    /// As it should be.
    Good,
    /// Not as it should be, or killed.
    Bad,
}

impl Screen {
    /// Prints the title.
    pub fn new(title: &str, subtitle: &str) -> Self {
        let coloured = stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let screen = Self { coloured, steps: Cell::new(0), started: Instant::now() };
        println!("\n{}  {}", screen.paint(BOLD, title), screen.paint(DIM, subtitle));
        screen
    }

    /// A numbered heading, with the time since the start.
    pub fn step(&self, text: &str) {
        self.steps.set(self.steps.get() + 1);
        let elapsed = format!("{:>5.2} s", self.started.elapsed().as_secs_f64());
        let heading = format!("{}  {text:<76}", self.steps.get());
        println!("\n{} {}", self.paint(BOLD, &heading), self.paint(DIM, &elapsed));
    }

    /// One line of a step: who, what, and a remark.
    pub fn row(&self, label: &str, tone: Tone, value: &str, note: &str) {
        let style = match tone {
            Tone::Plain => PLAIN,
            Tone::Leader => YELLOW,
            Tone::Follower => CYAN,
            Tone::Good => GREEN,
            Tone::Bad => RED,
        };
        let value = self.paint(style, &format!("{value:<18}"));
        let line = format!("   {label:<24} {value} {}", self.paint(DIM, note));
        println!("{}", line.trim_end());
    }

    /// The line that scripts read, last and never painted.
    pub fn summary(&self, line: &str) {
        println!("\n{line}");
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.coloured && !style.is_empty() && !text.is_empty() {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

const PLAIN: &str = "";
const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "1;33";
const CYAN: &str = "36";

/// `7.31 ms`.
pub fn millis(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

/// `12345` as `12,345`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 connection`, `2 connections`.
pub fn plural(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}
