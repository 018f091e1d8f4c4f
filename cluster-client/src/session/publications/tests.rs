use super::*;

const BOUNDS: Bounds = Bounds { keys: 3, bytes: 30 };
const A: SubscriberId = SubscriberId(1);
const B: SubscriberId = SubscriberId(2);

fn key(key: &str) -> PublicationKey {
    PublicationKey { method: 3, key: key.to_owned() }
}

fn by(who: SubscriberId, sequence: u64) -> By {
    By { who, sequence, again: false }
}

#[test]
fn a_long_key_is_short_and_the_same_everywhere() {
    let new = |len: usize| PublicationKey::new(3, "x".repeat(len)).key;
    assert_eq!(new(KEY_BYTES), "x".repeat(KEY_BYTES));
    assert_eq!(new(KEY_BYTES + 1), "257 bytes cec9bc12a07def3512e8f7ba56b50025");
    assert_ne!(new(100_000), new(100_001));
}

#[test]
fn a_later_publication_takes_the_key_over() {
    let mut owners = Owners::default();
    assert_eq!(owners.published(key("x"), by(A, 1), Some("first"), 5), None);
    assert_eq!(owners.published(key("x"), by(A, 2), Some("second"), 5), None);
    assert_eq!(owners.published(key("x"), by(B, 1), Some("third"), 5), Some(by(A, 2)));
    assert_eq!(owners.owned_by(A), []);
    assert_eq!(owners.take(&key("x"), A), None);
    assert_eq!(owners.owned_by(B), [key("x")]);
    assert_eq!(owners.take(&key("x"), B), Some("third"));
}

#[test]
fn an_undone_publication_is_not_taken_back_again() {
    let mut owners = Owners::default();
    owners.published(key("x"), by(A, 1), Some("x"), 5);
    owners.published(key("y"), by(A, 2), None, 5);
    assert_eq!(owners.undone(&key("x")), Some(by(A, 1)));
    assert_eq!(owners.undone(&key("x")), None);
    assert_eq!(owners.owned_by(A), [key("y")]);
    assert_eq!(owners.take(&key("y"), A), None);
}

fn remembered(publications: &Remembered) -> Vec<(u64, Bytes)> {
    publications.all().into_iter().map(|(_, sequence, arguments)| (sequence, arguments)).collect()
}

#[test]
fn only_the_last_confirmed_publication_of_a_key_is_remembered() {
    let mut mine = Remembered::default();
    mine.begin(key("x"), 1, Bytes::from_static(b"1"), BOUNDS).unwrap();
    assert_eq!(remembered(&mine), []);
    mine.confirm(&key("x"), 1);
    mine.begin(key("x"), 2, Bytes::from_static(b"2"), BOUNDS).unwrap();
    assert_eq!(remembered(&mine), [(1, Bytes::from_static(b"1"))]);
    mine.confirm(&key("x"), 2);
    assert_eq!(remembered(&mine), [(2, Bytes::from_static(b"2"))]);

    mine.begin(key("x"), 3, Bytes::from_static(b"3"), BOUNDS).unwrap();
    mine.fail(&key("x"), 3);
    assert_eq!(remembered(&mine), [(2, Bytes::from_static(b"2"))]);
}

#[test]
fn what_was_taken_before_its_answer_was_read_is_not_remembered() {
    let mut mine = Remembered::default();
    mine.begin(key("x"), 1, Bytes::new(), BOUNDS).unwrap();
    mine.begin(key("x"), 2, Bytes::new(), BOUNDS).unwrap();
    mine.taken(&key("x"), 1);
    mine.confirm(&key("x"), 1);
    assert_eq!(remembered(&mine), []);
    mine.confirm(&key("x"), 2);
    assert_eq!(remembered(&mine), [(2, Bytes::new())]);
    mine.taken(&key("x"), 2);
    assert!(mine.by_key.is_empty());
}

#[test]
fn what_was_taken_back_alone_before_its_answer_was_read_stays_so() {
    let mut mine = Remembered::default();
    mine.begin(key("x"), 1, Bytes::new(), BOUNDS).unwrap();
    mine.taken(&key("x"), 1);
    assert!(mine.withdraw(key("x"), 1) && mine.withdraw(key("x"), 1));
    assert!(!mine.withdraw(key("y"), 1));
    assert!(!mine.confirm(&key("x"), 1));
    assert_eq!(mine.take_withdrawn(), BTreeSet::from([key("x")]));
    assert!(mine.withdraw(key("x"), 1));
    mine.begin(key("x"), 2, Bytes::new(), BOUNDS).unwrap();
    assert!(mine.confirm(&key("x"), 2));
    assert_eq!(mine.take_withdrawn(), BTreeSet::new());
}

#[test]
fn what_one_member_has_published_is_bounded() {
    let mut mine = Remembered::default();
    for (sequence, name) in ["x", "y", "z"].into_iter().enumerate() {
        mine.begin(key(name), sequence as u64, Bytes::from_static(b"five!"), BOUNDS).unwrap();
    }
    let more = |mine: &mut Remembered, name, bytes: &'static [u8]| {
        mine.begin(key(name), 9, Bytes::from_static(bytes), BOUNDS)
    };
    assert_eq!(more(&mut mine, "more", b""), Err("limits.publications_per_follower"));
    mine.confirm(&key("x"), 0);
    let bytes = Err("limits.publication_bytes_per_follower");
    assert_eq!(more(&mut mine, "x", &[0; 21]), bytes, "in place of the five there");
    assert_eq!(more(&mut mine, "x", &[0; 20]), Ok(()));
    assert_eq!(more(&mut mine, "x", b"1"), bytes, "what is under way is held, too");
    let mut mine = Remembered::default();
    assert_eq!(more(&mut mine, "x", &[0; 20]), Ok(()));
    assert_eq!(more(&mut mine, "y", &[0; 20]), Err("limits.publication_bytes_per_follower"));

    let mut owners = Owners::default();
    for name in ["x", "y", "z"] {
        owners.published(key(name), by(A, 1), Some(()), 5);
    }
    let full = Err("limits.publications_per_follower");
    assert_eq!(owners.room_for(&key("more"), A, 5, BOUNDS), full);
    assert_eq!(owners.room_for(&key("x"), A, 5, BOUNDS), Ok(()));
    assert_eq!(owners.room_for(&key("x"), A, 20, BOUNDS), Ok(()));
    assert_eq!(owners.room_for(&key("x"), A, 21, BOUNDS), bytes, "in place of the five there");
    assert_eq!(owners.room_for(&key("more"), B, 5, BOUNDS), Ok(()));
    // What is taken over, undone or taken back makes room.
    owners.published(key("x"), by(B, 1), Some(()), 5);
    assert_eq!(owners.room_for(&key("more"), A, 5, BOUNDS), Ok(()));
    assert_eq!(owners.room_for(&key("more"), A, 25, BOUNDS), bytes);
}
