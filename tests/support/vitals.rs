//! What a process takes of the machine, where the system shows it: on Linux.

use std::fs;

/// At one moment.
#[derive(Clone, Copy, Debug)]
pub struct Vitals {
    /// Open files and sockets.
    pub descriptors: usize,
    pub threads: usize,
    /// Memory that it occupies, in KiB.
    pub resident: usize,
    /// The most of it since [`forget_peak`], in KiB, however short it was.
    pub peak: usize,
}

impl Vitals {
    /// `None` if the process has ended, or the system does not tell.
    pub fn of(pid: u32) -> Option<Self> {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let number = |field| {
            let line = status.lines().find_map(|line| line.strip_prefix(field))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some(Self {
            descriptors,
            threads: number("Threads:")?,
            resident: number("VmRSS:")?,
            peak: number("VmHWM:")?,
        })
    }
}

/// The peak begins anew with what the process occupies now.
pub fn forget_peak(pid: u32) {
    // Where the system does not tell, there is nothing to forget.
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}
