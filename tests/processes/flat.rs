//! Whether a process takes more and more of the machine.

use std::fmt;

use support::process::Member;
use support::report::{Command, Report};
use support::vitals::Vitals;

/// By how much an average of many samples may rise from the second fifth of a run, when all is warm, to the last one.
struct Tolerance {
    descriptors: f64,
    threads: f64,
    /// Alive tokio tasks.
    tasks: f64,
    /// KiB.
    resident: f64,
}

const TOLERANCE: Tolerance =
    Tolerance { descriptors: 2.0, threads: 0.5, tasks: 4.0, resident: 2_048.0 };

/// Of fewer samples a fifth is none, or one that may be anything.
const FEWEST: usize = 10;

/// One process over time.
#[derive(Default)]
pub(crate) struct Course {
    samples: Vec<[f64; 4]>,
}

impl Course {
    pub(crate) fn sample_member(&mut self, member: &Member) {
        let tasks = member.ask(&Command::CountTasks, |report| match report {
            Report::Tasks(tasks) => Some(*tasks),
            _ => None,
        });
        self.sample(member.pid(), tasks);
    }

    pub(crate) fn sample_this_process(&mut self) {
        self.sample(std::process::id(), 0);
    }

    fn sample(&mut self, pid: u32, tasks: usize) {
        if let Some(Vitals { descriptors, threads, resident, .. }) = Vitals::of(pid) {
            self.samples.push([descriptors, threads, tasks, resident].map(|number| number as f64));
        }
    }

    /// The averages of the second fifth and of the last one.
    fn early_and_late(&self) -> [[f64; 4]; 2] {
        let fifth = self.samples.len() / 5;
        let late = self.samples.len().saturating_sub(fifth);
        [fifth..2 * fifth, late..self.samples.len()].map(|range| {
            let samples = self.samples.get(range).unwrap_or_default();
            let sum = |column: usize| samples.iter().map(|sample| sample[column]).sum::<f64>();
            [0, 1, 2, 3].map(|column| sum(column) / samples.len().max(1) as f64)
        })
    }

    pub(crate) fn assert_flat(&self, who: &str) {
        self.assert_flat_but(0.0, who);
    }

    /// It keeps so many KiB more at the end than at the beginning, and is flat but for that.
    pub(crate) fn assert_flat_but(&self, kept: f64, who: &str) {
        let enough = self.samples.len() >= FEWEST || !cfg!(target_os = "linux");
        assert!(enough, "{who}: {} samples say nothing", self.samples.len());
        let [early, late] = self.early_and_late();
        let Tolerance { descriptors, threads, tasks, resident } = TOLERANCE;
        for (column, most) in [descriptors, threads, tasks, resident + kept].into_iter().enumerate()
        {
            let rise = late[column] - early[column];
            assert!(rise <= most, "{who}: {self}");
        }
    }
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [early, late] = self.early_and_late();
        let names = ["descriptors", "threads", "tasks", "KiB"];
        for (column, name) in names.into_iter().enumerate() {
            write!(f, "{name} {:.1} -> {:.1}  ", early[column], late[column])?;
        }
        write!(f, "({} samples)", self.samples.len())
    }
}

#[test]
fn what_rises_all_the_time_is_not_flat() {
    let course = |step: f64| Course {
        samples: (0..100).map(|number| [20.0 + step * f64::from(number), 1.0, 9.0, 1e4]).collect(),
    };
    course(0.01).assert_flat("one in a hundred rounds");
    let rising = std::panic::catch_unwind(|| course(0.1).assert_flat("one in ten rounds"));
    assert!(rising.is_err());
}
