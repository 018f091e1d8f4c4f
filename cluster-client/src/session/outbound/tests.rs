use super::*;

fn write_all(out: &mut Outbound) -> Vec<u8> {
    let mut socket = Vec::new();
    while let Some(batch) = out.begin() {
        socket.extend_from_slice(batch.bytes());
        let written = batch.bytes().len();
        out.end(batch, written, WriteStatus::Done);
    }
    socket
}

#[test]
fn a_lone_caller_writes_at_once() {
    let mut out = Outbound::default();
    assert_eq!(out.append(b"call"), 4);
    assert!(out.should_flush());
    assert_eq!(write_all(&mut out), b"call");
    assert_eq!((out.pending(), out.written()), (0, 4));
}

#[test]
fn a_writer_takes_along_what_others_append() {
    let mut out = Outbound::default();
    out.append(b"a");
    let batch = out.begin().unwrap();
    out.append(b"b");
    assert!(!out.should_flush());
    assert!(out.begin().is_none(), "one writer at a time");
    assert_eq!((out.written(), out.maybe_written()), (0, 1));
    assert_eq!(out.end(batch, 1, WriteStatus::Done), Next::Again);
    assert_eq!(write_all(&mut out), b"b");
}

#[test]
fn what_was_left_goes_before_what_came_later() {
    let mut out = Outbound::default();
    out.append(b"abcd");
    let batch = out.begin().unwrap();
    out.append(b"ef");
    assert_eq!(out.end(batch, 1, WriteStatus::Blocked), Next::WakeTask);
    assert!(out.begin().is_none());
    out.append(b"gh");
    assert!(!out.should_flush());
    assert_eq!((out.pending(), out.written()), (7, 1));

    out.unblock();
    let batch = out.begin().unwrap();
    assert_eq!(batch.bytes(), b"bcd");
    assert_eq!(out.end(batch, 2, WriteStatus::Blocked), Next::WakeTask);
    out.unblock();
    assert_eq!(write_all(&mut out), b"defgh");
    assert_eq!((out.pending(), out.written()), (0, 8));
}

#[test]
fn what_no_writer_has_touched_can_be_withdrawn() {
    let mut out = Outbound::default();
    out.append(b"abcdef");
    let batch = out.begin().unwrap();
    out.append(b"ghijkl");
    assert_eq!(out.maybe_written(), 6, "the writer has the others");
    out.withdraw(&[6..7, 8..10]);
    out.end(batch, 2, WriteStatus::Blocked);
    assert_eq!((out.maybe_written(), out.pending()), (2, 7));
    out.withdraw(&[2..3, 4..6, 8..9]);
    out.unblock();
    assert_eq!(write_all(&mut out), b"dhk");
    assert_eq!((out.pending(), out.written(), out.queued()), (0, 5, 5));
}

#[test]
fn the_last_of_the_woken_callers_writes_for_all() {
    let mut out = Outbound::default();
    out.batch_woken(3);
    let flushes: Vec<bool> = (0..4)
        .map(|_| {
            out.append(b"x");
            out.should_flush()
        })
        .collect();
    assert_eq!(flushes, [false, false, true, true]);
    out.batch_woken(3);
    out.begin_turn();
    assert!(out.should_flush(), "the task has had its turn: nothing is put off");
}

#[test]
fn what_is_put_off_is_bounded() {
    let mut out = Outbound::default();
    out.batch_woken(100);
    out.append(&[0; DEFERRED - 1]);
    assert!(!out.should_flush());
    out.append(b"x");
    assert!(out.should_flush());
}

#[test]
fn a_broken_connection_takes_nothing_and_counts_nothing_as_written() {
    let mut out = Outbound::default();
    out.append(b"abcd");
    let batch = out.begin().unwrap();
    assert_eq!(out.end(batch, 2, WriteStatus::Broken), Next::WakeTask);
    assert_eq!(out.append(b"ef"), 6);
    assert!(!out.should_flush());
    assert!(out.begin().is_none());
    assert_eq!((out.written(), out.is_broken()), (2, true));
}

#[test]
fn what_a_writer_finds_when_it_comes_back_to_an_ended_connection_is_not_written() {
    let mut out = Outbound::default();
    out.append(b"written");
    let batch = out.begin().unwrap();
    out.append(b"told to be lost");
    assert_eq!(out.maybe_written(), 7);
    out.break_off();
    assert_eq!(out.end(batch, 7, WriteStatus::Done), Next::WakeTask);
    out.append(b"late");
    assert!(!out.should_flush());
    assert_eq!(write_all(&mut out), b"");

    let mut out = Outbound::default();
    out.append(b"left behind");
    let batch = out.begin().unwrap();
    out.break_off();
    assert_eq!(out.end(batch, 4, WriteStatus::Blocked), Next::WakeTask);
    out.unblock();
    assert_eq!(write_all(&mut out), b"");
}

#[test]
fn buffers_shrink_after_a_burst_and_are_reused_otherwise() {
    let mut out = Outbound::default();
    out.append(&vec![0; 2 * KEPT]);
    write_all(&mut out);
    assert!(out.buf.capacity() <= KEPT && out.spare.capacity() <= KEPT);

    for _ in 0..2 {
        out.append(&[0; 100]);
        write_all(&mut out);
    }
    let buffers = [out.buf.as_ptr(), out.spare.as_ptr()];
    for _ in 0..2 {
        out.append(&[0; 100]);
        write_all(&mut out);
    }
    assert_eq!(buffers, [out.buf.as_ptr(), out.spare.as_ptr()]);
}
