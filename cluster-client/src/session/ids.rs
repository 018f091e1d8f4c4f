//! The ids of a connection's requests, by which answers find them.

use std::collections::HashMap;

/// Low bits of a [packed](Ids::Packed) id; the others are the sequence.
pub(crate) const INDEX_BITS: u32 = 16;

/// The ids that a Node process makes and expects: above this they begin again at 1.
const MAX_NODE_ID: u64 = (1 << 30) - 1;

/// How ids are made.
#[derive(Debug, Default)]
pub(crate) enum Ids {
    /// `sequence << 16 | slot`: the slot is found without a search.
    #[default]
    Packed,
    /// One after the other, for a leader that is a Node process.
    Sequential { last: u64, slots: HashMap<u64, u16> },
}

impl Ids {
    pub(crate) fn sequential() -> Self {
        Self::Sequential { last: 0, slots: HashMap::new() }
    }

    /// The id of the call that takes a slot.
    pub(crate) fn assign(&mut self, sequence: u64, slot: u16) -> u64 {
        let id = self.next(sequence);
        match self {
            Self::Packed => id | u64::from(slot),
            Self::Sequential { slots, .. } => {
                slots.insert(id, slot);
                id
            }
        }
    }

    /// The id of a request that has no slot.
    pub(crate) fn next(&mut self, sequence: u64) -> u64 {
        match self {
            Self::Packed => sequence << INDEX_BITS,
            Self::Sequential { last, slots } => {
                // Ends: there are fewer slots than ids.
                loop {
                    *last = *last % MAX_NODE_ID + 1;
                    if !slots.contains_key(last) {
                        return *last;
                    }
                }
            }
        }
    }

    /// The slot of the call with this id, as long as it has one.
    pub(crate) fn slot(&self, id: u64) -> Option<u16> {
        match self {
            Self::Packed => Some(id as u16),
            Self::Sequential { slots, .. } => slots.get(&id).copied(),
        }
    }

    /// The call has given its slot back.
    pub(crate) fn release(&mut self, id: u64) {
        if let Self::Sequential { slots, .. } = self {
            slots.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_id_holds_its_sequence_and_its_slot() {
        let mut ids = Ids::default();
        assert_eq!(ids.assign(7, 3), 7 << 16 | 3);
        assert_eq!(ids.slot(7 << 16 | 3), Some(3));
        assert_eq!(ids.next(8), 8 << 16);
    }

    #[test]
    fn sequential_ids_count_whatever_they_are_for() {
        let mut ids = Ids::sequential();
        assert_eq!((ids.assign(100, 5), ids.next(101), ids.assign(102, 6)), (1, 2, 3));
        assert_eq!((ids.slot(1), ids.slot(2), ids.slot(3)), (Some(5), None, Some(6)));
        ids.release(1);
        assert_eq!(ids.slot(1), None);
    }

    #[test]
    fn sequential_ids_begin_again_and_spare_those_in_use() {
        let mut ids = Ids::sequential();
        assert_eq!(ids.assign(0, 9), 1);
        let Ids::Sequential { last, .. } = &mut ids else { panic!("they are sequential") };
        *last = MAX_NODE_ID - 1;
        assert_eq!((ids.assign(0, 1), ids.assign(0, 2)), (MAX_NODE_ID, 2));
        assert_eq!((ids.slot(1), ids.slot(2)), (Some(9), Some(2)));
    }
}
