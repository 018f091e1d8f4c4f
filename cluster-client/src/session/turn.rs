//! How much is done for one connection before the others get their turn.

use crate::limits::Limits;

/// What is left of a connection's turn.
pub(crate) struct Turn {
    packets: usize,
    bytes: usize,
}

impl Turn {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { packets: limits.frames_per_turn, bytes: limits.bytes_per_turn }
    }

    /// Whether another packet is handled in it.
    pub(crate) fn packet(&mut self) -> bool {
        let left = self.packets > 0;
        self.packets = self.packets.saturating_sub(1);
        left
    }

    /// So many bytes were read; whether they are looked at in it.
    pub(crate) fn read(&mut self, bytes: usize) -> bool {
        let left = self.packets > 0 && self.bytes > 0;
        self.bytes = self.bytes.saturating_sub(bytes);
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(frames_per_turn: usize, bytes_per_turn: usize) -> Turn {
        Turn::new(&Limits { frames_per_turn, bytes_per_turn, ..Limits::default() })
    }

    #[test]
    fn it_is_over_after_so_many_packets() {
        let mut turn = turn(2, 1000);
        assert_eq!([turn.packet(), turn.packet(), turn.packet()], [true, true, false]);
        assert!(!turn.read(1), "what comes now is the next turn's");
    }

    #[test]
    fn it_is_over_after_so_many_bytes() {
        let mut turn = turn(100, 10);
        assert_eq!([turn.read(9), turn.read(9), turn.read(9)], [true, true, false]);
    }
}
